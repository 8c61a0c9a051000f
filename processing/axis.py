"""Orientation frames -> the one angle that the exercise is about, growing as the leg goes out.

No mounting is assumed: what the band's axes are on the leg is learnt from the movement itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from processing.company import ALIKE
from processing.frames import Frame, Stretch, turn_of, up_of
from processing.reach import direction
from processing.reps import MIN_S

DEGREES = math.degrees(1)
# Of the vertical speed's square a leg that turns about a resting hip leaves little unexplained: in nine of ten real
# and simulated lifts less than 0.05. Walking, whose hip moves, leaves 0.1 and more.
SURELY = 0.05
SHAKILY = 0.5  # still shows something, where two such lifts from rest agree (ours)
TELLING_DEG = 15.0  # a shorter way does not tell whether the leg lies or hangs: another one has to confirm it (ours)
LEVEL_REST = math.sin(math.radians(20.0))  # a leg that lies so level hardly steps either: two such agree (ours)
STEP_S = 1.1  # a leg that takes longer on its way out does not step: a walker's whole cycle (SIGNALS: 0.9 Hz)
OTHER = math.cos(math.radians(45))  # half of what lies between any two of a leg's axes: the band was strapped anew (ours)
RISES = math.cos(math.radians(35))  # well within that (ours)
RISEN = 0.80  # compensation.HIGH: what the foot does at the top is left alone
PURE = 0.5  # a step, a roll and the turn of a level leg rise less (ours)
TURNS = math.sin(math.radians(2.5) / 2)  # a foot that turns less makes nothing that is taken for an excursion, reps.MIN_HYSTERESIS_DEG
SETTLED_DEG = 1.0  # a rest that has crept less needs no new reference: VQF's inclination error is 0.7 (SIGNALS)
MEMORY = 0.5  # weight of the newest repetition in the leg's direction: a pushed band is re-learnt in two (ours)


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Of two vectors (3,); numpy's own takes twenty times as long."""
    (ax, ay, az), (bx, by, bz) = a.tolist(), b.tolist()
    return np.array([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])


def plane(normal: np.ndarray) -> np.ndarray:
    """Two unit vectors (2, 3), square to a unit normal (3,) and to each other, right-handed with it."""
    x, y, z = normal.tolist()
    least = min(abs(x), abs(y), abs(z))
    a, b, c = (0.0, z, -y) if abs(x) == least else (-z, 0.0, x) if abs(y) == least else (y, -x, 0.0)
    size = math.sqrt(a * a + b * b + c * c)
    a, b, c = a / size, b / size, c / size
    return np.array([[a, b, c], [y * c - z * b, z * a - x * c, x * b - y * a]])


# What an excursion shows of the axis: nothing that could be the exercise · the one known · one, where none was known ·
# another one · the one known in another pose · seen again, nothing but a rise about the one known. Of the three last only
# more of the same can be sure, of the very last only one of the others.
Shown = Literal["nothing", "known", "first", "other", "elsewhere", "likely"]


class Turn:
    """Rotation about the vertical: standing external and internal rotation. Only the gyroscope sees it."""

    blind = False  # it needs to know nothing of the leg

    def __init__(self, sign: int) -> None:
        self._to_degrees = sign * math.degrees(2)
        self._pose: tuple[float, ...] | None = None  # the vertical in the sensor where the last movement of the exercise began
        self.forget()

    def forget(self) -> None:
        """The next frame does not follow the last one."""
        self._last: Frame | None = None
        self._angle = 0.0

    def angle(self, frame: Frame) -> float:
        """Of the next frame."""
        if self._last is not None:
            _, pw, px, py, pz, _, _ = self._last
            _, w, x, y, z, _, _ = frame
            # w and z of the quaternion times the conjugate of the last one: the vertical part of the turn between them.
            dw = w * pw + x * px + y * py + z * pz
            dz = z * pw - w * pz - x * py + y * px
            self._angle += self._to_degrees * math.atan(dz / dw) if dw else 180.0
        self._last = frame
        return self._angle

    def crept(self, angle: float) -> bool:
        """Never: an angle is only ever compared with the excursion's own start."""
        return False

    def settle(self, up: np.ndarray) -> bool:
        """There is nothing to learn from a rest."""
        return False

    def look(self, moved: Stretch, rested: bool, whole: bool, again: bool) -> Shown:
        """What an excursion shows."""
        return "known" if self._pose is None or float(moved.begins @ self._pose) > OTHER else "elsewhere"

    def in_pose(self, frame: Frame) -> bool:
        """Whether the leg is held as in the last movement of the exercise, if there was one."""
        return self._pose is None or along(frame, self._pose) > OTHER

    def accept(self, moved: Stretch) -> None:
        """A movement of the exercise: so the leg is held."""
        self._pose = tuple(moved.begins.tolist())

    def learn(self, moved: Stretch) -> bool:
        return False

    def angles(self, up: np.ndarray) -> list[float]:
        raise AssertionError("nothing is ever learnt that would change them")


class Lift:
    """Elevation of the leg, from gravity alone: absolute, free of drift.

    A lift shows the leg's direction: a band at the distance r from the hip is r sin(elevation) above it, so that
    its vertical speed is r times the speed of the vertical along the leg. Turning the foot moves the vertical too,
    but lifts nothing. While the direction is unknown, or the leg known cannot lie as it now rests (its owner
    stands, or the band sits otherwise), the angle is how far the vertical has moved in the sensor since that rest,
    which is the elevation but for its sign.
    """

    def __init__(self, rest_slope_deg: float = 90.0) -> None:
        self._steep = math.sin(math.radians(min(rest_slope_deg, 89.0)))
        self.unlearn()

    def unlearn(self) -> None:
        """Nothing is known of the leg."""
        self.rest: np.ndarray | None = None
        self.leg: np.ndarray | None = None
        self._shown: np.ndarray | None = None
        self._sure = False  # whether a repetition has been counted of the leg shown
        self._turns_about: np.ndarray | None = None
        # The leg as the last lift from rest showed it, whether surely, and by how many degrees: 0 once another way was gone.
        self._hint: tuple[np.ndarray, bool, float] | None = None

    @property
    def blind(self) -> bool:
        """Whether the leg is not known, or rests where the one known cannot lie."""
        return self.leg is None

    @property
    def long(self) -> np.ndarray | None:
        """The leg's direction in the sensor (3,), None before a lift has shown it."""
        return self._shown if self._turns_about is None else self._turns_about

    @property
    def known(self) -> bool:
        """Whether a lift has shown the leg's direction."""
        return self._shown is not None

    def forget(self) -> None:
        """The next frame does not follow the last one; inclination is absolute, and the leg what it was."""

    def angle(self, frame: Frame) -> float:
        if self.rest is None:
            self.settle(up_of(frame))
        (_, w, x, y, z, _, _), (a, b, c) = frame, self._what
        risen = 2 * (a * (x * z - w * y) + b * (y * z + w * x)) + c * (1 - 2 * (x * x + y * y))  # along(), at hand
        if not -1.0 < risen < 1.0:
            risen = math.copysign(1.0, risen)
        return DEGREES * (math.acos(risen) if self.leg is None else math.asin(risen))

    def angles(self, up: np.ndarray) -> list[float]:
        """Of frames in which the vertical was up (n, 3)."""
        along = np.minimum(np.maximum(up @ self._what, -1.0), 1.0)
        return np.degrees(np.arccos(along) if self.leg is None else np.arcsin(along)).tolist()

    def crept(self, angle: float) -> bool:
        """Whether a rest at this angle is another rest than the one known."""
        return not -SETTLED_DEG < angle < SETTLED_DEG

    def regained(self, frame: Frame) -> bool:
        """Whether a leg known before lies again as it can."""
        return self._shown is not None and self._lies(up_of(frame), self._shown)

    def in_pose(self, frame: Frame) -> bool:
        """Whether the leg may lie, or be lifted from where it lies."""
        return self._shown is None or along(frame, self._shown.tolist()) > -self._steep

    def settle(self, up: np.ndarray) -> bool:
        """The leg rests where the vertical is up (3,); whether the angles before are to be redone."""
        self._settle(up)
        return True

    def _settle(self, rest: np.ndarray) -> None:
        self.rest = rest
        self._what = tuple(rest.tolist())  # what the vertical is compared with: the leg, or while that is unknown the rest
        self.leg = None
        if self._shown is not None and self._lies(rest, self._shown):
            leg = self.long - (self.long @ rest) * rest
            self.leg = leg / math.sqrt(leg @ leg)
            self._what = tuple(self.leg.tolist())

    def _rises(self, moved: Stretch, share: float = RISES) -> bool:
        """Whether the leg that is known has risen by nearly as much as the vertical has moved: about no other leg does it."""
        begin, now = moved.begins, moved.ends
        rise = math.asin(_within(now @ self.leg)) - math.asin(_within(begin @ self.leg))
        return rise >= share * math.acos(_within(begin @ now))

    def rises(self, moved: Stretch) -> bool:
        """Whether on the way out half of the whole turn was rise, before the foot turns at the top."""
        if self._shown is None:
            return False
        risen = np.degrees(np.arcsin(np.clip(moved.up @ self._shown, -1.0, 1.0)))
        risen -= risen[0]
        i = int((risen >= RISEN * risen.max()).argmax())
        turned = 2 * math.degrees(math.acos(_within(abs(float(moved.quat[:, 0] @ moved.quat[:, i])))))
        return bool(risen[i] >= PURE * turned)

    def _lies(self, up: np.ndarray, leg: np.ndarray) -> bool:
        """Whether so steep a leg can be at rest; upright there is no direction that rises."""
        return abs(float(up @ leg)) <= self._steep

    def look(self, moved: Stretch, rested: bool, whole: bool, again: bool) -> Shown:
        """What an excursion on its way out, or a whole one, shows; it is learnt where it is new.

        rested: the leg stood still before. whole: and after. again: it was seen before the leg was known, and has to
        show the same.
        """
        unknown: Shown = "nothing" if self.leg is None else "known"
        if again and self.leg is not None:
            unknown = "likely" if self._rises(moved, PURE) else "nothing"
        if not rested and (self._hint is None or self.leg is not None or again):
            return unknown
        if whole and moved.t[-1] - moved.t[0] < MIN_S:  # so few frames fit any leg
            return unknown
        if self.leg is not None and self._sure and not again and self._rises(moved):
            self._hint = None
            return "known"
        shown, unexplained = direction(moved)
        if shown is None or unexplained > SHAKILY or not self._lies(moved.begins, shown):
            return unknown
        hint, turned = self._hint, moved.wander_deg
        agreed = hint is not None and float(hint[0] @ shown) > OTHER
        # Who does not rest in between is only believed as one more of what began at rest: who walks soon goes another way.
        if not rested and not agreed:
            self._hint = hint[0], hint[1], 0.0
            return unknown
        slow = rested and (whole or again or moved.t[-1] - moved.t[0] >= STEP_S)
        if not slow and abs(float(moved.begins @ shown)) > LEVEL_REST:
            return unknown
        if not rested and not (unexplained <= SURELY and ALIKE * hint[2] <= turned <= hint[2] / ALIKE):
            return unknown
        telling = slow and unexplained <= SURELY and turned >= TELLING_DEG
        if rested and not again:
            self._hint = shown, telling, turned
        known = self._shown is not None and float(self._shown @ shown) > OTHER
        if known and self.leg is not None:
            return "known"
        if again:  # what is older than what has shown the leg teaches nothing else
            return unknown
        other = self._shown is not None and not known
        if not (telling and agreed and hint[1] if other and self._sure else telling or agreed):
            return unknown
        self._shown, self._turns_about, self._sure = shown, None, False
        self._settle(moved.begins)
        return "other" if other else "first"

    def accept(self, moved: Stretch) -> None:
        """A movement of the exercise: so it is this leg."""
        self._sure = True

    def learn(self, moved: Stretch) -> bool:
        """Learn the leg's direction from a whole repetition, rest to rest; whether the angles before are to be redone."""
        shown, unexplained = direction(moved)
        if shown is not None and unexplained <= SHAKILY and self._lies(moved.begins, shown):
            if self._shown is not None and float(self._shown @ shown) > OTHER:
                shown = MEMORY * shown + (1 - MEMORY) * self._shown
            self._shown = shown / math.sqrt(shown @ shown)
        self._settle(moved.ends)
        return True

    def only_turned(self, moved: Stretch, falls: int) -> bool:
        """Whether a lift that came down from frame `falls` on has not: only the foot has turned; so that shows the leg.

        A band on the thigh sits far from its axis: it truly falls while the foot turns. But the vertical goes on away
        from where it was at rest, and the sensor turns about the leg, not across it.
        """
        if self.leg is None or self._turns_about is not None or moved.ends @ moved.begins > moved.up[falls] @ moved.begins:
            return False
        turn = turn_of(moved.quat[:, falls], moved.quat[:, -1])
        along, size = float(turn @ self._shown), math.sqrt(turn @ turn)
        if abs(along) <= OTHER * size or size < TURNS:
            return False
        self._turns_about = turn / math.copysign(size, along)
        self._settle(moved.begins)
        return True

    def turns_about(self, leg: np.ndarray) -> None:
        """The foot turns about this direction (3,): on the thigh, whose surface is far from its axis, it tells more."""
        near = self._shown is not None and float(leg @ self._shown) > OTHER
        self._turns_about = leg if near else None
        self._settle(self.rest)

    def inclination_deg(self, up: np.ndarray) -> float:
        """How far the leg, as far as it is known, is from the horizontal where it should rest."""
        return 0.0 if self._shown is None else math.degrees(math.asin(max(-1.0, min(1.0, float(up @ self._shown)))))


def _within(cosine: float) -> float:
    return max(-1.0, min(1.0, float(cosine)))


def along(frame: Frame, way: Sequence[float]) -> float:
    """The vertical along a direction in the sensor (3,)."""
    (_, w, x, y, z, _, _), (a, b, c) = frame, way
    return 2 * (a * (x * z - w * y) + b * (y * z + w * x)) + c * (1 - 2 * (x * x + y * y))
