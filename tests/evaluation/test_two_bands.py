"""What a second band on the sacrum says, on simulated people and beside motion capture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import two_bands
from score import Rate


@pytest.mark.parametrize(("seed", "i"), [(3, 0), (2, 9)])
def test_every_kind_is_seen_whatever_the_second_bands_clock_rate_and_place(seed: int, i: int) -> None:
    groups, seen, lines = two_bands.run(("pelvis", seed, i, False))
    assert groups[0] == "pelvis" and not lines
    assert seen.exact.share == seen.told.share == seen.clear.share == 1
    assert sum(seen.found.values(), Rate()).share == 1 and seen.clear.of > sum(rate.of for rate in seen.found.values()) > 3
    assert np.abs(seen.pelvis_deg).max() < 2 and np.abs(seen.hip_deg).max() < 3 and seen.clock_s[0] < 0.05


@pytest.mark.parametrize(("kind", "limit_deg"), two_bands.REAL_DEG.items())
def test_a_real_pelvis_beside_motion_capture(recordings: Path, kind: str, limit_deg: float) -> None:
    off = two_bands.real_deg(kind)
    assert len(off) >= 5 and max(off) < limit_deg
