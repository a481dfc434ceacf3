"""Conversations by text in the developer API: who waits for an answer, what was written, and answering."""

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any, Literal

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Query, Router, Schema

from campaigns.tracking import jobs, threads
from campaigns.tracking.thread_models import Conversation, ThreadText
from tenants.access.middleware import actor_of, key_of, require_scope
from winback.problems import Problem
from winback.queues import AWAITED, enqueue

router = Router(tags=["Conversations"])
PAGE = 50
MOST_TEXTS = 200


class ConversationShape(Schema):
    """A conversation with one number."""

    id: int
    state: str = Field(description="`unclear` (it may be a stop: a person must say), `waiting`, `answered` or `done`.")
    number: str
    contact: str | None = Field(description="The external id, where the number is a contact's that has one.")
    waiting_since: str | None
    last_at: str
    assigned_to: str | None


class TextShape(Schema):
    """One text of a conversation."""

    kind: str = Field(description="`received`, or of ours `reply`, `stop_confirmation`, `start_confirmation`, `help`.")
    text: str
    at: str
    state: str
    meaning: str | None = Field(description="Of a received one: how it was understood.")
    reason: str | None


class Conversations(Schema):
    """A page of conversations, the latest first."""

    conversations: list[ConversationShape]
    next: str | None


class Thread(ConversationShape):
    """A conversation with its latest texts, the oldest of them first."""

    texts: list[TextShape]


class ReplyRequest(Schema):
    """An answer: no advertising."""

    text: str = Field(min_length=1, max_length=1600)


def _shape(row: Conversation) -> dict[str, Any]:
    return {
        "id": row.pk,
        "state": row.state,
        "number": row.address,
        "contact": row.contact.external_id if row.contact is not None else None,
        "waiting_since": row.waiting_since.isoformat() if row.waiting_since else None,
        "last_at": row.last_at.isoformat(),
        "assigned_to": row.assigned_to.email if row.assigned_to is not None else None,
    }


def _text(row: ThreadText) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "text": row.body,
        "at": row.at.isoformat(),
        "state": row.state,
        "meaning": row.meaning or None,
        "reason": row.reason or None,
    }


def _cursor(row: Conversation) -> str:
    return base64.urlsafe_b64encode(f"{row.last_at.isoformat()} {row.pk}".encode()).decode()


def _after(text: str) -> Q:
    """What comes after a cursor."""
    try:
        moment, _, number = base64.urlsafe_b64decode(text.encode()).decode().partition(" ")
        at, pk = datetime.fromisoformat(moment), int(number)
    except (ValueError, binascii.Error, OverflowError) as error:
        raise Problem(422, "request_invalid", "The cursor is none that this list gave.") from error
    if at.tzinfo is None or not 0 < pk < 2**63:
        raise Problem(422, "request_invalid", "The cursor is none that this list gave.")
    return Q(last_at__lt=at) | Q(last_at=at, pk__lt=pk)


def _conversation(request: HttpRequest, number: int) -> Conversation:
    tenant = key_of(request).tenant
    rows = Conversation.objects.for_tenant(tenant).select_related("contact", "assigned_to", "message", "connection")
    row: Conversation | None = rows.filter(pk=number).first() if 0 < number < 2**63 else None
    if row is None:
        raise Problem(404, "conversation_not_found", "There is no such conversation.")
    row.tenant = tenant
    return row


def _thread(row: Conversation) -> dict[str, Any]:
    texts = ThreadText.objects.for_tenant(row.tenant_id).filter(conversation=row).order_by("-at", "-pk")[:MOST_TEXTS]
    return _shape(row) | {"texts": [_text(text) for text in reversed(texts)]}


@router.get(
    "", summary="Conversations by text", description="Needs `conversations:read`. Pages by `cursor`.",
    response=Conversations,
)  # fmt: skip
def conversations(
    request: HttpRequest,
    state: Annotated[Literal["unclear", "waiting", "answered", "done"] | None, Query()] = None,
    cursor: Annotated[str, Query(max_length=200)] = "",
) -> dict[str, Any]:
    require_scope(request, "conversations:read")
    rows = Conversation.objects.for_tenant(key_of(request).tenant).select_related("contact", "assigned_to")
    if state is not None:
        rows = rows.filter(state=state)
    if cursor:
        rows = rows.filter(_after(cursor))
    found = list(rows.order_by("-last_at", "-pk")[: PAGE + 1])
    more = _cursor(found[PAGE - 1]) if len(found) > PAGE else None
    return {"conversations": [_shape(row) for row in found[:PAGE]], "next": more}


@router.get(
    "/{number}", summary="One conversation, with its texts", description="Needs `conversations:read`.", response=Thread
)
def conversation(request: HttpRequest, number: int) -> dict[str, Any]:
    require_scope(request, "conversations:read")
    return _thread(_conversation(request, number))


@router.post(
    "/{number}/reply",
    summary="Answer by text",
    description="It leaves within seconds, once. 409 `not_answered` says why nothing can be written to this person "
    "(a stop, no connection). Needs `conversations:write`.",
    response=Thread,
)
def reply(request: HttpRequest, number: int, body: ReplyRequest) -> dict[str, Any]:
    require_scope(request, "conversations:write")
    row = _conversation(request, number)
    try:
        threads.reply(row, body.text, actor=actor_of(request), now=timezone.now())
    except threads.NoReply as error:
        raise Problem(409, "not_answered", str(error)) from error
    enqueue(jobs.send_answers, unique=f"answers-{row.tenant_id}", queue=AWAITED, tenant=row.tenant_id)
    return _thread(row)
