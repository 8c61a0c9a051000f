"""Which exercise is done, where nobody has said so: the first of which there is no doubt.

Outward and inward rotation are each other's way back: only where the leg rests tells which end is the beginning. A
fidget is like a small repetition of something. So what the counters count is held back until one of them is sure, and
forgotten where none will be: what cannot be told is not guessed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from processing.company import ALIKE, alike
from processing.counter import LONGEST_HOLD_S, Counter, Found
from processing.exercises import RECOGNISED
from processing.frames import Frame, Past
from processing.reach import MOVING_DPS
from processing.results import Rep

IN_POSE = math.cos(math.radians(20.0))  # of the vertical in the sensor: within the wobble of a turn (processing/exercises)
AT_REST = 0.20  # of the range of motion: so near its beginning the leg is where it began (ours)
FAR = 0.60  # of it: there the leg is on its way, or at the other end (ours)
SELDOM = 0.2  # of the time at rest: less far away than this is fidgeting (ours)
BEGUN_S = 1.0  # at rest where nothing is known of before, and longer than at the other end (ours)
RESTED_S = 3.0  # after the last repetition, and
MUCH_LONGER = 2.0  # times as long as at either end so far (ours)
REST_S = 0.5  # in the pose (ours)
ARRIVED_S = 1.0  # of turning, until the leg lies in its pose (ours)
LOOK_BACK_S = 20.0  # reps.HISTORY_S: so much at least is known
FIRST_DEG = 15.0  # a fidget goes no further (ours); what is less has to come twice
SLOW_S = 1.2  # onlooker.SLOW_S: to the moment of counting; what is quicker may be a fidget


class Recogniser:
    """undecided: repetitions were held back, and nothing told of which exercise they were."""

    def __init__(self, counters: Sequence[Counter], past: Past) -> None:
        self._counters, self._past = counters, past
        self._won: list[str] = []  # exercises that were recognised
        self._since = 0  # the frame number before which another segment was
        self.undecided = False
        self._clear()

    def _clear(self) -> None:
        self._held: list[list[Found]] = [[] for _ in self._counters]
        self._evident = [False for _ in self._counters]
        self._last_end: float | None = None

    def forget(self, t: float) -> tuple[Counter, list[Found]] | None:
        """The next frame, at t s, does not follow the last one. Who has rested by then has shown what was done."""
        decided = self._rested(t)
        if decided is None:
            self._drop(self._several())
        for counter in self._counters:
            counter.forget()
        self._since = self._past.since(t)
        return decided

    def update(self, frame: Frame) -> tuple[Counter, list[Found]] | None:
        """What is done, and what was counted of it until now."""
        decided = None
        for i, counter in enumerate(self._counters):
            found = counter.update(frame)
            if found and self._hold(i, counter, found) and decided is None:
                decided = i
        if decided is not None:
            return self._take(decided)
        return self._rested(frame[0]) if self._last_end is not None else None

    def _hold(self, i: int, counter: Counter, found: list[Found]) -> bool:
        """Whether this one is sure now."""
        held, turn = self._held[i], counter.exercise.movement == "turn"
        for new in found:
            evident = new.kind == "counted" and (self._from_rest(new.rep) if turn else self._lifted(counter, new.rep))
            if evident and not self._evident[i]:
                self._evident[i] = True
                before = [one.rep for one in held if one.kind == "counted"]
                if not (before and alike(before, new.rep)):
                    held.clear()
            if new.kind == "counted" and not (turn or evident) and not held:
                self._unlearn(counter)
                return False
            # Before a first repetition nothing else is told, and what is no rise is no lift.
            if held or (new.kind == "counted" and (turn or evident)):
                held.append(new)
                self._last_end = new.rep.end_s
        counted = [new.rep for new in held if new.kind == "counted"]
        # Only at its beginning a repetition can be broken off, once two have shown what a whole one is.
        known = counted[1].end_s if len(counted) > 1 else math.inf
        evident = self._evident[i] or any(new.kind == "partial" and new.rep.start_s >= known for new in held)
        return evident and _deliberate(counted)

    def _take(self, i: int) -> tuple[Counter, list[Found]]:
        """This one it is; the others are not looked at until the set has ended."""
        counter, found = self._counters[i], self._held[i]
        if counter.exercise.name not in self._won:
            self._won.append(counter.exercise.name)
        for other in self._counters:
            if other is not counter:
                self._unlearn(other)
                other.forget()
        self._clear()
        return counter, found

    def _unlearn(self, counter: Counter) -> None:
        if counter.exercise.name not in self._won:
            counter.unlearn()

    def _drop(self, several: dict[int, list[Rep]]) -> None:
        self.undecided = self.undecided or bool(several)
        for held, counter in zip(self._held, self._counters, strict=True):
            if held:
                self._unlearn(counter)
                counter.set_ended()
        self._clear()

    def _several(self) -> dict[int, list[Rep]]:
        """What is held back of turns, by counter, where it is more than one."""
        found = {}
        for i, (held, counter) in enumerate(zip(self._held, self._counters, strict=True)):
            counted = [new.rep for new in held if new.kind == "counted"]
            if len(counted) > 1 and counter.exercise.movement == "turn":
                found[i] = counted
        return found

    def _rested(self, t: float) -> tuple[Counter, list[Found]] | None:
        """Once the leg has rested: of two that are each other's way back that is at its beginning now, the other away."""
        if self._last_end is None or t - self._last_end < RESTED_S:
            return None
        several = self._several()
        if several:
            longest = max(rep.hold_s for reps in several.values() for rep in reps)
            if t - self._last_end < min(LONGEST_HOLD_S, MUCH_LONGER * longest):
                return None
            home = [i for i, reps in several.items() if self._counters[i].at_rest and _deliberate(reps)]
            if len(home) == 1:
                return self._take(home[0])
        if all(min(t, one.resting_since) - self._last_end > LONGEST_HOLD_S for one in self._counters):
            self._drop(several)
        return None

    def _lifted(self, counter: Counter, rep: Rep) -> bool:
        """Whether the leg mostly rose, and not from where it had been lowered to: it rests below."""
        return counter.rises(rep) and not _Before(self._past, self._known, rep, leg=counter.leg).is_back(rep)

    @property
    def _known(self) -> int:
        """The number of the oldest frame that any of them may still look back at, of this segment."""
        return max(self._since, min(counter.oldest for counter in self._counters))

    def _from_rest(self, rep: Rep) -> bool:
        """Whether the leg was at rest where this turn began, not at a top that it had been turned to."""
        before = _Before(self._past, self._known, rep)
        rested = before.spent(-AT_REST, AT_REST)
        away = before.spent(-math.inf, -FAR) + before.spent(FAR, math.inf)
        if before.arrived and away <= ARRIVED_S:
            return rested >= REST_S
        if away > SELDOM * rested:
            return False
        begun = not before.arrived and abs(before.way[0]) <= AT_REST
        return rested >= (max(BEGUN_S, rep.hold_s) if begun else LONGEST_HOLD_S)


def _deliberate(reps: Sequence[Rep]) -> bool:
    """Whether one of them is no fidget, or two together, which took as long, are none."""
    slow = [rep for rep in reps if rep.end_s - rep.start_s >= SLOW_S]
    took = sorted(rep.end_s - rep.start_s for rep in slow)
    return any(rep.rom_deg >= FIRST_DEG for rep in slow) or any(ALIKE * b <= a for a, b in pairwise(took))


class Way:
    """Outward rotation where inward is told, or the reverse: what is counted is the way back, from a top to the rest.

    seen: so many in a row. other: the exercise's name.
    """

    def __init__(self, counter: Counter, right: bool, past: Past) -> None:
        """right: which leg."""
        self._counter, self._past = counter, past
        self._sign = counter.exercise.right_sign * (1 if right else -1)
        told = counter.exercise
        self.other = next(one.name for one in RECOGNISED.values() if one.movement == "turn" and one.right_sign != told.right_sign)
        self._since = 0  # the frame number before which another segment was
        self._last_end = -math.inf
        self.seen = 0

    def forget(self, t: float) -> None:
        """The next frame, at t s, does not follow the last one."""
        self._since = self._past.since(t)
        self.seen = 0

    def is_back(self, rep: Rep) -> bool:
        """Of a turn with which a set would begin: whether its top is where the leg had rested, before it was turned away."""
        before = _Before(self._past, max(self._since, self._counter.oldest), rep, self._sign)
        if self.seen and rep.start_s - self._last_end <= LONGEST_HOLD_S:
            back = before.spent(1 - AT_REST, 1 + AT_REST) > 0  # who does as told now begins where the others ended
        else:
            back = rep.hold_s >= LONGEST_HOLD_S or before.is_back(rep)
        self.seen = self.seen + 1 if back else 0
        self._last_end = rep.end_s
        return back


class _Before:
    """Where a leg was before, in its pose. way (n,), 0 where the movement began and 1 at its top · arrived: from another pose."""

    def __init__(self, past: Past, known: int, rep: Rep, sign: int = 1, leg: np.ndarray | None = None) -> None:
        """sign: of a turn, seen from above; without it 1 and -1 are the same · leg: of a lift, its direction (3,)."""
        before = past.stretch(max(known, past.since(rep.start_s - LOOK_BACK_S)), past.since(rep.start_s))
        up, t = before.up, before.t
        self._step = float(t[-1] - t[0]) / max(len(t) - 1, 1)
        if leg is None:
            posed = np.flatnonzero(up @ up[-1] < IN_POSE)
            begin = int(posed[-1]) + 1 if len(posed) else 0
            angle = sign * steadied(np.unwrap(before.heading[begin:]), self._step)
        else:
            begin, angle = 0, np.arcsin(np.clip(up @ leg, -1.0, 1.0))
        self.arrived = begin > 0
        self.way = np.degrees(angle - angle[-1]) / rep.rom_deg

    def spent(self, low: float, high: float) -> float:
        """The time between two places of the way, s."""
        return self._step * float(((self.way >= low) & (self.way <= high)).sum())

    def is_back(self, rep: Rep) -> bool:
        """Whether it had rested at the movement's top, not where that began: what was counted is the way back."""
        rested, began = self.spent(1 - AT_REST, 1 + AT_REST), self.spent(-AT_REST, AT_REST)
        return rested >= max(began, rep.hold_s) + BEGUN_S


def steadied(heading: np.ndarray, step_s: float) -> np.ndarray:
    """Without what the gyroscope's bias adds, (n,) radians: a leg seems to turn by that while it stands."""
    turned = np.diff(heading)
    stands = turned[np.abs(turned) < math.radians(MOVING_DPS) * step_s]
    drift = float(np.median(stands)) if len(stands) * step_s >= BEGUN_S else 0.0
    return heading - drift * np.arange(len(heading))
