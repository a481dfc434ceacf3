"""The tenant scope of a web request, open around the whole answer: admin pages render after their view returned.

Signed-in people act for the tenants of their memberships, platform staff for all, an API key for its one tenant. Pages
that a customer reaches by a token open the scope that the token names, in their own view.
"""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from tenants.access import idempotency, keys
from tenants.access.models import ApiKey, Membership, User
from tenants.accounts.models import Tenant
from winback.problems import CONTENT_TYPE, Problem, problem_response
from winback.tenancy import acting_for, acting_for_all

API = "/api/"
OPEN_API_PAGES = frozenset({"/api/openapi.json", "/api/docs"})
TOKEN_PAGES = ("/u/", "/book/", "/t/", "/o/", "/hooks/", "/static/", "/healthz", "/readyz", "/metrics")
SESSION_TENANT = "tenant_id"

_WORDS = {
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not take this method."),
    500: ("internal_error", "Something went wrong on our side; it is logged."),
}


class TenantScopeMiddleware:
    """Opens the scope and sets ``request.tenants``, ``request.tenant`` and, for programs, ``request.api_key``."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.tenants = Tenant.objects.none()  # type: ignore[attr-defined]
        request.tenant = None  # type: ignore[attr-defined]
        request.api_key = None  # type: ignore[attr-defined]
        path = request.path_info
        if path.startswith(TOKEN_PAGES) or path in OPEN_API_PAGES:
            return self.get_response(request)
        if path.startswith(API):
            try:
                return self._for_key(request, timezone.now())  # noqa: TID251 - the edge: the clock is read once
            except Problem as problem:
                return problem_response(request, problem)
        if isinstance(request.user, User):
            return self._for_person(request, request.user)
        return self.get_response(request)

    def _for_person(self, request: HttpRequest, user: User) -> HttpResponse:
        if user.is_superuser:
            with acting_for_all(f"platform staff {user.pk}"):
                request.tenants = Tenant.objects.order_by("name", "pk")  # type: ignore[attr-defined]
                return self._answer(request)
        with acting_for_all("sign-in"):
            roles = dict(Membership.objects.filter(user=user).values_list("tenant_id", "role"))
        user.tenant_roles = roles  # type: ignore[attr-defined]
        with acting_for(*roles):
            request.tenants = Tenant.objects.filter(pk__in=roles).order_by("name", "pk")  # type: ignore[attr-defined]
            return self._answer(request)

    def _answer(self, request: HttpRequest) -> HttpResponse:
        tenant = selected_tenant(request)
        request.tenant = tenant  # type: ignore[attr-defined]
        with timezone.override(tenant.zone if tenant is not None else None):  # times are read and written in its clock
            return rolled_back_if_failed(self.get_response(request))

    def _for_key(self, request: HttpRequest, now: datetime) -> HttpResponse:
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        tenant_id = keys.tenant_id_of(text.strip()) if scheme.lower() == "bearer" else None
        if tenant_id is None:
            raise unauthorized("Send an API key: Authorization: Bearer wb_…")
        with acting_for(tenant_id):
            key = keys.authenticate(text.strip(), now)
            if key is None:
                raise unauthorized("This API key is not valid: it is unknown, revoked or expired.")
            if key.tenant.state != Tenant.State.ACTIVE:
                raise Problem(403, "tenant_suspended", "This business is suspended: ask the platform's staff.")
            request.api_key = key  # type: ignore[attr-defined]
            request.tenant = key.tenant  # type: ignore[attr-defined]
            request.tenants = Tenant.objects.filter(pk=tenant_id)  # type: ignore[attr-defined]
            response = idempotency.answer_once(request, tenant_id, self.get_response, now=now)
            return as_problem(request, rolled_back_if_failed(response))


def unauthorized(detail: str) -> Problem:
    return Problem(401, "unauthorized", detail, headers={"WWW-Authenticate": 'Bearer realm="winback"'})


def rolled_back_if_failed(response: HttpResponse) -> HttpResponse:
    """A failed answer keeps none of its half of the work; the exception itself was already turned into a page."""
    if response.status_code >= 500:
        transaction.set_rollback(True)
    return response


def as_problem(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Django's own error pages (no such address, wrong method) as problem documents."""
    if response.status_code < 400 or response.headers.get("Content-Type", "").startswith(CONTENT_TYPE):
        return response
    code, detail = _WORDS.get(response.status_code, ("error", "The request was refused."))
    answer = problem_response(request, Problem(response.status_code, code, detail))
    if "Allow" in response.headers:
        answer.headers["Allow"] = response.headers["Allow"]
    return answer


def selected_tenant(request: HttpRequest) -> Tenant | None:
    """The tenant that a person works in: the one chosen in this session, else the first one that is theirs."""
    tenants = request.tenants.select_related("niche", "plan")  # type: ignore[attr-defined]
    chosen = request.session.get(SESSION_TENANT)
    tenant: Tenant | None = tenants.filter(pk=chosen).first() if chosen else None
    return tenant or tenants.first()


def select_tenant(request: HttpRequest, tenant: Tenant) -> None:
    """Remember which tenant a person works in. The caller took it from ``request.tenants``."""
    request.session[SESSION_TENANT] = tenant.pk


def key_of(request: HttpRequest) -> ApiKey:
    """The key that a program signed in with; the middleware let nobody else through."""
    key: ApiKey | None = request.api_key  # type: ignore[attr-defined]
    if key is None:
        raise unauthorized("Send an API key: Authorization: Bearer wb_…")
    return key


def actor_of(request: HttpRequest) -> str:
    """What the audit calls the program that asks."""
    return f"API key {key_of(request).prefix}"


def require_scope(request: HttpRequest, scope: str) -> None:
    """Raise a problem unless the key may be used for this."""
    if scope not in key_of(request).scopes:
        raise Problem(403, "scope_missing", f"This API key lacks the scope {scope}.", scope=scope)
