"""Where somebody is named: their whole address in any spelling, and never a part of another's."""

import pytest

from campaigns.tracking.spelled import Spelled

ANN = Spelled(
    ["ann@example.com", "ann+x@example.com", "o'brien@example.com", "jörg@example.com", "13125550142", "cust-100001"],
    ["wb-12"],
)


@pytest.mark.parametrize(
    "text",
    [
        '{"to": "ann@example.com"}', "To: Ann <ANN@Example.com>", "mailto:ann@example.com?x=1", "-ann@example.com",
        '{"text": "hello\\nann@example.com."}', '{"json": "{\\"text\\": \\"\\\\nann@example.com\\"}"}',
        "\\u003cann@example.com\\u003e", "&lt;ann@example.com&gt;", "=3Dann@example.com", "“ann@example.com”",
        "mail ann@example.com. Then wait", "to=ann%40example.com&x=1", "to=%3Cann%40example.com%3E",
        "to=ann%2Bx%40example.com", "to=ann%2bx%40example.com", "from=o%27brien%40example.com", "o'brien@example.com",
        '{"to": "j\\u00f6rg@example.com"}', "JÖRG@example.com", "j%C3%B6rg%40example.com", "ann@example.com\xff",
        "+13125550142", "From=%2B13125550142", "a%2013125550142", "tel:13125550142.", "CUST-100001", "ref=wb-12&x",
        "wb-12",
    ],
)  # fmt: skip
def test_a_whole_address_is_found(text: str) -> None:
    assert ANN.named_in(text)
    assert ANN.named_in(text.encode())
    assert not ANN.named_in(ANN.covered(text.encode()))


@pytest.mark.parametrize(
    "text",
    [
        "joann@example.com", "mary.ann@example.com", "mary-ann@example.com", "mary_ann@example.com",
        "jo+ann@example.com", "jo%2Bann%40example.com", "joann%40example.com", "öann@example.com",
        '"\\u00f6ann@example.com"',
        "%C3%B6ann%40example.com", "d'o'brien@example.com", "ann@example.com.au", "ann@example.community",
        "ann@example.com-x.org", "131255501429", "913125550142", "%2B913125550142", "cust-1000012", "xcust-100001",
        "wb-123", "", "ann@example",
    ],
)  # fmt: skip
def test_a_part_of_another_s_is_not(text: str) -> None:
    assert not ANN.named_in(text)
    assert ANN.covered(text.encode()) == text.encode()


def test_what_is_covered_stays_what_it_is() -> None:
    body = '{"a": "ann@example.com", "b": "joann@example.com", "c": "jörg@example.com ü"}'.encode() + b"\xff"

    covered = ANN.covered(body)

    assert len(covered) == len(body)
    assert covered.endswith(b'", "b": "joann@example.com", "c": "xxxxxxxxxxxxxxxxx \xc3\xbc"}\xff')


def test_nobody_is_named_nowhere() -> None:
    for nobody in (Spelled([]), Spelled([""], [""])):
        assert not nobody
        assert not nobody.named_in("ann@example.com")
        assert nobody.covered(b"ann") == b"ann"
