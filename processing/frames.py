"""The sensor at about 20 moments a second: one by one for who decides, as columns for who looks back.

Earth frame: z up, heading arbitrary. A quaternion (w, x, y, z) turns sensor coordinates into earth coordinates.
"""

from __future__ import annotations

import math
import sys
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

ROOM = 64  # frames, to begin with
TURNED = math.radians(12.0)  # there and back in half angles: less than this is no turn of a foot (ours)
SLACK = 256  # frames that nobody looks back at may stay so long as moving the others costs more (ours)


# One moment: t s · w x y z the turn from sensor to earth · number: its own, in the Past · segment: +1 where the
# orientation started anew. A plain tuple: a named one takes three times as long to make and to take apart.
Frame = tuple[float, float, float, float, float, int, int]


def up_of(frame: Frame) -> np.ndarray:
    """The upward direction in the sensor, (3,)."""
    return up_in(frame[1:5])


def up_in(quat: Sequence[Any]) -> np.ndarray:
    """The same of quaternions (4, ...): (3, ...)."""
    w, x, y, z = quat
    return np.array([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)])


def turn_of(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """From one quaternion (4, ...) to another, in the sensor: its axis times the sine of half its angle, (3, ...)."""
    (pw, px, py, pz), (w, x, y, z) = before, after
    return np.array([pw * x - w * px + pz * y - py * z, pw * y - w * py + px * z - pz * x, pw * z - w * pz + py * x - px * y])


def headed(before: Sequence[float], after: Sequence[float]) -> float:
    """From one quaternion (4,) to another: the turn about the vertical, radians, counter-clockwise positive, within half a turn."""
    (pw, px, py, pz), (w, x, y, z) = before, after
    turned = math.atan2(z * pw - w * pz - x * py + y * px, w * pw + x * px + y * py + z * pz)
    return 2 * (turned - math.copysign(math.pi, turned) if abs(turned) > math.pi / 2 else turned)


class Stretch:
    """n frames, each column made when it is first asked for.

    t (n,) s · quat (4, n) · force (n, 3) m/s², the specific force in the sensor · up (n, 3), the upward direction in
    the sensor · bridged: any of them is interpolated over a gap.
    """

    def __init__(self, t: np.ndarray, rows: np.ndarray, whole: Stretch | None = None) -> None:
        """t (n,) s · rows (n, 8): the quaternion, the force, whether bridged · whole: begins with them, and shares `up`."""
        self.t, self._rows, self._whole = t, rows, whole

    quat = cached_property(lambda self: self._rows[:, :4].T.astype(float, order="C"))
    force = cached_property(lambda self: self._rows[:, 4:7].astype(float))

    @cached_property
    def up(self) -> np.ndarray:
        return self._whole.up[: len(self.t)] if self._whole else np.ascontiguousarray(up_in(self.quat).T)

    @property
    def bridged(self) -> bool:
        return bool(self._rows[:, 7].any())

    @property
    def begins(self) -> np.ndarray:
        """The upward direction in its first frame, (3,)."""
        return up_in(self._rows[0, :4].tolist())

    @property
    def ends(self) -> np.ndarray:
        """And in its last."""
        return up_in(self._rows[-1, :4].tolist())

    def until(self, n: int) -> Stretch:
        """The first n frames."""
        return Stretch(self.t[:n], self._rows[:n], self)

    def headed(self, i: int) -> float:
        """The heading in frame i, radians, as below."""
        return headed(self._rows[0, :4].tolist(), self._rows[i, :4].tolist())

    def astray_deg(self) -> float:
        """The whole turn between its first frame and its last."""
        first, last = self._rows[0, :4].tolist(), self._rows[-1, :4].tolist()
        return 2 * math.degrees(math.acos(min(1.0, abs(sum(a * b for a, b in zip(first, last, strict=True))))))

    def level(self, direction: np.ndarray) -> np.ndarray:
        """The two level coordinates, in earth, of a direction (3,) in the sensor: (2, n)."""
        (a, b, c), n = direction.tolist(), len(self.t)
        # Of a rotation matrix the first two rows: sums of products of two of the quaternion's four.
        x = [a, 0, 2 * c, -2 * b, 0, a, 2 * b, 2 * c, 0, 0, -a, 0, 0, 0, 0, -a]
        y = [b, -2 * c, 0, 2 * a, 0, -b, 2 * a, 0, 0, 0, b, 2 * c, 0, 0, 0, -b]
        return np.array([x, y]) @ (self.quat[:, None] * self.quat).reshape(16, n)

    @cached_property
    def heading(self) -> np.ndarray:
        """Turn about the vertical since the first frame, radians, (n,), counter-clockwise positive, within half a turn."""
        w, x, y, z = self.quat
        # w and z of the quaternion times the conjugate of the first one.
        dw = w * w[0] + x * x[0] + y * y[0] + z * z[0]
        dz = z * w[0] - w * z[0] - x * y[0] + y * x[0]
        return 2 * np.arctan(dz / np.where(dw == 0, sys.float_info.min, dw))

    def turned_about(self, near: np.ndarray) -> np.ndarray:
        """About which direction (3,) in the sensor it turned where it turned mostly about one like `near`; that if it never did."""
        steps = turn_of(self.quat[:, :-1], self.quat[:, 1:])
        along = near @ steps
        mostly = 2 * along * along > (steps * steps).sum(axis=0)
        turn = steps[:, mostly] @ np.sign(along[mostly])
        size = math.sqrt(turn @ turn)
        return turn / size if size > TURNED else near

    @cached_property
    def wander_deg(self) -> float:
        """Largest angle between the vertical in the sensor and where it was in the first frame."""
        return math.degrees(math.acos(min(1.0, max(-1.0, float((self.up @ self.up[0]).min())))))


class Past:
    """The newest frames as columns, kept once for all who look back at them. Frames are numbered from 0 on.

    next: the number of the frame that comes next.
    """

    def __init__(self) -> None:
        self.next = 0
        self._first = 0  # the oldest frame kept
        self._t = array("d")
        self._rows = np.zeros((ROOM, 8), np.float32)  # the quaternion, the force, whether bridged: to 1e-7 of them

    def add(self, t: list[float], quat: np.ndarray, force: np.ndarray, bridged: bool) -> None:
        """n frames: t (n,) s, quat (n, 4), force (n, 3). Copied at once: kept as they are they would keep their packets."""
        start = self.next - self._first
        end = start + len(t)
        if end > len(self._rows):
            self._move(0, end + SLACK)
        self._t.extend(t)
        self._rows[start:end, :4] = quat
        self._rows[start:end, 4:7] = force
        if bridged:
            self._rows[start:end, 7] = True
        self.next += len(t)

    def forget(self, before: int) -> None:
        """Nobody looks back beyond this number any more; room is made once it is worth it."""
        gone = before - self._first
        if gone > SLACK:
            self._move(gone, self.next - before + SLACK)
            del self._t[:gone]
            self._first = before

    def stretch(self, start: int, end: int, every: int = 1) -> Stretch:
        """Frames start to end, both included, or every n-th of them."""
        part = slice(start - self._first, end + 1 - self._first, every)
        return Stretch(np.array(self._t[part]), self._rows[part].copy())  # views would keep what has been forgotten

    def up(self, start: int, end: int, every: int = 1) -> np.ndarray:
        """The upward direction in the sensor in these frames, (n, 3)."""
        return np.ascontiguousarray(up_in(self._rows[start - self._first : end + 1 - self._first : every, :4].T.astype(float)).T)

    def t(self, number: int) -> float:
        return self._t[number - self._first]

    def since(self, t: float) -> int:
        """The number of the first frame that is kept and not before t s; `next` where there is none."""
        return self._first + bisect_left(self._t, t)

    def _move(self, gone: int, room: int) -> None:
        """Into another array, without the oldest ones."""
        old, self._rows = self._rows[gone:], np.zeros((room, 8), np.float32)
        self._rows[: len(old)] = old[:room]


class Fed:
    """The past as one sees it who was fed all of its frames or every n-th, and numbers these itself, from where it began.

    base: what its frame number 0 is, or would be, in the past; None before a first frame.
    """

    def __init__(self, past: Past, every: int) -> None:
        self.base: int | None = None
        self._past, self._every = past, every
        self._looked_at: tuple[int, int, Stretch] | None = None

    def begin(self, number: int, own: int) -> None:
        """The frame of this number in the past is its own of that one."""
        self.base = number - self._every * own

    def forget(self) -> None:
        """The next frame does not follow the last one."""
        self.base = None

    def number(self, own: int) -> int:
        """In the past, of one of its frames."""
        return self.base + self._every * own

    def t(self, own: int) -> float:
        return self._past.t(self.number(own))

    def up(self, own: int) -> np.ndarray:
        """The upward direction in the sensor, (3,)."""
        return self.ups(own, own)[0]

    def ups(self, start: int, end: int) -> np.ndarray:
        """Of frames start to end, both included, (n, 3)."""
        return self._past.up(self.number(start), self.number(end), self._every)

    def stretch(self, start: int, end: int) -> Stretch:
        if self._looked_at is None or self._looked_at[:2] != (start, end):
            self._looked_at = start, end, self._past.stretch(self.number(start), self.number(end), self._every)
        return self._looked_at[2]
