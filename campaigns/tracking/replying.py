"""A person writes back: kept in a conversation, understood, and acted upon in one transaction."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import QuerySet

from campaigns.audience import suppressing, tagging
from campaigns.audience.addresses import address_hmac, phone_e164
from campaigns.audience.forgetting import ERASURE
from campaigns.audience.models import Channel, Contact, Suppression
from campaigns.compliance import replies_wording
from campaigns.compliance.replies import Meaning, Understood, understand
from campaigns.planning.ending import end_enrolments
from campaigns.planning.models import Enrolment, Message
from campaigns.tracking import thread_answers
from campaigns.tracking.models import Interaction
from campaigns.tracking.spelled import COVER
from campaigns.tracking.thread_models import Conversation, ThreadText
from tenants.accounts.models import Tenant
from tenants.connections.models import Connection
from tenants.journal.recording import record
from winback.providers.reasons import Reason
from winback.providers.receiving import Report

WRONG_NUMBER = "winback:wrong_number"
"""The managed tag of contacts whose number turned out to be somebody else's."""
BY_TEXT = "reply by text"
# A stop that the person made by text, and can take back by text. What staff noted, a complaint or a wrong number stays.
OWN_STOP = ("unsubscribed", str(Reason.OPTED_OUT_AT_PROVIDER))
CONFIRM_WITHIN = timedelta(minutes=5)
"""One confirmation is allowed, within five minutes of the request (47 CFR 64.1200(a)(12))."""
LONGEST = 4_000
_BY_PROVIDER = {"STOP": Meaning.OPT_OUT, "START": Meaning.START, "HELP": Meaning.HELP}
_REACHED = (Message.State.HANDED_OVER, Message.State.DELIVERED, Message.State.UNKNOWN)


@dataclass(frozen=True)
class Received:
    """What became of a text that came in."""

    new: bool
    """False: it was reported before, and nothing was done."""
    meaning: str = ""
    conversation_id: int | None = None
    contact_ids: tuple[int, ...] = ()


def receive_text(tenant: Tenant, *, connection: Connection | None, report: Report, now: datetime) -> Received:
    """Keep a text (``report.kind`` REPLIED) and do what it asks for; inside the open scope of the tenant.

    Idempotent by connection and ``report.key``. What is to be answered is planned here and sent by ``thread_outbox``.
    """
    number = number_of(tenant, report.address)
    if number and not number.strip(COVER):
        return Received(False)
    at = min(report.occurred_at or now, now)
    contacts = contacts_with(tenant, number)
    conversation = _conversation(tenant, number, connection, at=at)
    key = f"in-{connection.pk if connection is not None else 0}-{report.key}"
    digest = conversation.address_hmac
    opted_out = stops(tenant, digest).filter(reason__in=OWN_STOP).exists()
    said = _understood(report, on=now.astimezone(tenant.zone).date(), opted_out=opted_out)
    # Who was erased does not come back by a text: that there was one is kept, and neither words nor number.
    forgotten = not contacts and stops(tenant, digest).filter(reason=ERASURE).exists()
    words = report.text[:LONGEST].replace("\x00", "").encode("utf-8", "replace").decode()
    text, new = ThreadText.objects.get_or_create(
        tenant=tenant,
        key=key,
        defaults={
            "conversation": conversation,
            "kind": ThreadText.Kind.RECEIVED,
            "state": ThreadText.State.RECEIVED,
            "meaning": said.meaning,
            "reason": said.rule[:60],
            "body": "" if forgotten else words,
            "at": at,
            "connection": connection,
        },
    )
    if forgotten:
        conversation.address, conversation.last_at = "", max(conversation.last_at, at)
        conversation.save()
        return Received(new, text.meaning, text.conversation_id)
    if not new:
        return Received(False, text.meaning, text.conversation_id)
    last = last_text_to(tenant, [contact.pk for contact in contacts])
    written_to = next((each for each in contacts if last is not None and each.pk == last.contact_id), None)
    conversation.contact = written_to or next(iter(contacts), None)
    conversation.message, conversation.last_at = last, max(conversation.last_at, at)
    if connection is not None:
        conversation.connection = connection
    record(
        "text.received",
        tenant_id=tenant.pk,
        now=now,
        contact_id=conversation.contact_id,
        subject=text,
        data={"meaning": said.meaning, "rule": said.rule, "wordings": replies_wording.version()},
    )
    _note(text, Interaction.Kind.REPLIED, contacts, last)
    act(text, said.meaning, contacts, answered=bool(report.answered_by_provider), now=now)
    conversation.save()
    return Received(True, said.meaning, conversation.pk, tuple(contact.pk for contact in contacts))


def _understood(report: Report, *, on: date, opted_out: bool) -> Understood:
    if report.answered_by_provider in _BY_PROVIDER:  # it keeps a list of its own, and has acted already
        return Understood(_BY_PROVIDER[report.answered_by_provider], "answered_by_provider")
    return understand(report.text, on=on, opted_out=opted_out)


def number_of(tenant: Tenant, text: str) -> str:
    """The number as contacts have it; what is none (a short code, a name) as it came."""
    plain = "".join(character for character in text.strip() if character.isprintable())[:40]
    return phone_e164(plain, tenant.country) or plain


def is_number(text: str) -> bool:
    """Whether a text can be sent there at all."""
    return re.fullmatch(r"\+[1-9][0-9]{6,14}", text) is not None


def contacts_with(tenant: Tenant, number: str) -> list[Contact]:
    """Everybody of the tenant who has this number, and whom they were merged into."""
    rows = Contact.objects.for_tenant(tenant).filter(phone_key=number).exclude(state=Contact.State.ERASED)
    found = list(rows.select_related("merged_into").order_by("pk")) if number else []
    people = {each.pk: each for each in (one.merged_into or one for one in found)}
    return list(people.values())


def last_text_to(tenant: Tenant, contact_ids: Sequence[int]) -> Message | None:
    """The text that these people were sent last: what they probably answer."""
    rows = Message.objects.for_tenant(tenant).filter(
        contact_id__in=contact_ids, channel=Channel.SMS, state__in=_REACHED, handed_over_at__isnull=False
    )
    found: Message | None = rows.order_by("-handed_over_at", "-id").first()
    return found


def _conversation(tenant: Tenant, number: str, connection: Connection | None, *, at: datetime) -> Conversation:
    """The conversation with a number, locked: two texts of one person come one after the other."""
    made, _ = Conversation.objects.get_or_create(
        tenant=tenant,
        channel=Channel.SMS,
        address_hmac=address_hmac(number),
        defaults={"address": number, "connection": connection, "last_at": at, "created_at": at},
    )
    rows = Conversation.objects.for_tenant(tenant).select_for_update(no_key=True)
    conversation: Conversation = rows.get(pk=made.pk)
    conversation.tenant, conversation.address = tenant, number
    return conversation


def stops(tenant: Tenant, digest: str) -> QuerySet[Suppression]:
    """The suppressions in force that keep texts from this number."""
    rows: QuerySet[Suppression] = Suppression.objects.for_tenant(tenant).filter(
        address_hmac=digest, channel__in=(Channel.SMS, Suppression.ALL_CHANNELS), lifted_at=None
    )
    return rows


def _note(text: ThreadText, kind: str, contacts: Sequence[Contact], message: Message | None) -> None:
    rows = [
        Interaction(
            tenant_id=text.tenant_id,
            kind=kind,
            dedupe_key=f"text-{text.pk}-{contact.pk}",
            contact=contact,
            message=message if message is not None and message.contact_id == contact.pk else None,
            occurred_at=text.at,
            data={"text": text.pk},
        )
        for contact in contacts
    ]
    Interaction.objects.bulk_create(rows, ignore_conflicts=True)


def act(text: ThreadText, meaning: str, contacts: Sequence[Contact], *, answered: bool, now: datetime) -> None:
    """Do what a text asks for. The conversation is changed and not saved."""
    conversation, tenant = text.conversation, text.conversation.tenant
    ids = [contact.pk for contact in contacts]
    digests = digests_of(conversation, contacts)
    if meaning in (Meaning.OPT_OUT, Meaning.START, Meaning.WRONG_NUMBER):
        suppressing.release(tenant, digests, note="The person has said what they want.", actor=BY_TEXT, now=now)
        thread_answers.withdraw(conversation, now=now)
    match meaning:
        case Meaning.OPT_OUT:
            changed = _stop(text, contacts, reason="unsubscribed", now=now)
            end_enrolments(tenant.pk, contact_ids=ids, ended_by=Enrolment.EndedBy.OPT_OUT, now=now)
            if changed and not answered:
                thread_answers.confirm_stop(text, before=text.at + CONFIRM_WITHIN, now=now)
            _settle(conversation, Conversation.State.DONE)
        case Meaning.WRONG_NUMBER:
            _stop(text, contacts, reason="wrong_person", now=now)
            tagging.set_managed(tenant.pk, WRONG_NUMBER, ids, now=now, source=BY_TEXT)
            _settle(conversation, Conversation.State.DONE)
        case Meaning.START:
            lifted = _take_back(text, now=now)
            if lifted and not answered:
                thread_answers.confirm_start(text, before=text.at + CONFIRM_WITHIN, now=now)
        case Meaning.HELP:
            if not answered:
                thread_answers.help_out(text, now=now)
        case _:
            unclear = meaning == Meaning.UNCLEAR
            if unclear:
                _hold(conversation, contacts, now=now)
            end_enrolments(tenant.pk, contact_ids=ids, ended_by=Enrolment.EndedBy.REPLY, now=now)
            if conversation.state != Conversation.State.UNCLEAR:
                conversation.state = Conversation.State.UNCLEAR if unclear else Conversation.State.WAITING
            conversation.waiting_since = conversation.waiting_since or text.at


def digests_of(conversation: Conversation, contacts: Sequence[Contact]) -> set[str]:
    """The number's digest and those of everything else that its people can be written to at."""
    theirs = {digest for contact in contacts for digest in (contact.email_hmac, contact.phone_hmac) if digest}
    return {conversation.address_hmac, *theirs}


def _settle(conversation: Conversation, state: str) -> None:
    conversation.state, conversation.waiting_since = state, None


def _stop(text: ThreadText, contacts: Sequence[Contact], *, reason: str, now: datetime) -> bool:
    """No more marketing texts of this business to this number; returns whether that is new.

    Whoever says no for themselves says it for the number that they were written to and the one on record, too.
    """
    conversation = text.conversation
    digests = {conversation.address_hmac}
    if reason == "unsubscribed":
        digests |= {contact.phone_hmac for contact in contacts if contact.phone_hmac}
        if conversation.message is not None and conversation.message.address_hmac:
            digests.add(conversation.message.address_hmac)
    changed = False
    for digest in sorted(digests):
        changed |= suppressing.suppress(
            conversation.tenant,
            channel=Channel.SMS,
            contact=conversation.contact,
            address_hmac=digest,
            reason=reason,
            source=BY_TEXT,
            now=now,
        )
    if changed and reason == "unsubscribed":
        _note(text, Interaction.Kind.UNSUBSCRIBED, contacts, conversation.message)
        record(
            "contact.unsubscribed",
            tenant_id=text.tenant_id,
            now=now,
            contact_id=conversation.contact_id,
            subject=text,
            data={"channel": Channel.SMS, "source": BY_TEXT},
        )
    return changed


def _take_back(text: ThreadText, *, now: datetime) -> int:
    """Lift the person's own stop by text. That is no written consent: the guards still ask for one."""
    rows = stops(text.conversation.tenant, text.conversation.address_hmac).filter(
        channel=Channel.SMS, reason__in=OWN_STOP, brand=None
    )
    return sum(
        suppressing.lift(row, note="The person asked for texts again, by text.", actor=BY_TEXT, now=now)
        for row in rows.order_by("pk")
    )


def _hold(conversation: Conversation, contacts: Sequence[Contact], *, now: datetime) -> None:
    """Nothing is sent to these people, over any channel, until somebody has decided what the text means."""
    for digest in sorted(digests_of(conversation, contacts)):
        suppressing.suppress(
            conversation.tenant,
            channel=Suppression.ALL_CHANNELS,
            contact=conversation.contact,
            address_hmac=digest,
            reason=suppressing.HELD,
            source=BY_TEXT,
            now=now,
        )
