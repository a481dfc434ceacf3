"""Providers are found by kind and code, and say what they must be told."""

import pytest

from winback.providers import registry
from winback.providers.errors import ProviderMisconfigured

EVERY = [(kind, code) for kind, found in registry.KINDS.items() for code in found]


@pytest.mark.parametrize(("kind", "code"), EVERY)
def test_every_provider_describes_itself(kind: str, code: str) -> None:
    found = registry.provider(kind, code)

    assert found.code == code
    assert found.label
    names = [field.name for field in found.fields]
    assert len(names) == len(set(names))
    assert all(field.label for field in found.fields)


@pytest.mark.parametrize(("kind", "code"), EVERY)
def test_building_asks_nobody(kind: str, code: str) -> None:
    built = registry.build(kind, code, {}, {})

    assert isinstance(built, registry.provider(kind, code))


@pytest.mark.parametrize(("kind", "code"), EVERY)
def test_a_probe_of_an_empty_form_answers_and_never_raises(kind: str, code: str) -> None:
    result = registry.build(kind, code, {}, {}).probe()

    assert result.ok is (code == "fake")
    assert result.detail


def test_fakes_are_not_offered() -> None:
    assert registry.choices("email") == [
        ("smtp", "SMTP server"),
        ("amazon-ses", "Amazon SES"),
        ("postmark", "Postmark"),
        ("mailgun", "Mailgun"),
        ("resend", "Resend"),
        ("brevo", "Brevo"),
        ("mailersend", "MailerSend"),
        ("mailjet", "Mailjet"),
        ("mailtrap", "Mailtrap"),
        ("sparkpost", "SparkPost"),
        ("postal", "Postal"),
        ("scaleway", "Scaleway"),
        ("unisender-go", "Unisender Go"),
        ("sendgrid", "SendGrid (unsupported by its maintainers since July 2025)"),
        ("local", "Local outbox (nobody gets the message)"),
    ]
    assert [code for code, _ in registry.choices("sms")] == ["twilio", "aws", "gateway", "local"]


@pytest.mark.parametrize(("kind", "code"), [("email", "pigeon"), ("sms", "smtp"), ("smoke", "local")])
def test_an_unknown_one_is_named(kind: str, code: str) -> None:
    with pytest.raises(ProviderMisconfigured, match=code if kind != "smoke" else kind):
        registry.build(kind, code, {}, {})


def test_a_missing_field_is_named_by_its_label() -> None:
    assert "Server token" in registry.build("email", "postmark", {}, {}).probe().detail


def test_a_secret_is_never_taken_from_the_settings() -> None:
    provider = registry.build("email", "smtp", {}, {"host": "mail.example.com", "password": "in the wrong place"})

    assert provider.told("host") == "mail.example.com"
    assert provider.told("password") == ""
