"""The pipeline in order: samples -> orientation -> the exercise's repetitions -> sets.

Online: what is reported is never taken back, and where the blocks are cut changes nothing but
`counted_s`. Time comes with the samples.
"""

from __future__ import annotations

import hashlib
import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Literal

import numpy as np

import processing
from processing import state
from processing.counter import Counter, Found
from processing.errors import ProcessingError
from processing.exercises import RECOGNISED, exercise_named
from processing.onlooker import ENOUGH, Onlooker
from processing.frames import Frame
from processing.orientation import Orientation
from processing.pelvis import Pelvis
from processing.quality import quality_of
from processing.recognise import Recogniser, Way
from processing.results import SET_PAUSE_S, Event, Gap, Rep, SessionResult, SetSummary
from processing.summary import of_session, of_set
from sensor.samples import Samples

LEFT_S = 3.0  # or when the pose has been left for so long: a stumble or a scratch is over by then (ours)
GLANCE = 8  # frames between two looks at the pose: whoever leaves it for good is noticed up to 0.4 s later (ours)
TIDY = 256  # frames between two looks at what is no longer needed of the past (ours)
HELD_S = 2.0  # whoever holds a pose so long is in it, with a second to spare (README, Wearing the band)
HELD_DEG = 3.0  # a leg that is held on a stool sways about so much (ours)
OWN_PAUSES = 2.0  # or after so many of the person's own pauses (ours)


@dataclass(frozen=True, slots=True)
class Live:
    """What a screen shows now. angle_deg from the present repetition's rest; None while unknown.

    set: the open one, or the last; 0 before the first. still_s: how long the leg has not moved, up to HELD_S.
    """

    t: float | None
    exercise: str | None
    angle_deg: float | None
    in_pose: bool
    set: int
    still_s: float = 0.0


class Tracker:
    """Counts one leg's exercise; exercise None: whichever of those that it can tell apart is done in a set.

    Raises UnknownExercise or ProcessingError for what it cannot track.
    """

    def __init__(
        self,
        exercise: str | None,
        side: Literal["left", "right"],
        placement: Literal["ankle", "thigh"] = "ankle",
        pelvis: Pelvis | None = None,
    ) -> None:
        """pelvis: has been given its samples up to the leg's newest, in the leg's time, before the leg's are given."""
        told = [exercise_named(exercise)] if exercise is not None else list(RECOGNISED.values())
        if side not in ("left", "right"):
            raise ProcessingError(f"side is wrong (wanted left or right, got {side!r})")
        for candidate in told:
            if placement not in candidate.placements:
                wanted = " or ".join(candidate.placements)
                raise ProcessingError(f"placement is wrong (wanted {wanted}, got {placement!r})")
        self._exercise, self._side, self._placement = exercise, side, placement
        self._pelvis = pelvis
        self._orientation = Orientation()
        self._past = self._orientation.past
        self._counters = [Counter(candidate, side, self._past) for candidate in told]
        self._onlooker = Onlooker(told[0], side, self._past) if exercise is not None else None
        self._recogniser = Recogniser(self._counters, self._past) if len(told) > 1 else None
        turn = exercise is not None and told[0].movement == "turn"
        self._way = Way(self._counters[0], side == "right", self._past) if turn else None
        self._tidy = TIDY
        self._segment: int | None = None
        self._reps: list[Rep] = []
        self._sets: list[SetSummary] = []
        self._open: SetSummary | None = None
        self._last_end = 0.0  # of a movement of the exercise, counted or partial
        self._pauses: list[float] = []  # in the open set
        self._patience = SET_PAUSE_S  # at the end of a set, and until the next one's first pause, that set's
        self._in_pose_t = 0.0  # last seen in pose, in the open set
        self._closing = False  # the last repetition's numbers may still change
        self._curve_t, self._curve_angle = array("f"), array("f")  # to 1 ms in four hours
        # Told, or recognised in the open set; None while nothing has been seen of it.
        self._counter = self._counters[0] if len(self._counters) == 1 else None

    # What comes in

    def update(self, samples: Samples) -> list[Event]:
        """Raises BadSamples, after which nothing has changed."""
        return self._track(self._orientation.update(samples))

    def finish(self) -> list[Event]:
        """No more samples come: close what is open."""
        events = self._track(self._orientation.flush())
        seen = self._orientation
        return events + self._start_anew(-math.inf if seen.last_t is None else seen.last_t) + self._end_set()

    # What is known

    def result(self) -> SessionResult:
        """The session so far."""
        seen = self._orientation
        gaps = tuple(Gap(*gap) for gap in seen.gaps)
        duration = seen.last_t - seen.first_t if seen.first_t is not None else 0.0
        reps = self.reps
        sets = (*self._sets, self._summed(self._open)) if self._open else tuple(self._sets)
        return SessionResult(
            exercise=self._exercise,
            side=self._side,
            placement=self._placement,
            duration_s=duration,
            samples=seen.samples,
            coverage=_coverage(seen.samples, duration, gaps),
            gaps=gaps,
            sets=sets,
            reps=reps,
            quality=quality_of(
                self._exercise, seen, self._counters, sets, reps, self._onlooker.seen if self._onlooker else (), self._recogniser
            ) | (self._pelvis.quality if self._pelvis else {}),
            summary=of_session(sets, reps),
        )

    @property
    def reps(self) -> tuple[Rep, ...]:
        """Those of the result, without the work of summing them up."""
        return tuple(self._reps)

    @property
    def live(self) -> Live:
        now = self._open or (self._sets[-1] if self._sets else None)
        return Live(
            t=self._orientation.last_t,
            exercise=self._counter.exercise.name if self._counter else None,
            angle_deg=self._curve_angle[-1] if self._curve_angle else None,
            in_pose=any(counter.in_pose for counter in ([self._counter] if self._counter else self._counters)),
            set=now.set if now else 0,
            still_s=self._held(),
        )

    def _held(self) -> float:
        """Looked at when somebody asks: nothing of it is kept."""
        end, past = self._past.next - 1, self._past
        if end < 0:
            return 0.0
        last = past.t(end)
        before = past.stretch(past.since(last - HELD_S - self._orientation.frame_s / 2), end)
        moved = 2 * np.arccos(np.minimum(1.0, np.abs(sum(side * side[-1] for side in before.quat))))
        moving = np.flatnonzero(np.degrees(moved) > HELD_DEG)
        return float(min(HELD_S, last - before.t[moving[-1] + 1 if len(moving) else 0]))

    def curve(self, since: int = 0) -> tuple[list[float], list[float | None]]:
        """Times in s and angles in degrees from the repetition's rest, at about 20 Hz, from point `since` on."""
        return self._curve_t[since:].tolist(), self._curve_angle[since:].tolist()

    # What may be kept and taken up again

    def save(self) -> bytes:
        """All that it knows. Packets that `restored(...)` is fed go on exactly as if they had been fed to this one."""
        return state.saved(self, self._form())

    @classmethod
    def restored(cls, data: bytes) -> Tracker:
        """Raises ProcessingError for bytes that are damaged, or that another version of this package saved."""
        return state.restored(data, cls, cls._form)

    def _form(self) -> str:
        """The version, and what this code makes of such a tracker before its first sample."""
        fresh = state.saved(Tracker(self._exercise, self._side, self._placement), "")
        return f"{processing.VERSION}-{hashlib.sha256(fresh).hexdigest()[:12]}"

    # How it comes about

    def _track(self, frames: Sequence[Frame]) -> list[Event]:
        events: list[Event] = []
        add_t, add_angle, onlooker = self._curve_t.append, self._curve_angle.append, self._onlooker
        for frame in frames:
            t, _, _, _, _, number, segment = frame
            if segment != self._segment:
                events += self._start_anew(t)
                self._segment = segment
                for counter in (*self._counters, *([onlooker] if onlooker else [])):
                    counter.pace(self._orientation.frame_s)
            counter = self._counter
            if counter is not None:
                found = counter.update(frame)
            else:
                counter, found = self._recognise(frame)
            if found:
                events += [event for new in found for event in self._found(new)]
            if self._open is None:
                # While nothing is done of the exercise that was told: is it another one?
                if onlooker is not None and (other := onlooker.update(frame)) is not None:
                    events.append(Event("other", self._orientation.last_t, exercise=other))
            elif number % GLANCE == 0 or t - self._last_end > self._patience:
                events += self._pause(t, counter)
            add_t(t)
            add_angle(counter.angle_deg)
        if self._past.next >= self._tidy:
            self._forget_past()
        return events

    def _forget_past(self) -> None:
        """What nobody will look back at."""
        looking: list[Counter | Onlooker] = [self._counter] if self._counter else [*self._counters]
        if self._onlooker:
            looking.append(self._onlooker)
        self._past.forget(min(one.oldest for one in looking))
        if self._pelvis:
            self._pelvis.forget(self._orientation.last_t)
        self._tidy = self._past.next + TIDY

    def _recognise(self, frame: Frame) -> tuple[Counter, list[Found]]:
        """One of which nobody has said what it is."""
        if (decided := self._recogniser.update(frame)) is not None:
            self._counter = decided[0]
            return decided
        return max(self._counters, key=lambda counter: abs(counter.angle_deg)), []

    def _start_anew(self, t: float) -> list[Event]:
        """The next frame, at t s, does not follow the last one."""
        if self._onlooker:
            self._onlooker.forget()
        if self._way:
            self._way.forget(t)
        found = self._counter.forget() if self._counter else []
        if self._recogniser and (decided := self._recogniser.forget(t)) is not None:
            self._counter, found = decided
        return [event for new in found for event in self._found(new)]

    def _found(self, new: Found) -> list[Event]:
        if self._way and self._open is None and (self._way.is_back(new.rep) if new.kind == "counted" else self._way.seen):
            return self._turned_back(new)
        if new.kind == "closed":
            return self._close(new.rep)
        events: list[Event] = []
        if self._open and new.rep.start_s - self._last_end > self._patience:
            counter = self._counter  # that has seen the next set begin
            events = self._end_set()
            self._counter = counter
        now = self._orientation.last_t
        if new.rep.counted:
            self._count(new.rep)
        if "out_of_pose" not in new.rep.flags:
            self._last_end = new.rep.end_s
        number, of = (self._open.set, self._open.reps) if self._open else (len(self._sets) + 1, 0)
        rep = replace(self._with_pelvis(new.rep, False), set=number, rep=of, counted_s=now)
        self._reps.append(rep)
        self._closing = True
        return [*events, Event(new.kind, now, rep)]

    def _turned_back(self, new: Found) -> list[Event]:
        """Not the exercise that was told, but the other turn's way back."""
        self._counter.set_ended()
        if new.kind != "counted" or self._way.seen != ENOUGH:
            return []
        other = self._way.other
        if other not in self._onlooker.seen:
            self._onlooker.seen.append(other)
        return [Event("other", self._orientation.last_t, exercise=other)]

    def _count(self, rep: Rep) -> None:
        if self._open is None:
            if self._onlooker:
                self._onlooker.forget()
            self._open = SetSummary(len(self._sets) + 1, rep.exercise, self._side, 0, rep.start_s, rep.end_s)
        else:
            self._pauses.append(rep.start_s - self._last_end)
            self._patience = max(SET_PAUSE_S, OWN_PAUSES * median(self._pauses))
        self._open = replace(self._open, reps=self._open.reps + 1, end_s=rep.end_s)

    def _close(self, final: Rep) -> list[Event]:
        told = self._reps[-1]
        rep = replace(self._with_pelvis(final, True), set=told.set, rep=told.rep, counted_s=told.counted_s)
        self._reps[-1] = rep
        self._closing = False
        if "out_of_pose" not in rep.flags:
            self._last_end = rep.end_s
        if rep.counted and self._open:
            self._open = replace(self._open, end_s=rep.end_s)
        return [Event("closed", self._orientation.last_t, rep)]

    def _with_pelvis(self, rep: Rep, closed: bool) -> Rep:
        if self._pelvis is None:
            return rep
        exercise = exercise_named(rep.exercise)
        sign = exercise.right_sign if self._side == "right" else -exercise.right_sign
        return self._pelvis.seen(rep, exercise, sign, closed)

    def _pause(self, t: float, counter: Counter) -> list[Event]:
        """End the set when nothing of it has begun for long enough, or the pose is left."""
        if t - self._last_end > self._patience and counter.resting_since - self._last_end > self._patience:
            return [] if self._closing else self._end_set()
        if counter.in_pose:
            self._in_pose_t = t
        elif t - max(self._in_pose_t, self._last_end) > LEFT_S:
            return [event for new in counter.forget() for event in self._found(new)] + self._end_set()
        return []

    def _end_set(self) -> list[Event]:
        if self._open is None:
            return []
        ended, self._open = self._summed(self._open), None
        self._sets.append(ended)
        self._pauses.clear()
        for counter in self._counters:
            counter.set_ended()
            if counter is not self._counter:
                counter.follows(self._counter)
        if self._recogniser:
            self._counter = None
        return [Event("set_ended", self._orientation.last_t, set=ended)]

    def _summed(self, one: SetSummary) -> SetSummary:
        """With what its repetitions have in common."""
        return of_set(one, [rep for rep in self._reps if rep.set == one.set], self._sets[-1] if self._sets else None)


def _coverage(samples: int, duration_s: float, gaps: Sequence[Gap]) -> float:
    """CONTRACT: samples received / (duration x the device's measured rate)."""
    steps = samples - 1 - len(gaps)
    solid = duration_s - sum(gap.end_s - gap.start_s for gap in gaps)
    if steps <= 0 or solid <= 0:
        return 1.0 if samples else 0.0
    return min(1.0, samples / (duration_s * steps / solid + 1))
