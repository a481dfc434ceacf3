"""The console of connections with its test texts: whether a number may be written to is known above `tenants`."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from campaigns.operating import connection_jobs, connection_tests
from tenants.activation.admin import WatchedConnectionAdmin
from tenants.connections.connecting import LOCAL
from tenants.connections.models import Connection
from winback.console.deeds import deed
from winback.queues import enqueue


class TestTextForm(forms.Form):
    """Whose phone the test goes to."""

    number = forms.CharField(
        label="Mobile number",
        max_length=40,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
        help_text="With its country code, or as it is dialled in your own country.",
    )
    agreed = forms.BooleanField(
        label="This phone is mine, or a colleague’s who expects the test.",
        error_messages={"required": "Customers get no tests: say whose phone it is."},
    )


@admin.register(Connection)
class ConnectionPageAdmin(WatchedConnectionAdmin):
    """A connection for texts can be tried with a text."""

    def offered(self, request: HttpRequest, row: Any) -> list[str]:
        offered = super().offered(request, row)
        return [*offered[:2], "send_test_text", *offered[2:]] if row.kind == "sms" else offered

    @deed("Send a test text", permission="connections.manage", asks=True)
    def send_test_text(self, request: HttpRequest, connection: Connection) -> HttpResponseBase | None:
        form = TestTextForm(request.POST or None)
        if form.is_valid():
            try:
                task = connection_tests.ask(
                    connection,
                    form.cleaned_data["number"],
                    now=timezone.now(),
                    actor=self.site.hooks.actor(request),
                )
            except connection_tests.NoTestText as error:
                form.add_error("number", str(error))
            else:
                enqueue(connection_jobs.test_text, tenant=connection.tenant_id, task=task.pk)
                where = "the local outbox" if connection.provider == LOCAL else "that phone"
                self.message_user(request, f"A test is on its way to {where}: what became of it stands under Tasks.")
                return None
        return self.site.ask(
            request,
            form,
            title=f"Test “{connection.label}”",
            button="Send the test",
            intro=("One text goes to this number, now. It costs what a text costs.",),
            back=self.page_of(connection),
        )
