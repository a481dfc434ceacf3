"""Whom each of Postmark's errors concerns: the recipient, the account, or nobody knows."""

import pytest

from tests.providers.email.postmark_account import Postmark, error, sending
from tests.providers.http_server import Answer, HttpServer, serving
from winback.providers.errors import OutcomeUnknown, ProviderMisconfigured, ProviderTrouble


@pytest.fixture
def account() -> Postmark:
    return Postmark()


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (
            error(
                406,
                "You tried to send to recipient(s) that have been marked as inactive. Found inactive addresses:"
                " ana1@example.org. Inactive recipients are ones that have generated a hard bounce or a spam"
                " complaint.",
            ),
            "suppressed_at_provider",
        ),
        (error(300, "Invalid 'To' address: 'ana1@example.org'."), "address_unusable"),
        (error(300, "Error parsing 'To': Illegal email domain 'x' in address 'ana1@example.org'."), "address_unusable"),
    ],
)
def test_a_recipient_refused_concerns_nobody_else(
    account: Postmark, server: HttpServer, answer: Answer, code: str
) -> None:
    account.script = [answer]

    hearing, trouble = sending(server, 1, 2)

    assert trouble is None
    assert hearing.became(1, 2) == ["refused", "handed_over"]
    assert hearing.code_of("ref-1") == code
    assert "ana1" not in hearing.detail_of("ref-1")


@pytest.mark.parametrize(
    ("answer", "error_type"),
    [
        (error(10, "Bad or missing Server API token.", status=401), ProviderMisconfigured),
        (error(400, "The 'From' address you supplied is not a Sender Signature."), ProviderMisconfigured),
        (error(412, "Your account is pending approval."), ProviderMisconfigured),
        (error(405, "Not allowed to send: out of credits."), ProviderMisconfigured),
        (error(1235, "The stream does not exist."), ProviderMisconfigured),
        (error(429, "Rate limit exceeded.", status=429), ProviderTrouble),
    ],
)
def test_the_accounts_trouble_uses_up_nobody(
    account: Postmark, server: HttpServer, answer: Answer, error_type: type[Exception]
) -> None:
    account.script = [answer]

    hearing, trouble = sending(server, 1, 2)

    assert type(trouble) is error_type
    assert hearing.became(1, 2) == ["not_left", "untouched"]
    assert len(server.requests) == 1


def test_says_how_long_the_service_wants_to_rest(account: Postmark, server: HttpServer) -> None:
    account.script = [error(429, "Rate limit exceeded.", status=429, **{"Retry-After": "30"})]

    _, trouble = sending(server, 1)

    assert isinstance(trouble, ProviderTrouble)
    assert trouble.retry_after_seconds == 30


@pytest.mark.parametrize(
    "answer",
    [
        Answer(hang=3),
        Answer(cut=True),
        Answer(500, {"ErrorCode": 500, "Message": "oops"}),
        Answer(502, b"<html>bad gateway</html>"),
        Answer(200, b"<html>maintenance</html>"),
        Answer(200, {"surprise": True}),
    ],
    ids=["silence", "cut", "500", "502", "no JSON", "other JSON"],
)
def test_what_may_have_arrived_is_unknown(account: Postmark, server: HttpServer, answer: Answer) -> None:
    account.script = [answer]

    hearing, trouble = sending(server, 1, 2, timeout_seconds=answer.patience)

    assert type(trouble) is OutcomeUnknown
    assert hearing.became(1, 2) == ["unknown", "untouched"]
    assert len(server.requests) == 1, "never sent again by itself"


def test_a_redirect_is_not_followed_with_the_token(account: Postmark, server: HttpServer) -> None:
    with serving(lambda _: Answer(200, {})) as elsewhere:
        account.script = [Answer(307, {}, {"Location": f"{elsewhere.url}/email"})]

        hearing, trouble = sending(server, 1)

        assert type(trouble) is ProviderTrouble
        assert hearing.became(1) == ["not_left"]
        assert elsewhere.requests == []


def test_an_error_nobody_knows_defers_one_and_stops_when_it_goes_on(account: Postmark, server: HttpServer) -> None:
    account.script = [error(9999, "Something new about ana1@example.org.")] * 3

    hearing, trouble = sending(server, 1, 2, 3, 4)

    assert type(trouble) is ProviderMisconfigured
    assert hearing.became(1, 2, 3, 4) == ["deferred", "deferred", "not_left", "untouched"]
    assert "ana1" not in str(trouble)
