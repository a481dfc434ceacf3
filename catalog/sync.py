"""Loading the catalog: files into rows, each with the checksum of what it came from. Running it twice changes nothing.

A template or workflow whose content changed becomes a new version; old versions stay, because what was sent must stay
readable and an enrolment keeps the version that it started with.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connection, models, transaction
from django.db.models import Max

from catalog import validating
from catalog.models import (
    CatalogEntry,
    Guard,
    MessageTemplate,
    Module,
    Niche,
    Plan,
    QuietHoursRule,
    VersionedEntry,
    Workflow,
)
from catalog.reading import DATA, Entry, windows

_LOCK = 7_266_001  # two processes that start together sync one after the other


@dataclass(frozen=True)
class SyncReport:
    """How much there is of each kind, and how many entries were changed by this run."""

    modules: int
    niches: int
    templates: int
    plans: int
    guards: int
    workflows: int
    quiet_hours: int
    changed: int


def sync(now: datetime, data: Path = DATA) -> SyncReport:
    """Load the catalog. Raises CatalogError, and loads nothing, when any of it is not valid."""
    content = validating.read(data)
    validating.check(content, on=now.date())
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        changed = sum(
            [
                _sync_entries(Niche, content.niches, now),
                _sync_entries(Plan, content.plans, now, fields=("position",)),
                _sync_entries(Guard, content.guards, now),
                _sync_versions(Workflow, content.workflows, now),
                _sync_versions(MessageTemplate, content.templates, now),
                _sync_entries(Module, content.modules, now, fields=("version", "status")),
                _sync_quiet_hours(content.quiet_hours),
            ]
        )
    return SyncReport(
        modules=len(content.modules),
        niches=len(content.niches),
        templates=len(content.templates),
        plans=len(content.plans),
        guards=len(content.guards),
        workflows=len(content.workflows),
        quiet_hours=len(content.quiet_hours),
        changed=changed,
    )


def _checksums(model: type[CatalogEntry] | type[QuietHoursRule]) -> dict[str, str]:
    manager: models.Manager[Any] = model._default_manager
    return dict(manager.values_list("code", "checksum"))


def _latest(model: type[VersionedEntry]) -> dict[tuple[str, str], tuple[int, str]]:
    """(code, channel) → the latest version and its checksum; a workflow's channel is empty."""
    manager: models.Manager[Any] = model._default_manager
    channel = "channel" if model is MessageTemplate else None
    fields = ["code", channel] if channel else ["code"]
    latest = {
        tuple(row[field] for field in fields): row["latest"]
        for row in manager.values(*fields).annotate(latest=Max("version"))
    }
    return {
        (row.code, row.channel if channel else ""): (row.version, row.checksum)
        for row in manager.order_by("id")
        if latest[tuple(getattr(row, field) for field in fields)] == row.version
    }


def _rule_checksums(entries: list[Entry]) -> dict[str, str]:
    return {f"{entry.code}-{weekday}": entry.checksum for entry in entries for weekday, _, _ in windows(entry.content)}


def _sync_entries(model: type[CatalogEntry], entries: list[Entry], now: datetime, fields: tuple[str, ...] = ()) -> int:
    known = _checksums(model)
    manager: models.Manager[Any] = model._default_manager
    changed = [entry for entry in entries if known.get(entry.code) != entry.checksum]
    for entry in changed:
        values = {field: entry.content[field] for field in fields}
        manager.update_or_create(
            code=entry.code,
            defaults={
                "name": entry.content["name"],
                "content": entry.content,
                "checksum": entry.checksum,
                "synced_at": now,
                **values,
            },
        )
    return len(changed)


def _sync_versions(model: type[VersionedEntry], entries: list[Entry], now: datetime) -> int:
    latest = _latest(model)
    manager: models.Manager[Any] = model._default_manager
    changed = 0
    for entry in entries:
        version, checksum = latest.get((entry.code, entry.content.get("channel", "")), (0, ""))
        if checksum == entry.checksum:
            continue
        values: dict[str, Any] = {"content": entry.content}
        if model is MessageTemplate:
            words = ("channel", "subject", "preheader", "mjml", "text")
            values = {"content": {}, **{field: entry.content[field] for field in words}}
        manager.create(
            code=entry.code,
            version=version + 1,
            name=entry.content["name"],
            checksum=entry.checksum,
            synced_at=now,
            **values,
        )
        changed += 1
    return changed


def _sync_quiet_hours(entries: list[Entry]) -> int:
    """One row a weekday. A rule that is no longer in the file goes: nothing points at it."""
    wanted = _rule_checksums(entries)
    known = _checksums(QuietHoursRule)
    gone = known.keys() - wanted.keys()
    changed = {code.rpartition("-")[0] for code in gone}
    QuietHoursRule.objects.filter(code__in=gone).delete()
    for entry in entries:
        rule = entry.content
        for weekday, opens, closes in windows(rule):
            code = f"{entry.code}-{weekday}"
            if known.get(code) == entry.checksum:
                continue
            changed.add(entry.code)
            QuietHoursRule.objects.update_or_create(
                code=code,
                defaults={
                    "channel": rule["channel"],
                    "country": rule.get("country", ""),
                    "region": rule.get("region", ""),
                    "weekday": weekday,
                    "opens": opens,
                    "closes": closes,
                    "valid_from": rule["valid_from"],
                    "valid_to": rule.get("valid_to"),
                    "source": rule["source"],
                    "checksum": entry.checksum,
                },
            )
    return len(changed)
