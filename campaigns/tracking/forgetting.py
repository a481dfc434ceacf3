"""What came back from people who are erased: that it came back stays, what they said and with what device does not."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from campaigns.audience.people import People
from campaigns.delivery.routing import reference_of
from campaigns.planning.models import Message
from campaigns.tracking import threads
from campaigns.tracking.models import BookingRequest, InboxItem
from campaigns.tracking.naming import items_naming
from campaigns.tracking.reading_inbox import keep_others_out
from campaigns.tracking.spelled import Spelled
from campaigns.tracking.thread_models import Conversation, ThreadText

# Of an interaction what the report counts by, and codes.
_OVER = (InboxItem.State.APPLIED, InboxItem.State.IGNORED)
_KEPT = ("confidence", "machine", "known_agent", "class", "code")
INTERACTIONS = """
UPDATE campaigns_interaction i
   SET data = (SELECT coalesce(jsonb_object_agg(d.key, d.value), '{}') FROM jsonb_each(i.data) d
                WHERE d.key = ANY(%(kept)s))
 WHERE i.tenant_id = %(tenant)s
   AND (i.contact_id = ANY(%(people)s)
        OR i.message_id IN (SELECT m.id FROM campaigns_message m
                             WHERE m.tenant_id = %(tenant)s AND m.contact_id = ANY(%(people)s)))
   AND EXISTS (SELECT FROM jsonb_object_keys(i.data) k WHERE k <> ALL(%(kept)s))
"""

BOOKINGS = """
UPDATE campaigns_bookingrequest b
   SET name = '', phone = '', email = '', note = '', service = '', preferred_time = '', preferred_on = NULL,
       state = CASE WHEN b.state = 'requested' THEN 'declined' ELSE b.state END
 WHERE b.tenant_id = %(tenant)s AND b.contact_id = ANY(%(people)s)
"""

# A reply by e-mail that is applied after its writer was erased: inside the applying of a batch.
REPLIES_OF_ERASED = """
UPDATE campaigns_interaction i SET data = '{}'
  FROM matched x JOIN campaigns_contact k ON k.tenant_id = %(tenant)s AND k.id = x.contact_id AND k.state = 'erased'
 WHERE i.tenant_id = %(tenant)s AND i.kind = 'replied' AND i.dedupe_key = x.key AND x.kind = 'replied'
   AND i.data <> '{}'
"""
# Every report that names them, as it came. What is applied is needed no more. What still waits, or is to be read again,
# may tell of other people too: there the addresses alone are made unreadable.
INBOX = """
UPDATE campaigns_inboxitem SET body = '', query = '', headers = '{}', detail = ''
 WHERE tenant_id = %(tenant)s AND id = ANY(%(items)s)
"""
STILL_NEEDED = """
SELECT id, body, query, headers::text, detail FROM campaigns_inboxitem
 WHERE tenant_id = %(tenant)s AND id = ANY(%(items)s) ORDER BY id FOR UPDATE
"""
_WRITE = """
UPDATE campaigns_inboxitem SET body = %(body)s, query = %(query)s, headers = %(headers)s::jsonb, detail = %(detail)s
 WHERE tenant_id = %(tenant)s AND id = %(id)s
"""


def begin(tenant_id: int) -> None:
    """Let nobody apply what providers report while they are being forgotten."""
    keep_others_out(tenant_id)


def known_by(people: People) -> People:
    """With the addresses that they left on the booking page, and the numbers that they texted from."""
    bookings = BookingRequest.objects.for_tenant(people.tenant).filter(contact__in=people.ids)
    theirs = Conversation.objects.for_tenant(people.tenant).filter(contact__in=people.ids)
    left = list(bookings.values_list("email", "phone"))
    texted = list(theirs.values_list("address", "address_hmac"))
    return people.known_by(
        emails=[email for email, _ in left],
        phones=[*(phone for _, phone in left), *(address for address, _ in texted)],
        digests=[digest for _, digest in texted],
    )


def texts_of(people: People) -> list[int]:
    """The texts of ours in conversations with them: their files in a local outbox have these numbers."""
    rows = ThreadText.objects.for_tenant(people.tenant).filter(conversation__address_hmac__in=people.digests)
    return list(rows.exclude(kind=ThreadText.Kind.RECEIVED).values_list("pk", flat=True))


def forget(people: People, *, now: datetime) -> dict[str, int]:
    """Empty what tracking keeps of them; how many rows of each table."""
    values: dict[str, Any] = {"tenant": people.tenant.pk, "people": people.ids, "kept": list(_KEPT)}
    counts = {}
    with connection.cursor() as cursor:
        for table, statement in (("interaction", INTERACTIONS), ("bookingrequest", BOOKINGS)):
            cursor.execute(statement, values)
            counts[f"campaigns_{table}"] = int(cursor.rowcount)
    counts["campaigns_inboxitem"] = _empty_reports(people)
    counts["campaigns_conversation"], counts["campaigns_threadtext"] = threads.forget(
        people.tenant, people.digests, now=now
    )
    return counts


def leaving(people: People) -> int:
    """How many answers to them are on their way at this moment."""
    rows = ThreadText.objects.for_tenant(people.tenant).filter(conversation__address_hmac__in=people.digests)
    return int(rows.filter(state=ThreadText.State.HANDING_OVER).count())


def forget_texts(tenant_id: int, texts: Sequence[int]) -> int:
    """Empty answers that were on their way; how many still are."""
    rows = ThreadText.objects.for_tenant(tenant_id).filter(pk__in=texts)
    rows.exclude(state=ThreadText.State.HANDING_OVER).update(provider_id="", error="")
    return int(rows.filter(state=ThreadText.State.HANDING_OVER).count())


def _empty_reports(people: People) -> int:
    """Reports need not name whom they are about: our reference does."""
    sent = Message.objects.for_tenant(people.tenant).filter(contact__in=people.ids, handed_over_at__isnull=False)
    references = {reference_of(pk) for pk in sent.values_list("pk", flat=True)}
    found = items_naming(people.tenant.pk, Spelled(people.addresses, references))
    over = [id_ for id_, state in found.items() if state in _OVER]
    with connection.cursor() as cursor:
        cursor.execute(INBOX, {"tenant": people.tenant.pk, "items": over})
    return len(over) + _cover(people, [id_ for id_, state in found.items() if state not in _OVER])


def _cover(people: People, items: Sequence[int]) -> int:
    theirs = Spelled(people.addresses)
    values: dict[str, Any] = {"tenant": people.tenant.pk, "items": list(items)}
    with connection.cursor() as cursor:
        cursor.execute(STILL_NEEDED, values)
        rows = cursor.fetchall()
        for id_, body, query, headers, detail in rows:
            covered: dict[str, Any] = {
                "body": theirs.covered(bytes(body)),
                "query": theirs.covered(query.encode()).decode(),
                "headers": theirs.covered(headers.encode()).decode(),
                "detail": theirs.covered(detail.encode()).decode(),
            }
            cursor.execute(_WRITE, {"tenant": people.tenant.pk, "id": id_, **covered})
    return len(rows)
