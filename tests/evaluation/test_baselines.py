"""The baselines are no straw men, and they are compared as hiprep is."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from baselines import BASELINES, RATE_HZ, warped
from side_by_side import compare, compared, percent, real_blocks, sets_of, side_by_side

from sensor.recording import Label, Meta, Recording, labels_path, read_labels, read_recording
from sensor.samples import Samples

GOLDEN = Path(__file__).parents[1] / "recordings"
ONLINE = "home threshold, online"
META = Meta("made up", 50.0, "ankle", "right", "hip_abduction")


def golden(name: str) -> tuple[Recording, list[Label]]:
    path = GOLDEN / f"{name}.parquet"
    return read_recording(path), read_labels(labels_path(path))


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("recording", ["abduction_cheap_band", "external_rotation"])
def test_a_clean_set_is_counted_by_all(name: str, recording: str) -> None:
    made, labels = golden(recording)
    got = compare(BASELINES[name](made), labels)
    assert (got.exact, got.missed, got.false) == (1, 0, 0)
    assert bool(got.delays_s) == (name == ONLINE)


@pytest.mark.parametrize("name", ["principal component", "autocorrelation", "VQF yaw", ONLINE])
@pytest.mark.parametrize("recording", ["abduction", "internal_rotation"])
def test_the_better_ones_bear_partials_terminal_rotation_and_a_helping_pelvis(name: str, recording: str) -> None:
    made, labels = golden(recording)
    assert compare(BASELINES[name](made), labels).exact == 1


@pytest.mark.parametrize("name", ["principal component", "VQF yaw", "first repetition, DTW"])
def test_on_real_people(name: str, recordings: Path) -> None:
    blocks = [block for block in real_blocks(recordings / "uci_pte") if block[1].meta.exercise == "hip_abduction"]
    assert len(blocks) == 6 and all(len(labels) == 10 for _, _, labels in blocks)
    assert sum(compare(BASELINES[name](recording), labels).exact for _, recording, labels in blocks) == 6


@pytest.mark.parametrize("name", BASELINES)
def test_when_does_not_matter(name: str) -> None:
    made, _ = golden("external_rotation")
    late = Recording(replace(made.samples, t=made.samples.t + 1000.0), made.meta)
    assert np.allclose(np.array(BASELINES[name](late)) - 1000, BASELINES[name](made), atol=0.1, equal_nan=True)


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("seconds", [0.1, 1.0, 30.0])
@pytest.mark.parametrize("exercise", ["hip_abduction", "hip_internal_rotation", None])
def test_who_keeps_still_does_nothing(name: str, seconds: float, exercise: str | None) -> None:
    n = max(2, int(50 * seconds))
    noise = np.random.default_rng(1).normal(size=(n, 3))
    samples = Samples(np.arange(n) / 50, noise * 0.02 + [0, 0, 9.81], noise * 0.002)
    assert BASELINES[name](Recording(samples, replace(META, exercise=exercise))) == []


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("seed", range(6))
def test_who_does_something_else_breaks_nothing(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(100, 3000))
    t = np.delete(np.arange(n) / 50, slice(20, 20 + n // 4))  # with a hole
    wander = np.cumsum(rng.normal(size=(len(t), 3)), axis=0) * rng.choice([0.01, 0.1, 1.0])
    made = Recording(Samples(t, rng.normal(size=(len(t), 3)) * 5, wander), META)
    assert all(t[0] <= start < end <= t[-1] + 0.1 for start, end, _ in BASELINES[name](made))


def test_warping_bears_another_tempo() -> None:
    t = np.arange(0, 4, 2 / RATE_HZ)
    own = np.stack([np.sin(np.pi * t / 2)] * 3, axis=1)
    slow = np.stack([np.sin(np.pi * np.arange(0, 6, 2 / RATE_HZ) / 3)] * 3, axis=1)
    still = np.zeros((40, 3))
    cost, begun = warped(own, np.concatenate([still, slow, still]))
    end = int(cost.argmin())
    assert cost[end] < 0.05 and abs(end - 114) <= 3 and abs(begun[end] - 40) <= 3
    assert math.isclose(warped(own, np.zeros((200, 3)))[0][-1], 1.0, abs_tol=0.01)


# How they are compared

LABELS = [Label(start, start + 4.0, set=1 + (start > 20)) for start in (0.0, 6.0, 12.0, 30.0, 36.0)]


def test_each_label_is_found_once_and_each_count_belongs_to_one_set() -> None:
    found = [(0.5, 3.0, 3.0), (3.2, 4.2, 4.2), (6.0, 10.0, 10.5), (18.0, 19.0, 19.0), (30.0, 40.0, 40.0)]
    got = compare(found, LABELS)
    # 4 for the first set's 3, 1 for the second's 2
    assert got[:6] == (2, 0, 2, 5, 2, 2)
    assert sorted(got.delays_s) == [-1.0, 0.5, 6.0]


def test_a_partial_repetition_is_not_to_be_counted() -> None:
    labels = [*LABELS, Label(45.0, 47.0, set=2, counted=False)]
    exactly = [(label.start_s, label.end_s, math.nan) for label in labels]
    assert compare(exactly[:5], labels)[:6] == (2, 2, 2, 5, 0, 0)
    assert compare(exactly, labels)[:6] == (2, 1, 2, 5, 0, 1)
    assert compare(exactly[:1], [])[:6] == (0, 0, 0, 0, 0, 1)


def test_sets_that_nobody_labelled_end_with_a_pause() -> None:
    plain = [Label(label.start_s, label.end_s) for label in LABELS]
    assert [len(one) for one in sets_of(plain)] == [3, 2] == [len(one) for one in sets_of(LABELS)]
    assert [len(one) for one in sets_of([replace(label, block=str(i)) for i, label in enumerate(plain)])] == [1] * 5


def test_the_table() -> None:
    made, labels = golden("external_rotation")
    table = side_by_side({"real: one": [compared(made, labels)], "clean": [compared(made, labels)] * 2, "nobody": []})
    every, exact = (part.splitlines() for part in table.split("\n\nExact sets, %:\n\n"))
    assert [row.split(" | ")[0] for row in every[2:]] == [f"| {name}" for name in ("hiprep", *BASELINES)]
    assert {len(row.split("|")) for row in every} == {12}
    assert every[2].startswith("| hiprep | 100 | 100 | 0 | 0 | 100 | 100 | 0 | 0 | -")
    assert [row.split(" | ")[0] for row in exact[2:]] == ["| real: one (1)", "| clean (2)"]


def test_nothing_is_rounded_to_a_perfection_that_it_is_not() -> None:
    assert [percent(*share) for share in ((0, 0), (0, 9), (9, 9), (1, 3), (2999, 3000), (1, 5000))] == [
        "-", "0", "100", "33.3", "99.97", "0.02",
    ]  # fmt: skip
