"""Which caps hold for one household over each channel, how full they are and until when: what the claim would find."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from campaigns.compliance import legal_caps
from campaigns.compliance.asking import Asking
from campaigns.compliance.quiet_hours import region_code

HOUSEHOLD = "household"
"""The rule that is no law: the module's settings frequency_cap_touches and frequency_cap_days."""

# Of one household, as caps.KEEP_CAPS counts them: the business's own cap goes by when a touch was reserved, the law's
# by when the message went out.
_TOUCHES = """
SELECT t.channel, t.touched_at, greatest(t.touched_at, m.handed_over_at)
  FROM campaigns_touch t
  JOIN campaigns_message m ON m.tenant_id = %(tenant)s AND m.id = t.message_id
       AND m.state NOT IN ('blocked', 'failed', 'cancelled')
 WHERE t.tenant_id = %(tenant)s AND t.household_id = %(household)s AND t.touched_at > %(since)s
 ORDER BY t.touched_at DESC, t.ordinal DESC
"""


@dataclass(frozen=True)
class Cap:
    """One cap: so many within so many hours, of which ``touches`` are used; ``full_until`` None: there is room."""

    rule: str
    source: str
    most: int
    hours: int
    touches: int
    full_until: datetime | None
    place_known: bool = True
    """False: it holds because it is not known in which country or state the recipient is."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"full_until": self.full_until.isoformat() if self.full_until else None}


def caps_of(asking: Asking, household_id: int, places: Iterable[tuple[str, str, str]]) -> dict[str, list[Cap]]:
    """The caps for each (channel, country, region), the household's own first. Inside an open scope."""
    own = timedelta(days=asking.cap_days)
    held = {place: legal_caps.holding(*place, on=asking.today) for place in places}
    longest = max([own, *(timedelta(days=1, hours=cap.hours) for caps in held.values() for cap in caps)])
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"tenant": asking.tenant.pk, "household": household_id, "since": asking.now - longest}
        cursor.execute(_TOUCHES, values)
        touches = cursor.fetchall()
    reserved = [at for _, at, _ in touches if at > asking.now - own]
    household = _cap(HOUSEHOLD, "the module’s own setting", asking.cap_touches, own, reserved)
    answer = {}
    for (channel, country, region), caps in held.items():
        answer[channel] = [household]
        for cap in caps:
            hours = timedelta(hours=cap.hours)
            left = sorted((out for by, _, out in touches if by == channel and out > asking.now - hours), reverse=True)
            known = not cap.country or bool(country and (not cap.region or region_code(country, region)))
            answer[channel].append(_cap(cap.code, cap.source, cap.most, hours, left, known=known))
    return answer


def _cap(rule: str, source: str, most: int, span: timedelta, times: list[datetime], *, known: bool = True) -> Cap:
    full_until = times[most - 1] + span if len(times) >= most else None
    return Cap(rule, source, most, int(span.total_seconds() // 3600), len(times), full_until, known)
