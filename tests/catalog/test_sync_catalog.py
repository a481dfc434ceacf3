"""Loading the catalog: all or nothing, idempotent, and old versions stay."""

import json
import re
import shutil
from datetime import datetime
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from catalog.models import MessageTemplate, Module, Niche, Plan, QuietHoursRule, Workflow
from catalog.reading import DATA, CatalogError
from catalog.sync import sync


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A copy of the catalog's files, to be spoilt."""
    return Path(shutil.copytree(DATA, tmp_path / "data"))


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_loads_everything_and_says_how_much(db: None) -> None:
    out = StringIO()

    call_command("sync_catalog", json=True, stdout=out)

    report = json.loads(out.getvalue())
    assert {key: report[key] for key in ("modules", "niches", "plans", "templates")} == {
        "modules": 1,
        "niches": 10,
        "plans": 4,
        "templates": 8,
    }
    assert report["changed"] == 49
    assert set(Plan.objects.values_list("code", flat=True)) == {"starter", "growth", "scale", "enterprise"}
    assert Niche.objects.get(code="med-spa").content["sensitive"] is True


def test_a_second_run_changes_nothing(db: None, now: datetime) -> None:
    sync(now)

    assert sync(now).changed == 0


def test_changed_words_become_a_new_version_and_the_old_ones_stay(db: None, now: datetime, data: Path) -> None:
    sync(now, data)
    replace(data / "templates" / "winback_hello.email.txt", "We have not forgotten you", "We still think of you")

    assert sync(now, data).changed == 1

    versions = MessageTemplate.objects.filter(code="winback_hello", channel="email").order_by("version")
    assert [version.version for version in versions] == [1, 2]
    assert "We have not forgotten you" in versions[0].text
    assert "We still think of you" in versions[1].text
    assert MessageTemplate.objects.get(code="winback_hello", channel="sms").version == 1


def test_a_changed_footer_is_a_new_version_of_every_email(db: None, now: datetime, data: Path) -> None:
    sync(now, data)
    replace(data / "partials" / "footer.txt", "Warm regards", "Kind regards")

    assert sync(now, data).changed == 4


def test_a_changed_workflow_is_a_new_version(db: None, now: datetime, data: Path) -> None:
    sync(now, data)
    replace(data / "workflows" / "winback.yaml", "day: 21", "day: 28")

    sync(now, data)

    days = [[step["day"] for step in row.content["steps"]] for row in Workflow.objects.order_by("version")]
    assert days == [[0, 3, 10, 21], [0, 3, 10, 28]]


def test_a_quiet_hours_rule_that_left_the_file_leaves_the_table(db: None, now: datetime, data: Path) -> None:
    sync(now, data)
    replace(data / "quiet_hours.yaml", "sms-us-ky", "sms-us-xx")

    assert sync(now, data).changed == 2
    assert not QuietHoursRule.objects.filter(code__startswith="sms-us-ky").exists()


def test_the_window_for_texts_is_the_one_that_is_open_everywhere(db: None, now: datetime) -> None:
    sync(now)

    rules = QuietHoursRule.objects.filter(channel="sms", country="").order_by("weekday")

    assert [f"{rule.opens:%H}-{rule.closes:%H}" for rule in rules] == ["09-20"] * 6 + ["12-20"]


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("modules/dormant_customer_reactivation.yaml", "workflow: winback", "workflow: lost", "workflow: there is no"),
        ("modules/dormant_customer_reactivation.yaml", "default: [6, 9, 12]", "default: [0]", "default"),
        ("niches/hvac.yaml", "kind: service", "kind: garage", "niches/hvac.yaml: kind: 'garage'"),
        ("niches/hvac.yaml", "code: hvac", "code: hvca", "niches/hvac.yaml: code: must be 'hvac'"),
        ("plans/growth.yaml", "contacts: 25000", "contacts: many", "plans/growth.yaml: limits.contacts"),
        ("workflows/winback.yaml", "day: 10", "day: 1", "days must not go back"),
        ("workflows/winback.yaml", "template: winback_nudge", "template: nudge", "there is no 'nudge by sms'"),
        ("quiet_hours.yaml", "channel: email", "channel: fax", "channel"),
        ("consent_rules.yaml", "basis: opt_out", "basis: silence", "consent_rules.yaml: basis: 'silence'"),
        ("frequency_caps.yaml", "most: 3", "most: three", "frequency_caps.yaml: most: 'three'"),
        ("frequency_caps.yaml", "sms-us-ok", "sms-us-fl", "two rows of this code are valid on one day"),
        ("reply_keywords.yaml", "meaning: help", "meaning: sos", "reply_keywords.yaml: meaning: 'sos'"),
        ("word_lists.yaml", "STOP to", "STOP (to", "word_lists.yaml: patterns[1]"),
        ("word_lists.yaml", "list: shorteners", "list: gaps", "word_lists.yaml: shorteners: no row of this list"),
        ("word_lists.yaml", "version: 1", "version: 0", "word_lists.yaml: version: 0 is less than the minimum"),
        ("word_lists.yaml", "list: titles", "list: gaps", "word_lists.yaml: titles: no row of this list"),
        ("reply_wordings.yaml", "stops_itself:", "stops_others:", "reply_wordings.yaml: 'stops_itself' is a required"),
        ("reply_wordings.yaml", "  - '\\bget lost\\b'", "  - 7", "reply_wordings.yaml: stop.leave_alone[3]: 7 is not"),
        ("reply_wordings.yaml", "bget lost", "bget (lost", "reply_wordings.yaml: stop.leave_alone[3]: missing )"),
        ("reply_wordings.yaml", "bget lost", "bget <los>", "stop.leave_alone[3]: there is no 'los'"),
        ("tracking_rules.yaml", "[GB]", "[gb]", "tracking_rules.yaml: countries[0]: 'gb'"),
        ("templates/winback_hello.sms.txt", "Reply STOP to opt out", "", "Reply STOP"),
        ("templates/winback_hello.sms.txt", "Hello{%", "Hello “you”{%", "GSM"),
        ("templates/winback_hello.sms.txt", "booking_url", "shop_url", "unknown variable 'shop_url'"),
        ("templates/winback_hello.email.mjml", "{{ niche.reason }}", "{{ niche.reason", "mjml: Liquid"),
        ("templates/winback_hello.email.mjml", "{{ niche.reason }}", "{{ contact.email }}", "contact.email"),
        ("templates/winback_hello.email.mjml", "{{ niche.reason }}", "{{ niche.reason | raise }}", "'raise'"),
        ("templates/winback_hello.email.mjml", "</mj-button>", "", "mjml: MJML"),
        ("templates/winback_hello.email.mjml", "{{ niche.subject }}", "Re: {{ niche.subject }}", "pretends"),
        ("templates/winback_hello.email.mjml", "{{ niche.subject }}", "Last chance", "urgency"),
        ("templates/winback_hello.email.mjml", "{{ niche.subject }}", "{{ last.service }}", "names the service"),
        ("partials/layout.mjml", "{{ business.postal_address }}", "", "does not show business.postal_address"),
        ("partials/layout.mjml", "{{ unsubscribe_url }}", "#", "does not show unsubscribe_url"),
        ("partials/footer.txt", "{{ unsubscribe_url }}", "", "does not show unsubscribe_url"),
    ],
)
def test_content_that_is_not_valid_is_named_and_nothing_is_loaded(
    db: None, now: datetime, data: Path, file: str, old: str, new: str, expected: str
) -> None:
    replace(data / file, old, new)

    with pytest.raises(CatalogError) as error:
        sync(now, data)

    assert expected in str(error.value)
    assert not Module.objects.exists()


@pytest.mark.parametrize(
    ("file", "code", "old", "new"),
    [
        ("word_lists.yaml", "shorteners", "bit.ly", "bit.lyy"),
        ("word_lists.yaml", "template_code", '["{{", "{%"]', '["{{"]'),
        ("word_lists.yaml", "urgency", "act (?:now|fast)", "act (?:now|quick)"),
        ("word_lists.yaml", "common_words", "ceramic, check", "check"),
        ("reply_wordings.yaml", "", "get lost", "get well lost"),
    ],
)
def test_words_that_change_without_their_version_are_refused_and_what_to_write_is_said(
    db: None, now: datetime, data: Path, file: str, code: str, old: str, new: str
) -> None:
    replace(data / file, old, new)

    with pytest.raises(CatalogError) as error:
        sync(now, data)

    refused = str(error.value)
    found = re.fullmatch(
        rf"{file}: (?:{code}: )?the words are not those of version 1: write version: 2, checksum: (\w+)", refused
    )
    assert found is not None, refused
    text = (data / file).read_text()
    start = text.index(f"code: {code}\n") if code else 0
    raised = rf'version: 2\n\1checksum: "{found[1]}"'
    mended = re.sub(r'version: 1\n(\s*)checksum: "\w+"', raised, text[start:], count=1)
    (data / file).write_text(text[:start] + mended)
    assert sync(now, data).niches == 10


def test_a_version_that_is_raised_alone_is_refused_as_well(db: None, now: datetime, data: Path) -> None:
    replace(data / "reply_wordings.yaml", "version: 1", "version: 2")

    with pytest.raises(CatalogError, match="are not those of version 2"):
        sync(now, data)
