"""What an endpoint reads: type, time, and the facts that its kind allows, by opaque ids."""

import json
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from tenants.webhooks import opaque
from tenants.webhooks.kinds import KINDS, SUBJECTS, VERSION
from tenants.webhooks.models import WebhookDelivery

People = Callable[[int, Collection[int]], Mapping[int, Mapping[str, str]]]
"""What is known of contacts, by number: ``external_id``, and what names a person. Given by the room that has them."""

PERSONAL = ("first_name", "last_name", "email", "phone")


def webhook_id(delivery: WebhookDelivery) -> str:
    """The same for every try and replay of a delivery, so that whoever has had it can tell."""
    return opaque.make("delivery", delivery.tenant_id, delivery.pk)


def body_of(
    delivery: WebhookDelivery, person: Mapping[str, str] | None, *, personal: bool, sandbox: bool = False
) -> bytes:
    """The body of one delivery. Who has been erased meanwhile is named no more."""
    kind = KINDS.get(delivery.kind)
    told: dict[str, Any] = {}
    tenant_id = delivery.tenant_id
    if delivery.contact_id is not None:
        told["contact"] = {
            "id": opaque.make("contact", tenant_id, delivery.contact_id),
            "external_id": (person or {}).get("external_id") or None,
        }
        if personal and person:
            told["contact"] |= {name: person.get(name) or None for name in PERSONAL}
    subject = SUBJECTS.get(delivery.subject_kind)
    if subject is not None and delivery.subject_id is not None:
        told[subject] = {"id": opaque.make(subject, tenant_id, delivery.subject_id)}
    if kind is not None:
        told |= {name: delivery.data[name] for name in kind.fields if delivery.data.get(name) not in (None, "")}
        for name, of in kind.ids:
            if isinstance(delivery.data.get(name), int):
                told[of] = {"id": opaque.make(of, tenant_id, delivery.data[name])}
    else:
        told["hello"] = "This is a test: it means that deliveries reach you."
    whole = {"type": delivery.kind, "timestamp": _written(delivery.occurred_at), "version": VERSION, "data": told}
    if sandbox:
        whole["sandbox"] = True
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
