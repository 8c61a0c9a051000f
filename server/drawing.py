"""Where the points of a drawing lie; templates turn them into SVG. Lengths in units of the drawing, downwards positive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Scale:
    """From a value to a place: low..high -> first..last."""

    low: float
    high: float
    first: float
    last: float

    def __call__(self, value: float) -> float:
        part = (value - self.low) / ((self.high - self.low) or 1)
        return round(self.first + part * (self.last - self.first), 1)


WIDE, HIGH, EDGE = 104, 32, 4  # of a spark


def spark(values: Sequence[float], base: float, mdc: float) -> dict[str, Any]:
    """A line without axes, and the band round its base in which nothing has measurably changed."""
    low, high = min(base - 1.5 * mdc, *values), max(base + 1.5 * mdc, *values)
    y = Scale(low, high, HIGH - EDGE, EDGE)
    x = Scale(0, max(len(values) - 1, 1), EDGE, WIDE - EDGE)
    points = [(x(n), y(value)) for n, value in enumerate(values)]
    return {
        "wide": WIDE, "high": HIGH, "points": " ".join(f"{left},{top}" for left, top in points), "last": points[-1],
        "band": (y(base + mdc), round(y(base - mdc) - y(base + mdc), 1)),
    }  # fmt: skip


TICK = 14  # from tick to tick


def ticks(week: dict[str, int]) -> list[tuple[int, float]]:
    """(place, how full it is, 0 to 1) of each: as many as times a week, filled with what was done of what is prescribed."""
    done = week["ticks"] * week["sessions"] / week["prescribed"] if week["prescribed"] else 0
    return [(TICK * n, round(min(max(done - n, 0), 1), 2)) for n in range(week["ticks"])]
