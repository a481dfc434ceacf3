"""How often the law lets a person be texted where they live, beside the household's own cap: the stricter decides."""

import json
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.audience.consent import record_consent
from campaigns.compliance import caps, legal_caps
from campaigns.compliance.asking import asking_of
from campaigns.compliance.models import Touch
from campaigns.compliance.quiet_hours import Hours
from campaigns.delivery.claiming import claim
from campaigns.operating.explaining import explain
from campaigns.planning.models import Campaign, Message
from tenants.accounts.models import Tenant
from tests import factories
from tests.delivery.making import DAY, make_due, make_sender
from tests.delivery.test_caps import TOUCHED_MEANWHILE

pytestmark = pytest.mark.usefixtures("catalog")
NOW = factories.NOW.replace(hour=17)  # noon in Florida
HOUR = timedelta(hours=1)
WIDE = {"frequency_cap_touches": 50, "frequency_cap_days": 1}


@pytest.fixture
def campaign(tenant: Tenant) -> Campaign:
    """Of a tenant whose own cap is wide."""
    return make_sender(tenant, settings=WIDE)


def text(campaign: Campaign, *, region: str = "FL", country: str = "US", **contact: Any) -> Message:
    """A text that is due, to somebody who agreed."""
    number = Message.objects.count()
    phone = f"+1305555{number:04}"
    message = make_due(
        campaign, step="nudge", region=region, country=country, phone=phone, phone_key=phone,
        timezones=["America/New_York"], due_at=NOW - DAY, **contact
    )  # fmt: skip
    record_consent(
        message.contact, "sms", "given", stated_at=NOW - DAY, source="form", wording="I agree.", now=NOW, actor="test"
    )
    return message


def texts(campaign: Campaign, number: int, **where: Any) -> list[Message]:
    """Several of them, to one household."""
    first = text(campaign, **where)
    return [first, *(text(campaign, household=first.contact.household, **where) for _ in range(number - 1))]


def claimed(campaign: Campaign, *, at: datetime = NOW, sent: datetime | None = None) -> int:
    """How many a claim takes; they are sent at once, or when it is said."""
    taken = claim(asking_of(campaign, now=at), hours=Hours.load(at), limit=100).verdicts
    for pk, verdicts in taken.items():
        Message.objects.filter(pk=pk).update(
            state="handed_over", handed_over_at=sent or at, verdicts=json.loads(verdicts)
        )
    return len(taken)


def told(message: Message) -> dict[str, Any]:
    """What the last answer about the cap says."""
    message.refresh_from_db()
    facts: dict[str, Any] = [each for each in message.verdicts if each["guard"] == "frequency_cap"][-1]["facts"]
    return facts


@pytest.mark.parametrize(("region", "taken"), [("FL", 3), ("OK", 3), ("US-MD", 3), ("florida", 3), ("", 3), ("GA", 5)])
def test_three_texts_a_day_where_the_law_says_so_or_may_say_so(campaign: Campaign, region: str, taken: int) -> None:
    texts(campaign, 5, region=region)

    assert claimed(campaign) == taken

    waiting = Message.objects.filter(state="postponed")
    assert [(each.reason, each.due_at) for each in waiting] == [("frequency_cap", NOW + DAY)] * (5 - taken)


def test_the_answer_names_the_rule_for_those_that_leave_and_those_that_wait(campaign: Campaign) -> None:
    first, *_, last = texts(campaign, 4)

    claimed(campaign)

    law = "sms-us-fl: 3 in 24 hours"
    assert told(first) == {"rule": "household", "most": 50, "days": 1, "law": law}
    assert told(last) == {"rule": "sms-us-fl", "law": law, "until": told(last)["until"]}
    assert datetime.fromisoformat(told(last)["until"]) == NOW + DAY


def test_the_stricter_of_both_caps_decides(tenant: Tenant) -> None:
    campaign = make_sender(tenant, settings={"frequency_cap_touches": 2, "frequency_cap_days": 7})
    messages = texts(campaign, 4)

    assert claimed(campaign) == 2

    assert {(told(each)["rule"], each.due_at) for each in messages[2:]} == {("household", NOW + 7 * DAY)}


def test_a_message_waits_until_the_first_place_is_free_and_leaves_then(campaign: Campaign) -> None:
    first = text(campaign)
    household = first.contact.household
    assert claimed(campaign, at=NOW - 20 * HOUR) == 1
    text(campaign, household=household)
    assert claimed(campaign, at=NOW - 3 * HOUR) == 1
    waiting = [text(campaign, household=household) for _ in range(3)]

    assert claimed(campaign) == 1

    due = [Message.objects.get(pk=each.pk).due_at for each in waiting[1:]]
    assert due == [NOW + 4 * HOUR, NOW + 21 * HOUR]
    assert [claimed(campaign, at=at) for at in (due[0] - timedelta(seconds=1), due[0], due[1])] == [0, 1, 1]


def caps_told(message: Message, *, at: datetime) -> dict[str, dict[str, Any]]:
    answer = explain(message.tenant, message.contact, now=at)["writable"]["sms"]["caps"]
    return {cap["rule"]: cap for cap in answer}


def test_explain_tells_which_cap_holds_how_full_it_is_and_until_when(campaign: Campaign) -> None:
    *_, last = texts(campaign, 4)
    claimed(campaign, sent=NOW + HOUR)

    told_of = caps_told(last, at=NOW + 2 * HOUR)

    assert list(told_of) == ["household", "sms-us-fl"]
    law = told_of["sms-us-fl"]
    assert (law["most"], law["hours"], law["touches"], law["place_known"]) == (3, 24, 3, True)
    assert law["full_until"] == (NOW + HOUR + DAY).isoformat()
    assert (told_of["household"]["touches"], told_of["household"]["full_until"]) == (3, None)
    assert caps_told(last, at=NOW + HOUR + DAY)["sms-us-fl"]["full_until"] is None


def test_explain_tells_that_a_cap_holds_for_want_of_the_state(campaign: Campaign) -> None:
    nowhere, elsewhere = text(campaign, region=""), text(campaign, region="GA")

    (known,) = [cap["place_known"] for rule, cap in caps_told(nowhere, at=NOW).items() if rule != "household"]
    assert known is False
    assert list(caps_told(elsewhere, at=NOW)) == ["household"]


@given(
    hours=st.lists(st.integers(0, 40), min_size=1, max_size=6),
    late=st.integers(0, 3),
    most=st.integers(1, 5),
    region=st.sampled_from(["FL", "GA", ""]),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_until_when_explain_says_that_it_is_full_the_claim_waits(
    tenant: Tenant, hours: list[int], late: int, most: int, region: str
) -> None:
    with transaction.atomic():
        campaign = make_sender(tenant, settings={"frequency_cap_touches": most, "frequency_cap_days": 1})
        first = text(campaign, region=region)
        for ordinal, ago in enumerate(sorted(hours, reverse=True), start=1):
            sent = text(campaign, region=region, household=first.contact.household)
            at = NOW - ago * HOUR
            Touch.objects.create(
                tenant=tenant, household=first.contact.household, ordinal=ordinal, message=sent, channel="sms",
                touched_at=at,
            )  # fmt: skip
            Message.objects.filter(pk=sent.pk).update(state="handed_over", handed_over_at=at + late * HOUR)
        untils = [cap["full_until"] for cap in caps_told(first, at=NOW).values()]

        claimed(campaign)

        first.refresh_from_db()
        expected = max((datetime.fromisoformat(each) for each in untils if each), default=None)
        assert (first.due_at if first.state == "postponed" else None) == expected
        transaction.set_rollback(True)


def test_a_text_counts_from_when_it_went_out_and_not_from_when_it_was_claimed(campaign: Campaign) -> None:
    *_, last = texts(campaign, 4)
    Message.objects.filter(pk=last.pk).update(due_at=NOW + DAY)
    claimed(campaign, sent=NOW + 2 * HOUR)

    assert claimed(campaign, at=NOW + DAY) == 0
    assert claimed(campaign, at=NOW + DAY + 2 * HOUR) == 1


def test_email_is_not_counted_as_a_text_nor_held_back_by_it(campaign: Campaign) -> None:
    household = texts(campaign, 4)[0].contact.household
    for _ in range(2):
        make_due(campaign, household=household, region="FL", timezones=["America/New_York"])

    assert claimed(campaign) == 5
    assert list(Touch.objects.order_by("ordinal").values_list("ordinal", flat=True)) == [1, 2, 3, 4, 5]


def test_a_text_that_was_never_sent_takes_no_place(campaign: Campaign) -> None:
    texts(campaign, 3)
    claimed(campaign)
    Message.objects.filter(pk=Message.objects.earliest("pk").pk).update(state="failed")
    household = Touch.objects.earliest("pk").household
    text(campaign, household=household)

    assert claimed(campaign) == 1


def test_a_text_to_another_of_the_household_counts_wherever_that_one_lives(campaign: Campaign) -> None:
    household = texts(campaign, 3, region="GA")[0].contact.household
    text(campaign, household=household)

    assert claimed(campaign) == 3


def test_two_workers_at_one_household_keep_the_cap_of_the_law_together(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = text(campaign)
    Message.objects.filter(pk=others.pk).update(state="handed_over", handed_over_at=NOW)
    for _ in range(3):
        text(campaign, household=others.contact.household)
    statement: Any = caps.KEEP_CAPS
    monkeypatch.setattr(caps, "KEEP_CAPS", statement + TOUCHED_MEANWHILE)

    # One of ours had the place that the other worker took: it stays as it is, for the next claim.
    assert claimed(campaign) == 2
    monkeypatch.setattr(caps, "KEEP_CAPS", statement)
    assert claimed(campaign) == 0
    assert Touch.objects.count() == 3


def test_a_cap_holds_from_its_day_and_of_two_only_the_stricter_is_kept() -> None:
    day = date(2026, 9, 30)

    assert [cap.code for cap in legal_caps.holding("sms", "US", "MD", on=date(2023, 12, 31))] == []
    assert [cap.code for cap in legal_caps.holding("sms", "US", "MD", on=date(2024, 1, 1))] == ["sms-us-md"]
    assert len(legal_caps.holding("sms", "US", "", on=day)) == len(legal_caps.holding("sms", "", "", on=day)) == 1
    assert legal_caps.holding("email", "US", "FL", on=day) == legal_caps.holding("sms", "CA", "", on=day) == []


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.integers(0, 30 * 60),  # minutes since the claim before
            st.integers(0, 3),  # texts that fall due meanwhile
            st.integers(0, 180),  # minutes from the claim until they are sent
        ),
        min_size=3,
        max_size=5,
    )
)
def test_nobody_in_florida_gets_more_than_three_in_any_24_hours(
    campaign: Campaign, course: list[tuple[int, int, int]]
) -> None:
    Message.objects.exclude(state="cancelled").update(state="cancelled")
    household = factories.make_contact(campaign.tenant).household
    at = NOW
    for wait, number, late in course:
        at += timedelta(minutes=wait)
        for _ in range(number):
            text(campaign, household=household)
        sent = at + timedelta(minutes=late)
        claimed(campaign, at=at, sent=sent)
        at = sent

    handed_over = Message.objects.filter(state="handed_over").values_list("handed_over_at", flat=True)
    times = sorted(time for time in handed_over if time is not None)
    assert all(later - earlier >= DAY for earlier, later in zip(times, times[3:], strict=False))
