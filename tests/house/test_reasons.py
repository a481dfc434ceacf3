"""docs/reasons.md lists every reason code in use, and none that is not."""

import re
from collections.abc import Iterator

import pytest

from campaigns.audience.experiment_models import DormancyEpisode
from campaigns.compliance.guards import GUARDS
from campaigns.planning.models import Enrolment
from tests.data import REPOSITORY
from winback.providers.reasons import Reason

PAGE = (REPOSITORY / "docs" / "reasons.md").read_text()
LISTED = set(re.findall(r"`([a-z]+(?:[_.][a-z_<>]+)*)`", PAGE))
APPS = ("winback", "catalog", "tenants", "campaigns")

# Where a code is written in the source.
WRITTEN = [
    r"""\bAnswer\("([a-z_]+)"(?: if [^"]+ else "([a-z_]+)")?""",
    r"""\breason="([a-z_]+)\"""",
    r"""\bwhy = '([a-z_]+)'""",
    r"""\bProblem\(\d+, "([a-z_]+)\"""",
]
ROOMS = [*(REPOSITORY / "campaigns").glob("*/*.py"), *(REPOSITORY / "tenants").glob("*/*.py")]


def from_enumerations() -> Iterator[str]:
    yield from map(str, Reason)
    yield from map(str, Enrolment.EndedBy)
    yield from map(str, DormancyEpisode.ClosedBy)


def from_guards() -> Iterator[str]:
    for guard in GUARDS:
        for word in re.findall(r"'([a-z_]+)'", guard.reason):
            if not word.endswith("_") and not word.startswith("_") and word not in {"email", "sms", "implied", "given"}:
                yield word


def from_source() -> Iterator[str]:
    for path in ROOMS:
        text = path.read_text()
        for pattern in WRITTEN:
            for found in re.findall(pattern, text):
                yield from filter(None, [found] if isinstance(found, str) else found)
    facts = (REPOSITORY / "campaigns" / "audience" / "dormancy_facts.py").read_text()
    reason = facts[facts.index("_REASON") : facts.index("_OPENS")]
    yield from re.findall(r"THEN '([a-z_]+)'", reason)


@pytest.mark.parametrize(
    "code", sorted({*from_enumerations(), *from_guards(), *from_source()} - {"withdrawn", "contact", "consent"})
)
def test_a_code_in_use_is_listed(code: str) -> None:
    assert code in LISTED


def test_a_listed_code_is_in_use() -> None:
    source = "\n".join(path.read_text() for app in APPS for path in (REPOSITORY / app).rglob("*.py"))
    # A code can be put together: no_email_consent, contact_erased, capability.crm.no_jobs.
    joints = re.compile(r"_?(?:email|sms|contact|bounced)_|no_(?=jobs|contacts)|<channel>|\.")
    parts = {code: list(filter(None, joints.split(code))) for code in LISTED}

    assert [code for code in sorted(LISTED) if code not in source and not all(p in source for p in parts[code])] == []
