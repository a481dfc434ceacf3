"""The console of modules and their activation, of the tenant itself, and of connections, on which modules depend."""

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils import timezone

from catalog.models import Guard, Module, Niche
from tenants.accounts.admin import BusinessAdmin
from tenants.accounts.console import TenantAdmin, nothing_yet, tenant_of
from tenants.accounts.models import Tenant
from tenants.activation import activating, depending, domains_page, jobs, onboarding  # noqa: F401 - it registers itself
from tenants.activation.forms import NewTenantForm
from tenants.activation.models import ModuleActivation
from tenants.activation.module_settings import SettingsInvalid
from tenants.activation.setting_forms import given, in_order, settings_form, show_faults, written
from tenants.connections.admin import ConnectionAdmin
from tenants.connections.models import Connection
from winback.console.admin_base import ReadOnlyAdmin
from winback.console.columns import json_field, pill_column
from winback.console.components import Panel
from winback.console.confirming import Confirmation
from winback.console.deeds import deed
from winback.console.formatting import words
from winback.console.templatetags.console import pill
from winback.queues import AWAITED, enqueue


class WatchedConnectionAdmin(ConnectionAdmin):
    """A connection that changed may let a module run that waited for it, or stop one that runs.

    campaigns/operating/connection_page.py registers it.
    """

    def changed(self, request: HttpRequest, connection: Connection) -> None:
        tenant = tenant_of(request)
        self.site.hooks.changed(request)
        depending.changed(tenant, now=timezone.now())

    def try_soon(self, request: HttpRequest, connection: Connection) -> None:
        actor = self.site.hooks.actor(request)
        enqueue(jobs.try_proposed, queue=AWAITED, tenant=connection.tenant_id, connection=connection.pk, actor=actor)


@admin.register(ModuleActivation)
class ActivationAdmin(TenantAdmin):
    """Which modules this business asked for, and whether they run."""

    console_section = "Automation"
    console_icon = "layers"
    console_order = 20
    console_name = "Activations"
    console_empty = nothing_yet(
        "No module is active yet",
        "A module does the work: choose one, and it says what it needs.",
        icon="grid",
        action="Choose a module",
        url="/console/catalog/module/",
    )
    list_display = ("module", pill_column("state"), "due", "requested_at", "activated_at", "evaluated_at")
    list_select_related = ("module",)
    list_filter = ("state",)
    ordering = ("requested_at", "pk")
    fields = (
        "module", "state", "module_version", "holdout_share", "requested_at", "activated_at", "evaluated_at",
        "chosen", "missing",
    )  # fmt: skip
    readonly_fields = ("chosen", "missing")
    chosen = staticmethod(json_field("settings"))
    missing = staticmethod(json_field("requirements"))

    @admin.display(description="Still needed")
    def due(self, activation: ModuleActivation) -> str:
        codes = [
            each["code"]
            for kind in ("currently_due", "pending_verification")
            for each in activation.requirements.get(kind, [])
        ]
        return f"{len(codes)}: {words(codes[0].rsplit('.', 1)[-1])}" if codes else "–"

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {"pills": [row.state], "panels": [requirements_panel(row)]}


def requirements_panel(activation: ModuleActivation | None) -> Panel:
    """What is missing, each with the link that mends it."""
    told = activation.requirements if activation is not None else {}
    groups = [
        ("Missing now", "bad", told.get("currently_due", [])),
        ("Being checked", "info", told.get("pending_verification", [])),
        ("Soon", "warn", told.get("eventually_due", [])),
    ]
    context = {"groups": [group for group in groups if group[2]], "activation": activation}
    return Panel("What it needs", template="tenants/requirements.html", context=context, wide=True)


@admin.register(Module)
class ModuleAdmin(ReadOnlyAdmin):
    """The catalogue of modules, and each one's page: what it does, what it needs, and switching it on."""

    console_section = "Automation"
    console_icon = "grid"
    console_order = 10
    list_display = ("name", "here", "status_label", "summary")
    ordering = ("name", "code")
    search_fields = ("name__istartswith", "code__startswith")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.site.permits(request, "view")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        shown = super().get_changelist_instance(request)
        states = dict(ModuleActivation.objects.for_tenant(tenant_of(request)).values_list("module_id", "state"))
        for module in shown.result_list:
            module.state_here = states.get(module.pk, "")
        return shown

    @admin.display(description="In your business")
    def here(self, module: Module) -> str:
        return pill(getattr(module, "state_here", "") or "available")

    @admin.display(description="Status")
    def status_label(self, module: Module) -> str:
        return str(module.content.get("status_label", module.status))

    @admin.display(description="What it does")
    def summary(self, module: Module) -> str:
        return str(module.content.get("summary", ""))

    def _activation(self, request: HttpRequest, module: Module) -> ModuleActivation | None:
        found: ModuleActivation | None = (
            ModuleActivation.objects.for_tenant(tenant_of(request)).filter(module=module).first()
        )
        return found

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        activation = self._activation(request, row)
        content = row.content
        names = {"crm": "Contacts and jobs", "email": "E-mail", "sms": "Text messages"}
        facts = [
            ("Begins when", {"customer.dormant": "A customer has gone quiet"}.get(content.get("trigger", ""), "–")),
            ("Needs", ", ".join(names.get(each, each) for each in content.get("required_capabilities", []))),
            ("Guards", _names(Guard, content.get("guards", []))),
            ("Made for", _names(Niche, content.get("recommended_niches", []))),
            ("Version", f"{row.version} · {content.get('status_label', row.status)}"),
        ]
        panels = []
        if activation is not None:
            panels.append(requirements_panel(activation))
            rows = [
                (each.get("title", name), written(name, each, activation.settings.get(name)))
                for name, each in in_order(content["settings"])
            ]
            panels.append(Panel("Settings", template="tenants/settings.html", context={"rows": rows}, wide=True))
        return {
            "pills": [activation.state if activation is not None else "available"],
            "lead": content.get("summary", ""),
            "facts": facts,
            "panels": panels,
            "hide_form": True,
        }

    def offered(self, request: HttpRequest, row: Any) -> list[str]:
        activation = self._activation(request, row)
        if activation is None or activation.state == ModuleActivation.State.RETIRED:
            return ["activate"]
        return ["change_settings", "check_again", "retire"]

    @deed("Activate", permission="modules.activate", tone="primary", asks=True, icon="play")
    def activate(self, request: HttpRequest, module: Module) -> HttpResponseBase | None:
        return self._ask_settings(request, module, button="Activate", title=f"Activate {module.name}")

    @deed("Change settings", permission="modules.activate", asks=True)
    def change_settings(self, request: HttpRequest, module: Module) -> HttpResponseBase | None:
        return self._ask_settings(request, module, button="Save settings", title=f"Settings of {module.name}")

    def _ask_settings(
        self, request: HttpRequest, module: Module, *, button: str, title: str
    ) -> HttpResponseBase | None:
        tenant = tenant_of(request)
        activation = self._activation(request, module)
        schema = module.content["settings"]
        defaults = {name: each.get("default") for name, each in schema["properties"].items()}
        known = activation.settings if activation is not None else {}
        form = settings_form(schema, tenant)(request.POST or None, initial=defaults | known)
        if form.is_valid():
            try:
                with transaction.atomic():
                    answer = activating.activate(
                        tenant, module.code, given(form), now=timezone.now(), actor=self.site.hooks.actor(request)
                    )
            except SettingsInvalid as error:
                show_faults(form, error.errors)
            else:
                enqueue(jobs.look_again, queue=AWAITED, tenant=tenant.pk)
                if answer.status == 200:
                    self.message_user(request, f"{module.name} is active. The first scan opens lapses within the hour.")
                else:
                    missing = len(answer.body["requirements"]["currently_due"])
                    self.message_user(
                        request,
                        f"{module.name} waits: {missing or 'something'} still to do, see “What it needs”. "
                        "It starts by itself when everything is there.",
                        level="WARNING",
                    )
                return None
        return self.site.ask(request, form, title=title, button=button, back=self.page_of(module))

    @deed("Check again", permission="modules.activate")
    def check_again(self, request: HttpRequest, module: Module) -> HttpResponseBase | None:
        tenant = tenant_of(request)
        changes = activating.reevaluate(tenant, now=timezone.now())
        enqueue(jobs.look_again, queue=AWAITED, tenant=tenant.pk)
        self.site.hooks.note(request, "module.checked", None, {"module": module.code})
        moved = "; ".join(f"{change.module_code} is now {change.new}" for change in changes)
        self.message_user(request, moved or "Looked again: nothing has changed. Providers are being asked now.")
        return None

    @deed("Switch off", permission="modules.activate", tone="danger")
    def retire(self, request: HttpRequest, module: Module) -> HttpResponseBase | None:
        activation = self._activation(request, module)
        asked = self.site.confirm(
            request,
            Confirmation(
                title=f"Switch off {module.name}?",
                button="Switch off",
                sentences=[
                    "Nobody is enrolled any more, and nothing that is planned leaves.",
                    "What has happened stays, and so do the results. It can be activated again.",
                ],
                back=self.page_of(module),
            ),
        )
        if asked is None and activation is not None:
            activating.retire(activation, now=timezone.now(), actor=self.site.hooks.actor(request))
            self.message_user(request, f"{module.name} is switched off.")
        return asked


def _names(model: type[Guard] | type[Niche], codes: list[str]) -> str:
    known = model._default_manager.in_bulk(codes)
    return ", ".join(str(known.get(code, code)) for code in codes)


@admin.register(Tenant)
class TenantPageAdmin(BusinessAdmin):
    """The tenant's page; platform staff can make a new one."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.site.permits(request, "platform")

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self.site.require(request, "platform")
        form = NewTenantForm(request.POST or None)
        if form.is_valid():
            try:
                made = onboarding.create_tenant(**form.values, now=timezone.now(), actor=self.site.hooks.actor(request))
            except onboarding.TenantRefused as error:
                form.add_error(None, f"{error}.")
            else:
                if not made.password:
                    self.message_user(request, f"{made.tenant} is made: choose it above to work in it.")
                    return HttpResponseRedirect(self.list_url())
                return self.site.show_once(
                    request,
                    title=f"{made.tenant} is made",
                    sentences=[f"The owner signs in as {made.owner} with this first password, shown this once."],
                    secret=made.password,
                    back=self.list_url(),
                )
        return self.site.ask(request, form, title="Add a business", button="Make it", back=self.list_url())
