"""Repetitions -> what a clinician reads of a set, an exercise and a session. Says nothing that they do not carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import fmean, median, stdev
from typing import Any

from processing.errors import ProcessingError
from processing.exercises import EXERCISES
from processing.measure import TOP
from processing.results import (
    SCHEMA,
    Change,
    ExerciseSummary,
    Fatigue,
    Numbers,
    Rep,
    SessionResult,
    SetSummary,
    Summary,
)

LEAST_DEG, MOST_DEG = 0.0, 180.0  # a range of motion that a person can have
ENDS = 3  # repetitions at either end of a set that fatigue is read from: the issue's


def of_set(one: SetSummary, reps: Sequence[Rep], before: SetSummary | None) -> SetSummary:
    """The set with the numbers of its repetitions, counted and not."""
    counted = [rep for rep in reps if rep.counted]
    return replace(
        one,
        not_counted=len(reps) - len(counted),
        rest_before_s=one.start_s - before.end_s if before else None,
        fatigue=_fatigue(counted),
        numbers=_numbers(reps),
    )


def of_session(sets: Sequence[SetSummary], reps: Sequence[Rep]) -> Summary:
    counted = [rep for rep in reps if rep.counted]
    rests = [one.rest_before_s for one in sets if one.rest_before_s is not None]
    names = dict.fromkeys(one.exercise for one in sets)
    return Summary(
        reps=len(counted),
        not_counted=len(reps) - len(counted),
        time_under_tension_s=sum(rep.time_under_tension_s for rep in counted),
        compensation_rate=_rate(counted),
        rest_between_sets_s=median(rests) if rests else None,
        exercises=tuple(_exercise(name, sets, [rep for rep in reps if rep.exercise == name]) for name in names),
    )


def change(baseline_deg: float, now_deg: float, mdc_deg: float | None) -> Change:
    """A change smaller than the minimal detectable one is none that was measured."""
    by = now_deg - baseline_deg
    return Change(baseline_deg, now_deg, by, mdc_deg, None if mdc_deg is None else abs(by) >= mdc_deg)


def against(result: SessionResult, baselines: Mapping[str, float]) -> SessionResult:
    """The result with the change of each exercise that has a baseline (exercise -> degrees)."""
    exercises = tuple(
        replace(one, change=change(baselines[one.exercise], one.numbers.rom_median_deg, _mdc(one.exercise)))
        if one.exercise in baselines and one.numbers.rom_median_deg is not None
        else one
        for one in result.summary.exercises
    )
    return replace(result, summary=replace(result.summary, exercises=exercises))


def baselines_of(document: Any, side: str, placement: str) -> dict[str, float]:
    """From another session's JSON: the median range of motion of each exercise's counted repetitions."""
    try:
        found = document["schema"], document["side"], document["placement"]
        roms: dict[str, list[float]] = {}
        for rep in document["reps"]:
            if rep["counted"]:
                roms.setdefault(str(rep["exercise"]), []).append(float(rep["rom_deg"]))
            if not all(LEAST_DEG <= rom <= MOST_DEG for rom in roms.get(str(rep["exercise"]), ())):
                raise ValueError(f"a rom_deg of {rep['rom_deg']!r}")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        got = f"{type(error).__name__} {error}"
        raise ProcessingError(f"the baseline is no session (wanted {SCHEMA}, got {got})") from error
    if found != (SCHEMA, side, placement):
        wanted, got = " ".join((SCHEMA, side, placement)), " ".join(map(str, found))
        raise ProcessingError(f"the baseline is of something else (wanted {wanted}, got {got})")
    return {name: median(values) for name, values in roms.items()}


def _exercise(name: str, sets: Sequence[SetSummary], reps: Sequence[Rep]) -> ExerciseSummary:
    own = [one for one in sets if one.exercise == name]
    return ExerciseSummary(name, len(own), sum(one.reps for one in own), _numbers(reps))


def _numbers(reps: Sequence[Rep]) -> Numbers:
    """Of repetitions in order, counted and not: the pauses are between all movements of the exercise."""
    counted = [rep for rep in reps if rep.counted]
    roms = [rep.rom_deg for rep in counted]
    rests = [later.start_s - rep.end_s for rep, later in pairwise(reps) if later.set == rep.set]
    return Numbers(
        time_under_tension_s=sum(rep.time_under_tension_s for rep in counted),
        compensation_rate=_rate(counted),
        rom_mean_deg=fmean(roms) if roms else None,
        rom_median_deg=median(roms) if roms else None,
        rom_sd_deg=stdev(roms) if len(roms) > 1 else None,
        concentric_speed_dps=median(map(_speed, counted)) if counted else None,
        sparc=median(rep.sparc for rep in counted) if counted else None,
        rest_s=median(rests) if rests else None,
    )


def _rate(counted: Sequence[Rep]) -> float | None:
    """None where nothing could be seen: no repetition, or an exercise and sensors that show nothing of the pelvis."""
    watched = [rep for rep in counted if EXERCISES[rep.exercise].pelvis_shows or rep.pelvis_deg is not None]
    return sum(rep.compensated for rep in watched) / len(watched) if watched else None


def _fatigue(counted: Sequence[Rep]) -> Fatigue | None:
    if len(counted) < 2 * ENDS:
        return None
    first, last = counted[:ENDS], counted[-ENDS:]
    return Fatigue(
        rom_percent=_percent([rep.rom_deg for rep in first], [rep.rom_deg for rep in last]),
        concentric_speed_percent=_percent(list(map(_speed, first)), list(map(_speed, last))),
    )


def _percent(first: Sequence[float], last: Sequence[float]) -> float:
    return 100 * (fmean(last) / fmean(first) - 1) if fmean(first) else 0.0


def _speed(rep: Rep) -> float:
    """Mean on the way out, which ends where the hold begins; degrees a second."""
    return (1 - TOP) * rep.rom_deg / rep.concentric_s if rep.concentric_s > 0 else 0.0


def _mdc(name: str) -> float | None:
    return EXERCISES[name].mdc_deg if name in EXERCISES else None
