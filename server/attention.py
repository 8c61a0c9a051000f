"""Why a physio should look at a patient. Says nothing that the data do not carry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import Any

from processing.exercises import EXERCISES
from server.programme import PAIN_STOP, Done, Programme, ends_on, present

JUMP = 2  # of 10: minimal clinically important difference of pain (Farrar et al., Pain 2001;94:149)
RATE_UP = 0.2  # of the repetitions; no source
LEAST_NOW, LEAST_BEFORE = 5, 10  # repetitions that a rate is read from; no source
BASELINE = 3  # days whose median range of motion the newest day is compared with; no source


@dataclass(frozen=True, slots=True)
class Report:
    """What a patient said of a session: pain 0 to 10, None where not said."""

    day: date
    before: int | None
    worst: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class Reason:
    """weight: the list is sorted by it. values: what words/people.py says it with."""

    kind: str
    weight: int
    values: dict[str, Any]


def reasons(
    programmes: Sequence[Programme], done: Sequence[Done], reports: Sequence[Report], today: date
) -> tuple[Reason, ...]:
    """The heaviest first. done and reports: oldest first, up to now."""
    now = present(programmes, today)
    found = [*_pain(reports, now.pain_stop if now else PAIN_STOP), *_quiet(now, programmes, done, today)]
    for leg in dict.fromkeys((one.exercise, one.side) for one in done):
        mine = [one for one in done if (one.exercise, one.side) == leg and one.reps]
        found += [*_rom(*leg, mine), *_compensation(*leg, mine)]
    return tuple(sorted(found, key=lambda reason: -reason.weight))


def _pain(reports: Sequence[Report], stop: int) -> Iterable[Reason]:
    if not reports:
        return
    last = reports[-1]
    most = max((pain for pain in (last.before, last.worst, last.after) if pain is not None), default=None)
    if most is not None and most > stop:
        yield Reason("pain", 100 + most, {"most": most})
    before = [report.worst for report in reports[:-1] if report.worst is not None]
    if before and last.worst is not None and last.worst - before[-1] >= JUMP:
        yield Reason("pain up", 90, {"before": before[-1], "now": last.worst})
    if last.before is not None and last.after is not None and last.after - last.before >= JUMP:
        yield Reason("pain in session", 85, {"before": last.before, "now": last.after})


def _quiet(now: Programme | None, programmes: Sequence[Programme], done: Sequence[Done], today: date) -> Iterable[Reason]:
    """While a programme runs, and no longer."""
    if now is None or not now.items or today >= ends_on(now):
        return
    last = max((one.day for one in done if one.reps), default=None)
    first = min(one.starts_on for one in programmes)
    days = (today - (first if last is None else last)).days
    if days >= now.quiet_days:
        yield Reason("quiet", min(80, 50 + days), {"days": days, "begun": last is not None})


def _rom(exercise: str, side: str, mine: Sequence[Done]) -> Iterable[Reason]:
    """Only where the minimal detectable change is known."""
    mdc = EXERCISES[exercise].mdc_deg if exercise in EXERCISES else None
    days = list(dict.fromkeys(one.day for one in mine if one.rom_deg is not None))
    if mdc is None or len(days) < 2:
        return
    of = {day: median(one.rom_deg for one in mine if one.day == day and one.rom_deg is not None) for day in days[-BASELINE - 1 :]}
    was, now = median(list(of.values())[:-1]), of[days[-1]]
    if was - now > mdc:
        yield Reason("range", 45, {"before": was, "now": now, "exercise": exercise, "side": side})


def _compensation(exercise: str, side: str, mine: Sequence[Done]) -> Iterable[Reason]:
    watched = [one for one in mine if one.watched]
    if not watched:
        return
    last = watched[-1].day
    now, before = ([one for one in watched if (one.day == last) == new] for new in (True, False))
    if sum(one.watched for one in now) < LEAST_NOW or sum(one.watched for one in before) < LEAST_BEFORE:
        return
    rate, was = _rate(now), _rate(before)
    if round(rate - was, 9) >= RATE_UP:
        yield Reason("pelvis", 40, {"before": was, "now": rate, "exercise": exercise, "side": side})


def _rate(done: Sequence[Done]) -> float:
    return sum(one.compensated for one in done) / sum(one.watched for one in done)
