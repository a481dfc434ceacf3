"""Whom each of Twilio's errors concerns: the recipient, the account, or nobody knows."""

import pytest

from tests.providers.http_server import Answer, HttpServer, serving
from tests.providers.sms.twilio_account import Twilio, error, sending
from winback.providers.errors import OutcomeUnknown, ProviderMisconfigured, ProviderTrouble
from winback.providers.sms.twilio_errors import TWILIO_ERRORS, About


@pytest.fixture
def account() -> Twilio:
    return Twilio()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (21610, "opted_out_at_provider"),
        (21211, "number_invalid"),
        (21614, "number_not_mobile"),
        (21408, "region_not_enabled"),
        (21612, "number_unreachable"),
        (30003, "number_unreachable"),
        (30005, "number_unknown"),
        (30006, "number_landline"),
        (30004, "blocked_by_carrier"),
        (21617, "content_refused"),
    ],
)
def test_a_recipient_refused_concerns_nobody_else(account: Twilio, server: HttpServer, code: int, reason: str) -> None:
    account.script = [error(400, code, "The number +14155550101 cannot be written to")]

    hearing, trouble = sending(server, 1, 2)

    assert trouble is None
    assert hearing.became(1, 2) == ["refused", "handed_over"]
    assert hearing.code_of("ref-1") == reason
    assert "4155550101" not in hearing.detail_of("ref-1")


@pytest.mark.parametrize(
    ("status", "code", "error_type"),
    [
        (401, 20003, ProviderMisconfigured),
        (404, 20404, ProviderMisconfigured),
        (400, 21606, ProviderMisconfigured),
        (400, 21703, ProviderMisconfigured),
        (400, 30034, ProviderMisconfigured),
        (400, 30032, ProviderMisconfigured),
        (400, 30007, ProviderMisconfigured),
        (403, 0, ProviderMisconfigured),
        (429, 20429, ProviderTrouble),
        (429, 0, ProviderTrouble),
        (400, 21611, ProviderTrouble),
    ],
)
def test_the_accounts_trouble_uses_up_nobody(
    account: Twilio, server: HttpServer, status: int, code: int, error_type: type[Exception]
) -> None:
    account.script = [error(status, code, "No")]

    hearing, trouble = sending(server, 1, 2)

    assert type(trouble) is error_type
    assert hearing.became(1, 2) == ["not_left", "untouched"]
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        Answer(hang=3),
        Answer(cut=True),
        error(500, 20500, "Internal Server Error"),
        Answer(503, b"<html>busy</html>"),
        Answer(201, b"<html>maintenance</html>"),
        Answer(201, b"[]"),
    ],
    ids=["silence", "cut", "500", "503", "no JSON", "other JSON"],
)
def test_what_may_have_arrived_is_unknown(account: Twilio, server: HttpServer, answer: Answer) -> None:
    account.script = [answer]

    hearing, trouble = sending(server, 1, 2, timeout_seconds=answer.patience)

    assert type(trouble) is OutcomeUnknown
    assert hearing.became(1, 2) == ["unknown", "untouched"]
    assert len(server.requests) == 1, "never sent again by itself"


def test_a_redirect_is_not_followed_with_the_password(account: Twilio, server: HttpServer) -> None:
    with serving(lambda _: Answer(201, {})) as elsewhere:
        account.script = [Answer(307, {}, {"Location": f"{elsewhere.url}/Messages.json"})]

        hearing, trouble = sending(server, 1)

        assert type(trouble) is ProviderTrouble
        assert hearing.became(1) == ["not_left"]
        assert elsewhere.requests == []


def test_an_rfc_9457_problem_is_understood(account: Twilio, server: HttpServer) -> None:
    problem = {"type": "https://…", "title": "Opted out", "status": 400, "code": 21610, "detail": "No"}
    account.script = [Answer(400, problem)]

    hearing, _ = sending(server, 1)

    assert hearing.code_of("ref-1") == "opted_out_at_provider"


def test_an_error_nobody_knows_defers_one_and_stops_when_it_goes_on(account: Twilio, server: HttpServer) -> None:
    account.script = [error(400, 99999, "Something new about +14155550101")] * 3

    hearing, trouble = sending(server, 1, 2, 3, 4)

    assert type(trouble) is ProviderMisconfigured
    assert hearing.became(1, 2, 3, 4) == ["deferred", "deferred", "not_left", "untouched"]
    assert "5550101" not in str(trouble)


def test_the_table_says_of_every_code_whom_it_concerns() -> None:
    assert {about for about, _ in TWILIO_ERRORS.values()} == set(About)
