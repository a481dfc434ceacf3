"""Campaigns: made from an active module's workflow, launched, paused, resumed, never edited under an enrolment."""

from datetime import datetime

from django.db.models import Exists, F, OuterRef

from campaigns.planning.models import Campaign, Offer, Step, Variant
from catalog.models import MessageTemplate, Workflow
from tenants.accounts.models import Brand, Tenant
from tenants.activation.models import ModuleActivation
from tenants.journal import audit
from tenants.journal.recording import record
from tenants.plans import entitlements

SHOP_WINDOW_DAYS = 30
SERVICE_WINDOW_DAYS = 60

State = Campaign.State


class NotLaunched(ValueError):
    """The campaign cannot run as it is; the message says what to mend."""


def ensure_campaigns(tenant: Tenant, *, now: datetime) -> list[Campaign]:
    """The campaigns of the tenant's activated modules, made where there is none and brought up to date with settings
    and workflow. An enrolment that has begun keeps the workflow version and the offers that it has.
    """
    activations = ModuleActivation.objects.for_tenant(tenant).filter(state=ModuleActivation.State.ACTIVATED)
    ensured = [
        _ensure(tenant, activation, now=now) for activation in activations.select_related("module").order_by("pk")
    ]
    note_brands_in_use(tenant.pk)
    return ensured


def note_brands_in_use(tenant_id: int) -> None:
    """Say on each brand whether a running campaign sends from it: whoever judges sending domains stands below."""
    running = Campaign.objects.for_tenant(tenant_id).filter(brand=OuterRef("pk"), state=State.RUNNING)
    brands = Brand.objects.for_tenant(tenant_id).annotate(sends=Exists(running))
    brands.exclude(in_use=F("sends")).update(in_use=~F("in_use"))


def _ensure(tenant: Tenant, activation: ModuleActivation, *, now: datetime) -> Campaign:
    workflow = _latest_workflow(str(activation.module.content["workflow"]))
    settings = activation.settings
    campaign = Campaign.objects.for_tenant(tenant).filter(activation=activation).order_by("pk").first()
    offer = _offer_of(tenant, settings.get("offer"))
    window = settings.get("attribution_window_days") or _window_days(tenant)
    if campaign is None:
        campaign = Campaign(
            tenant=tenant,
            code=activation.module_id.replace("_", "-")[:50],
            name=activation.module.name,
            activation=activation,
            brand=Brand.objects.for_tenant(tenant).get(is_default=True),
            offer=offer,
            workflow_code=workflow.code,
            workflow_version=workflow.version,
            window_days=window,
            created_at=now,
        )
        campaign.save()
        make_steps(campaign, workflow)
        try:
            launch(campaign, now=now, actor="activation")
        except (NotLaunched, entitlements.NotEntitled) as error:
            _move(campaign, (State.DRAFT,), State.DRAFT, reason=str(error))
        return campaign
    fresh = {"offer": offer, "window_days": window, "workflow_version": workflow.version}
    if any(getattr(campaign, name) != value for name, value in fresh.items()):
        if campaign.workflow_version != workflow.version:
            make_steps(campaign, workflow)
        Campaign.objects.for_tenant(tenant).filter(pk=campaign.pk).update(**fresh)
        campaign.refresh_from_db()
    return campaign


def _latest_workflow(code: str) -> Workflow:
    return Workflow.objects.filter(code=code).order_by("-version")[:1].get()


def _window_days(tenant: Tenant) -> int:
    return SERVICE_WINDOW_DAYS if tenant.niche.content.get("kind") == "service" else SHOP_WINDOW_DAYS


def _offer_of(tenant: Tenant, code: str | None) -> Offer | None:
    found: Offer | None = Offer.objects.for_tenant(tenant).filter(code=code).first() if code else None
    return found


def make_steps(campaign: Campaign, workflow: Workflow) -> None:
    """The steps of one version of a workflow, each with its words over either channel. Safe to repeat."""
    for position, content in enumerate(workflow.content["steps"]):
        step, _ = Step.objects.for_tenant(campaign.tenant_id).get_or_create(
            tenant=campaign.tenant,
            campaign=campaign,
            workflow_version=workflow.version,
            code=content["code"],
            defaults={
                "position": position,
                "day": content["day"],
                "channel": content["channel"],
                "fallback_channel": content.get("fallback") or "",
                "with_offer": content.get("with_offer", False),
            },
        )
        for channel in filter(None, (step.channel, step.fallback_channel)):
            template = (
                MessageTemplate.objects.filter(code=content["template"], channel=channel).order_by("-version").first()
            )
            if template is not None:
                Variant.objects.for_tenant(campaign.tenant_id).get_or_create(
                    tenant=campaign.tenant, step=step, channel=channel, code="a", defaults={"template": template}
                )


def offer_faults(offer: Offer, *, tenant: Tenant, now: datetime) -> list[str]:
    """Why messages may not make this offer."""
    faults = []
    if offer.expires_on is not None and offer.expires_on < now.astimezone(tenant.zone).date():
        faults.append(f"the offer {offer.code} ended on {offer.expires_on:%Y-%m-%d}: give it a later end")
    if not offer.terms.strip():
        faults.append(f"the offer {offer.code} has no terms: write them")
    return faults


def launch_faults(campaign: Campaign, *, now: datetime) -> list[str]:
    """What stands in the way of running this campaign; empty when nothing does."""
    tenant = campaign.tenant
    code = campaign.activation.settings.get("offer")
    if code and campaign.offer is None:
        return [f"there is no offer {code!r}: make it, or choose another in the module's settings"]
    return offer_faults(campaign.offer, tenant=tenant, now=now) if campaign.offer is not None else []


def launch(campaign: Campaign, *, now: datetime, actor: str) -> bool:
    """Start a draft; False when it had been started. Raises NotLaunched, and NotEntitled when the plan has no room."""
    faults = launch_faults(campaign, now=now)
    if faults:
        raise NotLaunched(f"The campaign cannot run: {'; '.join(faults)}.")
    if campaign.state != State.DRAFT:
        return False
    entitlements.require(campaign.tenant, "campaigns_per_month", now=now)
    launched = _move(campaign, (State.DRAFT,), State.RUNNING, launched_at=now)
    if launched:
        _note(campaign, "campaign.launched", now=now, actor=actor)
    return launched


def pause(campaign: Campaign, *, reason: str, now: datetime, actor: str) -> bool:
    """Stop claiming within seconds; everything planned keeps its place."""
    paused = _move(campaign, (State.RUNNING,), State.PAUSED, reason=reason)
    if paused:
        _note(campaign, "campaign.paused", now=now, actor=actor, reason=reason)
    return paused


def resume(campaign: Campaign, *, now: datetime, actor: str) -> bool:
    """Go on where it was. Raises NotLaunched when what it needs got lost meanwhile."""
    faults = launch_faults(campaign, now=now)
    if faults:
        raise NotLaunched(f"The campaign cannot run: {'; '.join(faults)}.")
    resumed = _move(campaign, (State.PAUSED,), State.RUNNING)
    if resumed:
        _note(campaign, "campaign.resumed", now=now, actor=actor)
    return resumed


def _move(campaign: Campaign, old: tuple[str, ...], new: str, *, reason: str = "", **changes: datetime) -> bool:
    """One conditional update, so that two people at once make one change."""
    rows = Campaign.objects.for_tenant(campaign.tenant_id).filter(pk=campaign.pk, state__in=old)
    moved = bool(rows.update(state=new, state_reason=reason[:300], **changes))
    if moved:
        note_brands_in_use(campaign.tenant_id)
    campaign.refresh_from_db()
    return moved


def _note(campaign: Campaign, kind: str, *, now: datetime, actor: str, reason: str = "") -> None:
    data = {"by": actor} | ({"reason": reason} if reason else {})
    record(kind, tenant_id=campaign.tenant_id, now=now, subject=campaign, data=data)
    audit.append(campaign.tenant_id, actor=actor, action=kind, now=now, subject=campaign, data=data)
