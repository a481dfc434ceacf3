"""Words are judged before they leave: subjects and promises are true, texts are short and say how to stop."""

import json
import time
from datetime import date

import pytest

from campaigns.audience.models import Channel
from campaigns.compliance import content
from campaigns.compliance.verdict import Verdict
from campaigns.compliance.wording import pretends
from campaigns.delivery import routing
from catalog.models import MessageTemplate
from catalog.reading import read_entries
from tests import words
from tests.compliance.stock import Sent, sent
from tests.factories import NOW
from tests.words import OFFER, refusals


@pytest.fixture
def email(catalog: None) -> Sent:
    return sent("winback_offer", Channel.EMAIL, **OFFER)


@pytest.fixture
def sms(catalog: None) -> Sent:
    return sent("winback_offer", Channel.SMS, **OFFER)


def test_an_untouched_mail_is_allowed_with_every_guards_verdict(email: Sent) -> None:
    verdicts = words.judged(*email)

    assert {verdict.guard for verdict in verdicts} == {"email_footer", "can_spam", "template_integrity"}
    assert all(verdict.allowed for verdict in verdicts)


def test_an_untouched_text_is_allowed_and_its_segments_are_noted(sms: Sent) -> None:
    verdicts = {verdict.guard: verdict for verdict in words.judged(*sms)}

    assert set(verdicts) == {"sms_opt_out", "template_integrity"}
    assert verdicts["sms_opt_out"].facts == {"segments": 2, "encoding": "GSM-7"}


def test_a_list_of_words_holds_on_its_days_alone() -> None:
    before, on = date(1998, 6, 10), date(1998, 6, 11)

    assert [pretends("Re: your visit", on=day) for day in (before, on)] == [False, True]


@pytest.mark.usefixtures("catalog")
def test_the_catalog_says_what_each_guard_asks() -> None:
    described = {entry.code: entry.content for entry in read_entries("guards")}

    assert set(described) == set(content.GUARDS)
    for code, guard in content.GUARDS.items():
        assert described[code]["version"] == guard.version
        assert tuple(described[code]["channels"]) == guard.channels


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        ("", "subject_missing"), ("   ", "subject_missing"), ("Hello\r\nBcc: x@example.com", "subject_broken"),
        ("Re: our talk", "subject_misleading"), ("RE[2]: our talk", "subject_misleading"),
        ("Fwd: photos", "subject_misleading"), ("  fw: photos", "subject_misleading"),
        ("Your appointment tomorrow", "subject_misleading"), ("Invoice 4711", "subject_misleading"),
        ("Your receipt", "subject_misleading"), ("Payment failed", "subject_misleading"),
        ("Final notice", "subject_misleading"), ("You’ve won", "subject_misleading"),
        ("Last chance: $25 off", "urgency_untrue"), ("Offer ends today", "urgency_untrue"),
        ("Today only, Ana", "urgency_untrue"), ("Hurry, Ana", "urgency_untrue"),
        ("Hi {{ name }}", "words_with_holes"), ("We miss you , Ana", "words_with_holes"),
        ("Hello Ana", ""), ("Regarding your garden", ""), ("A weekend for your car", ""), ("Fresh ideas: three", ""),
        ("Book your next appointment when it suits you", ""),
    ],
)  # fmt: skip
def test_a_subject_is_true(subject: str, reason: str, email: Sent) -> None:
    facts, rendered = email

    refused = refusals(facts, rendered, subject=subject)

    assert reason in refused if reason else not refused


@pytest.mark.parametrize(
    ("subject", "expires_on", "allowed"),
    [
        ("Offer ends today", date(2026, 9, 30), True),
        ("Offer ends tonight, Ana", date(2026, 9, 30), True),
        ("Offer ends today", date(2026, 10, 1), False),
        ("Offer ends tomorrow", date(2026, 10, 1), True),
        ("Offer ends tomorrow", date(2026, 9, 30), False),
        ("Last chance", date(2026, 10, 5), True),
        ("Last chance", date(2026, 12, 31), False),
        ("Last chance", None, False),
        ("$25 off", date(2026, 9, 30), True),
        ("$25 off", date(2026, 9, 29), False),
    ],
)
def test_urgency_is_tied_to_the_day_on_which_the_offer_ends(
    subject: str, expires_on: date | None, allowed: bool, email: Sent
) -> None:
    facts, rendered = email

    refused = refusals(facts | {"expires_on": expires_on}, rendered, subject=subject)

    assert (refused == set()) is allowed


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("Oak & Sons: ", "", "sms_without_business"),
        ("Reply STOP to opt out", "", "sms_without_opt_out"),
        ("Reply STOP to opt out", "Reply to opt out", "sms_without_opt_out"),
        ("http", "bit.ly/x http", "sms_with_shortened_link"),
        ("http", "HTTPS://TinyURL.com/x http", "sms_with_shortened_link"),
        ("Hi Ana!", "Hi !", "words_with_holes"),
        ("Hi Ana!", "Hi Ana! Act now!", "urgency_untrue"),
        ("Hi Ana!", "Hi Ana! " + "Very long." * 60, "sms_too_long"),
        ("Hi Ana!", "Hi Ana 😀! " + "Quite long." * 8, "sms_too_long"),
    ],
)
def test_a_text_names_the_business_says_how_to_stop_and_is_short(old: str, new: str, reason: str, sms: Sent) -> None:
    facts, rendered = sms

    changed = rendered.text.replace(old, new)

    assert changed != rendered.text
    assert refusals(facts, rendered, text=changed) == {reason}


def test_an_expired_offer_stops_a_text(sms: Sent) -> None:
    facts, rendered = sms

    assert refusals(facts | {"expires_on": date(2026, 9, 29)}, rendered) == {"offer_expired"}


def test_evidence_is_a_json_list_with_the_rule_its_version_and_the_moment(sms: Sent) -> None:
    verdicts = [*words.judged(*sms), Verdict("can_spam", 1, False, "subject_misleading")]

    evidence = json.loads(content.as_evidence(verdicts, at=NOW))

    assert evidence[0] == {
        "guard": "sms_opt_out",
        "version": content.GUARDS["sms_opt_out"].version,
        "allowed": True,
        "facts": {"segments": 2, "encoding": "GSM-7"},
        "lists": {"stop_instructions": 1, "shorteners": 1, "urgency": 1, "free": 1},
        "at": "2026-09-30T17:00:00+00:00",
        "when": "send",
    }
    assert evidence[-1]["reason"] == "subject_misleading"


def test_judging_costs_a_fraction_of_a_millisecond(email: Sent) -> None:
    """It is asked of every message; ten times the usual cost is allowed, for a busy machine."""
    words.judged(*email)
    started = time.process_time()

    for _ in range(200):
        words.judged(*email)

    assert (time.process_time() - started) / 200 < 0.001


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        ("$25 off, Ana", ""), ("Save $25, Ana", ""), ("$50 off, Ana", "offer_value_untrue"),
        ("25% off your next visit", "offer_value_untrue"), ("Save 50 percent, Ana", "offer_value_untrue"),
        ("A free visit for you", "offer_value_untrue"), ("Feel free to write to us", ""),
    ],
)  # fmt: skip
def test_what_is_promised_is_what_the_offer_gives(subject: str, reason: str, email: Sent) -> None:
    facts, rendered = email
    facts = facts | {"offer_name": "$25 off your next visit", "terms": "Once a household."}

    assert refusals(facts, rendered, subject=subject) == ({reason} if reason else set())


def test_nothing_is_promised_without_an_offer(email: Sent) -> None:
    facts, rendered = email

    assert "offer_value_untrue" in refusals(facts | {"offer_id": None}, rendered, subject="$25 off, Ana")


@pytest.mark.usefixtures("catalog")
def test_no_stock_template_of_a_discreet_niche_names_the_service() -> None:
    niche = next(entry.content for entry in read_entries("niches") if entry.code == "med-spa")
    for template in MessageTemplate.objects.all():
        facts, rendered = sent(
            template.code, template.channel, **OFFER, last_service="Botox – lip", niche_content=niche
        )
        for words_of in (rendered.subject, rendered.html, rendered.text, json.dumps(routing.headers(facts))):
            assert "botox" not in words_of.lower()
            assert "lip" not in words_of.lower().split()
