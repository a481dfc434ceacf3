"""The console of connections with its tests: who may be written to is known above `tenants`."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from campaigns.operating import connection_jobs, connection_tries
from tenants.activation.admin import WatchedConnectionAdmin
from tenants.connections.connecting import LOCAL
from tenants.connections.models import Connection
from tenants.journal.models import Task
from winback.console.deeds import deed
from winback.queues import AWAITED, enqueue


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
    """A connection can be tried, and tested with an e-mail or a text."""

    def offered(self, request: HttpRequest, row: Any) -> list[str]:
        first, *others = super().offered(request, row)
        return ["probe", first, "send_test_text" if row.kind == "sms" else "send_test", *others]

    @deed("Try it now", permission="connections.manage", tone="primary", icon="plug")
    def probe(self, request: HttpRequest, connection: Connection) -> HttpResponseBase | None:
        task = connection_tries.ask_probe(connection, now=timezone.now(), actor=self.site.hooks.actor(request))
        self._soon(task)
        self.message_user(request, "It is being tried now: what it answers stands under Tasks in a few seconds.")
        return None

    @deed("Send me a test", permission="connections.manage")
    def send_test(self, request: HttpRequest, connection: Connection) -> HttpResponseBase | None:
        to = str(getattr(request.user, "email", ""))
        try:
            task = connection_tries.ask(connection, to, now=timezone.now(), actor=self.site.hooks.actor(request))
        except connection_tries.NoTestThere as error:
            self.message_user(request, str(error), messages.ERROR)
            return None
        self._soon(task)
        self.message_user(request, "A test is on its way to your own address: what became of it stands under Tasks.")
        return None

    @deed("Send a test text", permission="connections.manage", asks=True)
    def send_test_text(self, request: HttpRequest, connection: Connection) -> HttpResponseBase | None:
        form = TestTextForm(request.POST or None)
        if form.is_valid():
            try:
                task = connection_tries.ask(
                    connection,
                    form.cleaned_data["number"],
                    now=timezone.now(),
                    actor=self.site.hooks.actor(request),
                )
            except connection_tries.NoTestThere as error:
                form.add_error("number", str(error))
            else:
                self._soon(task)
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

    def _soon(self, task: Task) -> None:
        enqueue(connection_jobs.carry_out, queue=AWAITED, tenant=task.tenant_id, task=task.pk)
