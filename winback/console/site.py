"""ConsoleSite: the admin site that is the operator console.

It knows no app. What the apps above have to say (which tenants a person may choose, what stands on the home page, who
may do what) they hang into the hooks of :class:`Hooks`, once, in their ``AppConfig.ready``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, cast

from django.contrib import admin
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.forms import BaseForm
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, Resolver404, URLPattern, URLResolver, path, resolve, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from winback.console.confirming import Confirmation, answer_of
from winback.console.navigation import HOME, SECTIONS, Item, Page, Permission, sections_of

View = Callable[..., HttpResponseBase]


def _may_by_django(request: HttpRequest, permission: str) -> bool:
    return request.user.has_perm(permission)


def _admitted_by_django(request: HttpRequest) -> bool:
    return request.user.is_active and request.user.is_staff


@dataclass(frozen=True)
class HistoryLine:
    """Somebody did something to a row: what its history page lists."""

    at: datetime
    actor: str
    action: str
    changes: Sequence[tuple[str, str]] = ()


@dataclass
class Hooks:
    """What the apps above tell the frame. Each has an answer that fits an installation without any of them."""

    tenant_choices: Callable[[HttpRequest], Sequence[tuple[str, str]]] = lambda request: ()
    """Slug and name of each tenant that this person may work in; at most a few hundred."""
    current_tenant: Callable[[HttpRequest], str] = lambda request: ""
    """The slug of the tenant that this person works in."""
    select_tenant: Callable[[HttpRequest, str], bool] = lambda request, slug: False
    """Work in this tenant from now on; False when it is not among the choices."""
    home_context: Callable[[HttpRequest], dict[str, Any]] = lambda request: {}
    """What the home page shows: attention, kpis, panels, setup, intro (docs/console.md)."""
    attention_count: Callable[[HttpRequest], int] = lambda request: 0
    """The red number beside Home. Asked on every page: answer from a cache."""
    may: Callable[[HttpRequest, str], bool] = _may_by_django
    """Whether this person may do this in the current tenant."""
    admitted: Callable[[HttpRequest], bool] = _admitted_by_django
    """Whether this person may open the console at all."""
    actor: Callable[[HttpRequest], str] = lambda request: f"user {request.user.pk}"
    """How the audit names this person: by number, for the journal holds no personal data."""
    note: Callable[[HttpRequest, str, Model | None, Mapping[str, Any]], None] = lambda request, action, row, data: None
    """Keep what a person did: the action's code, the row, and what changed. Never a secret."""
    changed: Callable[[HttpRequest], None] = lambda request: None
    """Something is different now that a cached part of a page (what needs attention) may still show."""
    history: Callable[[HttpRequest, Model], Sequence[HistoryLine]] = lambda request, row: ()
    """What was done to a row, the latest first."""


class ConsoleSite(AdminSite):
    """Sections instead of apps, pages beside models, one tenant at a time."""

    site_header = "winback"
    site_title = "winback"
    index_title = "Home"
    site_url = None
    empty_value_display = "–"
    home_template = "admin/index.html"

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.hooks = Hooks()
        self.pages: dict[str, Page] = {}
        self._page_views: list[tuple[str, str, View]] = []

    # -- what the apps above register --------------------------------------------------------------------------------

    def register_page(
        self,
        name: str,
        title: str,
        section: str = HOME,
        url_name: str = "",
        permission: str | Permission | None = None,
        *,
        view: View | None = None,
        route: str = "",
        icon: str = "page",
        order: int = 50,
        badge: Callable[[HttpRequest], int] | None = None,
    ) -> Page:
        """Put a page into the sidebar; with ``view`` also serve it at ``/console/<route>`` as ``admin:<name>``."""
        if section not in SECTIONS:
            raise ValueError(f"There is no section {section!r}: choose one of {', '.join(SECTIONS[1:])}, or ''.")
        page = Page(name, title, section, url_name or f"{self.name}:{name}", permission, icon, order, badge)
        self.pages[name] = page
        if view is not None:
            self.register_view(name, route or f"{name}/", view, permission)
        return page

    def register_view(self, name: str, route: str, view: View, permission: str | Permission | None = None) -> None:
        """Serve a view inside the console without a line in the sidebar."""
        self._page_views.append((name, route, self.guarded(view, permission)))

    def permits(self, request: HttpRequest, permission: str | Permission | None) -> bool:
        """Whether this person, signed in to the console, may do this in the current tenant."""
        if not self.has_permission(request):
            return False
        if permission is None:
            return True
        return permission(request) if callable(permission) else self.hooks.may(request, permission)

    def guarded(self, view: View, permission: str | Permission | None = None) -> View:
        """The view behind the sign-in and the permission: ``admin_view`` alone lets in every member of staff."""

        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not self.permits(request, permission):
                raise PermissionDenied("Your role does not allow this: ask an owner of the business.")
            return view(request, *args, **kwargs)

        return cast(View, self.admin_view(checked))

    def has_permission(self, request: HttpRequest) -> bool:
        return self.hooks.admitted(request)

    # -- pages -------------------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern | URLResolver]:
        extra: list[URLPattern | URLResolver] = [
            path("tenant/", self.admin_view(require_POST(self.select_tenant_view)), name="select_tenant"),
        ]
        extra += [path(route, view, name=name) for name, route, view in self._page_views]
        return extra + super().get_urls()

    def render(
        self,
        request: HttpRequest,
        template: str,
        context: dict[str, Any] | None = None,
        *,
        title: str,
        status: int = 200,
    ) -> TemplateResponse:
        """A page inside the frame. ``template`` extends ``admin/base_site.html``."""
        request.current_app = self.name
        whole = {**self.each_context(request), "title": title, **(context or {})}
        return TemplateResponse(request, template, whole, status=status)

    def require(self, request: HttpRequest, permission: str) -> None:
        """Raise PermissionDenied unless this person may do this in the current tenant."""
        if not self.permits(request, permission):
            raise PermissionDenied("Your role does not allow this: ask an owner of the business.")

    def show_once(
        self, request: HttpRequest, *, title: str, sentences: Sequence[str], secret: str, back: str
    ) -> TemplateResponse:
        """A secret that nobody can read again: in the answer alone, in no session and no message."""
        context = {"sentences": sentences, "secret": secret, "back": back}
        return self.render(request, "console/secret.html", context, title=title)

    def ask(
        self,
        request: HttpRequest,
        form: BaseForm,
        *,
        title: str,
        button: str,
        intro: Sequence[str] = (),
        back: str = "",
        context: Mapping[str, Any] | None = None,
    ) -> TemplateResponse:
        """A page with one form and one button; 422 when the form was sent and is wrong."""
        whole = {"form": form, "button": button, "intro": intro, "back": back, **(context or {})}
        status = 422 if form.is_bound and form.errors else 200
        return self.render(request, "console/form.html", whole, title=title, status=status)

    def confirm(self, request: HttpRequest, confirmation: Confirmation) -> TemplateResponse | None:
        """None once the person has confirmed; until then the page that asks."""
        wrong = answer_of(request, confirmation)
        if wrong is None:
            return None
        return self.render(
            request,
            "console/confirm.html",
            {"confirmation": confirmation, "wrong": wrong},
            title=confirmation.title,
            status=422 if wrong else 200,
        )

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        context = {**self.hooks.home_context(request), **(extra_context or {})}
        return self.render(request, self.home_template, context, title=str(context.pop("title", self.index_title)))

    def app_index(self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None) -> Any:
        """There are sections, not apps: Home lists what is there."""
        return HttpResponseRedirect(reverse("admin:index", current_app=self.name))

    def select_tenant_view(self, request: HttpRequest) -> HttpResponse:
        """Work in another tenant, and stay on the page if it exists there too."""
        if not self.hooks.select_tenant(request, request.POST.get("tenant", "")):
            raise Http404("There is no such tenant among yours.")
        return HttpResponseRedirect(self._same_page(request, request.POST.get("next", "")))

    def _same_page(self, request: HttpRequest, address: str) -> str:
        """The page without its filters; Home for the page of one row, which belongs to the tenant just left."""
        home = reverse("admin:index", current_app=self.name)
        where = address.partition("?")[0]
        if not where.startswith(home) or not url_has_allowed_host_and_scheme(where, {request.get_host()}):
            return home
        try:
            return home if resolve(where).kwargs else where
        except Resolver404:
            return home

    # -- the frame around every page ---------------------------------------------------------------------------------

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        if context["has_permission"]:
            choices = list(self.hooks.tenant_choices(request))
            current = self.hooks.current_tenant(request)
            context["tenant_choices"] = choices
            context["current_tenant"] = current
            context["current_tenant_name"] = dict(choices).get(current, "")
        return context

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict[str, Any]]:
        """The sidebar: sections with the models and pages that this person may see."""
        if not self.has_permission(request):
            return []
        return sections_of([*self._page_items(request), *self._model_items(request)], request.path)

    def _page_items(self, request: HttpRequest) -> list[tuple[str, Item]]:
        home = Item("Home", reverse("admin:index", current_app=self.name), "home", 0)
        home.badge = self.hooks.attention_count(request)
        items = [(HOME, home)]
        for page in self.pages.values():
            if not self.permits(request, page.permission):
                continue
            try:
                url = reverse(page.url_name, current_app=self.name)
            except NoReverseMatch:
                continue  # its app is not mounted in this installation
            badge = page.badge(request) if page.badge else 0
            items.append((page.section, Item(page.title, url, page.icon, page.order, badge=badge)))
        return items

    def _model_items(self, request: HttpRequest) -> list[tuple[str, Item]]:
        """Models whose admin names a ``console_section``; None hides one, Django's own apps go to Settings."""
        items = []
        for app in self._build_app_dict(request).values():
            for model in app["models"]:
                model_admin = self._registry[model["model"]]
                section = getattr(model_admin, "console_section", "Settings")
                if section is None or not model["admin_url"]:
                    continue
                if section not in SECTIONS:
                    raise ValueError(f"{type(model_admin).__name__}.console_section: there is no section {section!r}.")
                name = getattr(model_admin, "console_name", None) or model["name"]
                icon = getattr(model_admin, "console_icon", "list")
                order = getattr(model_admin, "console_order", 50)
                items.append((section, Item(str(name), model["admin_url"], icon, order, model=model)))
        return items


def console_site() -> ConsoleSite:
    """The site of this installation, by its own type: ``admin.site`` is typed as Django's."""
    return cast(ConsoleSite, admin.site)
