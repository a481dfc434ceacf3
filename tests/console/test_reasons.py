"""Every reason code that a person may meet in the console reads as a sentence."""

import re

from campaigns.operating.reasons import SENTENCES
from tests.data import REPOSITORY

SHOWN = (
    "Why a contact has no open lapse",
    "Why a lapse was closed",
    "Why an open lapse gets no messages",
    "Why an enrolment ended",
    "Why a message did not leave, or not yet",
)


def test_every_code_of_the_reasons_page_has_its_sentence() -> None:
    sections = (REPOSITORY / "docs" / "reasons.md").read_text().split("\n## ")
    shown = [section for section in sections if section.startswith(SHOWN)]
    cells = [line.split("|")[1] for section in shown for line in section.splitlines() if line.startswith("| `")]
    codes = {code for cell in cells for code in re.findall(r"`([a-z_]+)`", cell)}

    assert len(shown) == len(SHOWN)
    assert sorted(codes - set(SENTENCES)) == []
