"""Who moves, and how: simulated people with known truth, and real ones."""

from __future__ import annotations

import numpy as np
import pytest
from people import TRACKS, count, found, person, sets, track

from processing.evaluation import score
from processing.exercises import EXERCISES
from sensor.labels import read_labels
from sensor.motion import CHEAP, Movement, Rep, Set, Still, simulate
from sensor.recording import read_recording

RATES = {"hip_abduction": 200, "hip_external_rotation": 50, "hip_internal_rotation": 100}


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("exercise", EXERCISES)
def test_every_set_of_a_clean_session_is_counted_exactly(exercise: str, side: str) -> None:
    made = person(exercise, sets=3, reps=10, side=side, rate_hz=RATES[exercise], band_turn_deg=130.0, seed=len(exercise))
    result = count(made)
    assert found(result) == sets(made)
    seen = score(result, made.labels)
    assert (seen.missed, seen.false, seen.sets_exact) == (0, 0, True)
    assert np.median(np.abs(seen.rom_errors_deg)) < 1.0
    assert np.median(np.abs(seen.start_errors_s)) < 0.15
    assert np.median(np.abs(seen.end_errors_s)) < 0.15 + 1 / 25
    assert max(seen.delays_s) <= 0.15


@pytest.mark.parametrize("exercise", EXERCISES)
@pytest.mark.parametrize("options", [{"rom": 0.6}, {"tempo": 0.6}, {"tempo": 2.0}, {"terminal": False}, {"faults": CHEAP}])
def test_other_ways_to_move_and_other_sensors(exercise: str, options: dict) -> None:
    made = person(exercise, sets=2, reps=8, side="left", rate_hz=50, band_turn_deg=250.0, seed=5, **options)
    assert found(count(made)) == sets(made)


@pytest.mark.parametrize("exercise", EXERCISES)
def test_partial_repetitions_are_told_apart(exercise: str) -> None:
    made = person(exercise, sets=2, partials=0.4, side="right", seed=3)
    result = count(made)
    assert found(result) == sets(made)
    assert {rep.flags[0] for rep in result.reps if not rep.counted} == {"partial"}


def test_which_exercise_it_is_is_recognised() -> None:
    made = person(list(EXERCISES), side="left", seed=4)
    assert made.recording.meta.exercise is None
    result = count(made)
    assert found(result) == sets(made)
    assert result.exercise is None


def test_the_other_leg_turns_the_other_way() -> None:
    made = person("hip_external_rotation", side="left", seed=6)
    result, _ = track(made.recording.samples.blocks(10), "hip_external_rotation", "right")
    assert found(result) != sets(made)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_pelvis_that_helps_is_seen_against_the_persons_own_way(exercise: str, side: str) -> None:
    cheats = [("tilt", 12.0), None, ("roll", 14.0), None]
    reps = tuple(Rep(compensation=cheat) for cheat in [None] * 4 + 2 * cheats)
    movement = Movement(**TRACKS[exercise])
    made = simulate([Still(5), Set(exercise, movement, reps), Still(5)], pose=movement.pose, side=side, exercise=exercise, seed=2)
    result = count(made)
    assert found(result) == sets(made)
    assert [label.compensated for label in made.labels] == [rep.compensation is not None for rep in reps]
    wrong = [rep.compensated != label.compensated for rep, label in zip(result.reps, made.labels, strict=True)]
    assert sum(wrong) <= 1


@pytest.mark.parametrize("block", ["correct", "fast"])
@pytest.mark.parametrize("subject", ["s1", "s2"])
def test_real_people_block_by_block(recordings, subject: str, block: str) -> None:
    path = recordings / "uci_pte" / f"{subject}-hip_abduction.csv"
    recording, labels = read_recording(path), read_labels(path.with_suffix(".labels.csv"))
    ends = {name: max(label.end_s for label in labels if label.block == name) for name in ("correct", "fast")}
    starts = {name: min(label.start_s for label in labels if label.block == name) for name in ("fast", "low")}
    cut = (ends["correct"] + starts["fast"]) / 2, (ends["fast"] + starts["low"]) / 2
    t = recording.samples.t
    rows = slice(0, np.searchsorted(t, cut[0])) if block == "correct" else slice(*np.searchsorted(t, cut))
    result, _ = track(recording.samples[rows].blocks(10), "hip_abduction", "right")
    seen = score(result, [label for label in labels if label.block == block])
    assert (seen.counted, seen.missed, seen.false) == (10, 0, 0)
