"""Every page of the console, wide and on a phone: it fits, breaks no policy, hides nothing and can be used by all."""

from importlib.resources import files
from typing import Any

import pytest

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


@pytest.mark.parametrize("window", [1280, 400], indirect=True, ids=["wide", "phone"])
def test_every_page_fits_hides_nothing_and_can_be_used_by_all(window: Window, business: Tenant) -> None:
    wrong: list[Any] = []
    wide, seen = window.width > 1000, False
    for path in _pages(business):
        window.visit(path, settle="load")
        window.page.emulate_media(color_scheme="light", reduced_motion="reduce")
        if window.overflow() > 0:
            wrong.append((path, f"{window.overflow()} pixels too wide"))
        window.page.evaluate(AXE)
        part = "main" if seen else "html"  # the frame is the same around all
        wrong += [(path, *one) for one in window.page.evaluate(LOOK, [part, RULES if wide else ON_A_PHONE])]
        if wide:  # colours are the same on a phone
            window.page.emulate_media(color_scheme="dark")
            wrong += [(path, "in the dark", *one) for one in window.page.evaluate(LOOK, [part, CONTRAST])]
        seen = True
        if window.page.locator(".submit-row").count():
            wrong += [(path, one) for one in window.page.evaluate(COVERED)]

    assert wrong == [], "\n".join(map(str, wrong))
    assert window.complaints == []


def _pages(business: Tenant) -> list[str]:
    """What an owner sees, and what the platform's staff sees besides; from here on the owner is of the staff."""
    person = User.objects.get(username="owner@example.com")
    with acting_for(business.pk):
        variant = Variant.objects.for_tenant(business).filter(channel="email").order_by("pk")[0].pk
    owners = pages_of(business, person, variant=variant)
    assert len(owners) > 60
    person.is_superuser = True
    person.save()
    return list(dict.fromkeys([*owners, *pages_of(business, person, variant=variant)]))
