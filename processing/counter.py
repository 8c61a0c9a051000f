"""One exercise: orientation frames -> the repetitions of it, online. Knows nothing of sets."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from processing.axis import Lift, Turn
from processing.company import Company, as_partial
from processing.compensation import LiftWatch, Seen, TurnWatch, Unwatched
from processing.exercise import Exercise
from processing.frames import Fed, Frame, Past, Stretch, up_of
from processing.measure import falls, repetition, shape, sparc
from processing.own import Own
from processing.pose import astray_deg, fits, settles
from processing.reps import MIN_S, Excursions, Move
from processing.results import SET_PAUSE_S, Rep
from processing.swing import Swing

LONGEST_HOLD_S = SET_PAUSE_S  # tops are held for 4 to 6 s (SIGNALS)


@dataclass(frozen=True, slots=True)
class Found:
    """`counted` or `partial`: a new repetition; `closed`: the last one again, its numbers final.

    The repetition's set, number and counted_s are not known here.
    """

    kind: Literal["counted", "partial", "closed"]
    rep: Rep


class Counter:
    """What is reported is never taken back: only the numbers of the last repetition may still change."""

    def __init__(self, exercise: Exercise, side: Literal["left", "right"], past: Past, every: int = 1) -> None:
        """past: of the frames that it is going to be fed, all of them or every n-th."""
        self.exercise = exercise
        self._past, self._fed = past, Fed(past, every)
        sign = exercise.right_sign if side == "right" else -exercise.right_sign
        self._axis: Turn | Lift | Swing
        self._watch: TurnWatch | LiftWatch | Unwatched
        if exercise.movement == "turn":
            self._axis, self._watch = Turn(sign), TurnWatch()
        elif exercise.movement == "lift":
            self._axis = Lift(exercise.rest_slope_deg)
            self._watch = LiftWatch(self._axis, exercise.terminal_rotation)
        else:
            self._axis = Swing(exercise.rest_slope_deg)
        if not exercise.pelvis_shows:
            self._watch = Unwatched()
        self._excursions = Excursions(exercise.max_rom_deg)
        self._frame_s = 0.05
        self._leeway = math.cos(math.radians(exercise.wobble_deg if exercise.movement == "turn" else exercise.max_rom_deg))
        self.angle_deg = 0.0  # from the rest of the present repetition
        self._now: Frame | None = None
        self._own = Own(exercise.sure_deg)
        self._company = Company(self._own)
        self._fresh = True  # nothing has been counted since the last long pause
        self._unsure = False  # nothing has been counted in the pose that was last taken
        self._again = False  # while the past is seen again
        self._told = -1  # the frame until which movements were reported
        self._own_astray_deg = 0.0  # of the last one that was counted
        self._unclosed: Rep | None = None
        self._over_s = -math.inf  # the end of the last one that is over
        self._open: Move | None = None  # the movement of which it was told

    def pace(self, frame_s: float) -> None:
        """How far the frames are apart, s."""
        self._frame_s = frame_s
        self._excursions.pace(frame_s)

    def update(self, frame: Frame) -> list[Found]:
        excursions, axis = self._excursions, self._axis
        angle = axis.angle(frame)
        if self._now is None:
            self._fed.begin(frame[5], excursions.next)
        self._now = frame
        moves = excursions.update(angle)
        if not moves and not excursions.still:
            self.angle_deg = angle - excursions.zero
            return NOTHING
        found = [new for move in moves for new in self._moved(move)] if moves else NOTHING
        if excursions.still:
            if excursions.state == "rest":
                if axis.crept(angle):
                    self._settle(up_of(frame))
            elif axis.blind and (excursions.holds or axis.regained(frame)):
                found = found + self._found_rest(excursions.rest_here())
        self.angle_deg = excursions.angles[-1] - excursions.zero
        return found

    def set_ended(self) -> None:
        """After a long pause a person may move less than before it."""
        self._fresh = True

    def follows(self, other: Counter) -> None:
        """The same person has just done another exercise."""
        self._own.follows(other._own)

    def forget(self) -> list[Found]:
        """The next frame does not follow the last one. What the person has shown of themself stays known."""
        found = self._close_now()
        self._company.waiting.clear()
        self._axis.forget()
        self._excursions.forget()
        self._fed.forget()
        self._now = None
        return found

    @property
    def oldest(self) -> int:
        """The number, in the past, of the oldest frame that it may still look back at."""
        return self._past.next if self._fed.base is None else self._fed.number(self._excursions.first)

    @property
    def resting_since(self) -> float:
        """When the present excursion began, or what may become one; now, while there is none that could be the exercise."""
        now, excursions = self._now, self._excursions
        if excursions.origin == excursions.next - 1 or excursions.still * self._frame_s > LONGEST_HOLD_S:
            return now[0]
        away = float(self._fed.up(excursions.origin) @ up_of(now))
        return self._fed.t(excursions.origin) if away >= self._leeway else now[0]

    @property
    def in_pose(self) -> bool:
        """Whether the leg is where this exercise can have taken it."""
        return self._now is not None and self._axis.in_pose(self._now)

    @property
    def at_rest(self) -> bool:
        """Whether nothing that could be the exercise has begun."""
        return self._excursions.state == "rest"

    def rises(self, rep: Rep) -> bool:
        """Of a lift: whether most of what the leg did on its way out was to rise."""
        past = self._past
        return self._axis.rises(past.stretch(past.since(rep.start_s), past.since(rep.end_s)))

    @property
    def leg(self) -> np.ndarray | None:
        """Of a lift: the leg's direction in the sensor (3,), None before one has shown it."""
        return self._axis.long

    @property
    def leg_known(self) -> bool | None:
        """Whether a lift has shown how the band sits on the leg; None: nothing is lifted."""
        return self._axis.known if isinstance(self._axis, Lift | Swing) else None

    def _moved(self, move: Move) -> list[Found]:
        if self._again and move.peak <= self._told and not (move.kind == "closed" and self._is_open(move)):
            return NOTHING
        if move.kind != "closed" and not self._again and self._only_turned(move):
            return self._see_again(doubt=False)
        if move.kind == "turned":
            return self._turned(move)
        if move.kind == "closed":
            return self._closed(move)
        if move.end == self._excursions.origin:
            self._settle(self._fed.up(move.end))
        return NOTHING

    def _found_rest(self, move: Move) -> list[Found]:
        """While the axis is unknown every rest is a new one, and the way to it may show the axis."""
        shown = self._axis.look(self._fed.stretch(move.start, move.end), move.rested, False, False)
        if shown in ("first", "other"):
            return self._see_again(doubt=shown == "other")
        self._settle(self._fed.up(move.end))
        return NOTHING

    def _turned(self, move: Move) -> list[Found]:
        """Enough of the way is back: now it is a repetition, a partial one, or something else."""
        out = self._fed.stretch(move.start, move.end).until(move.peak + 1 - move.start)
        shown = self._axis.look(out, move.rested, False, self._again)
        if shown == "nothing":
            return NOTHING
        if shown in ("first", "other") and not self._again:
            return self._see_again(doubt=shown == "other")
        rep, moved, peak = self._measured(move), self._fed.stretch(move.start, move.end), move.peak - move.start
        usual_deg = None if self._own.rom_deg is None else self._own_astray_deg
        if not fits(self.exercise, self._axis, moved, peak, rep, usual_deg):
            if self._own.rom_deg is None or self._own.is_partial(rep) or not self._own.is_as_long(rep):
                return NOTHING
            return self._report(move, replace(rep, counted=False, flags=("out_of_pose",)))
        aside = self._fresh and settles(self.exercise, moved, peak, rep.rom_deg)
        return self._judged(move, rep, self._unsure or shown == "elsewhere" or aside, shown == "likely")

    def _see_again(self, doubt: bool) -> list[Found]:
        """The axis was another one: so were the movements."""
        found = self._close_now()
        self._unsure = self._unsure or doubt
        self._company.waiting.clear()
        self._again = True
        moves = self._moves_again()
        if any(move.kind != "closed" and self._only_turned(move) for move in moves):
            moves = self._moves_again()
        for move in moves:
            found = found + self._moved(move)
        self._again = False
        return found

    def _moves_again(self) -> list[Move]:
        """In all that is still known about the axis as it is now."""
        excursions = self._excursions
        moves = excursions.again(self._axis.angles(self._up_since(excursions.first)))
        return [move for move in moves if move.start >= excursions.first]  # it may have forgotten the oldest meanwhile

    def _only_turned(self, move: Move) -> bool:
        """Whether what seemed to come down was a foot that turned."""
        moved = self._fed.stretch(move.start, move.end)
        return isinstance(self._axis, Lift) and self._axis.only_turned(moved, falls(self._excursions.between(move)))

    def _judged(self, move: Move, rep: Rep, unsure: bool, likely: bool) -> list[Found]:
        """A movement of the exercise: a repetition, a partial one, or to be told in the company of others; `likely`: of
        one that is sure."""
        alone, others, counted = self._company.joined(rep, unsure, self._fresh, likely)
        found = self._as_partial(move, *alone) + self._close_now()
        return found + (self._report(move, *others) if counted else self._as_partial(move, *others))

    def unlearn(self) -> None:
        """What was reported was none of the exercise, nor what it showed of the leg."""
        if isinstance(self._axis, Lift):
            self._axis.unlearn()
        self.forget()
        self._unclosed = self._open = None
        self._own.unlearn()
        self._fresh = True
        self._excursions.expect(0.0)

    def _as_partial(self, move: Move, *reps: Rep) -> list[Found]:
        """Told as what they are once the person's own range is known; before that nobody can say."""
        if self._own.rom_deg is None:
            return NOTHING
        return self._report(move, *map(as_partial, reps))

    def _report(self, move: Move, *reps: Rep) -> list[Found]:
        """For good; all but the last are over."""
        found = []
        for rep in reps:
            found += self._close_now()
            if rep.counted:
                self._fresh = self._unsure = False
                self._own.learn(rep)
                self._excursions.expect(self._own.rom_deg)
            self._unclosed, self._open = rep, None
            found.append(Found("counted" if rep.counted else "partial", rep))
        if reps:
            self._told, self._open = move.end, move
            if any(rep.counted for rep in reps):
                moved = self._fed.stretch(move.start, move.end)
                self._axis.accept(moved)
                self._own_astray_deg = max(0.0, astray_deg(moved, reps[-1]))
        return found

    def _is_open(self, move: Move) -> bool:
        """Whether this is the movement that was reported last, and is not over yet."""
        return self._unclosed is not None and self._open is not None and move.peak == self._open.peak

    def _is_of(self, rep: Rep, move: Move) -> bool:
        """Whether it was measured from this movement."""
        return rep.start_s < self._fed.t(move.peak) < rep.end_s

    def _close_now(self) -> list[Found]:
        """It will not come to its rest: as far as it is known."""
        rep, self._unclosed = self._unclosed, None
        if not rep:
            return NOTHING
        if self._open and self._is_of(rep, self._open):
            rep = self._final(self._open, rep, False)
        self._over_s = rep.end_s
        return [Found("closed", rep)]

    def _final(self, move: Move, rep: Rep, learn: bool) -> Rep:
        """With the numbers of the whole movement; what was told of it stays."""
        final = self._measured(move, rep, learn)
        if rep.counted:
            return final
        told = tuple(flag for flag in rep.flags if flag in NOT_COUNTED)
        return replace(final, counted=False, flags=told + final.flags)

    def _closed(self, move: Move) -> list[Found]:
        """The leg is back: the repetition's numbers are final."""
        found = [] if self._is_open(move) else self._close_now()
        rep, self._unclosed = self._unclosed, None
        if rep is None:
            if self._axis.blind and move.settled and not self._again:
                shown = self._axis.look(self._fed.stretch(move.start, move.end), move.rested, True, False)
                if shown in ("first", "other"):
                    return found + self._see_again(doubt=shown == "other")
            waiting = self._company.waiting
            if waiting and self._is_of(waiting[-1], move):
                whole = self._measured(move, waiting.pop())
                waiting += [whole] if whole.end_s - whole.start_s >= MIN_S else []
            return found
        final = self._final(move, rep, rep.counted)
        if rep.counted:
            self._own.correct(final)
            self._excursions.expect(self._own.rom_deg)
        self._over_s = final.end_s
        return [Found("closed", final)]

    def _measured(self, move: Move, told: Rep | None = None, learn: bool = False) -> Rep:
        """The movement's numbers: the smoothness of the way out is known when it is first told, what the pelvis did,
        which shows between two rests, when it was told before."""
        seen_since = self._fed.stretch(move.start, self._excursions.next - 1)
        moved = seen_since.until(move.end + 1 - move.start)
        learnt = learn and self._axis.learn(moved)
        pelvis = self._watch.look(moved, learn) if told else NOT_YET
        if learnt:  # and how the foot turned may have shown more of the leg
            self._excursions.replace(self._axis.angles(seen_since.up))
        angles = self._excursions.between(move)
        seen = shape(moved.t.tolist(), angles, self._over_s)
        if told:
            smoothness = told.sparc
        else:
            speed = np.abs(np.diff(angles[: seen.risen + 1]))
            smoothness = sparc(speed, float(moved.t[1] - moved.t[0]))
        return repetition(self.exercise.name, seen, smoothness, pelvis, moved.bridged)

    def _settle(self, up: np.ndarray) -> None:
        if self._axis.settle(up):
            self._excursions.replace(self._axis.angles(self._up_since(self._excursions.next - self._excursions.needed)))

    def _up_since(self, first: int) -> np.ndarray:
        """The upward direction in the sensor from this frame on, (n, 3)."""
        return self._fed.ups(first, self._excursions.next - 1)


NOTHING: list[Found] = []
NOT_COUNTED = ("partial", "out_of_pose")
NOT_YET = Seen(0.0, ())
