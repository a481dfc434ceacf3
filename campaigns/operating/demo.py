"""The demo: a sample business (or one of your own files) from import to result, in a sandbox that writes to nobody.

Every step is the deed that the regular work runs. What was done leaves rows, so a second run finds it and is quick, and
one that was stopped goes on where it was.
"""

import csv
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Count, Max

from campaigns.audience import consent
from campaigns.audience.import_kinds import Kind
from campaigns.audience.importing import import_file
from campaigns.audience.importing_contacts import Contacts
from campaigns.audience.importing_jobs import Jobs
from campaigns.audience.models import Contact, ImportBatch, Job
from campaigns.operating import simulating
from campaigns.operating.models import SimulatedDay
from campaigns.planning.models import Message
from campaigns.results import reporting
from tenants.accounts import alone
from tenants.accounts.models import Tenant
from tenants.activation import activating, onboarding
from tenants.connections import probing
from winback.tenancy import acting_for

MODULE = "dormant_customer_reactivation"
BUNDLED = Path(settings.BASE_DIR) / "catalog" / "data" / "demo"
# A window that closes while the demo runs: the product's own default for services is 60 days.
BUNDLED_WINDOW_DAYS = 30
BUNDLED_DAYS = 54

Say = Callable[[str], None]


@dataclass(frozen=True)
class Business:
    """What the demo is about. ``later`` holds the jobs that came in after ``as_of``, day by day."""

    slug: str
    name: str
    contacts: Path
    jobs: Path
    niche: str = "owner-operator"
    timezone: str = "America/New_York"
    country: str = "US"
    region: str = ""
    currency: str = ""
    address: str = ""
    as_of: date | None = None
    days: int = 0
    later: Path | None = None
    module_settings: dict[str, Any] | None = None

    @property
    def owner(self) -> str:
        return f"owner@{self.slug}.example.com"


@dataclass(frozen=True)
class Shown:
    """What there is to see: the tenant, as of when, and the counts."""

    tenant: Tenant
    as_of: date
    last_day: date
    missing: list[dict[str, Any]]
    counts: dict[str, Any]


def bundled(*, days: int = BUNDLED_DAYS) -> Business:
    """The generated sample business of catalog/data/demo."""
    about = json.loads((BUNDLED / "business.json").read_text())
    return Business(
        **about | {"as_of": date.fromisoformat(about["as_of"])},
        contacts=BUNDLED / "contacts.csv",
        jobs=BUNDLED / "jobs.csv",
        later=BUNDLED / "jobs_after.csv",
        days=days,
        module_settings={"attribution_window_days": BUNDLED_WINDOW_DAYS},
    )


def show(business: Business, *, now: datetime, say: Say) -> Shown:
    """Bring the business to its last day, doing only what is not done yet, and count."""
    tenant = Tenant.objects.filter(slug=business.slug).select_related("niche", "plan").first()
    if tenant is None:
        say(f"Making the sandbox of {business.name}")
        tenant = _make(business, now=now)
    if not tenant.sandbox:
        raise simulating.NotASandbox(f"{tenant.slug} is not a sandbox: the demo leaves it alone.")
    with alone.simulation(tenant.pk, tenant.slug):  # from the import on: a scan of today must not come between
        return _brought_to_its_last_day(tenant, business, now=now, say=say)


def _brought_to_its_last_day(tenant: Tenant, business: Business, *, now: datetime, say: Say) -> Shown:
    # Files as of a day in the past are read as they would have been read then.
    read_at = simulating.noon(tenant, business.as_of) if business.as_of else now
    for kind, path in ((Contacts(), business.contacts), (Jobs(), business.jobs)):
        _import(kind, tenant, path, now=read_at, clock=now, say=say)
    first = business.as_of or _last_business(tenant, now)
    missing = _activate(tenant, business, now=simulating.noon(tenant, first))
    days = [] if missing else list(_days(first, business.days))
    with acting_for(tenant.pk):
        finished = set(SimulatedDay.objects.for_tenant(tenant).values_list("day", flat=True))
    for number, (previous, day) in enumerate(pairwise([None, *days]), start=1):
        if day is None or day in finished:
            continue
        say(f"Simulating {day:%d %B %Y} ({number} of {len(days)})")
        if previous is not None and business.later is not None:
            _import_later(tenant, business.later, after=previous, until=day)
        simulating.simulate(tenant, first=day, last=day)
    last = days[-1] if days else first
    return Shown(tenant, first, last, missing, _counts(tenant, first, simulating.noon(tenant, last)))


def _make(business: Business, *, now: datetime) -> Tenant:
    made = onboarding.create_tenant(
        business.slug,
        name=business.name,
        niche=business.niche,
        timezone=business.timezone,
        country=business.country,
        region=business.region,
        currency=business.currency,
        address=business.address,
        owner_email=business.owner,
        sandbox=True,
        now=now,
        actor="demo",
    )
    return made.tenant


def _import(kind: Kind, tenant: Tenant, path: Path, *, now: datetime, clock: datetime, say: Say) -> None:
    """Import a file, unless this very one was: jobs that changed since would fall back to what it says of them."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with acting_for(tenant.pk):
        batches = ImportBatch.objects.for_tenant(tenant).filter(kind=kind.name, sha256=digest)
        if batches.filter(state=ImportBatch.State.DONE).exists():
            return
    say(f"Importing {kind.name} from {path.name}")
    import_file(kind, tenant, path, now=now, read_at=clock)


def _last_business(tenant: Tenant, now: datetime) -> date:
    """The day up to which a business's own files tell: that of its last completed job, and never a day to come."""
    with acting_for(tenant.pk):
        jobs = Job.objects.for_tenant(tenant).filter(status=Job.Status.COMPLETED, completed_at__lte=now)
        last: datetime = jobs.aggregate(last=Max("completed_at"))["last"] or now
    return last.astimezone(tenant.zone).date()


def _activate(tenant: Tenant, business: Business, *, now: datetime) -> list[dict[str, Any]]:
    """Switch the module on; returns what is missing, if anything is."""
    probing.refresh(tenant, now=now)
    with acting_for(tenant.pk):
        body = activating.activate(tenant, MODULE, business.module_settings, now=now, actor="demo").body
    return [] if body["state"] == "activated" else list(body["requirements"]["currently_due"])


def _days(first: date, days: int) -> Iterator[date]:
    """The first week day by day, then every other day until the sequence is through, then once a week, and the last."""
    offset = 0
    while offset < days:
        yield first + timedelta(days=offset)
        offset += 1 if offset < 7 else 2 if offset < 29 else 7
    yield first + timedelta(days=days)


def _import_later(tenant: Tenant, path: Path, *, after: date, until: date) -> None:
    """The jobs that came in between two days: before its day comes, a job does not exist."""
    since, now = simulating.noon(tenant, after), simulating.noon(tenant, until)
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows = [row for row in reader if since < _moment(row["completed_at"], tenant) <= now]
        columns = list(reader.fieldnames or ())
    if not rows:
        return
    part = Path(settings.WINBACK_HOME) / "demo" / f"{tenant.slug}-{until}.csv"
    part.parent.mkdir(parents=True, exist_ok=True)
    with part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    import_file(Jobs(), tenant, part, now=now)


def _moment(text: str, tenant: Tenant) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=tenant.zone)


def _counts(tenant: Tenant, first: date, now: datetime) -> dict[str, Any]:
    """Everything that the demo prints."""
    with acting_for(tenant.pk):
        day = SimulatedDay.objects.for_tenant(tenant).filter(day=first).first()
        scan = day.result["scan"] if day else {}
        messages = Message.objects.for_tenant(tenant)
        blocked = messages.filter(state=Message.State.BLOCKED).values_list("reason").annotate(number=Count("pk"))
        imports = ImportBatch.objects.for_tenant(tenant)
        results = reporting.results(tenant, now=now)
        return {
            "contacts": Contact.objects.for_tenant(tenant).count(),
            "jobs": Job.objects.for_tenant(tenant).count(),
            "rejected": sum(imports.values_list("rejected", flat=True)),
            "consents_to_come": consent.number_to_come(tenant, now=simulating.noon(tenant, first)),
            "dormant": scan.get("by_cohort", {}),
            "held_out": scan.get("held_out", 0),
            "excluded": scan.get("excluded", {}),
            "enrolled": results["assigned_treated"] + results["assigned_held_out"],
            "sent": {
                channel: states.get("handed_over", 0) + states.get("delivered", 0)
                for channel, states in results["messages"].items()
            },
            "blocked": dict(sorted(blocked, key=lambda pair: (-pair[1], pair[0]))),
            "results": {key: value for key, value in results.items() if key != "campaigns"},
        }
