"""What the pelvis did during a repetition, as far as one sensor on the leg can see it.

A turn: pure hip rotation leaves the vertical on a fixed cone about the axis; a pelvis that tilts or turns pushes the
hip and tips the leg off it. A lift: the leg rolls or swings forward while it rises.

How a person moves when nothing helps is their own way, and it is learnt: it is where repetitions lie close together,
not the middle of all of them, for half of them may be helped and never twice by the same amount. Before there are
several, physics has a guess: the axis of a turn is the thigh, which stands nearly upright, and a lifted leg neither
rolls nor swings far. What nobody can tell from the leg alone: help that is the same in every repetition; hike; yaw.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from itertools import combinations
from operator import mul
from statistics import median

import numpy as np

from processing.axis import Lift, cross, plane
from processing.frames import Stretch
from processing.results import SET_PAUSE_S, Compensation
from processing.way import FEW, OWN_REPS, OWN_SPREAD_DEG, OwnWay, Point

PELVIS_WARN_DEG = 5.0  # CONTRACT: so much pelvis rotation is a compensation
TURN_LEVER = 0.43  # SIGNALS: the thigh tilts by 0.43 of a pelvic turn, 0.6 of a forward tilt; the smaller one
ROLL_LEVER = 0.6  # of a pelvic roll in a leg that has risen by RISEN: the leg follows what has come so far (ours)
# Of the range of motion: up to RISEN the leg is still being lifted, half of the way from where the foot may turn, HIGH, to
# its end; a foot that began on the way has hardly turned at HIGH yet if the lift is quick (ours).
RISEN, HIGH = 0.90, 0.80
ELSEWHERE_DEG = 6.0  # a rest further from the last one: the band or the person sits elsewhere, learn anew (ours)
ANEW_DEG = 2.5  # and after a pause that ends a set by more than twice what a natural wobble makes of the leg, 0.9 (ours)
SPREAD = 3.0  # times how far the person's own repetitions lie from their way: three standard deviations (ours)
# How the axis of a turn may stand to the vertical (as the thigh does, give or take the plane that the foot keeps to), and
# how a leg may roll and swing as it rises, before a person has shown their own: standard deviations (ours; no source).
THIGH_DEG, ROLLS_DEG, SWINGS_DEG, TOP_DEG = 4.0, 3.0, 3.0, 2.5
TAILS = 4.0  # and its tails are Student's of so many degrees of freedom: some stand far off (Lange et al., JASA 1989;84:881)
TOP_SHARE = 0.5  # what swings at the top counts half: a foot that turns there adds its own (ours)
UNSURE_DEG = np.array([ROLLS_DEG, SWINGS_DEG, TOP_SHARE * TOP_DEG])
USUAL = 0.7  # of a person's turns at the top are at most the usual one, some may be missing; where no turn belongs to
# the exercise so many are at least their own, some may be helped (ours)
# Of one minus the cosine, in the mean: a foot turned by 20 degrees for half of the time at the top (ours).
TURNED, LIKE = 0.005, 0.7
OWN_LEGS = 5  # median of so many; a band that is pushed is followed in three (ours)
WIDEST = 8.0  # real legs, lifted well, roll and swing 4 degrees more or less from one repetition to the next [M]
TURN_SD_DEG = 5.4 / 1.96 / math.sqrt(2)  # SIGNALS: the minimal detectable change; a range of motion is no surer than that
MAD = 1.4826  # times the median distance from the median: a standard deviation
STEEP = math.cos(math.radians(45))  # a steeper leg has ever less of a direction seen from above (ours)
OWN_TERMINAL = 0.5  # SIGNALS: missing is under half of the person's own
MIN_TERMINAL_DEG = 12.0  # less than this is no terminal rotation to miss (ours)


@dataclass(frozen=True, slots=True)
class Seen:
    """One repetition: terminal_deg, None where the exercise has none; flags: remarks on it."""

    deviation_deg: float
    compensation: tuple[Compensation, ...]
    terminal_deg: float | None = None
    flags: tuple[str, ...] = ()


class TurnWatch:
    """The axis of the hip in the sensor is the person's own: learnt over repetitions, it is what a turn keeps to.

    How far they turn stays theirs wherever the band sits, and a pelvis that turns along turns the leg further.
    """

    def __init__(self) -> None:
        self._own = OwnWay(np.full(3, math.radians(THIGH_DEG)), tails=TAILS)
        self._turns_deg: deque[float] = deque(maxlen=OWN_REPS)
        self._rest, self._last_t = np.zeros(3), -math.inf

    def look(self, moved: Stretch, learn: bool) -> Seen:
        """One repetition; `learn`: it is a whole one."""
        up = moved.up
        rest = up[0]
        first, second = plane(rest)
        across = first + 1j * second
        # Near the rest the vertical moves in a plane: as complex numbers, about the axis at `d`, by -yaw.
        way = up @ across
        turn = np.exp(-1j * moved.heading)
        turned = 1 - turn
        power = np.vdot(turned, turned).real
        d = complex(np.vdot(turned, way) / power) if power else 0j
        axis = rest + (d.conjugate() * across).real
        near = ELSEWHERE_DEG if moved.t[0] - self._last_t < SET_PAUSE_S else ANEW_DEG
        if self._rest @ rest < math.cos(math.radians(near)):
            self._own.forget()
        unit = math.degrees(1) / OWN_SPREAD_DEG
        furthest = float(np.abs(turned).max())
        turn_deg = math.degrees(2 * math.asin(min(1.0, furthest / 2)))
        left = math.hypot(float(np.abs(way - turned * d).max()) * unit / 2, self._further(turn_deg))
        point = Point(axis, furthest * unit, left)
        own, spread = self._own.find(rest, point, learn)
        lean = turn.conj() * (way - turned * (own @ across))
        if learn:  # a pelvis that led the way has begun before the leg: between the rests before and after
            lean -= lean[-1] / 2
        deviation = math.degrees(np.abs(lean).max())
        helped = deviation >= max(PELVIS_WARN_DEG * TURN_LEVER, SPREAD * spread)
        if learn:
            self._own.keep(point)
            self._turns_deg.append(turn_deg)
            self._rest, self._last_t = rest, float(moved.t[-1])
        # From the leg alone tilt and turn of the pelvis look the same: both push the hip to the front or back.
        return Seen(deviation, (Compensation("other", deviation),) if helped else ())

    def _further(self, turn_deg: float) -> float:
        """Than the person turns, in their own standard deviations; 0 if not, or nothing is known of them."""
        if len(self._turns_deg) < FEW:
            return 0.0
        usual = median(self._turns_deg)
        return max(0.0, (turn_deg - usual) / max(TURN_SD_DEG, MAD * median(abs(one - usual) for one in self._turns_deg)))


class LiftWatch:
    """Roll about the leg, and fore-and-aft swing, while the leg rises; what it turns at the top is the exercise."""

    def __init__(self, lift: Lift, terminal_rotation: bool) -> None:
        self._lift, self._terminal_rotation = lift, terminal_rotation
        self._own = OwnWay(UNSURE_DEG, WIDEST)
        self._turning: deque[np.ndarray] = deque(maxlen=OWN_LEGS)
        self._rising: deque[np.ndarray] = deque(maxlen=OWN_REPS)
        self._bends: deque[float] = deque(maxlen=OWN_REPS)  # how the leg rolls on its way, beside evenly, degrees
        self._terminals: deque[float] = deque(maxlen=OWN_REPS)
        self._drifts: deque[float] = deque(maxlen=OWN_LEGS)  # of the leg's direction seen from above, degrees/s
        self._rest = np.zeros(3)

    def look(self, moved: Stretch, learn: bool) -> Seen:
        """One repetition; `learn`: it is a whole one."""
        if self._rest @ moved.up[0] < math.cos(math.radians(ELSEWHERE_DEG)):
            self._learn_anew()
            self._turning.clear()
            self._rising.clear()
        leg = self._leg(moved, learn)
        if leg is None:
            return Seen(0.0, (), 0.0 if self._terminal_rotation else None)
        angle = _elevation(moved, leg)
        risen = int((angle - angle[0] >= RISEN * (angle.max() - angle[0])).argmax())
        roll, swing = np.degrees(_roll(moved, leg)), np.degrees(_swing(moved, leg))
        if learn:  # only the gyroscope sees it, and drifts as in the repetitions before, if the leg does not come back to its place
            passed = moved.t - moved.t[0]
            drift = float(swing[-1] / passed[-1])
            self._drifts.append(drift)
            swing -= median((0.0, drift, median(self._drifts))) * passed
        late = roll[risen:] - roll[risen]
        terminal = float(late[np.abs(late).argmax()])
        rise = (angle - angle[0]) / max(angle[risen] - angle[0], 1e-9)
        away = swing - np.minimum(rise, 1.0) * swing[risen]
        furthest = float(away[np.abs(away).argmax()])
        point = Point(np.array([roll[risen], swing[risen], TOP_SHARE * furthest]), 1 / OWN_SPREAD_DEG)
        own, spread = self._own.find(np.zeros(3), point, learn)
        tops = sorted([*self._terminals, terminal], key=abs)
        usual = abs(tops[int(USUAL * len(tops))])
        turns = self._terminal_rotation and usual >= MIN_TERMINAL_DEG  # this person, as a rule
        over = float(roll[risen] - own[0])
        rolled = abs(over)
        beside = (roll - rise * roll[risen])[: risen + 1]
        on_the_way = int(np.abs(beside).argmax())
        bend = float(beside[on_the_way])
        if not turns:  # what they roll on the way and at the top whenever nothing helps is theirs too
            bent = float(rise[on_the_way]) * over + bend - _least([*self._bends, bend])
            at_the_top = over + terminal - _least(tops)
            rolled = max(rolled, ROLL_LEVER * max(abs(bent), abs(at_the_top)))
        swung = float(max(abs(swing[risen] - own[1]), abs(furthest - own[2] / TOP_SHARE)))
        seen, flags = [], []
        if rolled >= max(PELVIS_WARN_DEG * ROLL_LEVER, SPREAD * spread):
            seen.append(Compensation("roll", rolled))
            if turns:
                flags.append("early_rotation")
        if swung >= max(PELVIS_WARN_DEG, SPREAD * spread):
            seen.append(Compensation("tilt", swung))
        if turns and abs(terminal) < OWN_TERMINAL * usual:
            flags.append("missing_terminal_rotation")
        if learn:
            self._own.keep(point)
            self._terminals.append(terminal)
            self._bends.append(bend)
            self._rest = moved.up[0]
        seen.sort(key=lambda one: -one.deg)
        return Seen(max(rolled, swung), tuple(seen), abs(terminal) if self._terminal_rotation else None, tuple(flags))

    def _learn_anew(self) -> None:
        self._own.forget()
        self._bends.clear()

    def _leg(self, moved: Stretch, learn: bool) -> np.ndarray | None:
        """The leg's direction in the sensor: what keeps its place in space while the foot turns at the top.

        Where no foot turns it is what rises, as far as that is known.
        """
        rises = self._lift.leg
        if rises is None:
            return None
        # Where the foot turned about another direction the top of the one that rises was not the top.
        high = _high(_elevation(moved, rises if self._turning else moved.turned_about(rises)))
        axis, turned = _kept(moved, high)
        if axis @ rises < 0:
            axis = -axis
        shown = turned >= TURNED and axis @ rises > LIKE
        if learn and shown and not self._turning:
            self._learn_anew()  # what was seen so far is about another leg
        if shown or self._turning:
            legs = [*self._turning, axis] if shown else list(self._turning)
            kept = self._turning
        else:
            legs, kept, axis = [*self._rising, rises], self._rising, rises
        if learn and (shown or not self._turning):
            kept.append(axis)
        leg = np.array([median(column) for column in zip(*(one.tolist() for one in legs), strict=True)])
        leg /= math.sqrt(leg @ leg)
        if learn and self._turning:
            self._lift.turns_about(leg)
        return leg


def _least(degrees: list[float]) -> float:
    """What so few are less than that it is the person's own, whichever way it goes."""
    return sorted(degrees, key=abs)[int((1 - USUAL) * len(degrees))]


def _elevation(moved: Stretch, leg: np.ndarray) -> np.ndarray:
    """Of a direction (3,) in the sensor, radians, (n,)."""
    return np.arcsin(np.minimum(np.maximum(moved.up @ leg, -1.0), 1.0))


def _high(angle: np.ndarray) -> slice:
    """The stretch round the top of a lift that its angle (n,) spends above HIGH."""
    above = (angle - angle[0] >= HIGH * (angle.max() - angle[0])).nonzero()[0]
    return slice(int(above[0]), int(above[-1]) + 1)


def _kept(moved: Stretch, part: slice) -> tuple[np.ndarray, float]:
    """The direction (3,) in the sensor that moves least in space, and how much one square to it moves, 0 to 1."""
    quat = moved.quat[:, part]
    (_, wx, wy, wz), (_, xx, xy, xz), (_, _, yy, yz), (*_, zz) = (2 * (quat @ quat.T) / quat.shape[1]).tolist()
    return _longest([[1 - yy - zz, xy - wz, xz + wy], [xy + wz, 1 - xx - zz, yz - wx], [xz - wy, yz + wx, 1 - xx - yy]])


def _longest(matrix: list[list[float]]) -> tuple[np.ndarray, float]:
    """What a matrix (3, 3) makes longest, a unit vector (3,), and by how much longer than anything square to it.

    The largest eigenvalues of the matrix' square in closed form, by the cosine (Smith, Commun ACM 1961;4:168); LAPACK,
    called once in a while, takes five times as long.
    """
    columns = list(zip(*matrix, strict=True))
    (a, d, e), (_, b, f), (_, _, c) = [[sum(map(mul, one, other)) for other in columns] for one in columns]
    mean = (a + b + c) / 3
    a, b, c = a - mean, b - mean, c - mean
    wide = math.sqrt((a * a + b * b + c * c + 2 * (d * d + e * e + f * f)) / 6)
    if not wide:
        return np.array([1.0, 0.0, 0.0]), 0.0
    third = (a * (b * c - f * f) - d * (d * c - f * e) + e * (d * f - b * e)) / (2 * wide**3)
    at = math.acos(max(-1.0, min(1.0, third))) / 3
    first, second = 2 * wide * math.cos(at), 2 * wide * math.cos(at - 2 * math.pi / 3)
    rows = [(a - first, d, e), (d, b - first, f), (e, f, c - first)]
    squares = [(y * w - z * v, z * u - x * w, x * v - y * u) for (x, y, z), (u, v, w) in combinations(rows, 2)]
    size, axis = max((math.hypot(*one), one) for one in squares)
    longest = np.array(axis) / size if size else np.array([1.0, 0.0, 0.0])
    return longest, math.sqrt(max(0.0, mean + first)) - math.sqrt(max(0.0, mean + second))


def _roll(moved: Stretch, leg: np.ndarray) -> np.ndarray:
    """Turn about the leg (3,) since the rest, radians, (n,)."""
    up = moved.up[0] - (moved.up[0] @ leg) * leg
    up /= math.sqrt(up @ up) or 1.0
    return np.arctan2(moved.up @ cross(leg, up), moved.up @ up)


def _swing(moved: Stretch, leg: np.ndarray) -> np.ndarray:
    """Turn of the leg's (3,) direction, seen from above, since the rest, radians, (n,); the steeper the less."""
    level = moved.level(leg)
    x, y = level[:, 0].tolist()
    along, across = np.array([[x, y], [-y, x]]) @ level
    return np.minimum(np.hypot(*level) / STEEP, 1.0) * np.arctan2(across, along)


class Unwatched:
    """For a movement in which nothing that the pelvis does reaches the sensor."""

    def look(self, moved: Stretch, learn: bool) -> Seen:
        return Seen(0.0, ())
