"""How a joint gets from here to there: the share of the way after a share s (n,) in 0..1 of the time.

All begin and end at rest, and none makes the acceleration jump, except where people hand in a drawn curve's ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

Profile = Callable[[np.ndarray], np.ndarray]


def smooth(s: np.ndarray) -> np.ndarray:
    """Minimum jerk (Flash and Hogan 1985)."""
    return s**3 * (10 + s * (6 * s - 15))


@dataclass(frozen=True, slots=True)
class Skewed:
    """Minimum jerk in a time that runs unevenly: early > 0 is fastest before the middle, < 0 after it; up to 0.9."""

    early: float

    def __call__(self, s: np.ndarray) -> np.ndarray:
        return smooth(s + self.early * s * (1 - s))


@dataclass(frozen=True, slots=True)
class Even:
    """Steady speed between two soft ramps, each a share `ramp` (up to 0.5) of the time."""

    ramp: float

    def __call__(self, s: np.ndarray) -> np.ndarray:
        u = np.clip(np.minimum(s, 1 - s) / self.ramp, 0, 1)
        way = self.ramp * u**3 * (1 - u / 2) + np.maximum(np.minimum(s, 1 - s) - self.ramp, 0)
        return np.where(s <= 0.5, way, 1 - self.ramp - way) / (1 - self.ramp)


@dataclass(frozen=True, slots=True)
class TwoPhase:
    """A leg that is let down: a quick part, `share` of the way in `within` of the time, on top of a slow one."""

    share: float
    within: float

    def __call__(self, s: np.ndarray) -> np.ndarray:
        return self.share * smooth(np.minimum(s / self.within, 1)) + (1 - self.share) * smooth(s)


class Drawn:
    """A smooth curve through evenly spaced points; here the "share" is radians or metres from the beginning."""

    def __init__(self, points: np.ndarray) -> None:
        self._curve = CubicSpline(np.linspace(0, 1, len(points)), points - points[0], bc_type="clamped")

    def __call__(self, s: np.ndarray) -> np.ndarray:
        return self._curve(s)
