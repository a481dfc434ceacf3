"""What the demo tells a person, in lines."""

from collections.abc import Iterator
from typing import Any

from campaigns.operating.demo import Shown
from winback.commands import readable


def lines(shown: Shown) -> Iterator[str]:
    """From what came in to what came of it; a number that the data cannot carry is called so."""
    counts = shown.counts
    yield f"{shown.tenant.name} ({shown.tenant.slug}, a sandbox: nobody receives anything)"
    yield ""
    yield from _labelled(
        {
            "imported": f"{counts['contacts']:,} contacts, {counts['jobs']:,} jobs, {counts['rejected']} rows rejected"
            + (f"; {counts['consents_to_come']:,} consents hold only later" if counts["consents_to_come"] else ""),
            f"dormant on {shown.as_of}": _dormant(counts["dormant"]),
            "not counted": _reasons(counts["excluded"]),
        }
    )
    if shown.missing:
        yield ""
        yield "The module is deferred; nothing is sent until this is mended:"
        for requirement in shown.missing:
            yield f"  {requirement['message']} ({requirement['code']})"
        return
    yield ""
    yield from _labelled(
        {
            f"enrolled by {shown.last_day}": f"{counts['enrolled']:,}, of them held out {_held_out(counts):,}",
            "sent": ", ".join(f"{number:,} by {channel}" for channel, number in counts["sent"].items())
            or "nothing yet",
            "blocked": _reasons(counts["blocked"]),
        }
    )
    yield ""
    yield from _labelled(_results(counts["results"]))


def _labelled(texts: dict[str, str]) -> Iterator[str]:
    width = max(len(label) for label in texts)
    for label, text in texts.items():
        yield f"  {label.ljust(width)}  {text}"


def _dormant(by_cohort: dict[str, int]) -> str:
    parts = ", ".join(f"{number:,} for {months} months" for months, number in by_cohort.items())
    return f"{sum(by_cohort.values()):,}" + (f" ({parts} or more)" if parts else "")


def _reasons(counted: dict[str, int]) -> str:
    return ", ".join(f"{number:,} {reason}" for reason, number in counted.items()) or "none"


def _held_out(counts: dict[str, Any]) -> int:
    return int(counts["results"]["assigned_held_out"])


def _results(results: dict[str, Any]) -> dict[str, str]:
    return {
        "came back": f"{results['reactivated_matured_treated']:,} of {results['matured_treated']:,} written to, "
        f"{results['reactivated_matured_held_out']:,} of {results['matured_held_out']:,} held out, "
        f"whose {results['window']['days']} days have passed",
        "as a share": f"{_share(results['reactivation_rate'])} and {_share(results['holdout_rate'])}",
        "difference": _interval(results["lift"]),
        "revenue": f"{results['currency']} {results['revenue']} from those written to",
    }


def _share(value: Any) -> str:
    return "not known yet" if _unknown(value) else f"{float(value):.1%}"


def _interval(value: Any) -> str:
    if _unknown(value):
        return f"not known yet: {readable(value['have'])} windows have closed, {readable(value['need'])} are needed"
    points = [100 * float(value[name]) for name in ("value", "low", "high")]
    text = "{:+.1f} points (95 % interval {:+.1f} to {:+.1f})".format(*points)
    return text + (": no difference is shown" if points[1] <= 0 <= points[2] else "")


def _unknown(value: Any) -> bool:
    return isinstance(value, dict) and value.get("state") == "insufficient_data"
