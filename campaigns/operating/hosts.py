"""Each host's own files: what one host cannot reach of another's, that one forgets itself.

The local outbox and the rejects files lie in the WINBACK_HOME of whatever host wrote them. Every host is known by a key
that it keeps there, goes through its files for each erasing that it has not seen yet, and says so on the proof.
"""

import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction

from campaigns.audience import erased, rejecting
from campaigns.audience import forgetting as audience
from campaigns.delivery import forgetting as delivery
from campaigns.delivery.routing import reference_of
from campaigns.operating.erasure_models import Erasure, Host
from campaigns.operating.exporting import rejects_folder
from campaigns.planning.models import Message
from campaigns.tracking import thread_hearing
from tenants.accounts.models import Tenant
from tenants.connections.connecting import outbox_directory
from winback.tenancy import acting_for, acting_for_all


@dataclass
class Tended:
    """What a host did for the erasings that it had not seen yet."""

    erasures: int = 0
    files: int = 0
    rejected_rows: int = 0


def this_host(*, now: datetime) -> Host:
    """This host, seen now; it makes its key the first time, and where its home turns out to be a copy of another's.

    The home keeps when its key was last seen. If the key was seen since, then by another home: this one is an image of
    a machine, or a restored backup. What that one did is not done in these files, so they go by a key of their own.
    Names tell nothing: containers change theirs at every start, and several share one home.
    """
    name = socket.gethostname()[:200]
    with transaction.atomic():
        while True:
            key, moments = known = _read()
            host, made = Host.objects.select_for_update().get_or_create(
                key=key, defaults={"name": name, "first_seen_at": now, "last_seen_at": now}
            )
            if known != _read():
                continue  # another process of this host was quicker
            if made or not moments or host.last_seen_at in moments or host.last_seen_at < min(moments):
                break  # earlier than both: the database was restored, and nobody else was here
            _write(uuid4())
        # Both moments: what is written here stays if the transaction is rolled back.
        _write(host.key, host.last_seen_at, now)
        host.name, host.last_seen_at = name, now
        host.save(update_fields=["name", "last_seen_at"])
    return host


def _read() -> tuple[UUID, list[datetime]]:
    path = Path(settings.WINBACK_HOME) / "host"
    if not path.exists():
        _write(uuid4(), first=True)
    key, *moments = path.read_text().split()
    return UUID(key), [datetime.fromisoformat(moment) for moment in moments]


def _write(key: UUID, *moments: datetime, first: bool = False) -> None:
    """At one stroke; later than the first time only while the row of the present key is locked."""
    path = Path(settings.WINBACK_HOME) / "host"
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_name(f"host.{uuid4()}")
    made.write_text("\n".join([str(key), *(moment.isoformat() for moment in moments), ""]))
    if first:
        with suppress(FileExistsError):  # another process was quicker
            os.link(made, path)
        made.unlink()
    else:
        made.replace(path)


def tend(*, now: datetime) -> Tended:
    """Go through this host's files for every erasing that it has not seen yet. Opens its own scopes.

    What is not finished waits: what is on its way may still become a file.
    """
    host = this_host(now=now)
    with acting_for_all("find erasings that this host has not seen"):
        unseen = Erasure.objects.filter(state=Erasure.State.DONE).exclude(hosts__has_key=str(host.key))
        tenants = list(unseen.order_by("tenant_id").values_list("tenant_id", flat=True).distinct())
    done = Tended()
    for tenant in Tenant.objects.filter(pk__in=tenants).order_by("pk"):
        with acting_for(tenant.pk):
            audience.begin(tenant)  # no import here may write to a file that is being rewritten
            proofs = list(unseen.filter(tenant=tenant).order_by("pk"))
            contacts = sorted({contact for proof in proofs for contact in proof.contacts})
            texts = [text for proof in proofs for text in proof.kept.get("texts", [])]
            done.erasures += len(proofs)
            done.files += remove_files(tenant, contacts, texts)
            done.rejected_rows += rejecting.forget(rejects_folder(tenant), erased.names(tenant, contacts))
            _note(tenant, [proof.pk for proof in proofs], host, now=now)
    return done


def remove_files(tenant: Tenant, contacts: Sequence[int], texts: Sequence[int], *, keep: bool = False) -> int:
    """The messages and answers to these people in the outbox of this host, but for what is being written just now."""
    rows = Message.objects.for_tenant(tenant).filter(contact__in=contacts).exclude(state=Message.State.HANDING_OVER)
    references = [reference_of(pk) for pk in rows.values_list("pk", flat=True)]
    answers = [thread_hearing.reference_of(pk) for pk in texts]
    return delivery.remove_files(outbox_directory(tenant, "email"), references, keep=keep) + delivery.remove_files(
        outbox_directory(tenant, "sms"), [*references, *answers], keep=keep
    )


NOTE = """
UPDATE campaigns_erasure SET hosts = hosts || jsonb_build_object(%(host)s::text, %(now)s::timestamptz)
 WHERE tenant_id = %(tenant)s AND id = ANY(%(erasures)s)
"""


def _note(tenant: Tenant, erasures: Sequence[int], host: Host, *, now: datetime) -> None:
    """In one statement, for another host may say it of itself at the same time."""
    with connection.cursor() as cursor:
        cursor.execute(NOTE, {"tenant": tenant.pk, "erasures": list(erasures), "host": str(host.key), "now": now})


def told(proof: Erasure) -> list[tuple[Host, str]]:
    """Every host, with when it went through its files for this erasing; empty where it has not yet.

    Their names are for the platform's own people.
    """
    return [(host, proof.hosts.get(str(host.key), "")) for host in Host.objects.order_by("name", "key")]


@dataclass(frozen=True)
class GoneThrough:
    """How far an erasing has got on the hosts, in numbers: a business need not know the hosts of the platform."""

    hosts: int
    done: int
    latest_at: datetime | None


def gone_through(proof: Erasure) -> GoneThrough:
    """What the business is told of it."""
    answers = told(proof)
    moments = [datetime.fromisoformat(at) for _, at in answers if at]
    return GoneThrough(len(answers), len(moments), max(moments, default=None))


def forget_host(name: str) -> int:
    """A host whose disk is no more has nothing to go through; how many had this name or key."""
    hosts = [host.pk for host in Host.objects.all() if name in (host.name, str(host.key))]
    return Host.objects.filter(pk__in=hosts).delete()[0]
