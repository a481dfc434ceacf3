"""Attribution: close the lapses that business has ended, and record who came back, with what it brought in."""

from datetime import datetime
from typing import Any

from django.db import connection

from campaigns.audience.experiment_models import Arm
from campaigns.audience.tagging import clear_managed, set_managed
from campaigns.results import changes
from campaigns.results.closing import close_by_business
from campaigns.results.crediting import Credited, credit, no_longer_won, treated_contacts
from tenants.accounts.models import Tenant
from winback.money import money

WON = "winback:won"


def attribute(tenant: Tenant, *, now: datetime, full: bool = False) -> dict[str, Any]:
    """Look at every contact whose jobs changed since the last run (``full``: at all); inside the tenant's scope.

    Returns what this run changed: ``closed`` lapses, ``reactivated`` enrolments of both arms (``held_out`` of them),
    ``moved`` to another job, ``withdrawn``, and ``revenue``, by which all of it together changed what is credited to
    either arm, in the tenant's ``currency``. A job in another currency counts as coming back, but nobody here knows
    its worth: its money is kept on the row and stands in ``other_revenue``, by currency, and in no other number.
    Running it again, with ``full`` or from two processes at once, changes nothing more.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('winback.attribute'), %s)", [tenant.pk])
        found = changes.since_last_run(cursor, tenant.pk, now=now, full=full)
    closed, credited = 0, Credited([], [], 0, {})
    if not found.nothing:
        closed = close_by_business(tenant.pk, contact_ids=found.contact_ids, now=now)
        credited = credit(tenant.pk, contact_ids=found.contact_ids, now=now)
        _tag(tenant.pk, credited, now=now)
    changes.keep(tenant.pk, found.position, now=now)
    other = {code: amount for code, amount in sorted(credited.revenue.items()) if code != tenant.currency}
    return {
        "closed": closed,
        "reactivated": len(credited.new),
        "held_out": sum(each.arm == Arm.HELD_OUT for each in credited.new),
        "moved": credited.moved,
        "withdrawn": len(credited.gone),
        "revenue": money(credited.revenue.get(tenant.currency, 0), tenant.currency),
        "currency": tenant.currency,
        "other_revenue": {code: money(amount, code) for code, amount in other.items() if amount},
    }


def _tag(tenant_id: int, credited: Credited, *, now: datetime) -> None:
    """Tag those whom a campaign has won back; the held out came back by themselves."""
    if won := treated_contacts(credited.new):
        set_managed(tenant_id, WON, won, now=now, source="results")
    if (lost := treated_contacts(credited.gone)) and (clear := no_longer_won(tenant_id, lost)):
        clear_managed(tenant_id, clear, [WON], now=now)
