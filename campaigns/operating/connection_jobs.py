"""What RQ workers run for connections: the job reads the clock once and makes one call."""

from django.utils import timezone

from campaigns.operating import connection_tests
from tenants.accounts.models import Tenant
from tenants.connections import testing
from tenants.connections.models import Connection
from tenants.journal import tasks
from tenants.journal.models import Task
from winback.encryption import UndecipherableSecret
from winback.providers.errors import ProviderError
from winback.tenancy import acting_for


def test_text(*, tenant: int, task: int) -> None:
    """Send one test text to the phone that a member of the team named; the number is not kept."""
    now = timezone.now()
    business = Tenant.objects.get(pk=tenant)
    with acting_for(tenant):
        work = Task.objects.for_tenant(tenant).get(pk=task)
        if not tasks.start(work, now=now):
            return
        number = work.arguments["number"]
        Task.objects.for_tenant(tenant).filter(pk=task).update(arguments={})
        rows = Connection.objects.for_tenant(tenant).select_related("tenant", "brand")
        connection = rows.get(pk=work.arguments["connection"])
        error = connection_tests.why_not(business, number)
    if not error:
        try:
            testing.send_test(connection, recipient=number, now=now, actor=work.created_by)
        except (testing.NoTest, ProviderError, UndecipherableSecret) as reason:
            error = str(reason)
    with acting_for(tenant):
        if error:
            tasks.fail(work, now=timezone.now(), error=error)
        else:
            tasks.finish(work, now=timezone.now(), result={"sent": 1})
