"""The console of provider accounts and of what the probes found. Activation registers it, and looks again after."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils import timezone

from tenants.accounts.console import TenantAdmin, nothing_yet, tenant_of
from tenants.connections import connecting, hooks, limits, rotating
from tenants.connections.checking import ConnectionRefused
from tenants.connections.forms import ConnectionForm
from tenants.connections.models import CapabilityEvidence, Connection, DataEvidence
from tenants.connections.webhook_page import WebhookPage
from winback.console.columns import json_field, json_text, pill_column
from winback.console.deeds import deed
from winback.providers import registry
from winback.providers.errors import ProviderMisconfigured

KIND_NAMES = {"email": "E-mail", "sms": "Text messages"}


class ConnectionAdmin(WebhookPage):
    """A provider account: its secrets go in and never come out."""

    console_section = "Operations"
    console_icon = "plug"
    console_order = 20
    console_empty = nothing_yet(
        "No provider is connected", "E-mail and texts leave through a provider account of yours.", icon="plug"
    )
    add_permission = "connections.manage"
    list_display = ("label", "kind", "provider", pill_column("state"), "paused_reason", "priority", "created_at")
    list_filter = ("kind", "state")
    ordering = ("kind", "priority", "pk")
    fields = ("label", "kind", "provider", "brand", "state", "priority", "secrets", "settings_shown", "created_at")
    readonly_fields = ("secrets", "settings_shown")

    def changed(self, request: HttpRequest, connection: Connection) -> None:
        """Something about a connection is different now: whoever registers this looks at what depends on it."""

    def try_soon(self, request: HttpRequest, connection: Connection) -> None:
        """New credentials or settings wait to be tried: whoever registers this has a worker do it."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("brand", "tenant")

    @admin.display(description="Secrets")
    def secrets(self, connection: Connection) -> str:
        return "Kept, encrypted" if connection.credentials else "None"

    @admin.display(description="Settings")
    def settings_shown(self, connection: Connection) -> str:
        return json_text(connecting.shown_settings(connection))

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        evidence = CapabilityEvidence.objects.for_tenant(row.tenant_id).filter(connection=row).first()
        notes = []
        if row.state == Connection.State.PAUSED:
            why = row.paused_reason or "it was in trouble"
            when = f" It is asked again at {_moment(row.retry_at)}." if row.retry_at else ""
            text = f"Paused: {why.rstrip('.')}. It goes on by itself when it answers again.{when}"
            notes.append({"tone": "warn", "text": text})
        if row.state == Connection.State.TRYING:
            notes.append({"tone": "info", "text": "It answers again: a few messages go first, then all."})
        if bytes(row.pending):
            text = "New settings are being tried; the old ones are used until the provider answers to the new."
            notes.append({"tone": "info", "text": text})
        if row.pending_problem:
            text = f"The new settings were not taken: {row.pending_problem} The old ones are still in use."
            notes.append({"tone": "warn", "text": text})
        if row.state == Connection.State.DISABLED:
            notes.append({"tone": "warn", "text": "Switched off by hand. Nothing leaves through it."})
        if row.provider == connecting.LOCAL:
            notes.append({"tone": "info", "text": "This is the local outbox: messages are kept, nobody receives them."})
        facts: list[tuple[str, Any]] = [
            ("Carries", f"{row.brand} alone" if row.brand else "Every brand"),
            ("Order", self._place(row)),
            ("Limits", _limits(row)),
        ]
        if row.kind == "email" and not connecting.has_no_limits(row):
            facts.append(("A second to one mailbox provider", _domain_limits(row)))
            slowly = "Yes: 200 a day to each domain at first" if connecting.starts_slowly(row) else "No: it is known"
            facts.append(("Begins slowly", slowly))
        if evidence is not None:
            facts += [
                ("Last try", evidence.get_state_display()),
                ("Found", evidence.detail or evidence.code or "It answers."),
                ("Tried", _moment(evidence.checked_at)),
            ]
        return {"pills": [row.state], "notes": notes, "facts": facts}

    def _place(self, row: Connection) -> str:
        """Where it stands among those of its kind."""
        keys = list(connecting.in_order(row.tenant, row.kind).values_list("pk", flat=True))
        if len(keys) < 2:
            return "The only one of its kind"
        return f"{keys.index(row.pk) + 1} of {len(keys)}: the first that works is used"

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self.site.require(request, "connections.manage")
        kind, code = request.GET.get("kind", ""), request.GET.get("provider", "")
        if not code:
            kinds = {name: text for name, text in KIND_NAMES.items() if kind in ("", name)}
            offered = [
                (text, [(c, label, name) for c, label in registry.choices(name)]) for name, text in kinds.items()
            ]
            return self.site.render(
                request, "tenants/choose_provider.html", {"offered": offered}, title="Connect a provider"
            )
        try:
            provider = registry.provider(kind, code)
        except ProviderMisconfigured as error:
            raise Http404(str(error)) from error
        tenant = tenant_of(request)
        form = ConnectionForm(request.POST or None, provider=provider, tenant=tenant)
        if form.is_valid():
            connection = self._connect(request, kind, code, form)
            if connection is None:
                form.add_error("label", "There is a connection of this name: open it to change it.")
            else:
                self.message_user(request, f"{provider.label} is connected. It is being tried now.")
                return HttpResponseRedirect(self.page_of(connection))
        return self.site.ask(
            request, form, title=f"Connect {provider.label}", button="Connect", back=f"{self.list_url()}add/"
        )

    def _connect(self, request: HttpRequest, kind: str, code: str, form: ConnectionForm) -> Connection | None:
        connection = connecting.add(
            tenant_of(request),
            kind=kind,
            provider=code,
            label=form.cleaned_data["label"],
            credentials=form.credentials,
            options=form.options,
            brand=form.brand,
            now=timezone.now(),
            actor=self.site.hooks.actor(request),
        )
        if connection is not None:
            self.changed(request, connection)
        return connection

    def offered(self, request: HttpRequest, row: Any) -> list[str]:
        use = ["pause"] if row.state in Connection.IN_USE else ["resume"]
        keys = list(connecting.in_order(row.tenant, row.kind).values_list("pk", flat=True))
        move = [*(["move_up"] if keys[0] != row.pk else []), *(["move_down"] if keys[-1] != row.pk else [])]
        return ["set_up", *move, *(["replace_webhook"] if hooks.url_of(row) else []), *use]

    @deed("Use earlier", permission="connections.manage")
    def move_up(self, request: HttpRequest, connection: Connection) -> HttpResponseBase | None:
        self._move(request, connection, -1)
        return None

    @deed("Use later", permission="connections.manage")
    def move_down(self, request: HttpRequest, connection: Connection) -> HttpResponseBase | None:
        self._move(request, connection, 1)
        return None

    def _move(self, request: HttpRequest, connection: Connection, by: int) -> None:
        if connecting.move(connection, by, now=timezone.now(), actor=self.site.hooks.actor(request)):
            self.changed(request, connection)
            self.message_user(request, f"“{connection.label}” is now used {'earlier' if by < 0 else 'later'}.")

    @deed("Change settings", permission="connections.manage", asks=True)
    def set_up(self, request: HttpRequest, connection: Connection) -> HttpResponseBase | None:
        kept, known = rotating.latest_or_none(connection)
        try:
            provider = registry.provider(connection.kind, connection.provider)
        except ProviderMisconfigured as error:
            raise Http404(str(error)) from error
        form = ConnectionForm(
            request.POST or None,
            provider=provider,
            tenant=connection.tenant,
            brand=connection.brand,
            options=known,
            kept=kept,
        )
        if form.is_valid():
            now, actor = timezone.now(), self.site.hooks.actor(request)
            try:
                rotating.propose(connection, credentials=form.given, options=form.options, now=now, actor=actor)
            except ConnectionRefused as error:
                form.add_error(error.field.rpartition(".")[2], str(error))
            else:
                connecting.give_to(connection, form.brand, now=now, actor=actor)
                self.try_soon(request, connection)
                text = "The new settings are being tried: they take the old ones’ place when the provider answers."
                self.message_user(request, text)
                return None
        return self.site.ask(
            request, form, title=f"Change “{connection.label}”", button="Save", back=self.page_of(connection)
        )

    @deed("Switch off", permission="connections.manage", tone="danger", icon="pause")
    def pause(self, request: HttpRequest, connection: Connection) -> HttpResponseBase | None:
        # Disabled, not paused: what paused itself goes back to work when it answers a probe.
        if connecting.disable(connection, now=timezone.now(), actor=self.site.hooks.actor(request)):
            self.changed(request, connection)
            self.message_user(
                request,
                f"“{connection.label}” is switched off: nothing leaves through it until somebody resumes it.",
                extra_tags=f"undo={self.deed_url('resume', connection)}",
            )
        else:
            self.message_user(request, f"“{connection.label}” was not in use.", messages.WARNING)
        return None

    @deed("Resume", permission="connections.manage", tone="primary", icon="play")
    def resume(self, request: HttpRequest, connection: Connection) -> HttpResponseBase | None:
        if connecting.resume(connection, now=timezone.now(), actor=self.site.hooks.actor(request)):
            self.changed(request, connection)
            self.message_user(request, f"“{connection.label}” is in use again.")
        else:
            self.message_user(request, f"“{connection.label}” was not paused.", messages.WARNING)
        return None


def _limits(row: Connection) -> str:
    """The limits of a connection in words."""
    each = "segments" if row.kind == "sms" else "messages"
    told = [(row.settings.get("per_second"), "a second"), (row.settings.get("per_day"), "a day")]
    written = [f"{number} {each} {per}" for number, per in told if number]
    return ", ".join(written) or "None of its own"


def _domain_limits(row: Connection) -> str:
    """How many messages a second one mailbox provider gets, in words."""
    told = row.settings.get("domain_limits")
    if told is False:
        return "No limit to anybody"
    own = ", ".join(limits.written(told).splitlines())
    return f"{own}; else {limits.usual()}" if own else limits.usual()


def _moment(moment: Any) -> str:
    return timezone.localtime(moment).strftime("%-d %b %Y, %H:%M")


class FoundAdmin(TenantAdmin):
    """What was found, read-only."""

    console_section = "Operations"
    console_icon = "check"


@admin.register(CapabilityEvidence)
class CapabilityAdmin(FoundAdmin):
    """What a probe found about each capability."""

    console_order = 30
    console_name = "Capabilities"
    console_many = "capabilities"
    console_empty = nothing_yet(
        "Nothing was tried yet", "What works is tried when a module is activated.", icon="check"
    )
    list_display = ("capability", pill_column("state"), "detail", "checked_at")
    ordering = ("capability", "pk")
    fields = ("capability", "state", "code", "detail", "found", "connection", "checked_at")
    readonly_fields = ("found",)
    found = staticmethod(json_field("facts"))


@admin.register(DataEvidence)
class DataAdmin(FoundAdmin):
    """How many contacts and jobs there are, by the last import's count."""

    console_order = 31
    console_name = "Data on hand"
    console_many = "kinds of data"
    console_empty = nothing_yet("No data yet", "Each import notes here how much there is.", icon="check")
    list_display = ("kind", "rows", "newest_at", "recorded_at")
    ordering = ("kind", "pk")
    fields = ("kind", "rows", "newest_at", "recorded_at")
