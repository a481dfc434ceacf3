"""Messages made from the stock templates."""

from typing import Any

from campaigns.delivery.rendering import Rendered, render
from catalog.models import MessageTemplate
from tests import words
from tests.factories import NOW

Sent = tuple[dict[str, Any], Rendered]


def sent(code: str, channel: str, **fields: Any) -> Sent:
    """The facts of one message, and its words as they would leave."""
    template = MessageTemplate.objects.get(code=code, channel=channel)
    facts = words.facts_of(channel=channel, template_id=template.pk, **fields)
    return facts, render(facts, now=NOW)
