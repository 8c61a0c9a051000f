"""The recordings in tests/recordings/ are what the simulator makes today."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

from sensor.recording import labels_path, read_labels, read_recording

FOLDER = Path(__file__).parents[1] / "recordings"
MAKE = runpy.run_path(str(FOLDER / "make.py"))


def test_every_recording_has_a_plan_and_is_small() -> None:
    files = sorted(FOLDER.glob("*.parquet"))
    assert [file.stem for file in files] == sorted(MAKE["PLANS"])
    assert max(file.stat().st_size for file in files) < 300_000


@pytest.mark.parametrize("name", MAKE["PLANS"])
def test_simulator_still_makes_it(name: str) -> None:
    path = FOLDER / f"{name}.parquet"
    old, labels, new = read_recording(path), read_labels(labels_path(path)), MAKE["made"](name)
    assert old.meta.exercise == new.recording.meta.exercise and old.meta.side == new.recording.meta.side
    # Another processor may round a sample to the neighbouring count.
    counts = [r.samples.raw.counts.astype(int) for r in (old, new.recording)]
    assert counts[0].shape == counts[1].shape and np.abs(counts[0] - counts[1]).max() <= 1
    assert labels == new.labels
    assert sum(label.counted for label in labels) == 10
