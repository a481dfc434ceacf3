"""What a provider's trouble says is shown to staff and logged: it names nobody."""

import pytest

from winback.providers.errors import OutcomeUnknown, ProviderMisconfigured, ProviderTrouble, without_addresses


@pytest.mark.parametrize(
    "said",
    ["550 5.1.1 <ana.oak@example.com>: no such user", "to ana.oak@example.com,bo@example.org", "'ana.oak@example.com'"],
)
def test_takes_addresses_out(said: str) -> None:
    assert "oak" not in str(ProviderTrouble(said))
    assert "<address>" in without_addresses(said)


@pytest.mark.parametrize("said", ["The 'To' number +14155550123 is not valid", "+1 (415) 555-0123", "+44 20 7946 0958"])
def test_takes_numbers_out(said: str) -> None:
    assert "55" not in without_addresses(said)
    assert "0958" not in without_addresses(said)


def test_keeps_codes_and_is_one_short_line() -> None:
    assert without_addresses("550 5.7.1\r\nrefused") == "550 5.7.1 refused"
    assert len(without_addresses("x" * 5000)) == 500


def test_whoever_waits_for_trouble_hears_of_every_kind() -> None:
    assert issubclass(ProviderMisconfigured, ProviderTrouble)
    assert issubclass(OutcomeUnknown, ProviderTrouble)
