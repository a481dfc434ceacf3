"""A tenant with one row of everything that the console shows, and people of every role in it."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from campaigns.audience import uploading
from campaigns.audience.experiment_models import Assignment
from campaigns.audience.models import Consent, ContactTag, ImportBatch, Suppression
from campaigns.compliance.models import RecipientDomain, Touch
from campaigns.operating.erasure_models import Erasure
from campaigns.operating.models import SimulatedDay
from campaigns.planning.models import Offer
from campaigns.results.models import Reactivation
from campaigns.tracking.models import BookingRequest, InboxItem, Interaction
from campaigns.tracking.thread_models import Conversation
from tenants.access.keys import create_key
from tenants.access.models import Membership, User
from tenants.accounts.models import Tenant
from tenants.connections.connecting import connect
from tenants.connections.models import CapabilityEvidence, DataEvidence, SendingDomain
from tenants.journal import audit
from tenants.journal.models import Event, Task
from tenants.plans.models import Usage
from tenants.webhooks import endpoints
from tenants.webhooks.models import WebhookDelivery
from tests import factories

PASSWORD = "a long enough password"
ROLES = [str(role) for role in Membership.Role]
NOW = factories.NOW


def make_person(email: str, **fields: Any) -> User:
    """Somebody who may sign in to the console; with a ``password`` also through the sign-in page."""
    return User.objects.create_user(username=email, email=email, is_staff=True, **fields)


def member(tenant: Tenant, role: str, email: str = "") -> User:
    """Somebody with a role in the tenant; both in the open scope."""
    person = make_person(email or f"{role}@{tenant.slug}.example.com")
    Membership.objects.create(tenant=tenant, user=person, role=role, created_at=NOW)
    return person


def waiting_import(tenant: Tenant, title: str) -> Task:
    """A file that was brought, and of which nobody has said what its columns are."""
    content = "Cust #,Mail,Joined,Notes\nA-1,ana@example.com,03/04/2025,Renée\n".encode("cp1252")
    task = uploading.bring(tenant, "contacts", "customers.csv", content, now=NOW, actor="test")
    task.title = title
    task.save(update_fields=["title"])
    return task


def furnish(tenant: Tenant, mark: str) -> dict[str, Any]:
    """One row of every noun, each naming ``mark`` where it has words of its own; by model name."""
    contact = factories.make_contact(tenant, first_name=mark, last_name="Contact", email=f"{mark}@example.com")
    contact.phone, contact.phone_key, contact.email_hmac = "+13125550142", "+13125550142", f"hmac-{mark}"
    contact.name_key = f"contact {mark}"
    contact.save()
    job = factories.make_job(contact, NOW - timedelta(days=5), external_id=f"{mark}-job", service=f"{mark} visit")
    activation = factories.make_activation(tenant)
    offer = Offer.objects.create(
        tenant=tenant, code=f"{mark}-offer", name=f"{mark} $25 off", kind="amount", value_minor=2500, cost_minor=2500,
        terms="Once a customer.", created_at=NOW,
    )  # fmt: skip
    campaign = factories.make_campaign(tenant, name=f"{mark} campaign", offer=offer, activation=activation)
    episode = factories.make_episode(contact)
    enrolment = factories.make_enrolment(episode, campaign)
    message = factories.make_message(
        enrolment, state="delivered", subject=f"{mark} subject", handed_over_at=NOW - timedelta(days=29),
        verdicts=[{"guard": "email_footer", "version": 1, "allowed": True, "at": NOW.isoformat(), "when": "claim"}],
    )  # fmt: skip
    connection = connect(tenant, kind="email", provider="local", label=f"{mark} outbox", now=NOW, actor="test")
    key, _ = create_key(tenant, name=f"{mark} key", now=NOW)
    wanted = endpoints.Wanted(f"https://hooks.example.com/{mark}", ["customer.dormant"], f"{mark} CRM")
    endpoint, _ = endpoints.create(tenant, wanted, now=NOW, actor="test")
    step = campaign.steps.order_by("position").first()
    Event.objects.create(tenant=tenant, kind=f"{mark}.happened", contact_id=contact.pk, occurred_at=timezone.now())
    rows: dict[str, Any] = {
        "contact": contact,
        "household": contact.household,
        "job": job,
        "dormancyepisode": episode,
        "consent": Consent.objects.create(
            tenant=tenant, contact=contact, channel="sms", state="given", source=f"{mark} form", recorded_at=NOW,
            stated_at=NOW, wording="Yes, text me.",
        ),
        "suppression": Suppression.objects.create(
            tenant=tenant, channel="email", address_hmac=f"other-{mark}", reason="staff", source=mark,
            contact_id=contact.pk, occurred_at=NOW,
        ),
        "assignment": Assignment.objects.create(
            tenant=tenant, contact=contact, household_key=mark, share=2000, arm="treated", drawn_at=NOW
        ),
        "contacttag": ContactTag.objects.create(tenant=tenant, contact=contact, name=f"{mark} tag", source="import"),
        "importbatch": ImportBatch.objects.create(
            tenant=tenant, kind="contacts", file_name=f"{mark}.csv", sha256="0" * 64, state="done", rows=3, rejected=1,
            started_at=NOW, finished_at=NOW,
        ),
        "offer": offer,
        "campaign": campaign,
        "step": step,
        "enrolment": enrolment,
        "message": message,
        "touch": Touch.objects.create(
            tenant=tenant, household=contact.household, ordinal=1, message=message, channel="email", touched_at=NOW
        ),
        "recipientdomain": RecipientDomain.objects.create(
            tenant=tenant, domain=f"{mark.lower()}.example.net", takes_mail=False, why="null_mx", checked_at=NOW,
            asked_at=NOW,
        ),
        "interaction": Interaction.objects.create(
            tenant=tenant, kind="clicked", contact=contact, message=message, dedupe_key=mark, occurred_at=NOW
        ),
        "bookingrequest": BookingRequest.objects.create(
            tenant=tenant, contact=contact, enrolment=enrolment, message=message, service=f"{mark} visit",
            created_at=NOW,
        ),
        "conversation": Conversation.objects.create(
            tenant=tenant, address_hmac=f"{mark:0<64}", address="+13125550177", contact=contact, message=message,
            state="waiting", waiting_since=NOW, last_at=NOW, created_at=NOW,
        ),
        "inboxitem": InboxItem.objects.create(
            tenant=tenant, connection=connection, digest=f"{mark:0<64}", body=b"{", state="unreadable", received_at=NOW,
            reason="not_understood", detail=f"{mark} cannot be read", settled_at=NOW,
        ),
        "reactivation": Reactivation.objects.create(
            tenant=tenant, enrolment=enrolment, campaign=campaign, episode=episode, contact=contact, job=job,
            arm="treated", amount_minor=12_000, currency="USD", assigned_at=enrolment.enrolled_at,
            reactivated_at=job.completed_at, recorded_at=NOW,
        ),
        "erasure": Erasure.objects.create(
            tenant=tenant, contacts=[2**40], people=1, asked_by="test", state="done", removed={"campaigns_job": 2},
            kept={"jobs": 2}, elsewhere=[{"what": "provider", "name": f"{mark} outbox"}], erased_at=NOW,
            finished_at=NOW,
        ),
        "simulatedday": SimulatedDay.objects.create(tenant=tenant, day=NOW.date(), result={"mark": mark}),
        "brand": campaign.brand,
        "connection": connection,
        "capabilityevidence": CapabilityEvidence.objects.create(
            tenant=tenant, capability="email", state="ready", detail=f"{mark} answers", checked_at=NOW
        ),
        "sendingdomain": SendingDomain.objects.create(
            tenant=tenant, domain=f"{mark}.example.com", state="degraded", checked_at=timezone.now(), created_at=NOW,
            dkim_selectors=["s1"],
            findings=[
                {
                    "code": "dmarc_missing", "severity": "bad", "sentence": f"{mark}.example.com has no DMARC record.",
                    "record": {
                        "type": "TXT", "name": f"_dmarc.{mark}.example.com", "old": "",
                        "value": f"v=DMARC1; p=none; rua=mailto:dmarc@{mark}.example.com",
                    },
                },
                {"code": "spf_found", "severity": "note", "sentence": "SPF needs 2 of 10 look-ups.", "record": None},
            ],
        ),
        "dataevidence": DataEvidence.objects.create(tenant=tenant, kind="contacts", rows=1, recorded_at=NOW),
        "moduleactivation": activation,
        "usage": Usage.objects.create(tenant=tenant, feature=f"{mark} use", month=NOW.date().replace(day=1), amount=1),
        "apikey": key,
        "task": waiting_import(tenant, f"{mark} task"),
        "auditentry": audit.append(tenant.pk, actor="test", action=f"{mark}.done", now=NOW, subject=campaign),
        "webhookendpoint": endpoint,
        "webhookdelivery": WebhookDelivery.objects.create(
            tenant=tenant, endpoint=endpoint, event_id=1, kind="customer.dormant", occurred_at=NOW, next_try_at=NOW,
            state="given_up", excerpt=f"{mark} refused", settled_at=NOW, created_at=NOW,
        ),
        "event": Event.objects.for_tenant(tenant).get(kind=f"{mark}.happened"),
        "tenant": tenant,
    }  # fmt: skip
    return rows
