"""Several messages in one request, each with words of its own and an answer of its own."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from requests.exceptions import RequestException

from winback.providers.email.judging import Answer, Judge, answer_of
from winback.providers.email.services.service import Answered, Batch
from winback.providers.errors import OutcomeUnknown, ProviderTrouble
from winback.providers.handing import Witness


@dataclass(frozen=True)
class Prepared:
    """A message as the backend posts it."""

    reference: str
    mail: Any
    payload: Any


def send_together(backend: Any, batch: Batch, group: Sequence[Prepared], judge: Judge, witness: Witness) -> bool:
    """Post a batch and tell the witness about each; False when it was refused whole and each is to be tried alone.

    All are then started, and none has left. An answer that does not tell of each leaves them all unknown.
    """
    if not group:
        return True
    _start(group, witness)
    try:
        response = _post(backend, batch, group)
    except RequestException as error:
        trouble = judge.silence(error)
        if not isinstance(trouble, OutcomeUnknown):
            _none_left(group, witness)
        raise trouble from error
    if response.status_code not in batch.statuses:
        answer = answer_of(judge.service, response)
        refusal = judge.whole(answer)
        if refusal is None:
            return False
        if not isinstance(refusal, OutcomeUnknown):
            _none_left(group, witness)
        raise refusal
    try:
        answers = batch.answers(response.json())
        if len(answers) != len(group):
            raise ValueError("not one answer a message")
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        label = judge.service.label
        raise OutcomeUnknown(f"{label}’s answer to a batch cannot be read ({type(error).__name__}).") from error
    _tell(group, answers, judge, witness)
    return True


def _start(group: Sequence[Prepared], witness: Witness) -> None:
    begun: list[Prepared] = []
    try:
        for prepared in group:
            witness.starting(prepared.reference)
            begun.append(prepared)
    except BaseException:  # the sender's time is over: nothing was posted yet
        _none_left(begun, witness)
        raise


def _none_left(group: Sequence[Prepared], witness: Witness) -> None:
    for prepared in group:
        witness.not_left(prepared.reference)


def _post(backend: Any, batch: Batch, group: Sequence[Prepared]) -> Any:
    first = group[0].payload.get_request_params(backend.api_url)
    bodies = [json.loads(prepared.payload.serialize_data()) for prepared in group]
    return backend.session.post(
        backend.api_url + batch.path,
        data=json.dumps(batch.body(bodies)),
        headers={**first["headers"], **_key(group)},
        auth=first["auth"],
        timeout=backend.timeout,
    )


def _key(group: Sequence[Prepared]) -> dict[str, str]:
    """The idempotency key of a batch, where its first message has one: those of its first and last, and how many."""
    name = "Idempotency-Key"
    if name not in group[0].payload.headers:
        return {}
    return {name: f"{group[0].reference}..{group[-1].reference}.{len(group)}"}


def _tell(group: Sequence[Prepared], answers: Sequence[Answered], judge: Judge, witness: Witness) -> None:
    """The worst is raised when all have been told of: what was taken was taken."""
    trouble: ProviderTrouble | None = None
    for prepared, answered in zip(group, answers, strict=True):
        if answered.provider_id:
            judge.taken(prepared.reference, answered.provider_id, witness)
            continue
        try:
            judge.judge(Answer(422, answered.code, answered.said, certain=True), prepared.reference, witness)
        except ProviderTrouble as error:
            trouble = trouble or error
    if trouble is not None:
        raise trouble
