"""The pipeline in order: samples -> orientation -> the exercise's angle -> excursions -> repetitions -> sets.

Online: what is reported is never taken back, and where the blocks are cut changes nothing but
`counted_s`. Time comes with the samples.
"""

from __future__ import annotations

import math
from array import array
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Literal

import numpy as np

from processing import compensation
from processing.axis import Lift, Turn
from processing.errors import ProcessingError
from processing.exercises import exercise_named
from processing.measure import shape
from processing.orientation import FRAME_RATE_HZ, Frame, Orientation
from processing.reps import RETURNED, Excursions, Move
from processing.results import Event, Gap, Rep, SessionResult, SetSummary
from sensor.samples import Samples

OWN_REPS = 6  # SIGNALS: the person's own range of motion is the median of the last six
PARTIAL = 0.45  # SIGNALS: of the person's own range of motion; less is a partial repetition
SURE_DEG = 10.0  # a first movement of less waits for a second one like it (SIGNALS: smallest real ones are 6 to 8)
ALIKE = 0.6  # two movements are alike when the smaller has this share of the larger (ours)
MIN_S = 0.8  # SIGNALS: no repetition is shorter
TOO_FAST_S = 2.0  # CONTRACT
INCOMPLETE = 0.15  # of the ROM not come back: three times the contract's 5 % of the top (ours)
SET_PAUSE_S = 8.0  # CONTRACT
OWN_PAUSES = 2.0  # a set's pause may be this often the person's own (ours)


@dataclass(frozen=True, slots=True)
class Live:
    """What a screen shows now. angle_deg from the present repetition's rest; None while unknown."""

    t: float | None
    angle_deg: float | None
    in_pose: bool
    set: int
    counted: int
    good: int
    compensated: int
    partial: int


class Tracker:
    """Counts one leg's exercise. Raises UnknownExercise or ProcessingError for what it cannot track."""

    def __init__(
        self,
        exercise: str | None,
        side: Literal["left", "right"],
        placement: Literal["ankle", "thigh"] = "ankle",
    ) -> None:
        if exercise is None:
            raise ProcessingError("exercise is null in the recording (wanted a name: recognising it comes later)")
        self._exercise = exercise_named(exercise)
        if side not in ("left", "right"):
            raise ProcessingError(f"side is wrong (wanted left or right, got {side!r})")
        if placement not in self._exercise.placements:
            raise ProcessingError(f"placement is wrong (wanted {' or '.join(self._exercise.placements)}, got {placement!r})")
        self._side, self._placement = side, placement
        self._orientation = Orientation()
        self._axis: Turn | Lift = (
            Turn(self._exercise.right_sign * (1 if side == "right" else -1))
            if self._exercise.movement == "turn"
            else Lift()
        )
        self._excursions = Excursions(1 / FRAME_RATE_HZ)
        self._frames: list[Frame] = []  # those of self._excursions.angles
        self._roms: deque[float] = deque(maxlen=OWN_REPS)
        self._own_rom: float | None = None
        self._terminals: deque[float] = deque(maxlen=OWN_REPS)
        self._pauses: deque[float] = deque(maxlen=OWN_REPS)
        self._patience = SET_PAUSE_S
        self._reps: list[Rep] = []
        self._sets: list[SetSummary] = []
        self._open: SetSummary | None = None
        self._waiting: Rep | None = None
        self._unclosed: int | None = None  # index into _reps of the repetition whose numbers may change
        self._curve_t, self._curve_angle = array("d"), array("f")

    # -- what comes in

    def update(self, samples: Samples) -> list[Event]:
        """Raises BadSamples, after which nothing has changed."""
        return self._track(self._orientation.update(samples))

    def finish(self) -> list[Event]:
        """No more samples come: close what is open."""
        events = self._track(self._orientation.flush())
        return events + self._close_rep(None) + self._end_set()

    # -- what is known

    def result(self) -> SessionResult:
        """The session so far."""
        seen = self._orientation
        gaps = tuple(Gap(*gap) for gap in seen.gaps)
        duration = seen.last_t - seen.first_t if seen.first_t is not None else 0.0
        sets = (*self._sets, self._open) if self._open else tuple(self._sets)
        return SessionResult(
            exercise=self._exercise.name,
            side=self._side,
            placement=self._placement,
            duration_s=duration,
            samples=seen.samples,
            coverage=_coverage(seen.samples, duration, gaps),
            gaps=gaps,
            sets=sets,
            reps=tuple(self._reps),
            quality={"still_windows": seen.still_windows},
        )

    @property
    def live(self) -> Live:
        counted = [rep for rep in self._reps if rep.counted]
        current = self._open.set if self._open else len(self._sets)
        return Live(
            t=self._orientation.last_t,
            angle_deg=self._curve_angle[-1] if self._curve_angle else None,
            in_pose=bool(self._frames),
            set=current,
            counted=self._open.reps if self._open else 0,
            good=sum(rep.set == current and not rep.compensated for rep in counted),
            compensated=sum(rep.set == current and rep.compensated for rep in counted),
            partial=sum(rep.set == current and "partial" in rep.flags for rep in self._reps),
        )

    def curve(self, since: int = 0) -> tuple[list[float], list[float | None]]:
        """Times in s and angles in degrees from the repetition's rest, at about 25 Hz, from point `since` on."""
        return self._curve_t[since:].tolist(), self._curve_angle[since:].tolist()

    # -- how it comes about

    def _track(self, new: list[Frame]) -> list[Event]:
        events: list[Event] = []
        excursions, axis, frames = self._excursions, self._axis, self._frames
        angles = excursions.angles
        for frame in new:
            if frames and frame.segment != frames[-1].segment:
                events += self._close_rep(None)
                excursions.forget()
                frames.clear()
            frames.append(frame)
            for move in excursions.update(axis.angle(frame)):
                events += self._moved(move)
            if excursions.still and excursions.state == "rest" and axis.crept(angles[-1]):
                self._settle(frame)
            if self._open is not None and frame.t - self._open.end_s > self._patience:
                events += self._pause(frame.t if excursions.state == "rest" else self._frame(excursions.origin).t)
            if len(frames) > len(angles):
                del frames[: len(frames) - len(angles)]
            self._curve_t.append(frame.t)
            self._curve_angle.append(angles[-1] - angles[excursions.origin - excursions.first])
        return events

    def _moved(self, move: Move) -> list[Event]:
        if move.kind == "turned":
            return self._turned(move)
        if move.kind == "closed":
            return self._close_rep(move)
        self._settle(self._frame(move.end))
        return []

    def _turned(self, move: Move) -> list[Event]:
        """Enough of the way is back: now it is a repetition, a partial one, or something else."""
        rep = self._measured(move)
        own = self._own_rom
        if not self._is_the_exercise(move, rep):
            return self._report(replace(rep, counted=False, flags=("out_of_pose",))) if own and rep.rom_deg > PARTIAL * own else []
        if own is None and rep.rom_deg < SURE_DEG:
            first, self._waiting = self._waiting, rep
            if first is None or not ALIKE * rep.rom_deg <= first.rom_deg <= rep.rom_deg / ALIKE:
                return []
            self._waiting = None
            return self._report(first) + self._report(rep)
        self._waiting = None
        if own and rep.rom_deg < PARTIAL * own:
            return self._report(replace(rep, counted=False, flags=("partial", *rep.flags)))
        return self._report(rep)

    def _is_the_exercise(self, move: Move, rep: Rep) -> bool:
        """The pose and the axis: not walking, not turning round, not another exercise."""
        if rep.rom_deg > self._exercise.max_rom_deg or rep.end_s - rep.start_s < MIN_S * RETURNED:
            return False
        frames = self._span(move.start, move.end + 1)
        if self._exercise.movement == "turn":
            return compensation.turn_deviation(frames) <= self._exercise.wobble_deg
        return abs(self._frame(move.peak).yaw_deg - frames[0].yaw_deg) <= self._exercise.wobble_deg

    def _report(self, rep: Rep) -> list[Event]:
        events = self._pause(rep.start_s)
        if rep.counted:
            if self._open is None:
                self._open = SetSummary(len(self._sets) + 1, self._exercise.name, self._side, 0, rep.start_s, rep.end_s)
            else:
                self._pauses.append(rep.start_s - self._open.end_s)
                self._patience = max(SET_PAUSE_S, OWN_PAUSES * median(self._pauses))
            self._open = replace(self._open, reps=self._open.reps + 1, end_s=rep.end_s)
            self._learn_rom(rep.rom_deg)
            if rep.terminal_rotation_deg is not None:
                self._terminals.append(rep.terminal_rotation_deg)
        now = self._orientation.last_t
        number = self._open.set if self._open else len(self._sets) + 1
        rep = replace(rep, set=number, rep=self._open.reps if self._open else 0, counted_s=now)
        self._reps.append(rep)
        self._unclosed = len(self._reps) - 1
        return [*events, Event("counted" if rep.counted else "partial", now, rep)]

    def _close_rep(self, move: Move | None) -> list[Event]:
        """The leg is back: the repetition's numbers are final. Without a move they stay as they are."""
        at, self._unclosed = self._unclosed, None
        if at is None:
            if move and self._waiting:
                self._waiting = self._measured(move)
            return []
        rep = self._reps[at]
        if move:
            if rep.counted:
                self._learn(move)
            final = self._measured(move)
            if rep.counted:
                self._roms.pop()
                self._learn_rom(final.rom_deg)
            flags = tuple(flag for flag in rep.flags if flag in ("partial", "out_of_pose")) + final.flags
            rep = replace(final, set=rep.set, rep=rep.rep, counted=rep.counted, flags=flags, counted_s=rep.counted_s)
            self._reps[at] = rep
            if rep.counted and self._open:
                self._open = replace(self._open, end_s=rep.end_s)
        return [Event("closed", self._orientation.last_t, rep)]

    def _pause(self, t: float) -> list[Event]:
        """End the set when nothing of it has begun for long enough by time t."""
        if self._open is None or self._unclosed is not None:
            return []
        return self._end_set() if t - self._open.end_s > self._patience else []

    def _end_set(self) -> list[Event]:
        if self._open is None:
            return []
        ended, self._open = self._open, None
        self._sets.append(ended)
        self._pauses.clear()
        self._patience = SET_PAUSE_S
        return [Event("set_ended", self._orientation.last_t, set=ended)]

    # -- small things

    def _measured(self, move: Move) -> Rep:
        frames = self._span(move.start, move.end + 1)
        first = self._excursions.first
        angle = np.array(self._excursions.angles[move.start - first : move.end + 1 - first])
        seen = shape(np.array([frame.t for frame in frames]), angle)
        flags, terminal = [], None
        if isinstance(self._axis, Lift):
            terminal, early = compensation.lift_roll(self._axis, frames, angle)
            deviation = early
            moved = compensation.lift_compensation(early)
            flags += compensation.terminal_flags(terminal, early, self._terminals) if self._exercise.terminal_rotation else []
        else:
            deviation = compensation.turn_deviation(frames)
            moved = compensation.turn_compensation(deviation)
        if seen.return_share < 1 - INCOMPLETE:
            flags.append("incomplete_return")
        if seen.end_s - seen.start_s < TOO_FAST_S:
            flags.append("too_fast")
        if any(frame.bridged for frame in frames):
            flags.append("gap")
        return Rep(
            set=0, rep=0, exercise=self._exercise.name, counted=True, flags=tuple(flags),
            start_s=seen.start_s, peak_s=seen.peak_s, end_s=seen.end_s, counted_s=math.nan,
            rom_deg=seen.rom_deg, hip_rom_deg=None, terminal_rotation_deg=terminal,
            concentric_s=seen.concentric_s, hold_s=seen.hold_s, eccentric_s=seen.eccentric_s, sparc=seen.sparc,
            compensated=bool(moved), compensation=moved, deviation_deg=deviation, pelvis_deg=None,
        )  # fmt: skip

    def _settle(self, frame: Frame) -> None:
        self._axis.settle(frame)
        self._look_again()

    def _learn(self, move: Move) -> None:
        if self._axis.learn(self._span(move.start, move.end + 1), move.peak - move.start):
            self._look_again()

    def _look_again(self) -> None:
        self._excursions.replace(self._axis.angles(self._frames))

    def _frame(self, number: int) -> Frame:
        return self._frames[number - self._excursions.first]

    def _span(self, start: int, end: int) -> list[Frame]:
        first = self._excursions.first
        return self._frames[start - first : end - first]

    def _learn_rom(self, rom_deg: float) -> None:
        self._roms.append(rom_deg)
        self._own_rom = median(self._roms)
        self._excursions.expect(self._own_rom)


def _coverage(samples: int, duration_s: float, gaps: Sequence[Gap]) -> float:
    """CONTRACT: samples received / (duration x the device's measured rate)."""
    steps = samples - 1 - len(gaps)
    solid = duration_s - sum(gap.end_s - gap.start_s for gap in gaps)
    if steps <= 0 or solid <= 0:
        return 1.0 if samples else 0.0
    period = solid / steps
    return min(1.0, samples * period / (duration_s + period))
