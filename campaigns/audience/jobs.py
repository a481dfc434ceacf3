"""What RQ workers run for the audience: each job reads the clock once and makes one call."""

from dataclasses import asdict

from django.utils import timezone

from campaigns.audience.mapping import InvalidMapping
from campaigns.audience.reading import UnreadableFile
from campaigns.audience.uploading import import_brought
from tenants.accounts.models import Tenant
from tenants.journal import tasks
from tenants.journal.models import Task
from winback.tenancy import acting_for


class Cancelled(Exception):
    """Somebody cancelled the task while it ran."""


def import_upload(*, tenant: int, task: int) -> None:
    """Import a file that was brought to the console; what was brought is not kept."""
    now = timezone.now()
    business = Tenant.objects.get(pk=tenant)
    with acting_for(tenant):
        work = Task.objects.for_tenant(tenant).get(pk=task)
        if not tasks.start(work, now=now):
            return

    def begin(rows: int) -> None:
        with acting_for(tenant):
            tasks.expect(work, rows)

    def progress(rows: int) -> None:
        with acting_for(tenant):
            is_wanted = tasks.advance(work, rows)
        if not is_wanted:
            raise Cancelled("It was cancelled: what was imported until then is kept.")

    error, result = "", {}
    try:
        report = asdict(import_brought(business, work.arguments, now=now, begin=begin, progress=progress))
        del report["rejects_file"]  # of the worker's host: Imports hands it out
        del report["consents_to_come"]  # of a replay alone
        result = report | {"page": "/console/campaigns/importbatch/"}
    except (UnreadableFile, InvalidMapping, OSError, Cancelled) as reason:
        error = str(reason)
    with acting_for(tenant):
        rest = {"kind": work.arguments["kind"], "name": work.arguments["name"]}
        Task.objects.for_tenant(tenant).filter(pk=task).update(arguments=rest)
        if error:
            tasks.fail(work, now=timezone.now(), error=error)
        else:
            tasks.finish(work, now=timezone.now(), result=result)
