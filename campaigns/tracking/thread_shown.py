"""A conversation by text as its page shows it: both directions, with what became of each text."""

from typing import Any

from campaigns.audience.models import Channel
from campaigns.compliance.replies import Meaning
from campaigns.planning.models import Message
from campaigns.tracking.thread_models import Conversation, ThreadText
from winback.console.columns import address_of
from winback.console.formatting import words

MOST_SHOWN = 200
_MEANINGS = {
    Meaning.OPT_OUT: ("Asks to stop", "bad"),
    Meaning.START: ("Wants texts again", "good"),
    Meaning.HELP: ("Asks for help", "info"),
    Meaning.WRONG_NUMBER: ("Wrong number", "bad"),
    Meaning.UNCLEAR: ("May ask to stop", "warn"),
}
_OURS = {
    "reply": "Reply",
    "stop_confirmation": "Confirmation of the stop, sent by itself",
    "start_confirmation": "Confirmation, sent by itself",
    "help": "Answer to HELP, sent by itself",
}

_FATES = {
    "planned": ("on its way", "info"),
    "handing_over": ("on its way", "info"),
    "handed_over": ("sent", "good"),
    "delivered": ("delivered", "good"),
    "unknown": ("may have left", "warn"),
}


def texts_of(conversation: Conversation) -> list[dict[str, Any]]:
    """Both directions as the page shows them, the oldest first, with the campaign's texts between."""
    rows = ThreadText.objects.for_tenant(conversation.tenant_id).filter(conversation=conversation)
    # The oldest first: what was written at one moment stays in the order in which it was kept.
    shown = [_shown(text) for text in reversed(rows.order_by("-at", "-pk")[:MOST_SHOWN])]
    if conversation.contact_id:
        sent = Message.objects.for_tenant(conversation.tenant_id).filter(
            contact_id=conversation.contact_id, channel=Channel.SMS, handed_over_at__isnull=False
        )
        shown += [
            {"at": one.handed_over_at, "of_campaign": True, "text": words(one.step_code), "url": address_of(one)}
            for one in sent.select_related("campaign").order_by("-handed_over_at", "-pk")[:20]
        ]
    return sorted(shown, key=lambda one: one["at"])


def _shown(text: ThreadText) -> dict[str, Any]:
    received = text.kind == ThreadText.Kind.RECEIVED
    return {
        "at": text.at,
        "ours": not received,
        "body": text.body or "(forgotten)",
        "label": "" if received else _OURS[text.kind],
        "pill": _MEANINGS.get(Meaning(text.meaning)) if received and text.meaning else _fate(text),
        "decided": text.reason == "decided_by_staff",
        "error": text.error,
    }


def _fate(text: ThreadText) -> tuple[str, str]:
    said, tone = _FATES.get(text.state, (text.state, "bad"))
    return (f"{said}: {words(text.reason).lower()}" if text.reason else said, tone)
