"""What was found about a domain or a message: a stable code, how bad it is, a sentence, and the record to add."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """``BAD``: receivers refuse or distrust such mail. ``WEAK``: works, and should be mended. ``NOTE``: a fact."""

    BAD = "bad"
    WEAK = "weak"
    NOTE = "note"


@dataclass(frozen=True)
class DnsRecord:
    """A record as it is typed in at whoever keeps the domain. ``old``: what it takes the place of."""

    type: str
    name: str
    value: str
    old: str = ""

    def as_dict(self) -> dict[str, str]:
        return {"type": self.type, "name": self.name, "value": self.value, "old": self.old}


@dataclass(frozen=True)
class Finding:
    """One thing that was found. Its code is explained in docs/reasons.md."""

    code: str
    severity: Severity
    sentence: str
    record: DnsRecord | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "severity": str(self.severity),
            "sentence": self.sentence,
            "record": self.record.as_dict() if self.record is not None else None,
        }


def bad(code: str, sentence: str, record: DnsRecord | None = None) -> Finding:
    return Finding(code, Severity.BAD, sentence, record)


def weak(code: str, sentence: str, record: DnsRecord | None = None) -> Finding:
    return Finding(code, Severity.WEAK, sentence, record)


def note(code: str, sentence: str, record: DnsRecord | None = None) -> Finding:
    return Finding(code, Severity.NOTE, sentence, record)


def any_bad(findings: Iterable[Finding]) -> bool:
    return any(finding.severity == Severity.BAD for finding in findings)
