"""The gyroscope's bias from a leg that stands but sways: too much for a still second, and for VQF to see a rest.

It stays where it is: what it seems to turn in a long time, beside how much it sways in that, is the bias.
"""

from __future__ import annotations

import math
from collections import deque
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from processing.frames import headed

WINDOW_S = 2.0  # how often it is looked at (ours)
SWAY = math.radians(3.0)  # a leg that is held on a stool sways about so much (tracker.HELD_DEG)
DRIFT = math.radians(2.0)  # what a bias may be wrong by: a second of such a sway (ours)
STANDS = math.cos((DRIFT * WINDOW_S + SWAY) / 2)  # of half the angle: who turns no further in a window
LEAST = 4  # windows in a row, longer than any top is held (SIGNALS: 4 to 6 s)
MOST = 40  # and the last so many: a minute and a quarter (ours)
SURE = math.radians(0.1)  # rad/s, as well as the mean of a still second tells a bias (orientation.BIAS_SIGMA)


class Stood(NamedTuple):
    """rate: rad/s about the vertical, counter-clockwise positive, 0 where sway alone explains it · told (3,): what the
    gyroscope said in the mean, None where it was not asked in each window."""

    rate: float
    told: np.ndarray | None


class Standing:
    """Fed with what is known at the end of each window."""

    def __init__(self) -> None:
        self._ends: deque[tuple[list[float], np.ndarray | None]] = deque(maxlen=MOST)

    def forget(self) -> None:
        """The leg does not stand, or rests: VQF knows better."""
        self._ends.clear()

    def add(self, quat: list[float], told: np.ndarray | None) -> Stood | None:
        """quat (4,): the orientation · told (3,): what the gyroscope said in the window, if anybody wants to know."""
        ends, (w, x, y, z) = self._ends, quat
        if ends:
            a, b, c, d = ends[-1][0]
            if abs(a * w + b * x + c * y + d * z) < STANDS:
                ends.clear()
        ends.append((quat, told))
        n = len(ends) - 1
        if n < LEAST:
            return None
        turns = [headed(before, after) for (before, _), (after, _) in pairwise(ends)]
        mean = sum(turns) / n
        # A sway of its own size at both ends: the windows' turns spread by 1.4 of it, and so does the whole one.
        unsure = math.sqrt(sum((turn - mean) ** 2 for turn in turns) / n) / n
        if unsure > SURE * WINDOW_S:
            return None
        means = [one for _, one in ends][1:]
        ends.clear()
        told = None if any(one is None for one in means) else sum(means) / n
        return Stood(mean / WINDOW_S if abs(mean) > 2 * unsure else 0.0, told)
