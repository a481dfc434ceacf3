"""What is answered by text, and in which words: planned here, in the transaction of what it answers.

None of it is marketing: it answers what a person wrote, once (47 CFR 64.1200(a)(12)).
"""

from datetime import datetime, timedelta

from campaigns.audience.models import Channel
from campaigns.tracking.thread_models import Conversation, ThreadText
from tenants.accounts.models import Brand
from tenants.connections.connecting import active_connection
from tenants.connections.models import Connection
from winback.providers.sms import segments

STOPPED = "{name}: You are opted out and will get no more texts from us. Reply START to get them again."
STARTED = "{name}: You can get texts from us again. Reply HELP for help or STOP to opt out."
HELPING = "{name}: {where}Msg & data rates may apply. Reply STOP to opt out."
HELP_WITHIN = timedelta(hours=1)


def brand_of(conversation: Conversation) -> Brand:
    """The face of the business that the person knows: that of the last message, of the connection, or the main one."""
    brand: Brand | None = None
    if conversation.message is not None:
        brand = conversation.message.campaign.brand
    elif conversation.connection is not None:
        brand = conversation.connection.brand
    return brand or Brand.objects.for_tenant(conversation.tenant_id).get(is_default=True)


def connection_for(conversation: Conversation) -> Connection | None:
    """Through which an answer leaves: the way that the person's text came, else the one in use; None when there is
    none."""
    theirs: Connection | None = conversation.connection
    if theirs is not None and theirs.state in Connection.IN_USE and theirs.kind == Channel.SMS:
        return theirs
    return active_connection(conversation.tenant, Channel.SMS)


def confirm_stop(text: ThreadText, *, before: datetime, now: datetime) -> ThreadText | None:
    """One confirmation of a stop, in time or not at all."""
    body = STOPPED.format(name=_name(text.conversation))
    return plan(
        text.conversation, ThreadText.Kind.STOP_CONFIRMATION, body, key=f"stop-{text.pk}", before=before, now=now
    )


def confirm_start(text: ThreadText, *, before: datetime, now: datetime) -> ThreadText | None:
    """Say that texts may come again."""
    body = STARTED.format(name=_name(text.conversation))
    kind, key = ThreadText.Kind.START_CONFIRMATION, f"start-{text.pk}"
    return plan(text.conversation, kind, body, key=key, before=before, now=now)


def help_out(text: ThreadText, *, now: datetime) -> ThreadText | None:
    """Whom to call, once a day: two machines must not talk to each other."""
    conversation = text.conversation
    brand, day = brand_of(conversation), now.astimezone(conversation.tenant.zone).date()
    ways = [f"call {brand.phone}" if brand.phone else "", f"see {brand.website}" if brand.website else ""]
    where = " or ".join(filter(None, ways))
    body = HELPING.format(name=_name(conversation), where=f"For help {where}. " if where else "")
    key = f"help-{conversation.pk}-{day.isoformat()}"
    return plan(conversation, ThreadText.Kind.HELP, body, key=key, before=text.at + HELP_WITHIN, now=now)


def _name(conversation: Conversation) -> str:
    brand = brand_of(conversation)
    return brand.sms_name or brand.name


def plan(
    conversation: Conversation,
    kind: str,
    body: str,
    *,
    key: str,
    now: datetime,
    before: datetime | None = None,
    by: str = "",
) -> ThreadText | None:
    """Plan a text of ours, once for its key; None when it is too late, or was planned before."""
    if before is not None and before <= now:
        return None
    plain = segments.plainer(body)
    planned, made = ThreadText.objects.get_or_create(
        tenant_id=conversation.tenant_id,
        key=key,
        defaults={
            "conversation": conversation,
            "kind": kind,
            "body": plain,
            "at": now,
            "by": by,
            "state": ThreadText.State.PLANNED,
            "due_at": now,
            "send_before": before,
            "segments": segments.count(plain).segments,
            "settled_at": now,
        },
    )
    return planned if made else None


def withdraw(conversation: Conversation, *, now: datetime) -> int:
    """What was planned and is not on its way yet has been overtaken by what the person said."""
    rows = ThreadText.objects.for_tenant(conversation.tenant_id).filter(
        conversation=conversation, state=ThreadText.State.PLANNED
    )
    withdrawn: int = rows.update(state=ThreadText.State.BLOCKED, reason="overtaken", settled_at=now)
    return withdrawn
