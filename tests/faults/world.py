"""A small business with a past, committed, so that other processes see it; and what became of it."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from campaigns.audience import addresses, stats
from campaigns.audience.experiment_models import DormancyEpisode
from campaigns.audience.models import Contact, ContactTag, Household, Job
from campaigns.planning.models import Enrolment, Message
from campaigns.results.models import Reactivation
from catalog.sync import sync
from tenants.accounts.models import Tenant
from tenants.connections.connecting import connect
from tests import factories
from winback.tenancy import acting_for, acting_for_all

START = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)  # noon in Chicago
DAY = timedelta(days=1)
ROOT = Path(__file__).resolve().parents[2]


def make_business(slug: str, *, contacts: int, cap: int) -> Tenant:
    """A sandbox tenant whose customers lapsed, or lapse in the weeks to come; some come back, some share a home.

    The same business whatever its slug: ids, households, arms. ``cap`` is how many are enrolled a day.
    """
    sync(START)
    with acting_for_all("test set-up"):
        tenant = factories.make_tenant(slug, holdout_salt="0" * 32)
    with acting_for(tenant.pk):
        for kind in ("email", "sms"):
            connect(tenant, kind=kind, provider="local", now=START, actor="test")
        factories.make_activation(tenant, settings={"daily_enrolment_cap": cap, "frequency_cap_touches": 2})
        for number in range(contacts):
            _make_customer(tenant, number)
        with connection.cursor() as cursor:
            stats.recompute_all(cursor, tenant.pk)
    return tenant


def _make_customer(tenant: Tenant, number: int) -> None:
    home = number - 1 if number % 7 == 1 else number  # every seventh lives with the one before
    household, _ = Household.objects.get_or_create(tenant=tenant, key=f"h{home}", defaults={"created_at": START})
    email = f"c{number}@example.com"
    contact = factories.make_contact(
        tenant,
        household=household,
        external_id=f"c{number}",
        email=email,
        email_hmac=addresses.address_hmac(email),
        first_name=f"Name{chr(97 + number % 26)}",
    )
    factories.make_job(contact, START - (165 + number * 7 % 90) * DAY, external_id=f"j{number}-{tenant.pk}")
    if number % 5 == 0:
        factories.make_job(contact, START + (20 + number % 30) * DAY, external_id=f"k{number}-{tenant.pk}")


def database_url() -> str:
    chosen: dict[str, Any] = connection.settings_dict
    return f"postgres://{chosen['USER']}:{chosen['PASSWORD']}@{chosen['HOST']}:{chosen['PORT']}/{chosen['NAME']}"


def run(*command: str, dying: tuple[str, str, int] | None = None) -> bool:
    """Run a command in a process of its own, as the schedule or a person does; False when it was killed on its way."""
    where, when, number = dying or ("os:getpid", "after", 0)
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.dying", where, when, str(number), *command],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database_url(), "WINBACK_HOME": str(settings.WINBACK_HOME)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr[-3000:]
    return done.returncode == 0


def outbox(tenant: Tenant) -> list[str]:
    """The names of the files that left, each a message's reference."""
    folder = Path(settings.WINBACK_HOME) / "outbox" / tenant.slug
    return sorted(path.stem for path in folder.rglob("*") if path.is_file())


def what_became(tenant: Tenant) -> dict[str, list[Any]]:
    """Everything that a run decided, by names that are the same in another tenant."""
    who = "contact__external_id"
    with acting_for(tenant.pk):
        return {
            "episodes": list(
                DormancyEpisode.objects.for_tenant(tenant)
                .order_by(who, "lapsed_from")
                .values_list(who, "cohort_months", "state", "opened_at", "closed_at", "closed_by")
            ),
            "enrolments": list(
                Enrolment.objects.for_tenant(tenant)
                .order_by(who, "enrolled_at")
                .values_list(who, "arm", "state", "position", "enrolled_at", "ended_at", "ended_by")
            ),
            "messages": list(
                Message.objects.for_tenant(tenant)
                .order_by(who, "step_code")
                .values_list(who, "step_code", "channel", "arm", "state", "reason", "due_at", "handed_over_at")
            ),
            "reactivations": list(
                Reactivation.objects.for_tenant(tenant)
                .order_by(who)
                .values_list(who, "arm", "amount_minor", "reactivated_at")
            ),
            "tags": list(ContactTag.objects.for_tenant(tenant).order_by(who, "name").values_list(who, "name")),
            "people": [Contact.objects.for_tenant(tenant).count(), Job.objects.for_tenant(tenant).count()],
        }
