"""The services of django-anymail, each against a local server that speaks its published API."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.providers.email.contract import EmailProviderContract, FailingContract, Received, email
from tests.providers.email.vendors.brevo import BREVO
from tests.providers.email.vendors.every import VENDORS
from tests.providers.email.vendors.mailgun import MAILGUN
from tests.providers.email.vendors.mailjet import MAILJET
from tests.providers.email.vendors.postal import POSTAL
from tests.providers.email.vendors.resend import RESEND
from tests.providers.email.vendors.unisender_go import UNISENDER_GO
from tests.providers.email.vendors.vendor import Account, Vendor, connect
from tests.providers.hearing import Hearing, hear
from tests.providers.http_server import Answer, HttpServer, serving
from tests.providers.ports import free_port
from winback.providers import registry
from winback.providers.email.base import EmailProvider
from winback.providers.errors import OutcomeUnknown, ProviderMisconfigured, ProviderTrouble

EVERY = pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.code)
# Poison: whoever looks at the global settings sends with somebody else's key, or elsewhere.
SOMEBODY_ELSES = {
    f"{vendor.code.upper().replace('-', '_')}_{name}": "somebody else's"
    for vendor in VENDORS
    for name in ("API_KEY", "API_TOKEN", "SECRET_KEY", "API_URL", "SENDER_DOMAIN", "PROJECT_ID", "SUBACCOUNT")
} | {"SEND_DEFAULTS": {"tags": ["global"]}, "MAILTRAP_SANDBOX_ID": "7", "IGNORE_UNSUPPORTED_FEATURES": True}


@pytest.fixture
def account(vendor: Vendor) -> Account:
    return Account(vendor)


def sending(vendor: Vendor, url: str, *numbers: int, **told: Any) -> tuple[Hearing, ProviderTrouble | None]:
    return hear(connect(vendor, url, **told), [email(number) for number in numbers])


@EVERY
class TestService(EmailProviderContract, FailingContract):
    @pytest.fixture
    def provider(self, vendor: Vendor, server: HttpServer, account: Account, settings: Any) -> EmailProvider:
        settings.ANYMAIL = SOMEBODY_ELSES
        self.account = account
        return connect(vendor, server.url)

    @pytest.fixture
    def down(self, vendor: Vendor) -> EmailProvider:
        return connect(vendor, f"http://127.0.0.1:{free_port()}")

    def received(self) -> Sequence[Received]:
        return [self.account.vendor.received(sent) for sent in self.account.sent]


@pytest.mark.parametrize(
    "vendor", [vendor for vendor in VENDORS if vendor.tracking_off], ids=lambda vendor: vendor.code
)
def test_asks_not_to_be_tracked(vendor: Vendor, account: Account, server: HttpServer) -> None:
    sending(vendor, server.url, 1)

    assert vendor.tracking_off is not None
    assert vendor.tracking_off(account.sent[0])


@pytest.mark.parametrize(
    ("vendor", "reason"),
    [
        (vendor, reason)
        for vendor in VENDORS
        for reason in vendor.errors
        if reason not in ("misconfigured", "deferred", "refused_for_now")
    ],
    ids=lambda value: getattr(value, "code", value),
)
def test_a_recipient_refused_concerns_nobody_else(
    vendor: Vendor, account: Account, server: HttpServer, reason: str
) -> None:
    account.script = [vendor.errors[reason]]

    hearing, trouble = sending(vendor, server.url, 1, 2)

    assert trouble is None
    assert hearing.became(1, 2) == ["refused", "handed_over"]
    assert hearing.code_of("ref-1") == reason
    assert "ana1" not in hearing.detail_of("ref-1")


@EVERY
def test_the_accounts_trouble_uses_up_nobody(vendor: Vendor, account: Account, server: HttpServer) -> None:
    account.script = [vendor.errors["misconfigured"]]

    hearing, trouble = sending(vendor, server.url, 1, 2)

    assert type(trouble) is ProviderMisconfigured
    assert hearing.became(1, 2) == ["not_left", "untouched"]
    assert "example.org" not in str(trouble)


@EVERY
def test_a_wrong_key_is_for_a_person_to_mend(vendor: Vendor, account: Account, server: HttpServer) -> None:
    wrong = {name: "wrong" for name in ("api_key", "api_token", "secret_key") if name in vendor.told}

    hearing, trouble = sending(vendor, server.url, 1, 2, **wrong)
    result = connect(vendor, server.url, **wrong).probe()

    assert type(trouble) is ProviderMisconfigured
    assert hearing.became(1, 2) == ["not_left", "untouched"]
    assert (result.ok, result.code) == (False, "misconfigured")


@EVERY
def test_too_many_requests_are_waited_for(vendor: Vendor, account: Account, server: HttpServer) -> None:
    account.script = [Answer(429, {"message": "Too many"}, {"Retry-After": "30"})]

    hearing, trouble = sending(vendor, server.url, 1, 2)

    assert type(trouble) is ProviderTrouble
    assert trouble.retry_after_seconds == 30
    assert hearing.became(1, 2) == ["not_left", "untouched"]


@EVERY
@pytest.mark.parametrize(
    "answer",
    [Answer(cut=True), Answer(500, {"message": "oops"}), Answer(502, b"<html>"), Answer(200, b"<html>")],
    ids=["cut", "500", "502", "no JSON"],
)
def test_what_may_have_arrived_is_unknown(vendor: Vendor, account: Account, server: HttpServer, answer: Answer) -> None:
    account.script = [answer]

    hearing, trouble = sending(vendor, server.url, 1, 2)

    assert type(trouble) is OutcomeUnknown
    assert hearing.became(1, 2) == ["unknown", "untouched"]
    assert len(server.requests) == 1, "never sent again by itself"


@EVERY
def test_an_error_nobody_knows_defers_one_and_stops_when_it_goes_on(
    vendor: Vendor, account: Account, server: HttpServer
) -> None:
    account.script = [vendor.errors["deferred"]] * 3

    hearing, trouble = sending(vendor, server.url, 1, 2, 3, 4)

    assert type(trouble) is ProviderMisconfigured
    assert hearing.became(1, 2, 3, 4) == ["deferred", "deferred", "not_left", "untouched"]
    assert "ana1" not in str(trouble)


@EVERY
def test_a_redirect_is_not_followed_with_the_key(vendor: Vendor, account: Account, server: HttpServer) -> None:
    with serving(lambda _: Answer(200, {})) as elsewhere:
        account.script = [Answer(307, {}, {"Location": f"{elsewhere.url}/"})]

        hearing, trouble = sending(vendor, server.url, 1)

        assert type(trouble) is ProviderTrouble
        assert hearing.became(1) == ["not_left"]
        assert elsewhere.requests == []


@EVERY
def test_a_netrc_of_this_host_replaces_no_key(
    vendor: Vendor, account: Account, server: HttpServer, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    hearing, _ = sending(vendor, server.url, 1)

    assert hearing.became(1) == ["handed_over"]
    assert connect(vendor, server.url).probe().ok


@EVERY
@pytest.mark.parametrize("answer", [Answer(503), Answer(429), Answer(200, b"<html>"), Answer(cut=True)], ids=repr)
def test_a_bad_minute_is_no_wrong_setting(vendor: Vendor, answer: Answer) -> None:
    with serving(lambda _: answer) as server:
        result = connect(vendor, server.url).probe()

    assert (result.ok, result.code) == (False, "does_not_answer")


@EVERY
def test_every_field_says_what_it_is(vendor: Vendor) -> None:
    fields = {field.name: field for field in registry.provider("email", vendor.code).fields}

    assert all(field.secret for name, field in fields.items() if name in ("api_token", "secret_key", "signing_secret"))
    assert {name for name in vendor.told if name not in fields} == set()


def test_a_key_that_may_only_send_is_a_good_key() -> None:
    restricted = {
        "statusCode": 401,
        "name": "restricted_api_key",
        "message": "This API key is restricted to only send emails",
    }
    with serving(lambda _: Answer(401, restricted)) as server:
        assert connect(RESEND, server.url).probe().ok


def test_resend_gets_an_idempotency_key_a_message() -> None:
    account = Account(RESEND)
    with serving(account) as server:
        sending(RESEND, server.url, 1, 2)

        assert [request.headers["Idempotency-Key"] for request in server.requests] == ["ref-1", "ref-2"]
        assert account.sent[0]["tags"] == [{"name": "winback", "value": "ref-1"}]


def test_postal_says_no_with_a_status_of_success() -> None:
    account = Account(POSTAL)
    account.script = [POSTAL.errors["address_unusable"]]
    with serving(account) as server:
        hearing, _ = sending(POSTAL, server.url, 1)

    assert hearing.became(1) == ["refused"]


@pytest.mark.parametrize(
    ("vendor", "path", "asked", "found", "nothing"),
    [
        (MAILGUN, "/v3/mg.oak.example.com/events", ("user-variables", '{"winback": "ref-1"}'), {"items": [{}]}, {}),
        (MAILJET, "/v3/REST/message", ("CustomID", "ref-1"), {"Count": 1, "Data": [{}]}, {"Count": 0, "Data": []}),
    ],
    ids=["mailgun", "mailjet"],
)
def test_finds_a_message_by_our_reference(
    vendor: Vendor, path: str, asked: tuple[str, str], found: Any, nothing: Any
) -> None:
    account = Account(vendor)
    with serving(account) as server:
        account.probing = {path: Answer(200, found)}
        assert connect(vendor, server.url).look_up("ref-1") is True
        assert server.requests[-1].query[asked[0]] == asked[1]
        account.probing = {path: Answer(200, nothing)}
        assert connect(vendor, server.url).look_up("ref-1") is None, "nothing found is no proof"


def test_idempotency_keys_are_the_same_for_the_same_message_and_no_others() -> None:
    brevo, unisender = Account(BREVO), Account(UNISENDER_GO)
    with serving(brevo) as server:
        sending(BREVO, server.url, 1, 2)
        sending(BREVO, server.url, 1)
    with serving(unisender) as server:
        sending(UNISENDER_GO, server.url, 1)

    first, second, again = (sent["headers"]["idempotencyKey"] for sent in brevo.sent)
    assert first == again != second
    assert unisender.sent[0]["message"]["idempotence_key"] == "ref-1"
