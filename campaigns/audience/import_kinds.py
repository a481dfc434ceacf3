"""What contacts and jobs bring to an import: how a row is read, which rows mean the same, how a batch is merged."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.db.backends.utils import CursorWrapper

from campaigns.audience.values import Setting
from tenants.accounts.models import Tenant


@dataclass
class Merged:
    """What one batch changed, and the rows of it that could not be merged: (line, reason)."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: Sequence[tuple[int, str]] = ()
    put_off: bool = False  # something is left to be done once, after the last batch


class Kind(Protocol):
    """Contacts or jobs: how a row is read and how a staged batch is merged."""

    name: str

    @property
    def needs(self) -> Sequence[frozenset[str]]:
        """Of each of these sets a file must have one column at least."""
        ...

    def prepare(self, row: dict[str, str], setting: Setting) -> Any: ...

    key_columns: frozenset[str]
    """What ``rough_key`` looks at."""

    def rough_key(self, row: dict[str, str]) -> str:
        """The same text for rows that mean the same record, made without checking anything."""

    def key(self, prepared: Any) -> str:
        """The same text for exactly the records that mean the same."""

    def merge(
        self,
        cursor: CursorWrapper,
        tenant: Tenant,
        staged: list[tuple[int, Any]],
        *,
        now: datetime,
        before: int,
        many: bool,
    ) -> Merged:
        """Merge a batch.

        ``before``: how many records this import had made until then. ``many``: there are several batches, so that
        work may be put off until ``catch_up``.
        """

    def catch_up(self, cursor: CursorWrapper, tenant: Tenant) -> None:
        """Do what was put off."""

    def newest(self, cursor: CursorWrapper, tenant: Tenant, *, now: datetime) -> tuple[int, datetime | None]: ...
