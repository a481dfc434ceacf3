"""What to do about a campaign that stopped itself: how much bad news there was, and the steps before it is resumed."""

from datetime import datetime
from typing import Any

from django.db.models import Count
from django.urls import reverse

from campaigns.compliance.reputation_rules import limits_on
from campaigns.planning.models import Campaign, Message
from winback.console.formatting import number

BY_ITSELF = "paused by itself"
"""How the reason of such a campaign begins (campaigns/tracking/reputation.py)."""


def steps_to_mend(campaign: Campaign, *, now: datetime) -> list[dict[str, str]]:
    """Each with its sentence, and the page on which it is done; none where a person paused it, or where it runs."""
    if campaign.state != Campaign.State.PAUSED or not campaign.state_reason.startswith(BY_ITSELF):
        return []
    window = limits_on(now.astimezone(campaign.tenant.zone).date()).window
    rows = Message.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign, handed_over_at__gt=now - window)
    states = (Message.State.BOUNCED, Message.State.COMPLAINED)
    counted: dict[str, Any] = dict(
        rows.filter(state__in=states).order_by().values_list("state").annotate(number=Count("pk"))
    )
    messages = f"{reverse('admin:campaigns_message_changelist')}?campaign__id__exact={campaign.pk}&state__exact="
    steps = []
    if counted.get("bounced"):
        steps += [
            _step(
                f"{number(counted['bounced'])} e-mails came back in {window.days} days. Dead addresses among them are "
                "suppressed already: nobody writes there again.",
                "See them",
                f"{messages}bounced",
            ),
            _step(
                "Ask where these addresses come from: an old list, a form that checks nothing. Import a newer file; "
                "who has another address in it is written to there.",
                "Import contacts",
                reverse("admin:campaigns_importbatch_changelist"),
            ),
        ]
    if counted.get("complained"):
        steps.append(
            _step(
                f"{number(counted['complained'])} people called it spam. They are suppressed; look at whom you wrote "
                "to, and at what the message says.",
                "See them",
                f"{messages}complained",
            )
        )
    steps += [
        _step(
            "Look whether your sending domains are in order: what is refused for them comes back, too.",
            "Sending domains",
            reverse("admin:tenants_sendingdomain_changelist"),
        ),
        _step("Then resume it, above. From that moment it is measured anew."),
    ]
    return steps


def _step(text: str, action: str = "", url: str = "") -> dict[str, str]:
    return {"text": text, "action": action, "url": url}
