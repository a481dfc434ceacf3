"""Permits: who may go now, counted in one shared store, so that many workers on many hosts keep a limit together.

Each limit is a bucket (GCRA: only the moment is kept at which it will be full again). Over any window of T seconds no
more goes through a limit than rate · T + burst, whoever asks and however often: one script looks at all limits of a
whole group and takes what it grants in the same step, by the clock of the store alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from redis.backoff import ConstantBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from winback import sentinels

_PREFIX = "winback:permits:"
_SECONDS = 2.0

# KEYS: a key for each limit. ARGV: for each limit the microseconds that one unit takes and those that may be run ahead;
# then for each item the number of its limits, and place and units of each. What costs more than a burst waits for a
# bucket that is full. Numbers are doubles, which hold microseconds of this century exactly.
_TAKE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local full, each, ahead, touched = {}, {}, {}, {}
for i = 1, #KEYS do
  full[i] = math.max(tonumber(redis.call('GET', KEYS[i]) or '0'), now)
  each[i], ahead[i] = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
end
local place, granted, wait = 2 * #KEYS + 1, {}, -1
while place <= #ARGV do
  local number, needed = tonumber(ARGV[place]), 0
  for j = 1, number do
    local i, units = tonumber(ARGV[place + 2 * j - 1]), tonumber(ARGV[place + 2 * j])
    needed = math.max(needed, full[i] + math.min(units * each[i], ahead[i]) - ahead[i] - now)
  end
  if needed <= 0 then
    for j = 1, number do
      local i, units = tonumber(ARGV[place + 2 * j - 1]), tonumber(ARGV[place + 2 * j])
      full[i] = full[i] + units * each[i]
      touched[i] = true
    end
    granted[#granted + 1] = 1
  else
    granted[#granted + 1] = 0
    if wait < 0 or needed < wait then wait = needed end
  end
  place = place + 2 * number + 1
end
for i in pairs(touched) do
  redis.call('SET', KEYS[i], string.format('%.0f', full[i]), 'PX', math.ceil((full[i] - now) / 1000) + 1000)
end
return {string.format('%.0f', math.max(wait, 0)), granted}
"""


class StoreGone(Exception):
    """The shared store does not answer: nobody knows how much has gone, so nothing that has a limit may go."""


@dataclass(frozen=True)
class Limit:
    """So many units a second, and so many at once."""

    key: str
    per_second: float
    burst: float


@dataclass(frozen=True)
class Grant:
    """Which of the items may go, in their order, and in how many seconds the first of the others may."""

    allowed: tuple[bool, ...]
    wait_seconds: float = 0.0


def daily(key: str, number: int) -> Limit:
    """A limit of so many in any 24 hours, of which a tenth may go at once."""
    burst = max(number // 10, 1)
    return Limit(key, max(number - burst, 0.5) / 86_400, burst)


def take(items: Sequence[Mapping[Limit, float]]) -> Grant:
    """Take a permit for each item, which names its limits and what it costs there; raises StoreGone."""
    limits = {limit: place for place, limit in enumerate(dict.fromkeys(limit for item in items for limit in item), 1)}
    if not limits:
        return Grant((True,) * len(items))
    arguments: list[float] = []
    for limit in limits:
        each = 1_000_000 / limit.per_second
        arguments += [each, each * limit.burst]
    for item in items:
        arguments.append(len(item))
        for limit, units in item.items():
            arguments += [limits[limit], units]
    keys = [f"{_PREFIX}{limit.key}" for limit in limits]
    try:
        wait, granted = _script(settings.REDIS_URL)(keys=keys, args=arguments)
    except RedisError as error:
        raise StoreGone("The store of the rate limits does not answer.") from error
    return Grant(tuple(bool(each) for each in granted), float(wait) / 1_000_000)


@cache
def _script(url: str):  # type: ignore[no-untyped-def]  # redis does not say what a script is
    # A try that is repeated may take twice: less goes than might, never more.
    store = sentinels.client(url, socket_timeout=_SECONDS, retry=Retry(ConstantBackoff(0.1), retries=1))
    return store.register_script(_TAKE)
