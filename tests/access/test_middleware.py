"""The scope of a web request: whose rows a person or a program sees, and what a failed request leaves behind."""

from datetime import datetime
from typing import Any

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.test import RequestFactory

from tenants.access.middleware import TenantScopeMiddleware, select_tenant
from tenants.access.models import Membership, User
from tenants.accounts.models import Brand, Tenant
from tests import factories
from winback.tenancy import acting_for_all, current_scope

Shops = tuple[Tenant, Tenant]


@pytest.fixture
def shops(db: None) -> Shops:
    """Two tenants, with no scope left open."""
    with acting_for_all("test"):
        return factories.make_tenant("oak"), factories.make_tenant("elm")


def member(*tenants: Tenant) -> User:
    user = User.objects.create_user(username="ana", email="ana@example.com")
    with acting_for_all("test"):
        for tenant in tenants:
            Membership.objects.create(tenant=tenant, user=user, role="manager", created_at=factories.NOW)
    return user


def visit(user: Any, view: Any, path: str = "/console/") -> HttpResponse:
    request = RequestFactory().get(path)
    request.user = user
    request.session = SessionStore()
    return TenantScopeMiddleware(view)(request)


def brands(request: HttpRequest) -> HttpResponse:
    return HttpResponse(",".join(sorted(Brand.objects.values_list("tenant__slug", flat=True))))


def test_a_person_sees_the_tenants_of_their_memberships_and_no_others(shops: Shops) -> None:
    assert visit(member(shops[0]), brands).content == b"oak"


def test_a_person_without_memberships_sees_nothing(shops: Shops) -> None:
    assert visit(member(), brands).content == b""


def test_platform_staff_see_all(shops: Shops) -> None:
    staff = User.objects.create_superuser(username="root", email="root@example.com", password="x")

    assert visit(staff, brands).content == b"elm,oak"


def test_the_tenant_is_the_chosen_one_or_the_first_and_never_anothers(shops: Shops) -> None:
    oak, elm = shops
    user = member(oak)
    chosen = []

    def choose_elm(request: HttpRequest) -> HttpResponse:
        select_tenant(request, elm)
        chosen.append(request.tenant)  # type: ignore[attr-defined]
        return HttpResponse()

    session = SessionStore()
    request = RequestFactory().get("/console/")
    request.user, request.session = user, session
    TenantScopeMiddleware(choose_elm)(request)
    again = RequestFactory().get("/console/")
    again.user, again.session = user, session
    TenantScopeMiddleware(lambda request: chosen.append(request.tenant) or HttpResponse())(again)  # type: ignore

    assert [tenant.slug for tenant in chosen] == ["oak", "oak"]


def test_the_scope_is_still_open_while_a_template_renders(shops: Shops) -> None:
    class Lazy(TemplateResponse):
        @property
        def rendered_content(self) -> str:
            return ",".join(Brand.objects.values_list("tenant__slug", flat=True))

    def view(request: HttpRequest) -> HttpResponse:
        return Lazy(request, "none.html").render()  # as Django's handler does, inside the middleware

    assert visit(member(shops[0]), view).content == b"oak"


def test_a_failed_answer_keeps_none_of_its_work(shops: Shops) -> None:
    def half_done(request: HttpRequest) -> HttpResponse:
        Brand.objects.update(name="half")
        return HttpResponse(status=500)

    visit(member(shops[0]), half_done)

    with acting_for_all("test"):
        assert not Brand.objects.filter(name="half").exists()
    assert current_scope() is None


def test_an_answer_that_succeeds_keeps_its_work_in_its_own_tenants(shops: Shops) -> None:
    def rename(request: HttpRequest) -> HttpResponse:
        Brand.objects.update(name="mine")
        return HttpResponse()

    visit(member(shops[0]), rename)

    with acting_for_all("test"):
        assert list(Brand.objects.filter(name="mine").values_list("tenant__slug", flat=True)) == ["oak"]


@pytest.mark.parametrize("path", ["/u/token", "/book/token", "/t/token", "/hooks/x/y/", "/healthz"])
def test_pages_reached_by_a_token_open_their_scope_themselves(shops: Shops, path: str) -> None:
    staff = User.objects.create_superuser(username="root", email="root@example.com", password="x")

    answer = visit(staff, lambda _: HttpResponse(str(current_scope())), path)

    assert answer.content == b"None"


def test_membership_lookup_leaves_no_wider_scope_behind(shops: Shops, now: datetime) -> None:
    seen = []
    visit(member(shops[1]), lambda _: seen.append(current_scope()) or HttpResponse())  # type: ignore

    assert seen[0] is not None
    assert seen[0].tenant_ids == frozenset({shops[1].pk})
