"""Amazon SES by boto3, against moto: SES as others understand it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from moto.server import ThreadedMotoServer
from moto.ses.models import ses_backends

from tests.providers.email import parsed
from tests.providers.email.contract import EmailProviderContract, FailingContract, Received, email
from tests.providers.hearing import Hearing, hear
from tests.providers.http_server import PATIENCE, Answer, HttpServer, Request, serving
from tests.providers.ports import free_port
from winback.providers.email.base import EmailProvider
from winback.providers.errors import OutcomeUnknown, ProviderMisconfigured, ProviderTrouble
from winback.providers.registry import email_provider

REGION = "eu-central-1"
KEYS = {"access_key_id": "AKIDMINE", "secret_access_key": "mine"}
ACCOUNT = "123456789012"


def connect(url: str, **told: Any) -> EmailProvider:
    return email_provider("amazon-ses", KEYS, {"region": REGION, "api_url": url, "timeout_seconds": PATIENCE, **told})


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@pytest.fixture
def ses(moto: str) -> Any:
    backend = ses_backends[ACCOUNT][REGION]
    backend.reset()
    backend.create_email_identity_v2("oak.example.com", None, None, None)
    return backend


class TestAmazonSes(EmailProviderContract, FailingContract):
    @pytest.fixture
    def provider(self, moto: str, ses: Any) -> EmailProvider:
        self.ses = ses
        return connect(moto)

    @pytest.fixture
    def down(self) -> EmailProvider:
        return connect(f"http://127.0.0.1:{free_port()}")

    def received(self) -> Sequence[Received]:
        return [_received(message.raw_data) for message in self.ses.sent_messages]

    def test_answers_a_probe_and_sends_nothing(self, provider: EmailProvider) -> None:
        """Against a server of its own: moto knows no account."""
        account = {"SendingEnabled": True, "ProductionAccessEnabled": True}
        with serving(lambda _: Answer(200, account)) as server:
            assert connect(server.url).probe().ok
            assert [(request.method, request.path) for request in server.requests] == [("GET", "/v2/email/account")]


def _received(raw: str) -> Received:
    arrived = parsed.received(raw.encode())
    assert arrived.headers["X-Metadata"] == f'{{"winback": "{arrived.reference}"}}'
    return replace(arrived)


@pytest.fixture
def answering() -> Iterator[tuple[HttpServer, list[Answer]]]:
    """A server that takes messages until it is told otherwise."""
    script: list[Answer] = []

    def respond(request: Request) -> Answer:
        return script.pop(0) if script else Answer(200, {"MessageId": "taken"})

    with serving(respond) as server:
        yield server, script


def error(code: str, status: int = 400, message: str = "about ana1@example.org") -> Answer:
    return Answer(status, {"message": message}, {"x-amzn-ErrorType": code})


def sending(url: str, *numbers: int, **told: Any) -> tuple[Hearing, ProviderTrouble | None]:
    return hear(connect(url, **told), [email(number) for number in numbers])


def test_tags_the_message_and_names_its_configuration_set(answering: tuple[HttpServer, list[Answer]]) -> None:
    server, _ = answering

    sending(server.url, 1, configuration_set="win-back")

    sent = server.requests[0].json()
    assert sent["EmailTags"] == [{"Name": "winback", "Value": "ref-1"}]
    assert sent["ConfigurationSetName"] == "win-back"
    assert sent["Destination"] == {"ToAddresses": ["ana1@example.org"]}


def test_the_environment_of_the_process_counts_for_nothing(
    answering: tuple[HttpServer, list[Answer]], monkeypatch: pytest.MonkeyPatch, tmp_path: Any, settings: Any
) -> None:
    server, _ = answering
    files = {"AWS_CONFIG_FILE": tmp_path / "config", "AWS_SHARED_CREDENTIALS_FILE": tmp_path / "credentials"}
    files["AWS_CONFIG_FILE"].write_text("[default]\nregion = us-west-2\nendpoint_url = http://127.0.0.1:1\n")
    files["AWS_SHARED_CREDENTIALS_FILE"].write_text(
        "[default]\naws_access_key_id = AKIDFILE\naws_secret_access_key = y\n"
    )
    elsewhere = {
        "AWS_ACCESS_KEY_ID": "AKIDSOMEBODY",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_SESSION_TOKEN": "somebody's",
        "AWS_PROFILE": "none-such",
        "AWS_DEFAULT_REGION": "us-west-2",
        "AWS_REGION": "us-west-2",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL_SESV2": "http://127.0.0.1:1",
        "AWS_MAX_ATTEMPTS": "5",
        **{name: str(path) for name, path in files.items()},
    }
    for name, value in elsewhere.items():
        monkeypatch.setenv(name, value)
    settings.ANYMAIL = {
        "AMAZON_SES_SESSION_PARAMS": {"aws_access_key_id": "AKIDSETTINGS"},
        "AMAZON_SES_CONFIGURATION_SET_NAME": "somebody's",
    }

    hearing, trouble = sending(server.url, 1)

    assert trouble is None
    assert hearing.became(1) == ["handed_over"]
    (request,) = server.requests
    assert "Credential=AKIDMINE/" in request.headers["Authorization"]
    assert f"/{REGION}/ses/" in request.headers["Authorization"]
    assert "X-Amz-Security-Token" not in request.headers
    assert "ConfigurationSetName" not in request.json()


def test_without_keys_of_its_own_it_looks_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDSOMEBODY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    provider = email_provider("amazon-ses", {}, {"region": REGION})

    with pytest.raises(ProviderMisconfigured, match="Access key ID"):
        provider.send([email()], Hearing())
    assert provider.probe().code == "misconfigured"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error("AccountSuspendedException"), ProviderMisconfigured),
        (error("SendingPausedException"), ProviderMisconfigured),
        (error("MailFromDomainNotVerifiedException"), ProviderMisconfigured),
        (error("NotFoundException", 404), ProviderMisconfigured),
        (error("AccessDeniedException", 403), ProviderMisconfigured),
        (error("UnrecognizedClientException", 403), ProviderMisconfigured),
        (error("MessageRejected", message="Email address is not verified: o@example.org"), ProviderMisconfigured),
        (error("TooManyRequestsException", 429), ProviderTrouble),
        (error("LimitExceededException"), ProviderTrouble),
    ],
    ids=lambda value: value.headers["x-amzn-ErrorType"] if isinstance(value, Answer) else "",
)
def test_the_accounts_trouble_uses_up_nobody(
    answering: tuple[HttpServer, list[Answer]], answer: Answer, kind: type[Exception]
) -> None:
    server, script = answering
    script[:] = [answer]

    hearing, trouble = sending(server.url, 1, 2)

    assert type(trouble) is kind
    assert hearing.became(1, 2) == ["not_left", "untouched"]
    assert len(server.requests) == 1
    assert "example.org" not in str(trouble)


@pytest.mark.parametrize(
    "answer",
    [Answer(hang=3), Answer(cut=True), error("InternalFailure", 500), Answer(503, b"busy"), Answer(200, b"<html>")],
    ids=["silence", "cut", "500", "503", "no JSON"],
)
def test_what_may_have_arrived_is_unknown_and_never_sent_again(
    answering: tuple[HttpServer, list[Answer]], answer: Answer
) -> None:
    server, script = answering
    script[:] = [answer]

    hearing, trouble = sending(server.url, 1, 2, timeout_seconds=answer.patience)

    assert type(trouble) is OutcomeUnknown
    assert hearing.became(1, 2) == ["unknown", "untouched"]
    assert len(server.requests) == 1


def test_an_error_nobody_knows_defers_one_and_stops_when_it_goes_on(
    answering: tuple[HttpServer, list[Answer]],
) -> None:
    server, script = answering
    script[:] = [error("SomethingNewException")] * 3

    hearing, trouble = sending(server.url, 1, 2, 3, 4)

    assert type(trouble) is ProviderMisconfigured
    assert hearing.became(1, 2, 3, 4) == ["deferred", "deferred", "not_left", "untouched"]


@pytest.mark.parametrize(
    ("answer", "ok", "code", "words"),
    [
        (Answer(200, {"SendingEnabled": True, "ProductionAccessEnabled": True}), True, "", "answers"),
        (Answer(200, {"SendingEnabled": True, "ProductionAccessEnabled": False}), True, "", "sandbox"),
        (
            Answer(200, {"SendingEnabled": True, "ProductionAccessEnabled": True, "EnforcementStatus": "PROBATION"}),
            True,
            "",
            "probation",
        ),
        (Answer(200, {"SendingEnabled": False}), False, "misconfigured", "switched off"),
        (error("AccessDeniedException", 403), False, "misconfigured", "403"),
        (error("InternalFailure", 500), False, "does_not_answer", "500"),
        (Answer(cut=True), False, "does_not_answer", "does not answer"),
    ],
)
def test_a_probe_says_what_the_account_may_do(
    answering: tuple[HttpServer, list[Answer]], answer: Answer, ok: bool, code: str, words: str
) -> None:
    server, script = answering
    script[:] = [answer]

    result = connect(server.url).probe()

    assert (result.ok, result.code) == (ok, code)
    assert words in result.detail


def test_a_region_that_cannot_be_is_for_a_person_to_mend() -> None:
    assert connect("", region="nowhere at all").probe().code == "misconfigured"
