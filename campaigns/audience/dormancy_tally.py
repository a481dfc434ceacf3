"""What a scan adds up to: the sums of a batch, those of the batches that are committed, and the report of a tenant."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

# The order in which the report names them; the rule itself stands in dormancy_facts.
REASONS = (
    "no_job", "scheduled_ahead", "do_not_contact", "not_lapsed_yet", "given_up", "erased", "merged", "restricted",
    "in_open_episode",
)  # fmt: skip


@dataclass
class ScanReport:
    """What a scan did for one tenant, with the keys of ``scan_dormant --json``."""

    opened: int = 0
    moved: int = 0
    closed: int = 0
    by_cohort: dict[str, int] = field(default_factory=dict)
    held_out: int = 0
    excluded: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0


class Batch:
    """One batch: what there is to change, and what was changed, by tenant."""

    def __init__(self, rows: Iterable[tuple[int, str, str, bool, bool, bool, int]] = ()) -> None:
        self.counts: dict[int, Counter[str]] = defaultdict(Counter)
        self.by_cohort: dict[int, Counter[int]] = defaultdict(Counter)
        self.excluded: dict[int, Counter[str]] = defaultdict(Counter)
        self.number = 0
        self.closes = self.opens = self.moves = self.gives_up = False
        for tenant_id, fate, reason, opens, moves, gives_up, number in rows:
            self.number += number
            self.closes |= fate in ("erased", "merged", "corrected")
            self.opens |= opens
            self.moves |= moves
            self.gives_up |= gives_up
            if not opens:
                self.excluded[tenant_id][reason or "in_open_episode"] += number

    @property
    def changes(self) -> bool:
        return self.closes or self.opens or self.moves or self.gives_up

    def add(self, key: str, rows: Iterable[tuple[int, int]]) -> None:
        for tenant_id, number in rows:
            self.counts[tenant_id][key] += number

    def add_opened(self, rows: Iterable[tuple[int, int, int, int]]) -> None:
        for tenant_id, months, number, given_up in rows:
            self.counts[tenant_id] += Counter(opened=number, closed=given_up)
            self.by_cohort[tenant_id][months] += number


class Tally(Batch):
    """What the batches that are committed add up to."""

    def __init__(self, progress: Callable[[int], None] | None) -> None:
        super().__init__()
        self.cohorts: dict[int, list[int]] = {}
        self.progress = progress

    def add_batch(self, batch: Batch) -> None:
        for tenant_id, counts in batch.counts.items():
            self.counts[tenant_id] += counts
        for tenant_id, by_cohort in batch.by_cohort.items():
            self.by_cohort[tenant_id] += by_cohort
        for tenant_id, excluded in batch.excluded.items():
            self.excluded[tenant_id] += excluded
        self.number += batch.number
        if self.progress is not None:
            self.progress(self.number)

    def report(self, tenant_id: int, seconds: float) -> ScanReport:
        counts, by_cohort, excluded = self.counts[tenant_id], self.by_cohort[tenant_id], self.excluded[tenant_id]
        cohorts = sorted({*self.cohorts.get(tenant_id, ()), *by_cohort})
        return ScanReport(
            opened=counts["opened"],
            moved=counts["moved"],
            closed=counts["closed"],
            by_cohort={str(months): by_cohort[months] for months in cohorts},
            held_out=counts["held_out"],
            excluded={reason: excluded[reason] for reason in REASONS if excluded[reason]},
            seconds=seconds,
        )
