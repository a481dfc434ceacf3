"""Campaigns in the developer API: what runs, and launching, pausing and resuming it."""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Router, Schema

from campaigns.planning import campaigning
from campaigns.planning.models import Campaign
from tenants.access.middleware import actor_of, key_of, require_scope
from tenants.plans.entitlements import NotEntitled
from winback.problems import Problem

router = Router(tags=["Campaigns"])


class CampaignShape(Schema):
    """A campaign as it stands."""

    code: str
    name: str
    state: str
    state_reason: str
    workflow: str
    workflow_version: int
    window_days: int
    offer: str | None
    launched_at: str | None


class Campaigns(Schema):
    """Every campaign of the tenant."""

    campaigns: list[CampaignShape]


class PauseRequest(Schema):
    """Why it pauses."""

    reason: str = Field(min_length=3, max_length=300)


def shape_of(campaign: Campaign) -> dict[str, Any]:
    return {
        "code": campaign.code,
        "name": campaign.name,
        "state": campaign.state,
        "state_reason": campaign.state_reason,
        "workflow": campaign.workflow_code,
        "workflow_version": campaign.workflow_version,
        "window_days": campaign.window_days,
        "offer": campaign.offer.code if campaign.offer else None,
        "launched_at": campaign.launched_at.isoformat() if campaign.launched_at else None,
    }


def _campaign(request: HttpRequest, code: str) -> Campaign:
    tenant = key_of(request).tenant
    rows = Campaign.objects.for_tenant(tenant).select_related("offer", "activation", "tenant__plan")
    campaign: Campaign | None = rows.filter(code=code).first()
    if campaign is None:
        raise Problem(404, "campaign_not_found", "There is no such campaign.")
    return campaign


@router.get("", summary="The campaigns", description="Needs `campaigns:read`.", response=Campaigns)
def campaigns(request: HttpRequest) -> dict[str, Any]:
    require_scope(request, "campaigns:read")
    rows = Campaign.objects.for_tenant(key_of(request).tenant).select_related("offer").order_by("pk")
    return {"campaigns": [shape_of(campaign) for campaign in rows]}


@router.post(
    "/{code}/launch",
    summary="Launch a draft",
    description="Needs `campaigns:write`. 409 `not_launched` says what to mend; launching twice answers the same.",
    response=CampaignShape,
)
def launch(request: HttpRequest, code: str) -> dict[str, Any]:
    require_scope(request, "campaigns:write")
    campaign = _campaign(request, code)
    try:
        campaigning.launch(campaign, now=timezone.now(), actor=actor_of(request))
    except (campaigning.NotLaunched, NotEntitled) as error:
        raise Problem(409, "not_launched", str(error)) from error
    return shape_of(campaign)


@router.post(
    "/{code}/pause",
    summary="Pause a running campaign",
    description="Within seconds nothing more of it is claimed; everything planned keeps its place. `campaigns:write`.",
    response=CampaignShape,
)
def pause(request: HttpRequest, code: str, body: PauseRequest) -> dict[str, Any]:
    require_scope(request, "campaigns:write")
    campaign = _campaign(request, code)
    campaigning.pause(campaign, reason=body.reason, now=timezone.now(), actor=actor_of(request))
    return shape_of(campaign)


@router.post(
    "/{code}/resume",
    summary="Resume a paused campaign",
    description="It goes on where it was. Needs `campaigns:write`.",
    response=CampaignShape,
)
def resume(request: HttpRequest, code: str) -> dict[str, Any]:
    require_scope(request, "campaigns:write")
    campaign = _campaign(request, code)
    try:
        campaigning.resume(campaign, now=timezone.now(), actor=actor_of(request))
    except campaigning.NotLaunched as error:
        raise Problem(409, "not_launched", str(error)) from error
    return shape_of(campaign)
