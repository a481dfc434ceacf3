"""A message that has reached somebody, and the addresses in it."""

from datetime import timedelta
from typing import Any

from campaigns.audience.models import Contact, Suppression
from campaigns.delivery.links import Purpose, make_token
from campaigns.planning.models import Enrolment, Message
from campaigns.tracking.models import Interaction
from tenants.accounts.models import Tenant
from tenants.journal.models import Event
from tests import factories


def make_reached(tenant: Tenant, *, channel: str = "email", **contact: Any) -> Message:
    """A message handed over to a customer of last winter, with the next one planned."""
    person = factories.make_contact(tenant, **{"phone": "+13125550182", "phone_hmac": "p" * 64} | contact)
    Contact.objects.filter(pk=person.pk).update(email_hmac=f"{person.pk:064d}")
    person.refresh_from_db()
    factories.make_job(person, factories.NOW - timedelta(days=213), service="AC tune-up")
    campaign = factories.make_campaign(tenant)
    enrolment = factories.make_enrolment(factories.make_episode(person), campaign)
    factories.make_message(enrolment, "nudge")
    return factories.make_message(
        enrolment, "hello", state=Message.State.HANDED_OVER, handed_over_at=factories.NOW, channel=channel
    )


def unsubscribe_page(message: Message) -> str:
    return f"/u/{make_token(Purpose.UNSUBSCRIBE, message.tenant_id, message.pk)}"


def booking_page(message: Message) -> str:
    return f"/book/{make_token(Purpose.BOOK, message.tenant_id, message.pk)}"


def everything_kept() -> list[int]:
    """How much there is of whatever a no would change."""
    return [model._default_manager.count() for model in (Suppression, Interaction, Event)] + [
        Enrolment.objects.filter(state="active").count(), Message.objects.filter(state="planned").count()
    ]  # fmt: skip
