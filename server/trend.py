"""How a range of motion went: from when on, how far, and whether that can be told from the error of measuring."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median

from processing.exercises import EXERCISES
from server.attention import BASELINE
from server.programme import Done

MDC_DEG = 5.0  # where nobody has published one for the exercise; no source


@dataclass(frozen=True, slots=True)
class Trend:
    """One exercise of one side, a value a day, oldest first. base: the median of the first days; within `mdc` round it
    nothing has measurably changed."""

    exercise: str
    side: str
    days: tuple[date, ...]
    values: tuple[float, ...]
    base: float
    mdc: float

    @property
    def change(self) -> float | None:
        """Of the newest day; None: not measurable."""
        by = self.values[-1] - self.base
        return by if abs(by) > self.mdc else None


def trends(done: Iterable[Done]) -> list[Trend]:
    """Of every leg's exercise that has angles, the one done last first. done: oldest first."""
    legs: dict[tuple[str, str], dict[date, list[float]]] = {}
    for one in done:
        if one.rom_deg is not None:
            days = legs.pop((one.exercise, one.side), {})
            days.setdefault(one.day, []).append(one.rom_deg)
            legs[one.exercise, one.side] = days
    return [trend(*leg, {day: median(roms) for day, roms in days.items()}, mdc_deg(leg[0])) for leg, days in reversed(legs.items())]


def trend(exercise: str, side: str, of: dict[date, float], mdc: float) -> Trend:
    values = list(of.values())
    return Trend(exercise, side, tuple(of), tuple(values), median(values[:BASELINE]), mdc)


def mdc_deg(exercise: str) -> float:
    return (EXERCISES[exercise].mdc_deg if exercise in EXERCISES else None) or MDC_DEG


def shown(found: Sequence[Trend], wanted: str | None) -> list[Trend]:
    """Both sides of one exercise, left first: of the wanted one, else of the one done last."""
    name = wanted if any(one.exercise == wanted for one in found) else found[0].exercise if found else None
    return sorted((one for one in found if one.exercise == name), key=lambda one: one.side)
