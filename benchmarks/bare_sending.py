"""The two things that no sender that remembers can do without, each alone: the loop that sends, the rows that stay."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

from benchmarks.bare_imports import NOW

CLAIMED = 500
GROUP = 50


class Deaf:
    """A witness who keeps nothing."""

    def starting(self, reference: str) -> None: ...

    def handed_over(self, reference: str, provider_id: str) -> None: ...

    def refused(self, reference: str, code: str, detail: str) -> None:
        raise RuntimeError(f"{code}: {detail}")

    deferred = refused

    def not_left(self, reference: str) -> None: ...


def plainly(facts: dict[str, Any]) -> Any:
    """Rendered as Liquid does it, every place of the template for everybody."""
    from campaigns.delivery.rendering import Rendered, compiled, context_of
    from campaigns.delivery.tracked_links import tracked

    template, context = compiled(facts["template_id"]), context_of(facts, now=NOW)
    assert template.html is not None
    return Rendered(
        subject=" ".join(template.subject.render(**context).split()),
        html=tracked(template.html.render(**context), facts, now=NOW),
        text=template.text.render(**context).strip(),
    )


def bare_loop(facts: list[dict[str, Any]], port: int) -> None:
    """Render, MIME, SMTP."""
    from campaigns.delivery.routing import outgoing_email
    from winback.providers.email.smtp import SmtpProvider

    provider = SmtpProvider({}, {"host": "127.0.0.1", "port": str(port), "security": "none"})
    for start in range(0, len(facts), 25):
        group = [outgoing_email(each, plainly(each), now=NOW) for each in facts[start : start + 25]]
        provider.send(group, Deaf())
    provider.close()


CLAIM = """
UPDATE campaigns_message
   SET state = 'claimed', claim_token = %(claim)s, settled_at = %(now)s, lease_until = %(lease)s
 WHERE tenant_id = %(tenant)s AND id = ANY(%(ids)s)
"""
TOUCH = """
INSERT INTO campaigns_touch (tenant_id, household_id, ordinal, message_id, channel, domain, touched_at)
SELECT m.tenant_id, m.household_id, 1, m.id, m.channel, 'example.com', %(now)s
  FROM campaigns_message m WHERE m.tenant_id = %(tenant)s AND m.id = ANY(%(ids)s)
"""
HAND_OVER = """
UPDATE campaigns_message
   SET state = 'handing_over', attempts = 1, connection_id = %(connection)s, address_hmac = %(address)s,
       subject = %(subject)s, content_sha256 = %(digest)s, cost_minor = 0,
       verdicts = ((SELECT string_to_array(%(verdicts)s, chr(30)))[array_position(%(ids)s::bigint[], id)])::jsonb,
       lease_until = %(lease)s, settled_at = %(now)s
 WHERE tenant_id = %(tenant)s AND id = ANY(%(ids)s)
RETURNING id
"""
RECORD = """
WITH moved AS (
    UPDATE campaigns_message m
       SET state = 'handed_over', provider_id = %(claim)s || '-' || m.id, lease_until = NULL, claim_token = NULL,
           settled_at = %(now)s, handed_over_at = %(now)s
     WHERE tenant_id = %(tenant)s AND id = ANY(%(ids)s)
 RETURNING m.tenant_id, m.contact_id, m.id, m.channel, m.campaign_id
), noted AS (
    INSERT INTO tenants_event (tenant_id, kind, contact_id, subject_kind, subject_id, data, occurred_at)
    SELECT tenant_id, 'message.handed_over', contact_id, 'message', id,
           jsonb_build_object('channel', channel, 'campaign', campaign_id), %(now)s
      FROM moved
)
SELECT count(*) FROM moved
"""


def bare_rows(tenant: Any, example: Any) -> None:
    """Write for all that is due what is left of a sent message such as ``example``, with its keys; ask nothing.

    A lease with a touch, the evidence before a message leaves, and what became of it with its event: three states in
    transactions of the sizes in which they are sent.
    """
    from django.db import connection

    from campaigns.planning.models import Message
    from tenants.connections.models import Connection
    from winback.tenancy import acting_for, prepared_statement

    with acting_for(tenant.pk):
        due = Message.objects.for_tenant(tenant).filter(state="planned").order_by("due_at", "id")
        ids = list(due.values_list("id", flat=True))
        through = Connection.objects.for_tenant(tenant).get(kind="email").pk
    verdicts = json.dumps(example.verdicts)
    values: dict[str, Any] = {"tenant": tenant.pk, "now": NOW, "lease": NOW + timedelta(minutes=5)}
    values |= {"connection": through, "address": example.address_hmac, "subject": example.subject}
    values |= {"digest": example.content_sha256}
    for start in range(0, len(ids), CLAIMED):
        claimed = ids[start : start + CLAIMED]
        values |= {"claim": str(uuid4())}
        with acting_for(tenant.pk), connection.cursor() as cursor:
            cursor.execute(CLAIM, values | {"ids": claimed})
            cursor.execute(TOUCH, values | {"ids": claimed})
        leaving: list[int] = []
        for first in range(0, len(claimed) + GROUP, GROUP):
            group = claimed[first : first + GROUP]
            with acting_for(tenant.pk):  # one transaction records a group and begins the next
                if leaving:
                    prepared_statement(RECORD, values | {"ids": leaving})
                if group:
                    written = {"ids": group, "verdicts": chr(30).join([verdicts] * len(group))}
                    prepared_statement(HAND_OVER, values | written)
            leaving = group
