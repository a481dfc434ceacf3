"""One batch of the inbox, in the open transaction: everything of it is applied, or nothing is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from campaigns.planning.ending import end_enrolments
from campaigns.planning.models import Enrolment
from campaigns.tracking import applying_sql as sql
from campaigns.tracking import engagement, forgetting, thread_outbox
from campaigns.tracking.confirming import Confirming, ToConfirm
from campaigns.tracking.models import InboxItem
from campaigns.tracking.reading_inbox import Accounts, Item, take
from campaigns.tracking.replying import receive_text
from campaigns.tracking.staging_reports import Staged, staged
from tenants.accounts.models import Tenant
from tenants.connections.models import Connection
from winback.providers.receiving import NotUnderstood, Report, ReportKind

PATIENCE_HOURS = 24
"""How long a report waits for its message to become known."""
SOFT_BOUNCES, SOFT_DAYS = 3, 7
CONFIRM_AGAIN_AFTER = timedelta(minutes=5)
MOST_CONFIRMATIONS = 20


@dataclass(frozen=True)
class Done:
    """What a batch came to."""

    taken: int = 0
    applied: int = 0
    ignored: int = 0
    to_confirm: tuple[ToConfirm, ...] = ()
    bad_news: bool = False


@dataclass(frozen=True)
class _Text:
    """A text that a person sent, or what became of our answer to one: they have a room of their own."""

    place: int
    connection: Connection
    report: Report


def apply_batch(tenant: Tenant, *, now: datetime, limit: int, only: int | None = None) -> Done:
    """Take up to ``limit`` rows of the inbox (or only this one) and apply what they report."""
    items = take(tenant.pk, now=now, limit=limit, only=only)
    if not items:
        return Done()
    rows = Connection.objects.for_tenant(tenant).select_related("tenant")
    connections = {row.pk: row for row in rows.filter(pk__in={item.connection_id for item in items})}
    reports: list[Staged] = []
    texts: list[_Text] = []
    read: list[int] = []
    to_confirm: list[ToConfirm] = []
    with Accounts(connections) as accounts:
        for item in items:
            opened = connections[item.connection_id]
            try:
                found = accounts.read(item)
            except NotUnderstood as error:
                _note_unreadable(tenant, item, str(error), now=now)
                continue
            if (
                not found
                and isinstance(accounts.opened[opened.pk], Confirming)
                and _waits_for_answer(tenant, item, now)
            ):
                to_confirm.append(ToConfirm(item.id, opened, item.arrival))
                continue
            read.append(item.id)
            for report in found:
                if opened.kind == "sms" and (
                    report.kind is ReportKind.REPLIED or thread_outbox.is_ours(report.reference)
                ):
                    texts.append(_Text(len(reports), opened, report))
                reports.append(staged(report, place=len(reports), item_id=item.id, opened=opened, arrival=item.arrival))
    applied, ignored = _write(tenant, reports, texts, read, now=now)
    bad_news = any(report.may_suppress for report in reports)
    return Done(len(items), applied, ignored, tuple(to_confirm), bad_news)


def _note_unreadable(tenant: Tenant, item: Item, why: str, *, now: datetime) -> None:
    InboxItem.objects.for_tenant(tenant).filter(pk=item.id).update(
        state=InboxItem.State.UNREADABLE, reason="not_understood", detail=why[:300], next_try_at=None, settled_at=now
    )


def _waits_for_answer(tenant: Tenant, item: Item, now: datetime) -> bool:
    """It is answered after this batch; should that fail, its turn comes again. Not for ever."""
    row = InboxItem.objects.for_tenant(tenant).get(pk=item.id)
    if row.attempts >= MOST_CONFIRMATIONS:
        return False
    row.attempts, row.reason, row.next_try_at = row.attempts + 1, "to_be_confirmed", now + CONFIRM_AGAIN_AFTER
    row.save(update_fields=["attempts", "reason", "next_try_at"])
    return True


def _write(
    tenant: Tenant, reports: Sequence[Staged], texts: Sequence[_Text], items: Sequence[int], *, now: datetime
) -> tuple[int, int]:
    """Apply the reports of these items; how many were applied, and how many were ignored."""
    values: dict[str, Any] = {
        "tenant": tenant.pk,
        "now": now,
        "kept": list(sql.KEPT),
        "items": list(items),
        "patience": PATIENCE_HOURS,
        "soft_bounces": SOFT_BOUNCES,
        "soft_days": SOFT_DAYS,
    }
    kinds = {report.kind for report in reports}
    forbids = any(report.may_suppress for report in reports)
    with connection.cursor() as cursor:
        cursor.execute(sql.STAGE)
        if reports:
            _stage(cursor, reports)
            cursor.execute(sql.INTERACT, values)
            if forbids:
                cursor.execute(sql.SUPPRESS, values)
                _end(cursor, values, (ReportKind.COMPLAINED, ReportKind.UNSUBSCRIBED), Enrolment.EndedBy.OPT_OUT)
            if ReportKind.REPLIED in kinds:
                cursor.execute(forgetting.REPLIES_OF_ERASED, values)
                _end(cursor, values, (ReportKind.REPLIED,), Enrolment.EndedBy.REPLY)
            cursor.execute(sql.MOVE, values)
            if kinds & {ReportKind.CLICKED, ReportKind.DELIVERED}:
                cursor.execute(engagement.JUDGE_CLICKS, values)
            if forbids:
                cursor.execute(sql.SUPPRESS_TIRED, values)
            _receive(cursor, tenant, texts, now=now)
        cursor.execute(sql.SETTLE_ITEMS, values)
        applied, ignored = cursor.fetchone()
    return int(applied), int(ignored)


def _stage(cursor: CursorWrapper, reports: Iterable[Staged]) -> None:
    with cursor.copy(f"COPY reported ({', '.join(sql.COLUMNS)}) FROM STDIN") as copy:
        for report in reports:
            copy.write_row(report)


def _end(cursor: CursorWrapper, values: dict[str, Any], kinds: Iterable[ReportKind], by: str) -> None:
    cursor.execute(sql.WHO_SAID_IT, values | {"kinds": [str(kind) for kind in kinds]})
    people = sorted(row[0] for row in cursor.fetchall())
    end_enrolments(values["tenant"], contact_ids=people, ended_by=by, now=values["now"])


def _receive(cursor: CursorWrapper, tenant: Tenant, texts: Sequence[_Text], *, now: datetime) -> None:
    if not texts:
        return
    new = [
        text.place
        for text in texts
        if (
            receive_text(tenant, connection=text.connection, report=text.report, now=now).new
            if text.report.kind is ReportKind.REPLIED
            else thread_outbox.apply_report(tenant, report=text.report, now=now)
        )
    ]
    cursor.execute(sql.RECEIVED, {"new": new, "all": [text.place for text in texts]})
