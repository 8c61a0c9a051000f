"""Orientation frames -> the one angle that the exercise is about, growing as the leg goes out.

No mounting is assumed: what the band's axes are on the leg is learnt from the movement itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from processing.orientation import Frame

EARLY = (0.10, 0.60)  # share of the way out of a rest in which a lift is a pure lift: the foot turns at the top (ours)
AGREE_DEG = 30.0  # rise and lowering further apart than this: the leg was moved into place while it rose (ours)
SETTLED_DEG = 0.3  # a rest that has crept less needs no new reference: half of VQF's inclination error
MEMORY = 0.5  # weight of the newest repetition in the leg's direction: a pushed band is re-learnt in two (ours)


def ups(frames: Sequence[Frame]) -> np.ndarray:
    """Upward direction in sensor coordinates, (n, 3)."""
    return np.array([frame[1:4] for frame in frames])


class Turn:
    """Rotation about the vertical: standing external and internal rotation. Only the gyroscope sees it."""

    def __init__(self, sign: int) -> None:
        self._sign = sign

    def angle(self, frame: Frame) -> float:
        return self._sign * frame.yaw_deg

    def angles(self, frames: Sequence[Frame]) -> list[float]:
        return [self._sign * frame.yaw_deg for frame in frames]

    def crept(self, angle: float) -> bool:
        """Never: an angle is only ever compared with the excursion's own start."""
        return False

    def settle(self, frame: Frame) -> None:
        """Nothing to learn from a rest."""

    def learn(self, frames: Sequence[Frame], peak: int) -> bool:
        return False


class Lift:
    """Elevation of the leg, from gravity alone: absolute, free of drift.

    Before the first lift the leg's direction in the sensor is unknown; until then the angle is how far
    the vertical has moved in the sensor since the last rest, which is the elevation but for its sign.
    The lift then shows the leg's direction: the one that rises, square to the vertical at rest.
    """

    def __init__(self) -> None:
        self.rest: np.ndarray | None = None
        self.leg: np.ndarray | None = None
        self._shown: np.ndarray | None = None

    def angle(self, frame: Frame) -> float:
        if self.rest is None:
            self.settle(frame)
        x, y, z = self._along
        along = frame.ux * x + frame.uy * y + frame.uz * z
        if self.leg is None:
            return math.degrees(math.acos(along)) if along < 1.0 else 0.0
        return math.degrees(math.asin(along)) if -1.0 < along < 1.0 else math.copysign(90.0, along)

    def angles(self, frames: Sequence[Frame]) -> list[float]:
        along = np.clip(ups(frames) @ self._along, -1.0, 1.0)
        return np.degrees(np.arccos(along) if self.leg is None else np.arcsin(along)).tolist()

    def crept(self, angle: float) -> bool:
        """Whether a rest at this angle is another rest than the one known."""
        return not -SETTLED_DEG < angle < SETTLED_DEG

    def settle(self, frame: Frame) -> None:
        """The leg rests here."""
        self.rest = np.array(frame[1:4])
        self._along = frame[1:4]  # what the vertical is compared with: the leg, or while that is unknown the rest
        if self._shown is not None:
            leg = self._shown - (self._shown @ self.rest) * self.rest
            self.leg = leg / np.linalg.norm(leg)
            self._along = tuple(self.leg.tolist())

    def learn(self, frames: Sequence[Frame], peak: int) -> bool:
        """Learn the leg's direction from one excursion, rest to rest; whether the angles before are to be redone.

        The lowering leads to the rest that the next repetition starts from; the rise may begin with a shuffle.
        """
        up = ups(frames)
        shown = _direction(up[: peak - 1 if peak else None : -1])
        rise = _direction(up[: peak + 1])
        if shown is None or rise is None:
            return False
        if shown @ rise > math.cos(math.radians(AGREE_DEG)):
            shown = shown + rise
        if self._shown is not None:
            shown = MEMORY * shown / np.linalg.norm(shown) + (1 - MEMORY) * self._shown
        self._shown = shown / np.linalg.norm(shown)
        self.settle(frames[-1])
        return True

    def roll(self, frames: Sequence[Frame]) -> np.ndarray:
        """Roll about the leg since the rest, degrees, (n,); either sign. Zeros while the leg is unknown."""
        if self.leg is None or self.rest is None:
            return np.zeros(len(frames))
        up = ups(frames)
        side = np.cross(self.leg, self.rest)
        return np.degrees(np.arctan2(up @ side, up @ self.rest))


def _direction(up: np.ndarray) -> np.ndarray | None:
    """Unit direction of the early way out of the first row's rest, (3,); None where nothing moved."""
    way = np.linalg.norm(up - up[0], axis=1)
    far = way.max()
    early = (way >= EARLY[0] * far) & (way <= EARLY[1] * far)
    gone = (up[early] - up[0]).sum(axis=0)
    size = float(np.linalg.norm(gone))
    return gone / size if size else None
