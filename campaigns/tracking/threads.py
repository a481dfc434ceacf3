"""What staff do with a conversation: answer, decide what was meant, hand it to somebody, close it, forget it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

from django.db.models import QuerySet

from campaigns.audience import suppressing
from campaigns.audience.models import Suppression
from campaigns.compliance.replies import Meaning
from campaigns.tracking import replying, thread_answers
from campaigns.tracking.thread_models import Conversation, ThreadText
from tenants.access.models import Membership, User
from tenants.accounts.models import Tenant
from tenants.journal import audit
from winback.providers.sms.segments import LONGEST

DECISIONS = (Meaning.OPT_OUT, Meaning.WRONG_NUMBER, Meaning.OTHER)


class NoReply(ValueError):
    """Nothing can be written to this person now; the error says why, and what would change that."""


class NotDecided(ValueError):
    """There is nothing to decide any more: somebody was quicker, or the person has said it."""


class NoMember(ValueError):
    """Whoever is to answer must be in the team of the business."""


def suppressions_of(conversation: Conversation) -> QuerySet[Suppression]:
    """Why no texts go to this number, but for what only waits for a decision."""
    return replying.stops(conversation.tenant, conversation.address_hmac).exclude(reason=suppressing.HELD)


def why_no_reply(conversation: Conversation) -> str:
    """A sentence for staff; empty when a reply can be sent."""
    if not conversation.address:
        return "This person was forgotten: there is no number any more."
    if suppressions_of(conversation).exists():
        return "This number gets no texts: it is suppressed. Call, or wait until the person texts START."
    if not replying.is_number(conversation.address):
        return "This is no number that can be answered (a short code or a name)."
    if thread_answers.connection_for(conversation) is None:
        return "No connection for texts is in use: connect a provider, or look what is wrong with it, under Providers."
    return ""


def reply(conversation: Conversation, body: str, *, actor: str, now: datetime, key: str = "") -> ThreadText:
    """Plan an answer by a person; it leaves within seconds. ``key``: the same one twice is one text.

    Raises NoReply.
    """
    why = why_no_reply(conversation)
    if why:
        raise NoReply(why)
    words = body.strip()
    if not words:
        raise NoReply("Write something first.")
    if len(words) > LONGEST:
        raise NoReply(f"A text has at most {LONGEST:,} characters; this one has {len(words):,}.")
    key = f"reply-{conversation.pk}-{key or uuid4()}"[:160]
    planned = thread_answers.plan(conversation, ThreadText.Kind.REPLY, words, key=key, by=actor, now=now)
    if planned is None:
        known: ThreadText = ThreadText.objects.for_tenant(conversation.tenant_id).get(key=key)
        return known
    if conversation.state != Conversation.State.UNCLEAR:
        conversation.state, conversation.waiting_since = Conversation.State.ANSWERED, None
    conversation.last_at = max(conversation.last_at, now)
    conversation.save()
    _note(conversation, "conversation.replied", actor, now, text=planned.pk)
    return planned


def decide(conversation: Conversation, meaning: Meaning, *, actor: str, now: datetime) -> None:
    """Say what was meant: a stop, a wrong number, or neither. Raises NotDecided where it is settled already."""
    rows = ThreadText.objects.for_tenant(conversation.tenant_id).filter(
        conversation=conversation, kind=ThreadText.Kind.RECEIVED
    )
    text: ThreadText | None = rows.order_by("-at", "-pk").first()
    if text is None or meaning not in DECISIONS:
        raise NotDecided("There is nothing to decide about.")
    text.conversation = conversation
    contacts = replying.contacts_with(conversation.tenant, conversation.address)
    if meaning == Meaning.OTHER:
        if conversation.state != Conversation.State.UNCLEAR:
            raise NotDecided("This conversation waits for no decision.")
        suppressing.release(
            conversation.tenant,
            replying.digests_of(conversation, contacts),
            note="Looked at: it was no opt-out.",
            actor=actor,
            now=now,
        )
        conversation.state = Conversation.State.WAITING
    else:
        replying.act(text, meaning, contacts, answered=False, now=now)
    conversation.save()
    ThreadText.objects.for_tenant(conversation.tenant_id).filter(pk=text.pk).update(
        meaning=meaning, reason="decided_by_staff"
    )
    _note(conversation, "conversation.decided", actor, now, meaning=meaning)


def close(conversation: Conversation, *, actor: str, now: datetime) -> bool:
    """Nothing more is to be answered; False when that was so. What is unclear must be decided first."""
    rows = Conversation.objects.for_tenant(conversation.tenant_id).filter(
        pk=conversation.pk, state__in=[Conversation.State.WAITING, Conversation.State.ANSWERED]
    )
    closed = bool(rows.update(state=Conversation.State.DONE, waiting_since=None))
    conversation.refresh_from_db()
    if closed:
        _note(conversation, "conversation.closed", actor, now)
    return closed


def assign(conversation: Conversation, user: User | None, *, actor: str, now: datetime) -> None:
    """Hand a conversation to a member of the team, or to nobody. Raises NoMember."""
    if user is not None and not Membership.objects.for_tenant(conversation.tenant_id).filter(user=user).exists():
        raise NoMember("Choose somebody who is in the team of this business.")
    conversation.assigned_to = user
    conversation.save(update_fields=["assigned_to"])
    _note(conversation, "conversation.assigned", actor, now, user=user.pk if user is not None else None)


def forget(tenant: Tenant, digests: Sequence[str], *, now: datetime) -> tuple[int, int]:
    """Empty what was written to and by somebody, by the digests of their numbers; that there was something stays.

    Returns how many conversations and texts there were. What was to be answered is not answered any more.
    """
    rows = Conversation.objects.for_tenant(tenant).filter(address_hmac__in=digests)
    # First, so that a text which is being received just now is waited for.
    forgotten = int(
        rows.update(address="", contact=None, message=None, state=Conversation.State.DONE, waiting_since=None)
    )
    texts = ThreadText.objects.for_tenant(tenant).filter(conversation__in=rows.values("pk"))
    texts.filter(state=ThreadText.State.PLANNED).update(
        state=ThreadText.State.BLOCKED, reason="contact_erased", settled_at=now
    )
    texts.exclude(state=ThreadText.State.HANDING_OVER).update(provider_id="")
    return forgotten, int(texts.update(body="", error=""))


def _note(conversation: Conversation, action: str, actor: str, now: datetime, **data: object) -> None:
    audit.append(conversation.tenant_id, actor=actor, action=action, now=now, subject=conversation, data=data)
