"""Each thing that cannot be said, produced by a person or a band of whom it cannot."""

from __future__ import annotations

import numpy as np
import pytest
from people import count, person, track

from processing import quality
from processing.exercises import EXERCISES, RECOGNISED
from processing.results import SessionResult
from processing.words import of_quality
from sensor.motion import Simulation, Still, Variation, simulate
from sensor.samples import Samples


def cut(made: Simulation, keep: np.ndarray) -> SessionResult:
    samples, meta = made.recording.samples, made.recording.meta
    left = Samples(samples.t[keep], samples.acc[keep], samples.gyr[keep])
    return track(left.blocks(10), meta.exercise, meta.side, meta.placement)[0]


@pytest.mark.parametrize("exercise", [*EXERCISES, list(RECOGNISED)], ids=str)
def test_a_good_session_leaves_nothing_unsaid(exercise: str | list[str]) -> None:
    seen = count(person(exercise, side="left", seed=4)).quality
    told = isinstance(exercise, str)
    shows = not told or EXERCISES[exercise].pelvis_shows
    lifts = not told or EXERCISES[exercise].movement != "turn"
    assert seen == {
        "gyroscope_bias_known": True,
        "leg_direction_known": True if lifts else None,
        "axis_clear": True if shows else None,
        "compensation_from_deg": 5.0 if shows else None,
        "exercise_recognised": None if told else True,
        "turn_direction_known": None if told else True,
        "lifts_taken_for": None if told else "hip_abduction",
        "other_movements": [],
        "reps_with_gaps": 0,
        "restarts": 0,
    }
    assert of_quality(seen) == []


def test_every_entry_is_explained() -> None:
    seen = count(person("hip_abduction", reps=1, side="left", seed=4)).quality
    for name in (*seen, "uncounted_packets"):
        assert f"{name}:" in quality.__doc__ or f"adds {name}" in quality.__doc__


def test_a_band_that_is_never_still() -> None:
    """From the middle of the first repetition to the end of the last, with pauses of a second."""
    made = person("hip_external_rotation", side="right", seed=2)
    t = made.recording.samples.t
    middle = (made.labels[0].start_s + made.labels[0].end_s) / 2
    result = cut(made, (t > middle) & (t < made.labels[-1].end_s))
    assert result.quality["gyroscope_bias_known"] is False and result.summary.reps >= 8
    assert "never still" in of_quality(result.quality)[0]


def test_a_leg_whose_direction_is_not_learnt() -> None:
    """Told that the leg is lifted, and it only turns."""
    result = count(person("hip_external_rotation", side="left", seed=4), "hip_abduction")
    assert result.quality["leg_direction_known"] is False and not any(rep.counted for rep in result.reps)
    assert any("how the band sits on the leg" in line for line in of_quality(result.quality))


@pytest.mark.parametrize("exercise", RECOGNISED)
def test_a_person_who_moves_too_unevenly_to_judge(exercise: str) -> None:
    seen = count(person(exercise, side="left", seed=4, variation=Variation(wobble_deg=14.0))).quality
    assert seen["axis_clear"] is False and seen["compensation_from_deg"] > 10
    assert any("too much to judge the pelvis" in line for line in of_quality(seen))


def test_too_few_repetitions_to_know_a_persons_own_way() -> None:
    seen = count(person("hip_abduction", reps=2, side="left", seed=4)).quality
    assert seen["axis_clear"] is seen["compensation_from_deg"] is None


def test_no_exercise_recognised() -> None:
    still = count(simulate([Still(20)], pose="side_lying", side="left", seed=1))
    assert still.quality["exercise_recognised"] is False and still.quality["leg_direction_known"] is None
    assert of_quality(still.quality) == ["No exercise was recognised."]


def test_a_turn_that_was_never_seen_to_begin_or_end() -> None:
    """From one moment in mid-turn to another, nobody told which rotation: it is counted as neither."""
    made = person("hip_external_rotation", side="right", rate_hz=50.0, seed=2)
    t = made.recording.samples.t
    first, last = made.labels[0], made.labels[-1]
    samples = made.recording.samples[slice(*np.searchsorted(t, [first.start_s + 1.0, last.start_s + 1.0]))]
    result, _ = track(samples.blocks(10), None, "right")
    assert result.reps == () and result.quality["turn_direction_known"] is False
    assert any("told apart" in line for line in of_quality(result.quality))


def test_gaps_in_repetitions() -> None:
    made = person("hip_abduction", side="left", seed=4)
    t, (first, second, third) = made.recording.samples.t, made.labels[:3]
    result = cut(made, ~sum(((t > rep.start_s + 1) & (t < rep.start_s + 1.5) for rep in (first, second)), np.zeros(len(t), bool)))
    assert (result.quality["reps_with_gaps"], result.quality["restarts"]) == (2, 0)
    result = cut(made, ~((t > third.start_s + 1) & (t < third.start_s + 4)))
    assert (result.quality["reps_with_gaps"], result.quality["restarts"]) == (0, 1)
    assert "Samples were missing for more than a second once." in of_quality(result.quality)
