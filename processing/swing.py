"""Orientation frames -> the angle of a shank that hangs from the knee and swings: seated knee extension."""

from __future__ import annotations

import math

import numpy as np

from processing.axis import MEMORY, OTHER, SETTLED_DEG, SHAKILY, Shown, along, cross
from processing.frames import Frame, Stretch, up_of
from processing.reach import direction

FAR_DEG = 30.0  # a heel drawn back under the chair goes no further, and less hardly raises a band that hangs (ours)
STRIDE_S = 1.1  # SIGNALS: walking swings the shank at 0.9 Hz; what takes longer is no step
QUICKEST_S = 0.6  # and one way takes half of that: what is as quick may be one, unless the shank hung at rest
AS_EVER = math.cos(math.radians(20.0))  # steps begin 28 degrees and more behind the vertical [S]
STRAIGHT = math.cos(math.radians(30.0))  # so straight hangs a shank that begins at rest; a step begins behind the knee (ours)
HIGHEST = math.sin(math.radians(30.0))  # above the horizontal: a straight knee on a chair that leans back (ours)


class Swing:
    """Inclination of the shank in the plane in which it moves, from gravity alone: absolute, free of drift.

    Near the vertical an elevation says nothing, and the shank swings beyond it. The plane is that of the movement:
    the first far excursion shows it, and which way is out; until then the angle is how far the vertical has moved
    in the sensor since the last rest. That it is a shank, which hangs and is raised by turning about a resting knee,
    is told as for a lift: by where the knee is seen from the band.
    """

    def __init__(self, rest_slope_deg: float = 90.0) -> None:
        self._steep = math.cos(math.radians(rest_slope_deg))
        self.rest: np.ndarray | None = None
        self._normal: np.ndarray | None = None  # of the plane, in the sensor; the shank goes out as the vertical turns about it
        self._down: np.ndarray | None = None  # from the knee to the band
        self._hung: np.ndarray | None = None  # the vertical, in the sensor, where the shank last rested between repetitions

    @property
    def blind(self) -> bool:
        """Whether the plane is still unknown."""
        return self._normal is None

    @property
    def known(self) -> bool:
        """Whether a far excursion has shown it."""
        return self._normal is not None

    def forget(self) -> None:
        """The next frame does not follow the last one; inclination is absolute, and the plane what it was."""

    def angle(self, frame: Frame) -> float:
        up = up_of(frame)
        if self.rest is None:
            self.settle(up)
        return self._angle(*up.tolist())

    def angles(self, up: np.ndarray) -> list[float]:
        """Of frames in which the vertical was up (n, 3)."""
        return [self._angle(*one) for one in up.tolist()]

    def _angle(self, ux: float, uy: float, uz: float) -> float:
        (rx, ry, rz), (ox, oy, oz) = self._axes
        along = ux * rx + uy * ry + uz * rz
        if self._normal is None:
            return math.degrees(math.acos(max(-1.0, min(1.0, along))))
        return math.degrees(math.atan2(ux * ox + uy * oy + uz * oz, along))

    def crept(self, angle: float) -> bool:
        """Whether a rest at this angle is another rest than the one known; of no account once the plane is known."""
        return self._normal is None and angle > SETTLED_DEG

    def regained(self, frame: Frame) -> bool:
        """Never: a plane once known stays known, wherever the shank is."""
        return False

    def in_pose(self, frame: Frame) -> bool:
        """Whether the shank may hang, or be raised from there."""
        return self._down is None or along(frame, self._down.tolist()) <= HIGHEST

    def settle(self, up: np.ndarray) -> bool:
        """The shank rests where the vertical is up (3,); whether the angles before are to be redone."""
        if self._normal is not None:
            return False
        self._settle(up)
        return True

    def _settle(self, rest: np.ndarray) -> None:
        out = np.zeros(3)
        if self._normal is not None:
            rest = rest - (rest @ self._normal) * self._normal
            rest /= math.sqrt(rest @ rest)
            out = cross(self._normal, rest)
        self.rest = rest
        self._axes = rest.tolist(), out.tolist()  # of the plane: where the shank rests, and a quarter turn out of there

    def look(self, moved: Stretch, rested: bool, whole: bool, again: bool) -> Shown:
        """What an excursion on its way out shows; it is learnt where it is new. Only a lift needs to know the rest."""
        begin = moved.up[0]
        far = moved.up[(moved.up @ begin).argmin()]
        down, unexplained = direction(moved)
        if float(begin @ far) > math.cos(math.radians(FAR_DEG)):
            return "nothing" if self._normal is None and down is None else "known"
        took, known = moved.t[-1] - moved.t[0], self._normal
        if took >= STRIDE_S and self._in_plane(begin, far) and (moved.bridged or rested and self._hangs_as_ever(begin)):
            return "known"  # what was missed of the force may say anything of the knee, as may a slow way how the shank hung
        if down is None or unexplained > SHAKILY:
            return "nothing"
        backward = not self._hangs(begin, down)
        if backward:  # it came down from where it was taken to rest
            begin, far = far, begin
            if self._normal is None or not self._hangs(begin, down):
                return "nothing"
        quick = took < QUICKEST_S and (backward or not (rested or self._hangs_as_ever(begin)))
        if quick or not self._raised(begin, far):
            return "nothing"
        if took < (STRIDE_S if known is None else QUICKEST_S) and -float(begin @ down) < STRAIGHT:
            return "nothing"
        if self._in_plane(begin, far):
            return "nothing" if backward else "known"
        normal = cross(begin, far)
        self._hung = None  # of another leg, or of the same one that wears the band another way
        self._learn(normal, down, begin)
        return "first" if known is None else "other"

    def accept(self, moved: Stretch) -> None:
        """There is nothing to learn but from the whole of it."""

    def learn(self, moved: Stretch) -> bool:
        """Learn the plane from a whole repetition, rest to rest; whether the angles before are to be redone."""
        begin = moved.up[0]
        far = moved.up[(moved.up @ begin).argmin()]
        down, unexplained = direction(moved)
        if down is None or unexplained > SHAKILY or not self._hangs(begin, down):
            return False
        if float(begin @ far) > math.cos(math.radians(FAR_DEG)):
            return False
        normal = cross(begin, far)
        normal /= math.sqrt(normal @ normal)
        if self._normal is not None and float(self._normal @ normal) > OTHER:
            normal = MEMORY * normal + (1 - MEMORY) * self._normal
        self._learn(normal, down, moved.up[-1])
        return True

    def _learn(self, normal: np.ndarray, down: np.ndarray, rest: np.ndarray) -> None:
        self._normal, self._down = normal / math.sqrt(normal @ normal), down
        hung = rest if self._hung is None else MEMORY * rest + (1 - MEMORY) * self._hung
        self._hung = hung / math.sqrt(hung @ hung)
        self._settle(rest)

    def _in_plane(self, begin: np.ndarray, far: np.ndarray) -> bool:
        """Whether the shank went out in the plane that is known."""
        normal = cross(begin, far)
        return self._normal is not None and float(self._normal @ normal) > OTHER * math.sqrt(normal @ normal)

    def _hangs_as_ever(self, begin: np.ndarray) -> bool:
        """Whether it hung about where it rests between repetitions."""
        return self._hung is not None and float(begin @ self._hung) > AS_EVER

    def _raised(self, begin: np.ndarray, far: np.ndarray) -> bool:
        """Whether the shank went away from where it hangs: in walking it comes from behind, about as far as it then goes."""
        if self._hung is None:
            return True
        return float(far @ self._hung) <= min(math.cos(math.radians(FAR_DEG)), float(begin @ self._hung))

    def _hangs(self, up: np.ndarray, down: np.ndarray) -> bool:
        return -float(up @ down) >= self._steep

    def inclination_deg(self, up: np.ndarray) -> float:
        """How far the shank, as far as it is known, is from hanging straight down, where it should rest."""
        return 0.0 if self._down is None else math.degrees(math.acos(max(-1.0, min(1.0, -float(up @ self._down)))))
