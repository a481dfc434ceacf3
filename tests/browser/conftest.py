"""A real browser on the console: Debian's Chromium, driven by Playwright; skipped where there is none."""

import os
import shutil
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from django.core.cache import cache
from playwright.sync_api import Browser, Page, sync_playwright

from tenants.accounts.models import Tenant
from tests import factories
from tests.console import furnishing
from winback.tenancy import acting_for_all

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
)
Settled = Literal["load", "networkidle"]
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip
WATCH = """
window.violations = [];
addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(event.violatedDirective + " " + event.blockedURI);
});
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    skip = pytest.mark.skip(reason="there is no Chromium on this machine (Debian: apt-get install chromium)")
    for item in items:
        if "tests/browser/" in str(item.path):
            item.add_marker(pytest.mark.browser)
            if not CHROMIUM:
                item.add_marker(skip)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of this folder.

    As long as it is open, Playwright's loop runs in this thread and Django takes every query for asynchronous code.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            yield browser
            browser.close()


@pytest.fixture
def business(chromium: Browser, transactional_db: None) -> Iterator[Tenant]:
    """A furnished tenant whose owner signs in with ``furnishing.PASSWORD``."""
    cache.clear()
    with acting_for_all("test set-up"):
        tenant = factories.make_tenant("oak-heating")
        furnishing.furnish(tenant, "Robin")
        for number in range(60):
            factories.make_contact(tenant, first_name=f"Casey{number}", last_name="Longer-Name")
        owner = furnishing.member(tenant, "owner", "owner@example.com")
    owner.set_password(furnishing.PASSWORD)
    owner.save()
    yield tenant
    cache.clear()


class Window:
    """A page of the browser that remembers what it complained about."""

    def __init__(self, page: Page, base: str, width: int) -> None:
        self.page = page
        self.base = base
        self.width = width
        self.complaints: list[str] = []
        page.add_init_script(WATCH)
        page.on("console", lambda message: self.complain(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.complain(str(error)))

    def complain(self, text: str) -> None:
        self.complaints.append(f"{self.page.url}: {text}")

    def visit(self, path: str, settle: Settled = "networkidle") -> None:
        response = self.page.goto(f"{self.base}{path}")
        assert response is not None
        assert response.status == 200, path
        self.settle(settle)

    def settle(self, state: Settled = "networkidle") -> None:
        self.page.wait_for_load_state(state)
        self.complaints += [f"{self.page.url}: {one}" for one in self.page.evaluate("window.violations")]

    def sign_in(self) -> None:
        self.visit("/console/login/?next=/console/")
        self.page.get_by_label("Username").fill("owner@example.com")
        self.page.get_by_label("Password").fill(furnishing.PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.get_by_role("heading", name="Home").wait_for()

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        width: int = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        return width


@pytest.fixture
def window(chromium: Browser, business: Tenant, live_server: Any, settings: Any, request: Any) -> Iterator[Window]:
    """A signed-in window, 1280 pixels wide or as the test's parameter says."""
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = False  # the live server speaks http
    width = getattr(request, "param", 1280)
    context = chromium.new_context(viewport={"width": width, "height": 900})
    opened = Window(context.new_page(), live_server.url, width)
    opened.sign_in()
    yield opened
    context.close()
