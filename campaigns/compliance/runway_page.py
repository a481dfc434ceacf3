"""The console page of the consent runway: counts first, then the people behind them."""

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from campaigns.compliance import runway
from campaigns.compliance.consent_basis import rules
from tenants.accounts.console import tenant_of
from winback.console.components import EmptyState
from winback.console.site import console_site

CHANNELS = {"email": "E-mail", "sms": "Text messages", "call": "Phone calls"}
REASONS = {
    "implied_consent_expired": "permission that came with the last job ends",
    "silent_too_long": "the module’s limit of silence is reached",
}
NOBODY = EmptyState(
    "Nobody loses permission within 90 days",
    "Whoever may be written to today, by consent or by law, still may then. Look again next month.",
    icon="check",
)


def page(request: HttpRequest) -> HttpResponseBase:
    """``?channel=…&reason=…&within=30&after=…`` narrows the list; what is none of ours is left out."""
    tenant, now = tenant_of(request), timezone.now()
    channel = _chosen(request, "channel", CHANNELS)
    reason = _chosen(request, "reason", REASONS)
    within = int(_chosen(request, "within", {str(days): "" for days in runway.DAYS}) or max(runway.DAYS))
    after = request.GET.get("after", "")
    try:
        found = runway.look(tenant, now=now, within=within, channel=channel, reason=reason, after=after)
    except runway.NoSuchPlace:
        found = runway.look(tenant, now=now, within=within, channel=channel, reason=reason)
    lines, people = found.lines, found.people
    chosen = {name: value for name, value in (("channel", channel), ("reason", reason), ("within", within)) if value}
    context = {
        "days": runway.DAYS,
        "rows": [_row(line, chosen) for line in lines],
        "empty": None if lines else NOBODY,
        "people": [
            (person, reverse("admin:campaigns_contact_change", args=[person.contact_id]), CHANNELS[person.channel])
            for person in people
        ],
        "heading": _heading(channel, reason, within),
        "may_record": console_site().permits(request, "consent.record"),
        "is_narrowed": bool(channel or reason or after),
        "more": f"?{urlencode(chosen | {'after': people[-1].cursor})}" if len(people) == runway.PAGE else "",
    }
    return console_site().render(request, "campaigns/runway.html", context, title="Consent runway")


def _chosen(request: HttpRequest, name: str, known: dict[str, str]) -> str:
    value = request.GET.get(name, "")
    return value if value in known else ""


def _row(line: runway.Line, chosen: dict[str, Any]) -> dict[str, Any]:
    source = next((rule.source for rule in rules() if rule.code == line.rule), "")
    wanted = {"channel": line.channel, "reason": line.reason}
    return {
        "channel": CHANNELS[line.channel],
        "reason": REASONS[line.reason],
        "source": source or "A setting of the module: “No marketing after this many months of silence”.",
        "counts": [
            (count, f"?{urlencode(wanted | {'within': days})}#people", chosen == wanted | {"within": days})
            for days, count in line.within.items()
        ],
    }


def _heading(channel: str, reason: str, within: int) -> str:
    words = [CHANNELS[channel] if channel else "All channels", f"within {within} days"]
    return ", ".join(words + ([REASONS[reason]] if reason else []))


console_site().register_page(
    "consent_runway",
    "Consent runway",
    "Audience",
    permission="view",
    view=page,
    route="consent-runway/",
    icon="clock",
    order=55,
)
