"""Rows for tests: only the fields that matter are named, everything else is plausible."""

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from typing import Any

from campaigns.audience.experiment_models import Arm, DormancyEpisode
from campaigns.audience.models import Contact, ContactStat, Household, Job
from campaigns.planning.models import Campaign, Enrolment, Message, Step, Variant
from catalog.models import MessageTemplate, Module, Niche, Plan
from catalog.reading import Entry, read_entries, read_templates
from tenants.accounts.models import Brand, Tenant
from tenants.activation.models import ModuleActivation
from tenants.activation.module_settings import filled

NOW = datetime(2026, 9, 30, 17, 0, tzinfo=UTC)
_numbers = count(1)


@cache
def _catalog(kind: str) -> dict[str, Entry]:
    return {entry.code: entry for entry in read_entries(kind)}


def catalog_row(model: type[Niche] | type[Plan] | type[Module], kind: str, code: str) -> None:
    """The niche, plan or module as its file has it (or empty, for a made-up code), without a whole sync."""
    entry = _catalog(kind).get(code, Entry("", {"code": code, "name": code}))
    defaults = {"name": entry.content["name"], "content": entry.content, "checksum": entry.checksum, "synced_at": NOW}
    if model is Plan:
        defaults["position"] = entry.content.get("position", 0)
    if model is Module:
        defaults |= {"version": entry.content["version"], "status": entry.content["status"]}
    model._default_manager.get_or_create(code=code, defaults=defaults)


def make_tenant(slug: str = "", *, plan: str = "scale", niche: str = "hvac", **fields: Any) -> Tenant:
    """A tenant in Chicago with its main brand. Open ``acting_for_all`` (or use the ``tenant`` fixture) around it."""
    slug = slug or f"tenant-{next(_numbers)}"
    catalog_row(Niche, "niches", niche)
    catalog_row(Plan, "plans", plan)
    defaults: dict[str, Any] = {
        "name": slug.replace("-", " ").title(),
        "legal_name": f"{slug} LLC",
        "timezone": "America/Chicago",
        "country": "US",
        "region": "IL",
        "currency": "USD",
        "postal_address": "12 Oak Street, Springfield, IL 62701",
        "sandbox": True,
        "created_at": NOW,
    }
    tenant = Tenant.objects.create(slug=slug, niche_id=niche, plan_id=plan, **(defaults | fields))
    Brand.objects.create(
        tenant=tenant,
        name=tenant.name,
        legal_name=tenant.legal_name,
        postal_address=tenant.postal_address,
        sender_name=tenant.name,
        sender_email=f"hello@{slug}.example.com",
        sms_name=tenant.name,
    )
    return tenant


def make_contact(tenant: Tenant, **fields: Any) -> Contact:
    """A contact in a household of its own, without jobs."""
    number = next(_numbers)
    household = fields.pop("household", None) or Household.objects.create(
        tenant=tenant, key=f"h{number}", created_at=NOW
    )
    email = fields.pop("email", f"person{number}@example.com")
    defaults: dict[str, Any] = {
        "external_id": f"c{number}",
        "email": email,
        "email_key": email.lower() or None,
        "first_name": "Robin",
        "country": tenant.country,
        "timezone": tenant.timezone,
        "timezones": [tenant.timezone],
        "created_at": NOW,
        "updated_at": NOW,
    }
    contact = Contact.objects.create(tenant=tenant, household=household, **(defaults | fields))
    ContactStat.objects.create(tenant=tenant, contact=contact, next_scan_at=datetime(2000, 1, 1, tzinfo=UTC))
    return contact


def make_job(contact: Contact, completed_at: datetime, **fields: Any) -> Job:
    """A completed job of $120. The contact's stat row is not recomputed: see campaigns.audience.stats."""
    defaults: dict[str, Any] = {
        "external_id": f"j{next(_numbers)}",
        "amount_minor": 12_000,
        "currency": "USD",
        "service": "AC tune-up",
        "status": Job.Status.COMPLETED,
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Job.objects.create(
        tenant_id=contact.tenant_id, contact=contact, completed_at=completed_at, **(defaults | fields)
    )


REACTIVATION = "dormant_customer_reactivation"


def make_activation(tenant: Tenant, *, settings: dict[str, Any] | None = None, **fields: Any) -> ModuleActivation:
    """The reactivation module, activated, with its default settings and those given; 20 % are held out."""
    catalog_row(Module, "modules", REACTIVATION)
    defaults: dict[str, Any] = {
        "module_version": 1,
        "state": ModuleActivation.State.ACTIVATED,
        "settings": filled(Module.objects.get(pk=REACTIVATION), settings or {}),
        "holdout_share": 2_000,
        "requested_at": NOW,
        "activated_at": NOW,
        "evaluated_at": NOW,
    }
    return ModuleActivation.objects.create(tenant=tenant, module_id=REACTIVATION, **(defaults | fields))


@cache
def _templates() -> list[Entry]:
    return read_templates()


def _template(code: str, channel: str) -> MessageTemplate:
    entry = next(each for each in _templates() if (each.code, each.content["channel"]) == (code, channel))
    words = {field: entry.content[field] for field in ("name", "subject", "preheader", "mjml", "text")}
    return MessageTemplate.objects.get_or_create(
        code=code, channel=channel, version=1, defaults={**words, "checksum": entry.checksum, "synced_at": NOW}
    )[0]


def make_campaign(tenant: Tenant, **fields: Any) -> Campaign:
    """A running campaign with the steps and words of the win-back workflow, of the tenant's one activation."""
    defaults: dict[str, Any] = {
        "code": f"campaign-{next(_numbers)}",
        "name": "Win back",
        "state": Campaign.State.RUNNING,
        "workflow_code": "winback",
        "workflow_version": 1,
        "window_days": 60,
        "launched_at": NOW,
        "created_at": NOW,
        "brand": Brand.objects.for_tenant(tenant).get(is_default=True),
    }
    if "activation" not in fields:
        fields["activation"] = ModuleActivation.objects.for_tenant(tenant).first() or make_activation(tenant)
    campaign = Campaign.objects.create(tenant=tenant, **(defaults | fields))
    for position, step in enumerate(_catalog("workflows")["winback"].content["steps"]):
        row = Step.objects.create(
            tenant=tenant,
            campaign=campaign,
            workflow_version=1,
            code=step["code"],
            position=position,
            day=step["day"],
            channel=step["channel"],
            fallback_channel=step["fallback"],
            with_offer=step["with_offer"],
        )
        for channel in (step["channel"], step["fallback"]):
            template = _template(step["template"], channel)
            Variant.objects.create(tenant=tenant, step=row, channel=channel, template=template)
    return campaign


def make_episode(contact: Contact, **fields: Any) -> DormancyEpisode:
    """An open lapse of seven months that was opened a month ago."""
    defaults: dict[str, Any] = {
        "lapsed_from": NOW - timedelta(days=213),
        "cohort_months": 6,
        "cohort_at": NOW - timedelta(days=30),
        "state": DormancyEpisode.State.OPEN,
        "opened_at": NOW - timedelta(days=30),
    }
    return DormancyEpisode.objects.create(tenant_id=contact.tenant_id, contact=contact, **(defaults | fields))


def make_enrolment(episode: DormancyEpisode, campaign: Campaign, arm: str = Arm.TREATED, **fields: Any) -> Enrolment:
    """An active enrolment whose day 0 is the day on which the lapse was opened."""
    defaults: dict[str, Any] = {
        "contact_id": episode.contact_id,
        "workflow_version": campaign.workflow_version,
        "enrolled_at": episode.opened_at,
        "next_action_at": episode.opened_at,
    }
    return Enrolment.objects.create(
        tenant_id=episode.tenant_id, episode=episode, campaign=campaign, arm=arm, **(defaults | fields)
    )


def make_message(enrolment: Enrolment, step: str = "hello", **fields: Any) -> Message:
    """A planned message of one step, due on that step's day, over the step's channel."""
    row = Step.objects.for_tenant(enrolment.tenant_id).get(
        campaign_id=enrolment.campaign_id, workflow_version=enrolment.workflow_version, code=step
    )
    channel = fields.setdefault("channel", row.channel)
    due_at = fields.setdefault("due_at", enrolment.enrolled_at + timedelta(days=row.day))
    defaults: dict[str, Any] = {
        "campaign_id": enrolment.campaign_id,
        "contact_id": enrolment.contact_id,
        "household_id": enrolment.contact.household_id,
        "step_code": step,
        "variant": Variant.objects.for_tenant(enrolment.tenant_id).filter(step=row, channel=channel).first(),
        "arm": enrolment.arm,
        "first_due_at": due_at,
        "planned_at": enrolment.enrolled_at,
    }
    return Message.objects.create(tenant_id=enrolment.tenant_id, enrolment=enrolment, step=row, **(defaults | fields))
