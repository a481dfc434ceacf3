"""The difference of two return rates with its interval: Newcombe's hybrid score interval, found by search.

R. G. Newcombe, "Interval estimation for the difference between independent proportions: comparison of eleven methods",
Statistics in Medicine 17 (1998) 873-890, method 10. It joins two score intervals of E. B. Wilson ("Probable inference,
the law of succession, and statistical inference", JASA 22 (1927) 209-212). A score interval holds every true rate p for
which the observed rate is not further than z standard errors *of p* away; here its ends are found by bisection from
that sentence, so that a slip in a closed formula cannot hide in both places.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist


@dataclass(frozen=True)
class Interval:
    """A value and the interval around it."""

    value: float
    low: float
    high: float


def _edge(inside: Callable[[float], bool], within: float, outside: float) -> float:
    """Where ``inside`` turns false between a point that is inside and one that may not be."""
    if inside(outside):
        return outside
    for _ in range(200):
        middle = (within + outside) / 2
        if inside(middle):
            within = middle
        else:
            outside = middle
    return within


def wilson(successes: int, trials: int, *, confidence: float = 0.95) -> Interval:
    """Wilson's score interval of one proportion."""
    if not 0 <= successes <= trials or trials == 0:
        raise ValueError(f"{successes} of {trials} is no proportion")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    observed = successes / trials

    def inside(rate: float) -> bool:
        return abs(observed - rate) <= z * sqrt(rate * (1 - rate) / trials)

    return Interval(observed, low=_edge(inside, observed, 0.0), high=_edge(inside, observed, 1.0))


def difference(
    treated_returned: int, treated: int, held_out_returned: int, held_out: int, *, confidence: float = 0.95
) -> Interval:
    """The lift in absolute share, treated minus held out, with Newcombe's hybrid score interval."""
    one = wilson(treated_returned, treated, confidence=confidence)
    other = wilson(held_out_returned, held_out, confidence=confidence)
    value = one.value - other.value
    return Interval(
        value,
        low=value - sqrt((one.value - one.low) ** 2 + (other.high - other.value) ** 2),
        high=value + sqrt((one.high - one.value) ** 2 + (other.value - other.low) ** 2),
    )
