"""Reasons name a field by its label and the file's own heading, and leave the words of a sentence alone."""

import pytest

from campaigns.audience.columns import LABELS
from campaigns.audience.naming import in_words


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("email: 'x' is no e-mail address", "E-mail address (“Mail”): 'x' is no e-mail address"),
        ("country: 'phone' is no two-letter ISO 3166 code", "Country: 'phone' is no two-letter ISO 3166 code"),
        (
            "email_consent_at: 'x' lies ahead: correct the day, or leave email_consent empty",
            "Consent to e-mail: when: 'x' lies ahead: correct the day, or leave Consent to e-mail (“Opt”) empty",
        ),
        (
            "needs one of external_id, email, phone",
            "needs one of Customer number (“Nr.”), E-mail address (“Mail”), phone",
        ),
        (
            "email: 'x' is none; country: the word 'y' is not in the mapping",
            "E-mail address (“Mail”): 'x' is none; Country: the word 'y' is not in the mapping",
        ),
        ("timezone: 'email_consent' is no IANA zone", "timezone: 'email_consent' is no IANA zone"),
        (
            "email: 'external_id@x' is no e-mail address",
            "E-mail address (“Mail”): 'external_id@x' is no e-mail address",
        ),
        ("plan_limit: there is no room for another", "plan_limit: there is no room for another"),
    ],
)
def test_a_field_is_called_as_a_person_knows_it(reason: str, told: str) -> None:
    headings = {"external_id": "Nr.", "email": "Mail", "email_consent": "Opt", "email_consent_at": "", "country": ""}

    assert in_words(reason, "contacts", headings) == told


@pytest.mark.parametrize("kind", LABELS)
def test_no_name_of_a_field_is_left_before_a_reason(kind: str) -> None:
    headings = dict.fromkeys(LABELS[kind], "")

    told = [in_words(f"{field}: is wrong", kind, headings) for field in LABELS[kind]]

    assert [text for text in told if "_" in text] == []
