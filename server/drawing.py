"""Where the points of a drawing lie; templates turn them into SVG. Lengths in units of the drawing, downwards positive."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


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


COLUMNS, TALL = 360, 200  # of a session's curve: on no screen one sees more at once


def reach(angles: Sequence[np.ndarray]) -> tuple[float, float]:
    """(lowest, highest) degrees that their curves are drawn in, as static/chart.js draws them."""
    low, high = min(-6.0, *(np.nanmin(one) for one in angles)), max(30.0, *(np.nanmax(one) for one in angles))
    return max(-30, 5 * math.floor(low / 5)), 5 * math.ceil((high + 2) / 5)


def session_curve(t: np.ndarray, angle_deg: np.ndarray, last_s: float, degrees: tuple[float, float], spans: Sequence[tuple[str, float, float]]) -> dict[str, Any]:
    """One path: of each column the lowest and the highest, broken where nothing is known for a column.
    t (n,) s, angle_deg (n,) with NaN where unknown, up to last_s; spans: (kind, from, to), s."""
    wide = max(1, min(COLUMNS, len(t) // 4))
    x, y = Scale(0, last_s, 0, wide), Scale(*degrees, TALL, 0)
    marked: dict[str, list[str]] = {}
    for kind, begin, end in spans:
        marked.setdefault(kind, []).append(f"M{x(begin)} 0H{x(end)}V{TALL}H{x(begin)}")
    known = ~np.isnan(angle_deg)
    column = np.minimum(t[known] / last_s * wide, wide - 1).astype(int)
    first = np.flatnonzero(np.diff(column, prepend=-1))
    column, *ends = column[first], *(TALL - TALL * (of.reduceat(angle_deg[known], first) - degrees[0]) / (degrees[1] - degrees[0]) for of in (np.minimum, np.maximum))
    joined = np.diff(column, prepend=-2) == 1
    path = (f"{'L' if on else 'M'}{at} {low:.1f}V{high:.1f}" for on, at, low, high in zip(joined.tolist(), column.tolist(), *(one.tolist() for one in ends), strict=True))
    return {
        "wide": wide, "high": TALL, "zero": y(0), "path": "".join(path),
        "spans": {kind: "".join(those) for kind, those in marked.items()},
    }  # fmt: skip


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
