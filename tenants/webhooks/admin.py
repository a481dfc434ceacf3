"""The console of webhook endpoints. Operating registers it, and has a worker look after a deed."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from tenants.accounts.console import TenantAdmin, nothing_yet, tenant_of
from tenants.webhooks import endpoints, replaying
from tenants.webhooks.endpoints import EndpointRefused, Wanted
from tenants.webhooks.forms import EndpointForm, ReplayForm, RotateForm
from tenants.webhooks.kinds import KINDS
from tenants.webhooks.models import WebhookDelivery, WebhookEndpoint
from winback.console.columns import pill_column
from winback.console.confirming import Confirmation
from winback.console.deeds import deed
from winback.console.formatting import number

MANAGE = "connections.manage"
_WHY = {
    "person": "Switched off by hand.",
    "gone": "It answered 410: it wants to hear no more.",
    "failing": "Nothing had arrived there for five days.",
}


class EndpointAdmin(TenantAdmin):
    """Where your own systems are told what happens. An address can hold a secret: only owners see it."""

    view_permission = add_permission = MANAGE
    console_section = "Operations"
    console_icon = "send"
    console_order = 40
    console_name = "Webhooks"
    console_many = "endpoints"
    console_empty = nothing_yet(
        "No endpoint yet",
        "Your CRM, a spreadsheet service or a program of yours is called when a customer goes quiet, unsubscribes or "
        "comes back.",
        icon="send",
        action="Add an endpoint",
        url="add/",
    )
    list_display = ("__str__", pill_column("state"), "told_of", "last_arrived_at", "created_at")
    ordering = ("created_at", "pk")
    fields = ("url", "description", "told_of_all", "who", "secret", "created_at")
    readonly_fields = ("told_of_all", "who", "secret")

    @admin.display(description="Told of")
    def told_of(self, endpoint: WebhookEndpoint) -> str:
        return f"{len(endpoint.kinds)} of {len(KINDS)} kinds"

    @admin.display(description="Told of")
    def told_of_all(self, endpoint: WebhookEndpoint) -> SafeString:
        return format_html_join("", "<code>{}</code><br>", ((kind,) for kind in endpoint.kinds))

    @admin.display(description="Of a customer it reads")
    def who(self, endpoint: WebhookEndpoint) -> str:
        return "External id, name, e-mail, phone" if endpoint.personal else "External id"

    @admin.display(description="Secret")
    def secret(self, endpoint: WebhookEndpoint) -> str:
        made = timezone.localtime(endpoint.secret_made_at).strftime("%-d %b %Y, %H:%M")
        return f"Kept, encrypted, since {made}. Replace it to see a new one."

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        counted = dict(
            WebhookDelivery.objects.for_tenant(row.tenant_id)
            .filter(endpoint=row)
            .values_list("state")
            .annotate(number=Count("pk"))
            .order_by()
        )
        notes = []
        if row.state == WebhookEndpoint.State.DISABLED:
            why = _WHY.get(row.disabled_reason, "Switched off.")
            notes.append({"tone": "warn", "text": f"{why} What waited still waits; new events are not queued."})
        elif row.failing_since is not None:
            since = timezone.localtime(row.failing_since).strftime("%-d %b, %H:%M")
            notes.append({"tone": "bad", "text": f"Nothing that was tried has arrived since {since}."})
        where = f"/console/tenants/webhookdelivery/?endpoint__id__exact={row.pk}"
        facts: list[tuple[str, Any]] = [
            (str(state.label), format_html('<a href="{}&state__exact={}">{}</a>', where, state.value, number(many)))
            for state in WebhookDelivery.State
            if (many := counted.get(state.value, 0))
        ]
        if not facts:
            facts = [("Deliveries", "None yet: send a test")]
        return {"pills": [row.state], "notes": notes, "facts": facts}

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self.site.require(request, MANAGE)
        form = EndpointForm(request.POST or None, initial={"kinds": ["customer.dormant", "customer.reactivated"]})
        if form.is_valid():
            try:
                endpoint, secret = endpoints.create(
                    tenant_of(request), form.wanted, now=timezone.now(), actor=self.site.hooks.actor(request)
                )
            except EndpointRefused as error:
                form.add_error(error.field, str(error))
            else:
                self.site.hooks.changed(request)
                return self._show(request, endpoint, secret)
        return self.site.ask(
            request, form, title="Add an endpoint", button="Add the endpoint", back=self.list_url(),
            intro=("What happens from now on is told to it. How to check that it was us: docs/webhooks.md.",),
        )  # fmt: skip

    def _show(self, request: HttpRequest, endpoint: WebhookEndpoint, secret: str) -> HttpResponse:
        return self.site.show_once(
            request,
            title=f"The secret of “{endpoint}”",
            sentences=["Your program checks our signatures with it. Copy it now: it is shown this once."],
            secret=secret,
            back=self.page_of(endpoint),
        )

    def offered(self, request: HttpRequest, row: Any) -> list[str]:
        if row.state == WebhookEndpoint.State.DISABLED:
            return ["enable", "set_up", "rotate", "replay", "remove"]
        return ["send_test", "set_up", "rotate", "replay", "disable", "remove"]

    @deed("Send a test", permission=MANAGE, tone="primary", icon="send")
    def send_test(self, request: HttpRequest, endpoint: WebhookEndpoint) -> HttpResponseBase | None:
        endpoints.send_test(endpoint, now=timezone.now(), actor=self.site.hooks.actor(request))
        self.wake(request, endpoint)
        self.message_user(request, "A test is on its way: reload this page in a few seconds, and open Deliveries.")
        return None

    def wake(self, request: HttpRequest, endpoint: WebhookEndpoint) -> None:
        """Have a worker look now: whoever registers the jobs says how. The schedule comes round in any case."""

    @deed("Change settings", permission=MANAGE, asks=True)
    def set_up(self, request: HttpRequest, endpoint: WebhookEndpoint) -> HttpResponseBase | None:
        known = {name: getattr(endpoint, name) for name in ("url", "kinds", "description", "personal")}
        form = EndpointForm(request.POST or None, initial=known)
        if form.is_valid():
            wanted: Wanted = form.wanted
            changed = endpoints.change(endpoint, wanted, now=timezone.now(), actor=self.site.hooks.actor(request))
            self.message_user(request, "The endpoint is changed." if changed else "Nothing was changed.")
            return None
        return self.site.ask(request, form, title=f"Change “{endpoint}”", button="Save", back=self.page_of(endpoint))

    @deed("Replace secret", permission=MANAGE, asks=True)
    def rotate(self, request: HttpRequest, endpoint: WebhookEndpoint) -> HttpResponseBase | None:
        form = RotateForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            secret = endpoints.rotate(
                endpoint,
                at_once=form.cleaned_data["at_once"],
                now=timezone.now(),
                actor=self.site.hooks.actor(request),
            )
            return self._show(request, endpoint, secret)
        return self.site.ask(
            request, form, title=f"Replace the secret of “{endpoint}”", button="Make a new secret",
            back=self.page_of(endpoint),
        )  # fmt: skip

    @deed("Send again", permission=MANAGE, asks=True)
    def replay(self, request: HttpRequest, endpoint: WebhookEndpoint) -> HttpResponseBase | None:
        now = timezone.now()
        form = ReplayForm(request.POST or None, initial={"since": now - timedelta(days=1), "until": now})
        if form.is_valid():
            done = replaying.replay(endpoint, now=now, actor=self.site.hooks.actor(request), **form.cleaned_data)
            self.wake(request, endpoint)
            self.message_user(
                request, f"{number(done.again)} are sent again, {number(done.missed)} for the first time."
            )
            return None
        return self.site.ask(
            request, form, title=f"Send again to “{endpoint}”", button="Send again", back=self.page_of(endpoint),
            intro=("What did not arrive in this period, and what happened while the endpoint was switched off.",),
        )  # fmt: skip

    @deed("Switch off", permission=MANAGE, icon="pause")
    def disable(self, request: HttpRequest, endpoint: WebhookEndpoint) -> HttpResponseBase | None:
        if endpoints.disable(endpoint, reason="person", now=timezone.now(), actor=self.site.hooks.actor(request)):
            self.site.hooks.changed(request)
            undo = self.deed_url("enable", endpoint)
            self.message_user(request, "It is told nothing more.", extra_tags=f"undo={undo}")
        return None

    @deed("Switch on", permission=MANAGE, tone="primary", icon="play")
    def enable(self, request: HttpRequest, endpoint: WebhookEndpoint) -> HttpResponseBase | None:
        if endpoints.enable(endpoint, now=timezone.now(), actor=self.site.hooks.actor(request)):
            self.site.hooks.changed(request)
            self.wake(request, endpoint)
            self.message_user(request, "It is told again, from now on. “Send again” tells it what it has missed.")
        return None

    @deed("Remove", permission=MANAGE, tone="danger")
    def remove(self, request: HttpRequest, endpoint: WebhookEndpoint) -> HttpResponseBase | None:
        asked = self.site.confirm(
            request,
            Confirmation(
                title=f"Remove “{endpoint}”?",
                button="Remove the endpoint",
                sentences=["It is told nothing more, and the list of its deliveries is gone."],
                back=self.page_of(endpoint),
            ),
        )
        if asked is not None:
            return asked
        endpoints.remove(endpoint, now=timezone.now(), actor=self.site.hooks.actor(request))
        self.site.hooks.changed(request)
        self.message_user(request, "The endpoint is removed.")
        return HttpResponseRedirect(self.list_url())
