"""Every page of the console, wide and on a phone: it fits, breaks no policy, hides nothing and can be used by all."""

from importlib.resources import files
from itertools import chain, repeat
from typing import Any, Literal

from campaigns.planning.models import Variant
from tenants.access.models import User
from tenants.accounts.models import Tenant
from tests.browser.conftest import Window
from tests.browser.pages import pages_of
from winback.tenancy import acting_for

AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
CONTRAST = {"type": "rule", "values": ["color-contrast"]}
ON_A_PHONE = {"type": "rule", "values": ["target-size", "scrollable-region-focusable"]}
LOOK = """
async ([part, runOnly]) =>
  (await axe.run(part, { runOnly, iframes: false, preload: false, resultTypes: ["violations"] }))
  .violations.map((one) => [one.id, one.nodes.slice(0, 3).map((node) => node.target.join(" "))])
"""
COVERED = """
() => {
  const found = [];
  for (const field of document.querySelectorAll("main form :is(input, select, textarea, button, a)")) {
    if (!field.checkVisibility({ visibilityProperty: true }) || field.closest("details:not([open])")) continue;
    field.focus();
    if (document.activeElement !== field) continue;
    const box = field.getBoundingClientRect();
    if (box.width < 2 || box.height < 2) continue;
    for (const bar of document.querySelectorAll(".submit-row, .wb-top")) {
      if (bar.contains(field)) continue;
      const over = bar.getBoundingClientRect();
      const middle = box.top + Math.min(box.height, 40) / 2;
      if (over.height && middle > over.top && middle < over.bottom && box.left < over.right && box.right > over.left)
        found.push((field.name || field.id || field.textContent.trim()) + " under " + bar.className);
    }
  }
  return found.slice(0, 5);
}
"""


# What stands around every page alike is looked at once: it takes axe as long as the page itself.
FRAME = "[...document.querySelectorAll('.wb-nav, .wb-top')].forEach((part) => part.remove())"
WIDE, PHONE = 1280, 400


def test_every_page_fits_hides_nothing_and_can_be_used_by_all(window: Window, business: Tenant) -> None:
    page = window.page
    page.emulate_media(reduced_motion="reduce")
    wrong: list[Any] = []

    def fits(path: str, width: int) -> None:
        page.set_viewport_size({"width": width, "height": 900})
        if window.overflow() > 0:
            wrong.append((path, f"at {width} pixels", f"{window.overflow()} too wide"))
        if page.locator(".submit-row").count():
            wrong.extend((path, f"at {width} pixels", one) for one in page.evaluate(COVERED))

    def look(path: str, width: int, scheme: Literal["light", "dark"], rules: Any) -> None:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        wrong.extend((path, f"at {width} pixels", scheme, *one) for one in page.evaluate(LOOK, [part, rules]))

    for part, path in zip(chain(["html"], repeat("main")), _pages(business), strict=False):
        window.visit(path, settle="load")
        fits(path, WIDE)
        fits(path, PHONE)
        page.evaluate(AXE)
        if part == "main":
            page.evaluate(FRAME)
        look(path, PHONE, "light", ON_A_PHONE)
        look(path, WIDE, "light", RULES)
        look(path, WIDE, "dark", CONTRAST)  # colours are the same on a phone

    assert wrong == [], "\n".join(map(str, wrong))
    assert window.complaints == []


def _pages(business: Tenant) -> list[str]:
    """What the platform's staff sees, which is all that an owner does and more; from here on the owner is of it."""
    person = User.objects.get(username="owner@example.com")
    person.is_superuser = True
    person.save()
    with acting_for(business.pk):
        variant = Variant.objects.for_tenant(business).filter(channel="email").order_by("pk")[0].pk
    pages = pages_of(business, person, variant=variant)
    assert len(pages) > 100
    return pages
