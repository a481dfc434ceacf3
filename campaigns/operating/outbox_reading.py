"""The words of a message: as they stand in the local outbox, else rendered again and compared with their digest."""

import json
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any, Literal

from campaigns.audience.models import Channel
from campaigns.delivery.message_facts import facts_of
from campaigns.delivery.rendering import RenderFailed, render
from campaigns.delivery.routing import reference_of
from campaigns.planning.models import Message
from tenants.connections.connecting import outbox_directory

_MOST_BYTES = 2_000_000


@dataclass(frozen=True)
class Words:
    """What a person would read. ``certainty``: kept (the very bytes), same (its digest says so), or today's words."""

    certainty: Literal["kept", "same", "today"]
    subject: str = ""
    html: str = ""
    text: str = ""
    sender: str = ""
    recipient: str = ""


def words_of(message: Message, *, now: datetime) -> Words | None:
    """The words of a message; None when they cannot be told (its template is broken or gone)."""
    kept = _kept(message)
    if kept is not None:
        return kept
    facts = facts_of(message.tenant_id, [message.pk], now=message.handed_over_at or now)
    if not facts:
        return None
    try:
        rendered = render(facts[0], now=message.handed_over_at or now)
    except RenderFailed:
        return None
    same = bool(message.content_sha256) and rendered.sha256 == message.content_sha256
    return Words("same" if same else "today", rendered.subject, rendered.html, rendered.text)


def _kept(message: Message) -> Words | None:
    suffix = ".json" if message.channel == Channel.SMS else ".eml"
    path = outbox_directory(message.tenant, message.channel) / f"{reference_of(message.pk)}{suffix}"
    content = _read(path)
    if content is None:
        return None
    if message.channel == Channel.SMS:
        told = json.loads(content)
        return Words("kept", text=str(told.get("body", "")), recipient=str(told.get("to", "")))
    mail = message_from_bytes(content, policy=default)
    return Words(
        "kept",
        subject=str(mail["Subject"] or ""),
        html=_part(mail, "html"),
        text=_part(mail, "plain"),
        sender=str(mail["From"] or ""),
        recipient=str(mail["To"] or ""),
    )


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES)
    except OSError:
        return None


def _part(mail: Any, kind: str) -> str:
    body = mail.get_body(preferencelist=(kind,))
    return str(body.get_content()) if body is not None else ""
