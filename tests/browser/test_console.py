"""The console in a real browser: what people do there by mouse and by keyboard works."""

import pytest

from campaigns.audience.models import Suppression
from campaigns.planning.models import Campaign, Variant
from tenants.accounts.models import Tenant
from tests.browser.conftest import Window
from winback.tenancy import acting_for


def _rows(tenant: Tenant) -> dict[str, int]:
    with acting_for(tenant.pk):
        return {
            "campaign": Campaign.objects.for_tenant(tenant).get().pk,
            "variant": Variant.objects.for_tenant(tenant).filter(channel="email").order_by("pk")[0].pk,
        }


def test_a_campaign_is_paused_taken_back_and_paused_again_by_mouse(window: Window, business: Tenant) -> None:
    page = window.page
    page.get_by_role("link", name="Campaigns").click()
    page.get_by_role("link", name="Robin campaign").click()

    page.get_by_role("button", name="Pause").click()
    page.get_by_text("nothing leaves, everything keeps its place").wait_for()
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("“Robin campaign” runs again.").wait_for()
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Resume").wait_for()

    with acting_for(business.pk):
        assert Campaign.objects.for_tenant(business).get().state == Campaign.State.PAUSED
    assert window.complaints == []


def test_contacts_are_searched_selected_and_stopped(window: Window, business: Tenant) -> None:
    page = window.page
    window.visit("/console/campaigns/contact/")
    page.get_by_role("searchbox", name="Search contacts").fill("robin@example")
    page.get_by_role("button", name="Search", exact=True).click()
    page.get_by_text("1 contact", exact=True).wait_for()

    page.locator(".action-select").first.check()
    page.get_by_text("1 of 1 selected").wait_for()
    page.get_by_label("Action:").select_option(label="Stop writing to them")
    page.get_by_role("button", name="Go").click()
    page.get_by_role("button", name="Stop writing to 1 contact").click()
    page.get_by_text("1 of 1 contact newly suppressed.").wait_for()

    with acting_for(business.pk):
        assert Suppression.objects.for_tenant(business).filter(channel="all").exists()
    assert window.complaints == []


@pytest.mark.parametrize("window", [400], indirect=True)
def test_on_a_phone_the_menu_opens_leads_on_and_closes(window: Window) -> None:
    page = window.page
    assert not page.locator("#wb-nav").is_visible()

    page.get_by_role("button", name="Menu", exact=True).click()
    page.locator("#wb-nav").get_by_role("link", name="Messages").click()
    page.get_by_role("heading", name="Messages").wait_for()

    assert not page.locator("#wb-nav").is_visible()


def test_the_keyboard_finds_a_page_and_skips_the_menu(window: Window) -> None:
    page = window.page
    page.keyboard.press("/")
    page.keyboard.type("suppr")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Suppressions").wait_for()

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to main content"


def test_the_dark_colours_stay_for_the_next_page(window: Window) -> None:
    page = window.page
    page.locator(".wb-account summary").click()
    page.get_by_role("button", name="Dark").click()
    window.visit("/console/campaigns/contact/")

    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(17, 21, 19)"


def test_a_message_runs_no_script_in_its_frame(window: Window, business: Tenant) -> None:
    rows = _rows(business)
    window.visit(f"/console/campaigns/campaign/{rows['campaign']}/preview/?variant={rows['variant']}")

    frame = window.page.frames[1]

    assert "Robin" in frame.content() or "Casey" in frame.content()
    assert frame.evaluate("self.origin") == "null"
