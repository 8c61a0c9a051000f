"""What the pelvis did during a repetition, as far as one sensor on the leg can see it.

A turn: pure hip rotation leaves the vertical on a fixed cone about the axis; a pelvis that tilts or
turns tips the leg off it. A lift: the leg rolls or swings forward while it still rises. What a person does in
every repetition is their way to move; what is told is how far one repetition leaves it.
Pelvic hike is invisible from the leg, and pelvic yaw looks like hip rotation.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from processing.axis import Lift, plane
from processing.orientation import Stretch
from processing.results import Compensation

PELVIS_WARN_DEG = 5.0  # CONTRACT: so much pelvis rotation is a compensation
TURN_LEVER = 0.43  # SIGNALS: the thigh tilts by 0.43 of a pelvic turn, 0.6 of a forward tilt; the smaller one
ROLL_LEVER = 0.6  # of a pelvic roll in a leg that has risen by RISEN: the leg follows what has come so far (ours)
RISEN = 0.80  # of the range of motion: up to here the leg is still being lifted (ours)
SPREAD = 3.0  # times the person's own median distance from their own way: about two standard deviations (ours)
ELSEWHERE_DEG = 8.0  # a rest further from the last one: the band or the person sits elsewhere, learn anew (ours)
OWN_REPS = 12  # a way to move is known by more repetitions than a range of motion: some of them will be helped (ours)
OWN_TERMINAL = 0.5  # SIGNALS: missing is under half of the person's own
MIN_TERMINAL_DEG = 10.0  # less than this is no terminal rotation to miss (ours)


@dataclass(frozen=True, slots=True)
class Seen:
    """One repetition: terminal_deg, None where the exercise has none; flags: remarks on it."""

    deviation_deg: float
    compensation: tuple[Compensation, ...]
    terminal_deg: float | None = None
    flags: tuple[str, ...] = ()


class TurnWatch:
    """The axis of the hip in the sensor is the person's own: learnt over repetitions, it is what a turn keeps to."""

    def __init__(self) -> None:
        self._axes: deque[list[float]] = deque(maxlen=OWN_REPS)
        self._deviations: deque[float] = deque(maxlen=OWN_REPS)
        self._rest = np.zeros(3)

    def look(self, moved: Stretch, angle: np.ndarray, learn: bool) -> Seen:
        """One repetition and its angle (n,); `learn`: it is a whole one."""
        up = moved.up
        rest = up[0]
        first, second = plane(rest)
        # Near the rest the vertical moves in a plane: as complex numbers, about the axis at `d`, by -yaw.
        way = up @ first + 1j * (up @ second)
        turned = 1 - np.exp(-1j * moved.heading)
        power = float((np.abs(turned) ** 2).sum())
        d = complex((turned.conj() * way).sum() / power) if power else 0j
        axis = rest + d.real * first + d.imag * second
        if self._rest @ rest < np.cos(np.radians(ELSEWHERE_DEG)):
            self._axes.clear()
            self._deviations.clear()
        own = np.array([median(column) for column in zip(*self._axes, axis.tolist(), strict=True)])
        off = way - turned * complex(own @ first, own @ second)
        deviation = float(np.degrees(np.abs(off).max()))
        # From the leg alone tilt and turn of the pelvis look the same.
        helped = deviation >= max(PELVIS_WARN_DEG * TURN_LEVER, SPREAD * _own(self._deviations))
        if learn:
            self._axes.append(axis.tolist())
            self._deviations.append(deviation)
            self._rest = rest
        return Seen(deviation, (Compensation("other", deviation),) if helped else ())


class LiftWatch:
    """Roll about the leg, and heading, while the leg rises; what it turns at the top is the exercise."""

    def __init__(self, lift: Lift, terminal_rotation: bool) -> None:
        self._lift, self._terminal_rotation = lift, terminal_rotation
        self._rolls: deque[float] = deque(maxlen=OWN_REPS)
        self._swings: deque[float] = deque(maxlen=OWN_REPS)
        self._terminals: deque[float] = deque(maxlen=OWN_REPS)

    def look(self, moved: Stretch, angle: np.ndarray, learn: bool) -> Seen:
        """One repetition and its angle (n,); `learn`: it is a whole one."""
        risen = int((angle - angle[0] >= RISEN * (angle.max() - angle[0])).argmax())
        roll = self._lift.roll(moved)
        roll -= roll[0]
        swing = float(np.degrees(moved.heading[risen]))
        terminal = float(np.abs(roll - roll[risen])[risen:].max())
        rolled = abs(roll[risen] - _own(self._rolls))
        swung = abs(swing - _own(self._swings))
        turns = self._terminal_rotation and _own(self._terminals) >= MIN_TERMINAL_DEG  # this person, as a rule
        seen, flags = [], []
        if rolled >= max(PELVIS_WARN_DEG * ROLL_LEVER, SPREAD * _spread(self._rolls)):
            seen.append(Compensation("roll", float(rolled)))
            if turns:
                flags.append("early_rotation")
        if swung >= max(PELVIS_WARN_DEG, SPREAD * _spread(self._swings)):
            seen.append(Compensation("tilt", float(swung)))
        if turns and terminal < OWN_TERMINAL * _own(self._terminals):
            flags.append("missing_terminal_rotation")
        if learn:
            self._rolls.append(float(roll[risen]))
            self._swings.append(float(swing))
            self._terminals.append(terminal)
        seen.sort(key=lambda one: -one.deg)
        return Seen(float(max(rolled, swung)), tuple(seen), terminal if self._terminal_rotation else None, tuple(flags))


def _own(values: Sequence[float]) -> float:
    return median(values) if values else 0.0



def _spread(values: Sequence[float]) -> float:
    """Median distance from the median."""
    own = _own(values)
    return _own([abs(value - own) for value in values])
