"""Charts drawn on the server as SVG and HTML: no script, no inline style, a table with the same numbers beside each.

Positions across are written in per cent and text stays outside the scaled part, so a chart fits a phone and a wide
screen without its letters shrinking. Colours are classes, so light, dark and print follow the page.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from winback.console import formatting

Pairs = Sequence[tuple[str, float]]


def share(value: float, whole: float) -> float:
    """How many per cent of the whole, kept within the picture."""
    if whole <= 0:
        return 0.0
    return round(min(max(value / whole, 0.0), 1.0) * 100, 2)


def nice_ceiling(value: float) -> float:
    """The next round number, so that an axis ends on 1, 2, 2.5 or 5 times a power of ten."""
    if value <= 0:
        return 1.0
    size = 10.0 ** (len(str(int(value))) - 1) if value >= 1 else 10.0**-3
    while size * 10 <= value:
        size *= 10
    return next((step * size for step in (1, 2, 2.5, 5, 10) if step * size >= value), 10 * size)


@dataclass(frozen=True)
class Stage:
    """One bar of a funnel."""

    label: str
    value: int
    note: str = ""


@dataclass(frozen=True)
class Funnel:
    """Bars that get shorter: each stage with its share of the one before. The table is the picture."""

    title: str
    stages: Sequence[Stage]
    note: str = ""
    template: ClassVar[str] = "console/charts/funnel.html"

    def drawing(self) -> dict[str, Any]:
        whole = max((stage.value for stage in self.stages), default=0)
        rows = []
        before: int | None = None
        for stage in self.stages:
            kept = f"{formatting.percent(stage.value / before)} of previous" if before else ""
            width = share(stage.value, whole)
            rows.append({"stage": stage, "width": width, "value": formatting.number(stage.value), "kept": kept})
            before = stage.value
        return {"rows": rows}


@dataclass(frozen=True)
class Arm:
    """One side of a comparison: a share, its 95 % interval where known, and what it was counted from."""

    label: str
    value: float
    low: float | None = None
    high: float | None = None
    detail: str = ""


@dataclass(frozen=True)
class Comparison:
    """Treated against held out, with whiskers: whether they differ is seen, not claimed."""

    title: str
    treated: Arm
    held_out: Arm
    conclusion: str = ""
    note: str = ""
    template: ClassVar[str] = "console/charts/comparison.html"

    def drawing(self) -> dict[str, Any]:
        arms = ((self.treated, "treated"), (self.held_out, "held-out"))
        top = nice_ceiling(max((max(arm.value, arm.high or 0) for arm, _kind in arms), default=0) * 100)
        rows = [
            {
                "arm": arm,
                "kind": kind,
                "at": share(arm.value * 100, top),
                "low": None if arm.low is None else share(arm.low * 100, top),
                "high": None if arm.high is None else share(arm.high * 100, top),
                "value": formatting.percent(arm.value),
                "interval": ""
                if arm.low is None or arm.high is None
                else f"{formatting.percent(arm.low)} to {formatting.percent(arm.high)}",
            }
            for arm, kind in arms
        ]
        ticks = [{"at": part * 25, "label": f"{top * part / 4:g}%"} for part in range(5)]
        return {"rows": rows, "ticks": ticks}


@dataclass(frozen=True)
class Point:
    """One moment of a line, with its interval where known."""

    label: str
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Line:
    """A line over time with its uncertainty as a band."""

    title: str
    points: Sequence[Point]
    currency: str = ""
    """With a currency the values are minor units."""
    note: str = ""
    template: ClassVar[str] = "console/charts/line.html"

    def written(self, value: float, *, short: bool = False) -> str:
        if self.currency:
            write = formatting.short_money if short else formatting.money
            return write(round(value), self.currency)
        return formatting.short_number(value) if short else formatting.number(value)

    def drawing(self) -> dict[str, Any]:
        values = [edge for point in self.points for edge in (point.value, point.low, point.high) if edge is not None]
        top = nice_ceiling(max(values, default=0))
        bottom = -nice_ceiling(-min(values)) if values and min(values) < 0 else 0.0
        last = max(len(self.points) - 1, 1)

        def across(index: int) -> float:
            return round(index / last * 100, 2)

        def down(value: float) -> float:
            return round((top - value) / (top - bottom) * 100, 2)

        upper = [f"{across(i)} {down(p.high)}" for i, p in enumerate(self.points) if p.high is not None]
        lower = [f"{across(i)} {down(p.low)}" for i, p in enumerate(self.points) if p.low is not None]
        band = "M" + " L".join([*upper, *reversed(lower)]) + " Z" if upper and len(upper) == len(lower) else ""
        path = "M" + " L".join(f"{across(i)} {down(p.value)}" for i, p in enumerate(self.points))
        height = top - bottom
        ticks = [
            {"at": part * 25, "label": self.written(top - height * part / 4, short=True), "zero": part == 4}
            for part in range(5)
        ]
        rows = [
            {
                "label": point.label,
                "value": self.written(point.value),
                "low": "" if point.low is None else self.written(point.low),
                "high": "" if point.high is None else self.written(point.high),
            }
            for point in self.points
        ]
        return {
            "path": path if self.points else "",
            "band": band,
            "ticks": ticks,
            "rows": rows,
            "has_band": bool(band),
            "first": self.points[0].label if self.points else "",
            "final": self.points[-1] if self.points else None,
            "final_text": self.written(self.points[-1].value) if self.points else "",
            "final_at": down(self.points[-1].value) if self.points else 0,
        }


@dataclass(frozen=True)
class Part:
    """One piece of a whole. ``tone`` is 1 to 6 (steps of one colour) or good, warn, bad, plain."""

    label: str
    value: int
    tone: str = ""


@dataclass(frozen=True)
class StackedBar:
    """One bar of parts, the legend is the table."""

    title: str
    parts: Sequence[Part]
    note: str = ""
    template: ClassVar[str] = "console/charts/stacked.html"

    def drawing(self) -> dict[str, Any]:
        whole = sum(part.value for part in self.parts)
        rows = []
        at = 0.0
        for index, part in enumerate(self.parts):
            width = share(part.value, whole)
            rows.append(
                {
                    "part": part,
                    "at": round(at, 2),
                    "width": width,
                    "tone": part.tone or str(index % 6 + 1),
                    "value": formatting.number(part.value),
                    "share": formatting.percent(part.value / whole) if whole else "–",
                }
            )
            at += width
        return {"rows": rows, "whole": formatting.number(whole)}


@dataclass(frozen=True)
class Sparkline:
    """A small line beside a number; its values stand in a table for those who cannot see it."""

    title: str
    values: Sequence[float]
    labels: Sequence[str] = field(default=())
    template: ClassVar[str] = "console/charts/sparkline.html"

    def drawing(self) -> dict[str, Any]:
        if len(self.values) < 2:
            return {"path": "", "rows": []}
        low, high = min(self.values), max(self.values)
        height = (high - low) or 1
        steps = len(self.values) - 1
        points = [f"{i / steps * 100:.2f} {22 - (v - low) / height * 20:.2f}" for i, v in enumerate(self.values)]
        labels = list(self.labels) or [str(index + 1) for index in range(len(self.values))]
        rows = [(label, formatting.number(value)) for label, value in zip(labels, self.values, strict=False)]
        return {"path": "M" + " L".join(points), "rows": rows}


@dataclass(frozen=True)
class HeatRow:
    label: str
    cells: Sequence[float | None]
    size: int | None = None


@dataclass(frozen=True)
class HeatTable:
    """A table of cohorts, its cells shaded by value in seven steps."""

    title: str
    columns: Sequence[str]
    rows: Sequence[HeatRow]
    note: str = ""
    template: ClassVar[str] = "console/charts/heat.html"

    def drawing(self) -> dict[str, Any]:
        top = max((cell for row in self.rows for cell in row.cells if cell is not None), default=0) or 1
        lines = [
            {
                "label": row.label,
                "size": "" if row.size is None else formatting.number(row.size),
                "cells": [
                    {"text": "", "step": "none"}
                    if cell is None
                    else {"text": formatting.percent(cell), "step": round(cell / top * 6)}
                    for cell in row.cells
                ],
            }
            for row in self.rows
        ]
        return {"lines": lines, "sized": any(row.size is not None for row in self.rows)}
