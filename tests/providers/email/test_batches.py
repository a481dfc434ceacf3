"""Batches: one request, an outcome for each message, and never a doubt about which is which."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.providers.email.contract import email
from tests.providers.email.vendors.mailjet import MAILJET
from tests.providers.email.vendors.mailtrap import MAILTRAP
from tests.providers.email.vendors.resend import RESEND
from tests.providers.hearing import Hearing, hear
from tests.providers.http_server import PATIENCE, Answer, HttpServer, Request, serving
from tests.providers.ports import free_port
from winback.providers.errors import OutcomeUnknown, ProviderMisconfigured, ProviderTrouble
from winback.providers.registry import email_provider


@dataclass(frozen=True)
class Together:
    """How one service takes several: what it answers when it takes all, or refuses the second of them."""

    code: str
    told: dict[str, str]
    prefix: str
    path: str
    references: Callable[[Any], list[str]]
    taken: Callable[[int], Any]
    second_refused: Callable[[int], Answer] | None
    reason: str = ""


def _mailjet(count: int) -> list[dict[str, Any]]:
    return [{"Status": "success", "To": [{"MessageID": 100 + number}]} for number in range(count)]


def _mailjet_refused(count: int) -> Answer:
    messages = _mailjet(count)
    error = {"ErrorCode": "mj-0013", "ErrorMessage": "invalid email address.", "ErrorRelatedTo": ["To[0].Email"]}
    messages[1] = {"Status": "error", "Errors": [error]}
    return Answer(400, {"Messages": messages})


def _postmark(count: int) -> list[dict[str, Any]]:
    return [{"ErrorCode": 0, "Message": "OK", "MessageID": str(100 + number), "To": "x"} for number in range(count)]


def _postmark_refused(count: int) -> Answer:
    messages = _postmark(count)
    messages[1] = {"ErrorCode": 406, "Message": "You tried to send to a recipient that has been marked as inactive."}
    return Answer(200, messages)


def _mailtrap(count: int) -> list[dict[str, Any]]:
    return [{"success": True, "message_ids": [str(100 + number)]} for number in range(count)]


def _mailtrap_refused(count: int) -> Answer:
    messages = _mailtrap(count)
    messages[1] = {"success": False, "errors": ["'to' address is invalid"]}
    return Answer(200, {"success": True, "responses": messages})


POSTMARK = Together(
    "postmark", {"server_token": "t"}, "", "/email/batch",
    lambda body: [each["Metadata"]["winback"] for each in body], _postmark, _postmark_refused, "suppressed_at_provider",
)  # fmt: skip
TOGETHER = (
    POSTMARK,
    Together(
        "mailjet", dict(MAILJET.told), "/v3.1", "/v3.1/send",
        lambda body: [each["CustomID"] for each in body["Messages"]],
        lambda count: {"Messages": _mailjet(count)}, _mailjet_refused, "address_unusable",
    ),
    Together(
        "mailtrap", dict(MAILTRAP.told), "/api", "/api/batch",
        lambda body: [each["custom_variables"]["winback"] for each in body["requests"]],
        lambda count: {"success": True, "responses": _mailtrap(count)}, _mailtrap_refused, "address_unusable",
    ),
    Together(
        "resend", dict(RESEND.told), "", "/emails/batch",
        lambda body: [each["tags"][0]["value"] for each in body],
        lambda count: {"data": [{"id": str(100 + number)} for number in range(count)]}, None,
    ),
)  # fmt: skip
EVERY = pytest.mark.parametrize("together", TOGETHER, ids=lambda each: each.code)


def send(together: Together, url: str, *numbers: int, **settings: Any) -> tuple[Hearing, ProviderTrouble | None]:
    told = {"api_url": url + together.prefix, "timeout_seconds": PATIENCE, **settings}
    return hear(email_provider(together.code, together.told, told), [email(number) for number in numbers])


def takes_all(together: Together) -> Callable[[Request], Answer]:
    return lambda request: Answer(200, together.taken(len(together.references(request.json()))))


def paths(server: HttpServer) -> list[str]:
    return [request.path for request in server.requests]


@EVERY
def test_one_request_carries_several_and_each_has_its_own_id(together: Together) -> None:
    with serving(takes_all(together)) as server:
        hearing, trouble = send(together, server.url, 1, 2, 3)

        assert trouble is None
        assert paths(server) == [together.path]
        assert together.references(server.requests[0].json()) == ["ref-1", "ref-2", "ref-3"]
    assert [entry for entry in hearing.heard if entry[0] == "handed_over"] == [
        ("handed_over", f"ref-{number}", str(99 + number)) for number in (1, 2, 3)
    ]


@EVERY
def test_never_more_than_25_at_once(together: Together) -> None:
    with serving(takes_all(together)) as server:
        hearing, _ = send(together, server.url, *range(1, 52))

        assert [len(together.references(request.json())) for request in server.requests[:2]] == [25, 25]
        assert len(server.requests) == 3
        # The last one goes alone, over the address for single messages, which this server knows nothing of.
    assert hearing.became(*range(1, 51)) == ["handed_over"] * 50


@pytest.mark.parametrize(
    "together", [each for each in TOGETHER if each.second_refused is not None], ids=lambda each: each.code
)
def test_a_recipient_refused_concerns_nobody_else(together: Together) -> None:
    assert together.second_refused is not None
    answer = together.second_refused(3)
    with serving(lambda _: answer) as server:
        hearing, trouble = send(together, server.url, 1, 2, 3)

    assert trouble is None
    assert hearing.became(1, 2, 3) == ["handed_over", "refused", "handed_over"]
    assert hearing.code_of("ref-2") == together.reason


@EVERY
def test_no_answer_leaves_all_of_the_batch_unknown_and_the_rest_untouched(together: Together) -> None:
    for answer in (Answer(cut=True), Answer(500, {}), Answer(200, b"<html>"), Answer(200, together.taken(2))):
        with serving(lambda _, answer=answer: answer) as server:  # type: ignore[misc]
            hearing, trouble = send(together, server.url, *range(1, 30))

            assert type(trouble) is OutcomeUnknown
            assert hearing.became(*range(1, 30)) == ["unknown"] * 25 + ["untouched"] * 4
            assert len(server.requests) == 1, "never sent again by itself"


@EVERY
def test_nobody_to_talk_to_uses_up_nobody(together: Together) -> None:
    hearing, trouble = send(together, f"http://127.0.0.1:{free_port()}", 1, 2)

    assert type(trouble) is ProviderTrouble
    assert hearing.became(1, 2) == ["not_left", "not_left"]


@EVERY
@pytest.mark.parametrize(("status", "kind"), [(401, ProviderMisconfigured), (429, ProviderTrouble)])
def test_the_accounts_trouble_uses_up_nobody(together: Together, status: int, kind: type[Exception]) -> None:
    with serving(lambda _: Answer(status, {"message": "no"})) as server:
        hearing, trouble = send(together, server.url, *range(1, 30))

    assert type(trouble) is kind
    assert hearing.became(*range(1, 30)) == ["not_left"] * 25 + ["untouched"] * 4


def test_a_batch_refused_whole_is_sent_one_by_one() -> None:
    together = TOGETHER[3]
    invalid = {"statusCode": 422, "name": "validation_error", "message": "Invalid `to` field."}

    def resend(request: Request) -> Answer:
        alone = request.path == "/emails"
        if not alone or request.json()["to"] == ["Ana Núñez <ana2@example.org>"]:
            return Answer(422, invalid)
        return Answer(200, {"id": "alone"})

    with serving(resend) as server:
        hearing, trouble = send(together, server.url, 1, 2, 3)

        assert trouble is None
        assert paths(server) == ["/emails/batch", "/emails", "/emails", "/emails"]
    assert hearing.became(1, 2, 3) == ["handed_over", "refused", "handed_over"]


def test_what_was_not_tried_again_after_a_refused_batch_did_not_leave() -> None:
    together = TOGETHER[3]

    def resend(request: Request) -> Answer:
        return Answer(422, {"name": "new"}) if request.path == "/emails/batch" else Answer(cut=True)

    with serving(resend) as server:
        hearing, trouble = send(together, server.url, 1, 2, 3)

    assert type(trouble) is OutcomeUnknown
    assert hearing.became(1, 2, 3) == ["unknown", "not_left", "not_left"]


def test_one_bad_sender_among_the_answers_stops_the_rest_but_keeps_what_was_taken() -> None:
    answers = _postmark(3)
    answers[1] = {"ErrorCode": 412, "Message": "Your account is pending approval."}
    with serving(lambda _: Answer(200, answers)) as server:
        hearing, trouble = send(POSTMARK, server.url, 1, 2, 3)

    assert type(trouble) is ProviderMisconfigured
    assert hearing.became(1, 2, 3) == ["handed_over", "not_left", "handed_over"]


def test_a_sender_whose_time_is_over_leaves_nobody_half_started() -> None:
    class Late(Hearing):
        def starting(self, reference: str) -> None:
            if reference == "ref-3":
                raise TimeoutError
            super().starting(reference)

    hearing = Late()
    with (
        serving(takes_all(POSTMARK)) as server,
        email_provider("postmark", POSTMARK.told, {"api_url": server.url}) as provider,
    ):
        with pytest.raises(TimeoutError):
            provider.send([email(number) for number in (1, 2, 3)], hearing)

        assert server.requests == []
    assert hearing.became(1, 2, 3) == ["not_left", "not_left", "untouched"]


def test_a_batch_has_one_idempotency_key_of_its_own() -> None:
    together = TOGETHER[3]
    with serving(takes_all(together)) as server:
        send(together, server.url, 1, 2, 3)

        assert server.requests[0].headers["Idempotency-Key"] == "ref-1..ref-3.3"


def test_a_message_that_cannot_be_written_is_left_out_of_the_batch() -> None:
    hearing = Hearing()
    with (
        serving(takes_all(POSTMARK)) as server,
        email_provider("postmark", POSTMARK.told, {"api_url": server.url}) as provider,
    ):
        provider.send([email(1), email(2, recipient_address="nobody"), email(3)], hearing)

        assert POSTMARK.references(server.requests[0].json()) == ["ref-1", "ref-3"]
    assert hearing.became(1, 2, 3) == ["handed_over", "refused", "handed_over"]


def test_an_answer_that_names_nobody_who_can_be_read_is_no_proof_of_anything() -> None:
    with serving(lambda _: Answer(200, _postmark(1)[0])) as server:
        hearing, trouble = send(POSTMARK, server.url, 1, batch_size=1)

    assert type(trouble) is OutcomeUnknown
    assert hearing.became(1) == ["unknown"]


def test_batches_can_be_switched_off() -> None:
    with serving(lambda request: Answer(200, _postmark(1)[0] | {"To": request.json()["To"]})) as server:
        hearing, trouble = send(POSTMARK, server.url, 1, 2, batch_size=1)

        assert trouble is None
        assert paths(server) == ["/email", "/email"]
    assert hearing.became(1, 2) == ["handed_over", "handed_over"]
