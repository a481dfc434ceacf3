"""The sending domains in the console, and the workers that look at them."""

import base64

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from tenants.accounts.console import tenant_of
from tenants.activation import jobs
from tenants.connections.domain_page import SendingDomainAdmin
from tenants.connections.models import SendingDomain
from tenants.journal import tasks
from winback.queues import AWAITED, enqueue


@admin.register(SendingDomain)
class WatchedDomainAdmin(SendingDomainAdmin):
    """The DNS is asked by a worker, outside the request's transaction."""

    def look_up_soon(self, request: HttpRequest) -> None:
        enqueue(jobs.look_up_domains, queue=AWAITED, tenant=tenant_of(request).pk)

    def check_soon(self, request: HttpRequest, raw: bytes) -> None:
        tenant = tenant_of(request)
        task = tasks.queue(
            tenant,
            "check_message",
            "Check a message as it was received",
            now=timezone.now(),
            arguments={"message": base64.b64encode(raw).decode()},
            created_by=self.site.hooks.actor(request),
        )
        enqueue(jobs.check_message, queue=AWAITED, tenant=tenant.pk, task=task.pk)
