"""Six weeks of a patient, a column a day: what was done and how, what hurt, how far and how fast the leg went."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from server.corrections import corrected, kind_of
from server.drawing import Scale
from server.programme import WEEK
from server.store import history, programmes, sessions
from server.store.history import Correction
from server.trend import Trend, mdc_deg, trend

WEEKS = 6
ORDER = ("good", "compensated", "partial")  # kinds of repetitions, as they stand on each other
Leg = tuple[str, str]


@dataclass(slots=True)
class Day:
    """kinds: repetitions of each · sessions: how many · pain: the most of the day, None: not said · rom_deg, tempo_s: of each
    leg's exercise the median of what counted."""

    day: date
    kinds: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ORDER, 0))
    sessions: int = 0
    pain: int | None = None
    rom_deg: dict[Leg, float] = field(default_factory=dict)
    tempo_s: dict[Leg, float] = field(default_factory=dict)


def first_day(today: date) -> date:
    """A Monday, so that columns stand in weeks."""
    return today - timedelta(today.weekday() + WEEK * (WEEKS - 1))


def days_of(connection: Connection, patient: int, zone: ZoneInfo, today: date) -> list[Day]:
    """With corrections by hand laid over; also those that are still to come."""
    first = first_day(today)
    days = {first + timedelta(n): Day(first + timedelta(n)) for n in range(WEEK * WEEKS)}
    reps: dict[tuple[date, Leg], list[dict[str, Any]]] = {}
    mine = [
        (day, session) for session in sessions.of_patient(connection, patient)
        if (day := days.get(programmes.day_of(session.started_at, session.created_at, zone)))
    ]  # fmt: skip
    those = sessions.since(patient, min((session.number for _day, session in mine), default=0))
    said, corrections, documents = (find(connection, those) for find in (programmes.pains, history.corrections_in, sessions.documents))
    for day, session in mine:
        day.pain = max([*said.get(session.number, []), *([] if day.pain is None else [day.pain])], default=None)
        for rep in _reps(documents.get(session.number), corrections.get(session.number, [])):
            if (kind := kind_of(rep)) in day.kinds:
                day.kinds[kind] += 1
            if rep["counted"]:
                reps.setdefault((day.day, (rep["exercise"], session.side)), []).append(rep)
        day.sessions += 1
    for (day, leg), done in reps.items():
        for name, of in (("rom_deg", _rom), ("tempo_s", _tempo)):
            values = [value for rep in done if (value := of(rep)) is not None]
            if values:
                getattr(days[day], name)[leg] = median(values)
    return list(days.values())


def _reps(document: str | None, corrections: Sequence[Correction]) -> list[dict[str, Any]]:
    return [] if document is None else [rep for rep in corrected(json.loads(document), corrections)["reps"] if not rep["removed"]]


def _rom(rep: dict[str, Any]) -> float | None:
    return rep.get("rom_deg")


def _tempo(rep: dict[str, Any]) -> float | None:
    """s out and back, without the hold: what is meant when somebody is too fast."""
    parts = [rep.get("concentric_s"), rep.get("eccentric_s")]
    return None if None in parts else sum(parts)


def legs(days: Iterable[Day]) -> list[Leg]:
    return sorted({leg for day in days for leg in day.rom_deg})


def rom_of(days: Sequence[Day], leg: Leg) -> Trend:
    return trend(*leg, {day.day: day.rom_deg[leg] for day in days if leg in day.rom_deg}, mdc_deg(leg[0]))


# Drawings


STEP, TOP, MIDDLE, FOOT = 16, 12, 76, 196  # a day's width; where pain begins, where it ends, where repetitions stand

def picture(days: Sequence[Day], today: date) -> dict[str, Any]:
    most = max([sum(day.kinds.values()) for day in days] + [10])
    high, pain = Scale(0, most, 0, FOOT - MIDDLE - 16), Scale(0, 10, MIDDLE - 12, TOP)
    hurts: list[tuple[float, float]] = []
    bars: dict[str, list[tuple[float, float, float]]] = {kind: [] for kind in ORDER}  # (left, top, height) of each day
    for n, day in enumerate(days):
        stand = FOOT
        for kind in ORDER:
            if day.kinds[kind]:
                stand = round(stand - high(day.kinds[kind]), 1)
                bars[kind].append((STEP * n + 3, stand, round(high(day.kinds[kind]), 1)))
        if day.pain is not None:
            hurts.append((STEP * n + STEP / 2, pain(day.pain)))
    return {
        "wide": STEP * len(days), "foot": FOOT, "middle": MIDDLE, "top": TOP, "low": MIDDLE - 12, "bars": bars, "bar": STEP - 6,
        "pain": hurts, "most": most, "first": MIDDLE + 16,
        "ticks": [STEP * n + STEP / 2 for n, day in enumerate(days) if sum(day.kinds.values())],
        "weeks": [(STEP * n, days[n].day) for n in range(0, len(days), WEEK)],
        "today": next((STEP * n for n, day in enumerate(days) if day.day == today), None),
    }  # fmt: skip


WIDE, HIGH, EDGE = 336, 120, 10


def curve(days: Sequence[Day], points: Sequence[tuple[date, float]], around: tuple[float, float] | None, line: float | None) -> dict[str, Any]:
    """A value a day. around: the band in which nothing has measurably changed; line: what is prescribed."""
    x = Scale(0, len(days), EDGE, WIDE - EDGE)
    told = [value for _day, value in points] + list(around or ()) + ([] if line is None else [line])
    room = 0.12 * ((max(told) - min(told)) or 1)
    y = Scale(min(told) - room, max(told) + room, HIGH - EDGE, EDGE)
    drawn = [(x((day - days[0].day).days + 0.5), y(value)) for day, value in points]
    return {
        "wide": WIDE, "high": HIGH, "points": drawn, "line": None if line is None else y(line),
        "band": around and (y(around[1]), round(y(around[0]) - y(around[1]), 1)),
    }  # fmt: skip
