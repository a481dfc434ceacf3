"""What a tenant does with its endpoints: make, change, switch off and on, try, replace the secret, remove."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from tenants.accounts.models import Tenant
from tenants.journal import audit
from tenants.webhooks import signing
from tenants.webhooks.feeding import last_id
from tenants.webhooks.kinds import KINDS, TEST
from tenants.webhooks.models import WebhookDelivery, WebhookEndpoint
from winback.providers.tenant_urls import NotAllowed, Rules, checked_url

State = WebhookEndpoint.State
MOST = 20
SHOWN_FOR = timedelta(hours=1)
"""How long a program may read a new secret. A person sees it once."""


class EndpointRefused(ValueError):
    """An endpoint cannot be made or changed like this: ``field`` is what to put right."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Wanted:
    """What somebody wants an endpoint to be."""

    url: str
    kinds: Sequence[str]
    description: str = ""
    personal: bool = False

    def checked(self) -> dict[str, Any]:
        """The values to keep; raises EndpointRefused."""
        try:
            url = checked_url(self.url, rules())
        except NotAllowed as error:
            raise EndpointRefused("url", str(error)) from error
        unknown = sorted(set(self.kinds) - set(KINDS))
        if unknown:
            raise EndpointRefused("kinds", f"There is no kind {', '.join(unknown)}.")
        if not self.kinds:
            raise EndpointRefused("kinds", "Choose at least one kind of event.")
        description = " ".join(self.description.split())[:200]
        return {
            "url": url,
            "kinds": sorted(set(self.kinds)),
            "description": description,
            "personal": bool(self.personal),
        }


def rules() -> Rules:
    """What the operator of this installation allows."""
    return Rules(private=settings.WINBACK_ALLOW_PRIVATE_ADDRESSES)


def create(tenant: Tenant, wanted: Wanted, *, now: datetime, actor: str) -> tuple[WebhookEndpoint, str]:
    """A new endpoint, told of what happens from now on, and its secret."""
    values = wanted.checked()
    if WebhookEndpoint.objects.for_tenant(tenant).count() >= MOST:
        raise EndpointRefused("url", f"There are {MOST} endpoints, which is the most: remove one first.")
    secret = signing.Secret(signing.new_secret())
    endpoint: WebhookEndpoint = WebhookEndpoint.objects.create(
        tenant=tenant,
        secrets=signing.sealed([secret]),
        secret_made_at=now,
        begins_after=last_id(),
        created_at=now,
        **values,
    )
    _note(endpoint, "webhook.added", actor, now, host=str(endpoint), kinds=values["kinds"], personal=values["personal"])
    return endpoint, secret.text


def change(endpoint: WebhookEndpoint, wanted: Wanted, *, now: datetime, actor: str) -> list[str]:
    """Make it what is wanted; returns the names of what changed."""
    values = wanted.checked()
    changed = [name for name, value in values.items() if getattr(endpoint, name) != value]
    if changed:
        for name in changed:
            setattr(endpoint, name, values[name])
        endpoint.save(update_fields=changed)
        _note(endpoint, "webhook.changed", actor, now, fields=changed)
    return changed


def rotate(endpoint: WebhookEndpoint, *, at_once: bool = False, now: datetime, actor: str) -> str:
    """Give it a new secret; the old one signs beside it for a day, or ends at once because it has leaked."""
    known = signing.rotated(
        signing.opened(endpoint.secrets), now=now, keep_for=timedelta() if at_once else signing.ROTATION
    )
    endpoint.secrets, endpoint.secret_made_at = signing.sealed(known), now
    endpoint.save(update_fields=["secrets", "secret_made_at"])
    _note(endpoint, "webhook.secret_replaced", actor, now, at_once=at_once)
    return known[0].text


def secret_for_program(endpoint: WebhookEndpoint, *, now: datetime, actor: str) -> str | None:
    """The newest secret, while it is new; each reading is kept in the audit."""
    if now - endpoint.secret_made_at > SHOWN_FOR:
        return None
    _note(endpoint, "webhook.secret_read", actor, now)
    return signing.opened(endpoint.secrets)[0].text


def disable(endpoint: WebhookEndpoint, *, reason: str, now: datetime, actor: str) -> bool:
    """Tell it nothing more; what waits stays. False when it was off already."""
    rows = WebhookEndpoint.objects.for_tenant(endpoint.tenant_id).filter(pk=endpoint.pk, state=State.ACTIVE)
    done = bool(rows.update(state=State.DISABLED, disabled_reason=reason, disabled_at=now))
    if done:
        _note(endpoint, "webhook.disabled", actor, now, reason=reason)
    return done


def enable(endpoint: WebhookEndpoint, *, now: datetime, actor: str) -> bool:
    """Use it again: what waited goes on, and new events from now on. For those in between there is the replay."""
    rows = WebhookEndpoint.objects.for_tenant(endpoint.tenant_id).filter(pk=endpoint.pk, state=State.DISABLED)
    done = bool(
        rows.update(
            state=State.ACTIVE, disabled_reason="", disabled_at=None, failing_since=None, rests_until=None,
            begins_after=last_id(),
        )
    )  # fmt: skip
    if done:
        _note(endpoint, "webhook.enabled", actor, now)
    return done


def send_test(endpoint: WebhookEndpoint, *, now: datetime, actor: str) -> WebhookDelivery:
    """Queue a delivery that means nothing, to see whether it arrives."""
    delivery: WebhookDelivery = WebhookDelivery.objects.create(
        tenant_id=endpoint.tenant_id, endpoint=endpoint, kind=TEST, occurred_at=now, next_try_at=now, created_at=now
    )
    _note(endpoint, "webhook.tested", actor, now)
    return delivery


def remove(endpoint: WebhookEndpoint, *, now: datetime, actor: str) -> None:
    """Forget it, with everything that it was told."""
    _note(endpoint, "webhook.removed", actor, now, host=str(endpoint))
    endpoint.delete()


def _note(endpoint: WebhookEndpoint, action: str, actor: str, now: datetime, **data: object) -> None:
    audit.append(endpoint.tenant_id, actor=actor, action=action, now=now, subject=endpoint, data=data)
