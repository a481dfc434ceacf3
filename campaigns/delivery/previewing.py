"""What a step would say to a contact, and a test of it to somebody of the business.

Nothing is planned, and nobody is written to but a member of the team.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.db.models import QuerySet
from django.db.models.functions import Length

from campaigns.audience.models import Channel, Consent, Contact, Job
from campaigns.compliance import content
from campaigns.compliance.verdict import Verdict
from campaigns.delivery import routing
from campaigns.delivery.message_facts import imagined_facts
from campaigns.delivery.rendering import Rendered, render
from campaigns.planning.models import Variant
from tenants.access.models import Membership
from tenants.accounts.models import Tenant
from tenants.connections.connecting import open_provider
from tenants.journal import audit
from winback.providers.handing import OneAnswer
from winback.providers.sms.segments import Segments, count
from winback.tenancy import acting_for

LONG_TRIED = 20
_LONGEST_WAY_TO_SAY_WHEN = timedelta(days=600)  # “about a year and a half”


class NoTest(ValueError):
    """The test message cannot be sent; the message says what to mend."""


@dataclass(frozen=True)
class Preview:
    """The words for one contact, and what the guards over words say of them."""

    contact: Contact
    rendered: Rendered
    verdicts: Sequence[Verdict]

    @property
    def refusals(self) -> list[str]:
        return [verdict.reason for verdict in self.verdicts if not verdict.allowed]


def preview(variant: Variant, contact: Contact, *, now: datetime) -> Preview:
    """Render a variant for a contact as a message would be; raises RenderFailed. Inside an open scope."""
    facts = imagined_facts(variant.tenant_id, variant_id=variant.pk, contact_id=contact.pk, now=now)[0]
    rendered = render(facts, now=now)
    verdicts = content.judge(
        channel=facts["channel"],
        subject=rendered.subject,
        html=rendered.html,
        text=rendered.text,
        headers=routing.headers(facts) if facts["channel"] == Channel.EMAIL else {},
        facts=facts,
    )
    return Preview(contact, rendered, verdicts)


@dataclass(frozen=True)
class Longest:
    """The most that a text can be, to whom of those it may go to it is longest: the opt-out line is part of it."""

    text: str
    counted: Segments


def longest(variant: Variant, *, now: datetime) -> Longest | None:
    """A text with the longest first name and the longest service of those who agreed to texts; None without any.

    Names and services are tidied when they are rendered, so the longest as they are written are all tried. Inside an
    open scope; raises RenderFailed.
    """
    people = (
        Contact.objects.for_tenant(variant.tenant_id)
        .filter(state=Contact.State.ACTIVE, consents__channel=Channel.SMS, consents__state=Consent.State.GIVEN)
        .exclude(phone_key=None)
    )
    somebody = people.first()
    if somebody is None:
        return None
    facts = imagined_facts(variant.tenant_id, variant_id=variant.pk, contact_id=somebody.pk, now=now)[0]
    facts["last_completed_at"] = now - _LONGEST_WAY_TO_SAY_WHEN
    jobs = Job.objects.for_tenant(variant.tenant_id).filter(status=Job.Status.COMPLETED, contact__in=people)
    for field, values in (("first_name", _long(people, "first_name")), ("last_service", _long(jobs, "service"))):
        tried = [facts | {field: value} for value in values] or [facts]
        facts = max(tried, key=lambda each: count(render(each, now=now).text).units)
    text = render(facts, now=now).text
    return Longest(text, count(text))


def _long(rows: QuerySet[Any], field: str) -> list[str]:
    sized = rows.annotate(size=Length(field)).order_by("-size", field)
    return [value for value, _ in sized.values_list(field, "size").distinct()[:LONG_TRIED]]


def samples(tenant: Tenant, *, most: int = 10) -> list[Contact]:
    """Contacts to look at before a launch: those with the worst data first, for that is where words break."""
    rows = Contact.objects.for_tenant(tenant).filter(state=Contact.State.ACTIVE).exclude(email_key=None)
    worst = list(rows.filter(first_name="").order_by("id")[: most // 2])
    return [*worst, *rows.exclude(first_name="").order_by("-id")[: most - len(worst)]]


def send_test(
    tenant: Tenant, variant: Variant, contact: Contact, *, recipient: str, now: datetime, actor: str
) -> Preview:
    """Send the e-mail that this contact would get to a member of the team; raises NoTest.

    Only to a member's own address, or a test would be a way to write to anybody. Opens its own scopes, because the
    provider is called outside any transaction.
    """
    with acting_for(tenant.pk):
        if variant.channel != Channel.EMAIL:
            raise NoTest("A test goes by e-mail; a text can be read in the preview.")
        if not Membership.objects.for_tenant(tenant).filter(user__email__iexact=recipient).exists():
            raise NoTest(f"{recipient} is no member of {tenant.name}: tests go to the team alone.")
        connection = routing.connection_for(tenant, variant.channel)
        if connection is None:
            raise NoTest("No e-mail connection is in use: connect one under Providers.")
        seen = preview(variant, contact, now=now)
        facts = imagined_facts(tenant.pk, variant_id=variant.pk, contact_id=contact.pk, now=now)[0]
        mail = replace(
            routing.outgoing_email(facts, seen.rendered, now=now),
            reference=f"test-{uuid4().hex[:12]}",
            recipient_address=recipient,
            recipient_name="",
            subject=f"[Test] {seen.rendered.subject}",
        )
    answer = OneAnswer()
    with open_provider(connection) as provider:
        provider.send([mail], answer)  # type: ignore[list-item]  # an e-mail connection opens an e-mail provider
    if not answer.taken:
        raise NoTest(f"The provider did not take the test: {answer.detail or 'its fate is unknown'}.")
    with acting_for(tenant.pk):
        audit.append(
            tenant.pk, actor=actor, action="message.test_sent", now=now, subject=variant, data={"contact": contact.pk}
        )
    return seen
