"""Simulated people for the tests of the processing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from processing.exercises import EXERCISES
from processing.results import Event, SessionResult
from processing.tracker import Tracker
from sensor.motion import Simulation, session
from sensor.samples import Samples

TRACKS = {name: exercise.track for name, exercise in EXERCISES.items()}


def person(exercises: str | Sequence[str], **options: Any) -> Simulation:
    return session(TRACKS, exercises, **options)


def track(
    blocks: Iterable[Samples], exercise: str | None, side: str, placement: str = "ankle"
) -> tuple[SessionResult, list[Event]]:
    tracker = Tracker(exercise, side, placement)
    events = [event for block in blocks for event in tracker.update(block)]
    events += tracker.finish()
    return tracker.result(), events


def count(made: Simulation, exercise: str | None = None) -> SessionResult:
    meta = made.recording.meta
    return track(made.recording.samples.blocks(10), exercise or meta.exercise, meta.side, meta.placement)[0]


def sets(made: Simulation) -> list[tuple[str, int]]:
    """The truth: exercise and counted repetitions of each set."""
    done: dict[int, list] = {}
    for label in made.labels:
        if label.counted:
            done.setdefault(label.set, [label.exercise, 0])[1] += 1
    return [(name, reps) for name, reps in done.values()]


def found(result: SessionResult) -> list[tuple[str, int]]:
    return [(one.exercise, one.reps) for one in result.sets]
