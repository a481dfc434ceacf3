"""Home: is it paying, what needs somebody, and how far setting up has come."""

from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.db.models import Count
from django.http import HttpRequest
from django.utils import timezone

from campaigns.audience.experiment_models import DormancyEpisode
from campaigns.operating.attention import attention_of
from campaigns.operating.figures import SECONDS, cards, comparison, results_of
from campaigns.planning.models import Campaign, Message
from campaigns.results.models import Reactivation
from tenants.accounts.models import Brand, Tenant
from tenants.activation.models import ModuleActivation
from tenants.connections.evidence import rows_of
from tenants.connections.models import Connection
from winback.console import formatting
from winback.console.charts import Funnel, Part, StackedBar, Stage
from winback.console.components import EmptyState, Kpi, Panel, Setup

SENT = (Message.State.HANDED_OVER, Message.State.DELIVERED, Message.State.BOUNCED, Message.State.COMPLAINED)
MODULE = "/console/catalog/module/dormant_customer_reactivation/change/"


def home_context(request: HttpRequest) -> dict[str, Any]:
    """What Home shows for the selected tenant."""
    tenant: Tenant | None = getattr(request, "tenant", None)
    if tenant is None:
        return {"empty": EmptyState("Make the first business", "manage.py create_tenant makes it, or the page below.",
                                    "Add a business", "/console/tenants/tenant/add/", "building")}  # fmt: skip
    now = timezone.now()  # noqa: TID251 - the edge: the clock is read once
    contacts = rows_of(tenant, "contacts")
    context: dict[str, Any] = {
        "intro": _intro(tenant, contacts, now),
        "setup": setup_of(tenant),
        "attention": attention_of(tenant, now=now),
    }
    if not contacts and not Campaign.objects.for_tenant(tenant).exists():
        context["empty"] = EmptyState(
            "Import your first customers",
            "From a CSV or XLSX file: contacts first, then the jobs they have had. The rest follows from that.",
            "Import a file",
            "/console/campaigns/importbatch/add/",
            "upload",
        )
        return context
    told = results_of(tenant, now=now)
    counts = _counts(tenant)
    context["kpis"] = [*cards(told), _dormant_card(counts)]
    context["panels"] = [
        comparison(told),
        _funnel(told, counts),
        _cohorts(counts),
        _latest(tenant),
    ]
    return context


def attention_count(request: HttpRequest) -> int:
    """The number beside Home."""
    tenant: Tenant | None = getattr(request, "tenant", None)
    if tenant is None:
        return 0
    return len(attention_of(tenant, now=timezone.now()))  # noqa: TID251 - the edge: the clock is read once


def setup_of(tenant: Tenant) -> Setup:
    """How far it is set up, from what is there: no flag can be wrong."""
    brand = Brand.objects.for_tenant(tenant).filter(is_default=True).first()
    sender = bool(brand and brand.sender_email and (brand.postal_address or tenant.postal_address))
    connected = Connection.objects.for_tenant(tenant).filter(kind="email", state__in=Connection.IN_USE).exists()
    active = ModuleActivation.objects.for_tenant(tenant).filter(state=ModuleActivation.State.ACTIVATED).exists()
    brand_url = f"/console/tenants/brand/{brand.pk}/change/" if brand else "/console/tenants/brand/add/"
    steps = [
        (sender, "who e-mails are from, and your postal address", brand_url),
        (connected, "connect an e-mail provider", "/console/tenants/connection/add/?kind=email"),
        (bool(rows_of(tenant, "contacts")), "import your contacts", "/console/campaigns/importbatch/"),
        (bool(rows_of(tenant, "jobs")), "import their jobs", "/console/campaigns/importbatch/"),
        (active, "activate reactivation", MODULE),
        (
            Campaign.objects.for_tenant(tenant).exclude(launched_at=None).exists(),
            "launch the campaign",
            "/console/campaigns/campaign/",
        ),
    ]
    missing = [(text, url) for done, text, url in steps if not done]
    text, url = missing[0] if missing else ("", "")
    return Setup(len(steps) - len(missing), len(steps), url, text)


def _intro(tenant: Tenant, contacts: int, now: datetime) -> str:
    sandbox = " Sandbox: messages go to the local outbox, nobody receives them." if tenant.sandbox else ""
    people = f"{formatting.number(contacts)} contacts, " if contacts else ""
    when = f"{'as' if people else 'As'} of {formatting.moment(now, tenant.timezone)}"
    return f"{people}{when}.{sandbox}"


def _counts(tenant: Tenant) -> dict[str, Any]:
    """What has to be counted over many rows, at most a minute old."""
    key = f"console.counts.{tenant.pk}"
    known: dict[str, Any] | None = cache.get(key)
    if known is None:
        lapses = DormancyEpisode.objects.for_tenant(tenant).filter(state=DormancyEpisode.State.OPEN)
        cohorts = lapses.order_by().values_list("cohort_months").annotate(number=Count("pk"))
        written = Message.objects.for_tenant(tenant).filter(arm="treated", state__in=SENT)
        known = {
            "cohorts": sorted(cohorts),
            "written_to": written.aggregate(number=Count("enrolment_id", distinct=True))["number"],
        }
        cache.set(key, known, SECONDS)
    return known


def _dormant_card(counts: dict[str, Any]) -> Kpi:
    dormant = sum(number for _, number in counts["cohorts"])
    return Kpi(
        "Dormant now",
        formatting.number(dormant),
        ", ".join(f"{formatting.number(number)} at {months} months" for months, number in counts["cohorts"]),
        "Customers whose last job is longer ago than the first cohort, with nothing scheduled: their open lapses.",
        url="/console/campaigns/contact/?dormant=yes",
    )


def _funnel(told: dict[str, Any], counts: dict[str, Any]) -> Panel:
    stages = [
        Stage("Lapses in the campaign", told["episodes"]),
        Stage("To be written to", told["assigned_treated"], f"{formatting.number(told['assigned_held_out'])} held out"),
        Stage("Written to", counts["written_to"]),
        Stage("Came back", told["reactivated_treated"]),
    ]
    note = "Who was not written to may not be: no permission, no address, or the customer came back first."
    return Panel("From lapse to return", Funnel("From lapse to return", stages), note=note)


def _cohorts(counts: dict[str, Any]) -> Panel:
    parts = [Part(f"{months} months", number) for months, number in counts["cohorts"]]
    title = "Dormant now, by how long"
    if not parts:
        context = {"text": "Nobody is dormant now. The scan looks every hour."}
        return Panel(title, template="campaigns/text.html", context=context)
    return Panel(title, StackedBar(title, parts), url="/console/campaigns/contact/?dormant=yes", action="See them")


def _latest(tenant: Tenant) -> Panel:
    rows = Reactivation.objects.for_tenant(tenant).filter(arm="treated").select_related("contact")
    context = {"rows": list(rows.order_by("-reactivated_at", "-pk")[:6]), "zone": tenant.timezone}
    url = "/console/campaigns/reactivation/"
    return Panel("Won back lately", template="campaigns/latest.html", context=context, url=url, action="All of them")
