"""Orientation frames -> the one angle that the exercise is about, growing as the leg goes out.

No mounting is assumed: what the band's axes are on the leg is learnt from the movement itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from processing.orientation import Frame, Stretch

MOVING_DPS = 3.0  # faster than this the leg is on its way: above the rest's 2 deg/s
# Weighs the movement against the error of the speed, so that a way that was hardly gone says nothing of the leg:
# (0.05 m/s of drift / 0.8 m of reach)², the same for about 25 frames in a row (ours).
UNSURE = 0.1
UNEXPLAINED = 0.5  # of the vertical speed's square, at most: otherwise it was no leg turning about a hip (ours)
REACH_M = (0.08, 1.5)  # from the hip to the band: mid-thigh of a child to the ankle of a giant
SETTLED_DEG = 1.0  # a rest that has crept less needs no new reference: VQF's inclination error is 0.7 (SIGNALS)
MEMORY = 0.5  # weight of the newest repetition in the leg's direction: a pushed band is re-learnt in two (ours)


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Of two vectors (3,); numpy's own takes twenty times as long."""
    (ax, ay, az), (bx, by, bz) = a.tolist(), b.tolist()
    return np.array([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])


def plane(normal: np.ndarray) -> np.ndarray:
    """Two unit vectors (2, 3), square to a unit normal (3,) and to each other, right-handed with it."""
    first = cross(normal, np.eye(3)[np.abs(normal).argmin()])
    first /= math.sqrt(first @ first)
    return np.stack([first, cross(normal, first)])


class Turn:
    """Rotation about the vertical: standing external and internal rotation. Only the gyroscope sees it."""

    blind = False  # it needs to learn nothing

    def __init__(self, sign: int) -> None:
        self._to_degrees = sign * math.degrees(2)
        self.forget()

    def forget(self) -> None:
        """The next frame does not follow the last one."""
        self._last: Frame | None = None
        self._angle = 0.0

    def angle(self, frame: Frame) -> float:
        """Of the next frame."""
        if self._last is not None:
            pw, px, py, pz = self._last[1:5]
            w, x, y, z = frame[1:5]
            # w and z of the quaternion times the conjugate of the last one: the vertical part of the turn between them.
            dw = w * pw + x * px + y * py + z * pz
            dz = z * pw - w * pz - x * py + y * px
            self._angle += self._to_degrees * math.atan(dz / dw) if dw else 180.0
        self._last = frame
        return self._angle

    def crept(self, angle: float) -> bool:
        """Never: an angle is only ever compared with the excursion's own start."""
        return False

    def settle(self, frame: Frame) -> bool:
        """There is nothing to learn from a rest."""
        return False

    def learn(self, moved: Stretch, whole: bool) -> bool:
        return False

    def angles(self, frames: Sequence[Frame]) -> list[float]:
        raise AssertionError("nothing is ever learnt that would change them")


class Lift:
    """Elevation of the leg, from gravity alone: absolute, free of drift.

    Before the first lift the leg's direction in the sensor is unknown; until then the angle is how far
    the vertical has moved in the sensor since the last rest, which is the elevation but for its sign.
    The lift then shows the leg's direction: a band at the distance r from the hip is r sin(elevation)
    above it, so that its vertical speed is r times the speed of the vertical along the leg. Turning the
    foot moves the vertical too, but lifts nothing.
    """

    def __init__(self) -> None:
        self.rest: np.ndarray | None = None
        self.leg: np.ndarray | None = None
        self._shown: np.ndarray | None = None

    @property
    def blind(self) -> bool:
        """Whether lifting and turning the foot still look the same."""
        return self.leg is None

    def forget(self) -> None:
        """The next frame does not follow the last one; the leg is still what it was."""
        self.rest = None

    def angle(self, frame: Frame) -> float:
        if self.rest is None:
            self.settle(frame)
        w, x, y, z = frame[1:5]
        ax, ay, az = self._along
        along = 2 * (ax * (x * z - w * y) + ay * (y * z + w * x)) + az * (1 - 2 * (x * x + y * y))
        if self.leg is None:
            return math.degrees(math.acos(max(-1.0, min(1.0, along))))
        return math.degrees(math.asin(max(-1.0, min(1.0, along))))

    def angles(self, frames: Sequence[Frame]) -> list[float]:
        along = np.clip(Stretch(frames).up @ self._along, -1.0, 1.0)
        return np.degrees(np.arccos(along) if self.leg is None else np.arcsin(along)).tolist()

    def crept(self, angle: float) -> bool:
        """Whether a rest at this angle is another rest than the one known."""
        return not -SETTLED_DEG < angle < SETTLED_DEG

    def settle(self, frame: Frame) -> bool:
        """The leg rests here; whether the angles before are to be redone."""
        self._settle(Stretch([frame]).up[0])
        return True

    def _settle(self, rest: np.ndarray) -> None:
        self.rest = rest
        self._along = tuple(rest.tolist())  # what the vertical is compared with: the leg, or while that is unknown the rest
        if self._shown is not None:
            leg = self._shown - (self._shown @ self.rest) * self.rest
            size = math.sqrt(leg @ leg)
            if size > 0:  # who stands exactly upright has no direction that rises: the last one stays
                self.leg = leg / size
        if self.leg is not None:
            self._along = tuple(self.leg.tolist())

    def learn(self, moved: Stretch, whole: bool) -> bool:
        """Learn the leg's direction from an excursion that began at rest; whether the angles before are to be redone.

        whole: the last frame is at rest again, and the next repetition starts from there.
        """
        reach, unexplained = _reach(moved)
        size = math.sqrt(reach @ reach)
        if not REACH_M[0] <= size <= REACH_M[1] or unexplained > UNEXPLAINED:
            return False
        shown = reach / size
        if self._shown is not None:
            shown = MEMORY * shown + (1 - MEMORY) * self._shown
        self._shown = shown / np.linalg.norm(shown)
        self._settle(moved.up[-1 if whole else 0])
        return True

    def inclination_deg(self, up: np.ndarray) -> float:
        """How far the leg, as far as it is known, is from the horizontal where it should rest."""
        return 0.0 if self._shown is None else math.degrees(math.asin(max(-1.0, min(1.0, float(up @ self._shown)))))

    def roll(self, moved: Stretch) -> np.ndarray:
        """Roll about the leg since the rest, degrees, (n,); either sign. Zeros while the leg is unknown."""
        if self.leg is None or self.rest is None:
            return np.zeros(len(moved.t))
        side = cross(self.leg, self.rest)
        return np.degrees(np.arctan2(moved.up @ side, moved.up @ self.rest))


def _reach(moved: Stretch) -> tuple[np.ndarray, float]:
    """From the hip to the band, m, in the sensor (3,), and the share of the vertical speed's square that it leaves.

    Least squares of the vertical speed over the vertical's speed in the sensor, over the stretches in which the leg
    moves. Before and after each it stands still, which takes the accelerometer's errors off the integral.
    """
    up, t = moved.up, moved.t
    if len(t) < 5:
        return np.zeros(3), 1.0
    step = np.empty_like(up)
    step[1:-1] = (up[2:] - up[:-2]) / (t[2:] - t[:-2])[:, None]
    step[0] = step[-1] = 0.0
    moving = (step * step).sum(axis=1) > math.radians(MOVING_DPS) ** 2
    edges = np.flatnonzero(moving[1:] != moving[:-1]) + 1  # neither end moves
    force = (up * moved.force).sum(axis=1)
    gained = np.concatenate([[0.0], ((force[1:] + force[:-1]) / 2 * np.diff(t)).cumsum()])
    steps, speeds = [], []
    for begin, end in (edges.reshape(-1, 2) + (-1, 1)).tolist():
        part = t[begin:end] - t[begin]
        speed = gained[begin:end] - gained[begin]
        steps.append(step[begin:end])
        speeds.append(speed - speed[-1] / part[-1] * part)
    if not steps:
        return np.zeros(3), 1.0
    level = plane(up[0])
    x = np.concatenate(steps) @ level.T
    y = np.concatenate(speeds)
    flat = np.linalg.solve(x.T @ x + UNSURE * np.eye(2), x.T @ y)
    left = y - x @ flat
    return flat @ level, float(left @ left / (y @ y)) if y.any() else 1.0


def lifted(moved: Stretch) -> bool:
    """Whether the band rose as a band on a lifted leg does, however shakily."""
    reach = _reach(moved)[0]
    return REACH_M[0] <= math.sqrt(reach @ reach) <= REACH_M[1]
