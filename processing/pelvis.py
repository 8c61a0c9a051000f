"""The pelvis' own sensor: how far and which way the pelvis turned during a repetition.

Only the change within a repetition counts, as a rule from the gyroscope alone: over so few seconds it is truer than
what gravity says in a body that moves. The band may sit anyhow on the sacrum. Gravity at rest shows one of the pelvis'
axes in the sensor; which of the other two is which shows in the leg, for it follows the one and not the other. Until
it has, the band is taken to sit as bands are made to: x up the spine, z out of the skin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from processing.axis import cross, plane
from processing.exercise import Exercise
from processing.orientation import BRIDGE_S, HOLE_PERIODS, Orientation
from processing.results import Compensation, Rep
from sensor.samples import Samples

WARN_DEG = 5.0  # CONTRACT: so much pelvis rotation is a compensation
LONG_S = 8.0  # over more than this gravity knows the inclination better than the gyroscope (ours)
KEPT_S = 120.0  # how long a frame may be asked for: twice the longest repetition
SPINE, OUT = np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0])  # the band's axes where it sits as it is made to
TRUSTED_DEG = 6.0  # what the band's make says weighs as much as a repetition with so much rotation shows (ours)
# The leg follows a pelvic tilt by 0.6 when the knee is planted, a roll entirely when the leg is free, and the hike in
# neither (SIGNALS): half of it tells them apart.
FOLLOWS = {"upright": 0.3, "side": 0.5, "flat": 0.5}
OWN_REPS = {"upright": 2, "side": 0, "flat": 0}  # before so many nobody knows what the leg does by itself (ours)
UNSEEN = 0.25  # of a repetition at its end: by then the pelvis is coming back (ours)
CLEAR = 0.5  # of its rotation about the known axis may be about the other two, else the leg says nothing (ours)
TILTED_DEG = 25.0  # the vertical in the sensor has moved so far: another posture (ours)


class Gyroscope(Orientation):
    """Frames that tell, in place of the force, the sum of the angular velocity since the start, (3,) radians."""

    _sum = np.zeros(3)

    def _vector(self, acc: np.ndarray, rates: np.ndarray, found: dict[str, np.ndarray]) -> np.ndarray:
        steps = (rates - found["bias"]) * self.period
        sums = np.concatenate([self._sum[None], steps]).cumsum(axis=0)[1:]  # one after the other, in blocks of any size
        self._sum = sums[-1]
        return sums


@dataclass(frozen=True, slots=True)
class Turned:
    """Rotation of the pelvis since the start, (n, 3) degrees in the sensor's axes at the start; t (n,) s; up (3,)."""

    t: np.ndarray
    by: np.ndarray
    up: np.ndarray


class Pelvis:
    """Online. Times are those of the leg's clock; whoever hands in samples has brought them there."""

    def __init__(self, clock: str | None = None) -> None:
        """clock: how it is known what the leg's time is, for the result."""
        self._clock = clock
        self._orientation = Gyroscope()
        self._votes: dict[str, np.ndarray] = {}  # by posture: which way the leg follows, (3, 3)
        self._reps: dict[str, int] = {}
        self._up: dict[str, np.ndarray] = {}  # by posture: the vertical (3,) in the sensor
        self._missing = 0  # repetitions for which there was too little to say
        self._learnt = False  # the axes, from what the leg did

    def update(self, samples: Samples) -> None:
        """Raises BadSamples, after which nothing has changed."""
        self._orientation.update(samples)

    def finish(self) -> None:
        """No more samples come."""
        self._orientation.flush()

    def forget(self, before_s: float) -> None:
        """The leg's newest moment is before_s: nobody asks for what was KEPT_S ago."""
        past = self._orientation.past
        past.forget(past.since(before_s - KEPT_S))

    def seen(self, rep: Rep, exercise: Exercise, sign: int, learn: bool) -> Rep:
        """The repetition with what the pelvis did. sign: of the exercise's turn seen from above; `learn`: it is over."""
        turned = self.turned(rep.start_s, rep.end_s)
        if turned is None:
            self._missing += learn
            return rep
        posture = POSTURES[exercise.track["pose"]]
        if learn:
            self._learn(turned, rep, posture)
        along, follow, other = self._parts(turned, posture)
        size = np.sqrt((turned.by**2).sum(axis=1))
        parts = zip(KINDS[posture], (along, follow, other), strict=True)
        most = {kind: float(np.abs(part).max()) for kind, part in parts}
        pelvis_deg = float(size.max())
        told = sorted((Compensation(kind, deg) for kind, deg in most.items()), key=lambda one: -one.deg)
        helped = pelvis_deg >= WARN_DEG
        compensation = tuple(one for i, one in enumerate(told) if helped and (one.deg >= WARN_DEG or i == 0))
        at = min(int(np.searchsorted(turned.t, rep.peak_s)), len(turned.t) - 1)
        hip_rom_deg = None  # of a movement that is not the hip's
        if exercise.movement == "turn":
            hip_rom_deg = rep.rom_deg - float(sign * along[at])
        elif exercise.movement == "lift":  # which way up is not known: what lifts the leg helps
            hip_rom_deg = rep.rom_deg - (float(abs(other[at])) if abs(other[at]) >= WARN_DEG / 2 else 0.0)
        return replace(
            rep, pelvis_deg=pelvis_deg, hip_rom_deg=hip_rom_deg, compensated=helped, compensation=compensation
        )

    @property
    def quality(self) -> dict[str, Any]:
        """What the result says of it."""
        known = len(self._up) > 1 or self._learnt
        return {
            "pelvis_axes": "shown by the leg and gravity" if known else "taken as bands are made to sit: x up the spine",
            "pelvis_clock": self._clock,
            "pelvis_missing_reps": self._missing,
        }

    def turned(self, start_s: float, end_s: float) -> Turned | None:
        """None where samples are missing between the two, unless it is at the end, when most of the way back is known."""
        seen, past = self._orientation, self._orientation.past
        if seen.period is None:
            return None
        step = HOLE_PERIODS * max(seen.frame_s, seen.period)
        gaps = seen.gaps[-GAPS:]
        if any(b - a > BRIDGE_S and start_s < b <= end_s for a, b in gaps):
            return None
        until = min((a for a, b in gaps if a < end_s < b), default=end_s)  # what bridges it may not be there yet
        first, last = past.since(start_s), past.since(until + 1e-9)
        late = max(step, UNSEEN * (end_s - start_s))
        if last - first < 3 or past.t(first) > start_s + step or past.t(last - 1) < end_s - late:
            return None
        moved = past.stretch(first, last - 1, 1 + (last - first) // MOMENTS)
        by = _since(moved.quat) if end_s - start_s > LONG_S else _rotation(moved.force)
        return Turned(moved.t, np.degrees(by), moved.up[0])

    def _parts(self, turned: Turned, posture: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rotation about the vertical, about the axis that the leg follows, and about the third, degrees, (n,) each."""
        up = turned.up
        follow = self._follows(up, posture)
        return turned.by @ up, turned.by @ follow, turned.by @ cross(up, follow)

    def _follows(self, up: np.ndarray, posture: str) -> np.ndarray:
        """The level axis (3,) about which the leg goes with the pelvis: left to right upright, else the spine."""
        direct, crossed = SHOWN[posture]
        known = self._up.get(direct)  # gravity has shown it in another posture
        if known is None and crossed in self._up:
            known = cross(up, self._up[crossed])
        if known is not None:
            level = known - (known @ up) * up
            if level @ level > 0.5:
                return level / math.sqrt(level @ level)
        made = cross(OUT, up) if posture == "upright" else SPINE
        votes = TRUSTED_DEG**2 * np.outer(made, made) + self._votes.get(posture, 0.0)
        two = plane(up)
        small = two @ votes @ two.T
        turn = math.atan2(2 * small[0, 1], small[0, 0] - small[1, 1]) / 2  # of the larger of its two axes
        return math.cos(turn) * two[0] + math.sin(turn) * two[1]

    def _learn(self, turned: Turned, rep: Rep, posture: str) -> None:
        up = turned.up
        before = self._up.get(posture)
        if before is not None and before @ up < math.cos(math.radians(TILTED_DEG)):  # the band sits elsewhere
            self._votes.clear()
            self._up.clear()
            self._reps.clear()
        self._up[posture] = up
        self._reps[posture] = number = self._reps.get(posture, 0) + 1
        along = turned.by @ up
        level = turned.by - along[:, None] * up
        size = np.sqrt((level**2).sum(axis=1))
        at = int(size.argmax())
        if number <= OWN_REPS[posture] or size[at] < WARN_DEG or np.abs(along).max() > CLEAR * size[at]:
            return
        vote = min(1.0, rep.deviation_deg / size[at] / FOLLOWS[posture] - 1.0)
        self._votes[posture] = self._votes.get(posture, 0.0) + vote * np.outer(level[at], level[at])
        self._learnt = True


POSTURES = {
    "standing": "upright", "kneeling": "upright", "sitting": "upright",
    "side_lying": "side", "supine": "flat", "prone": "flat",
}  # fmt: skip
# What turning about the vertical, about the axis that the leg follows and about the third is called.
KINDS: dict[str, tuple[Literal["tilt", "roll", "hike"], ...]] = {
    "upright": ("roll", "tilt", "hike"),
    "side": ("tilt", "roll", "hike"),
    "flat": ("hike", "roll", "tilt"),
}
# In which other posture the axis that the leg follows is the vertical, and in which the one square to both is.
SHOWN = {"upright": ("side", "flat"), "side": ("upright", "flat"), "flat": ("upright", "side")}
MOMENTS = 64  # of a repetition are looked at, or so
GAPS = 64  # so many gaps back a repetition that is just over may reach


def _rotation(sums: np.ndarray) -> np.ndarray:
    """Rotation vectors (n, 3), radians, from the first frame, in its axes; of sums of small turns (n, 3)."""
    steps = np.diff(sums, axis=0, prepend=sums[:1]).T
    size = np.sqrt((steps * steps).sum(axis=0))
    turns = np.concatenate([np.cos(size / 2)[None], steps * (np.sinc(size / (2 * np.pi)) / 2)])
    reach = 1
    while reach < turns.shape[1]:  # each turn times the one so far before it, then twice as far
        turns[:, reach:] = _times(turns[:, :-reach], turns[:, reach:])
        reach *= 2
    return _vector(turns)


def _since(quat: np.ndarray) -> np.ndarray:
    """The same of turns (4, n) into earth."""
    return _vector(_times(quat[:, :1] * np.array([[1.0], [-1.0], [-1.0], [-1.0]]), quat))


def _vector(turns: np.ndarray) -> np.ndarray:
    """Rotation vectors (n, 3), radians, of quaternions (4, n)."""
    scalar, vector = turns[0], turns[1:]
    sine = np.sqrt((vector * vector).sum(axis=0))
    angle = 2 * np.arctan2(sine, np.abs(scalar))
    return (vector * (np.copysign(angle, scalar) / np.where(sine > 0, sine, 1.0))).T


def _times(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Products of quaternions, (4, n) each."""
    (w, x, y, z), (p, q, r, s) = a, b
    return np.stack(
        [
            w * p - x * q - y * r - z * s,
            w * q + x * p + y * s - z * r,
            w * r - x * s + y * p + z * q,
            w * s + x * r - y * q + z * p,
        ]
    )
