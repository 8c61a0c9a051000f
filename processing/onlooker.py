"""Another exercise than the one told: it is not counted, but seen."""

from __future__ import annotations

import math
from typing import Literal

from processing.counter import Counter, Found
from processing.exercise import Exercise
from processing.exercises import RECOGNISED
from processing.frames import Frame, Past

EVERY = 3  # frames: enough to see what is done, and a third of the work (ours)
LOOK = 25  # of those, 3 s, are looked at together: nobody waits for what is seen here (ours)
STILL = math.cos(math.radians(2.0) / 2)  # of the whole sensor: less than any exercise, three times VQF's error (SIGNALS)
SLOW_S = 1.2  # to the moment of counting: what is quicker may be a fidget (ours)
ENOUGH = 3  # repetitions of it: two alike may be a fidget (ours)


class Onlooker:
    """Looks for exercises that the told one cannot be mistaken for: a turn where a lift is told, and the reverse.

    Outward and inward rotation are each other's way back, and lifts in different poses look alike.
    seen: their names, in the order in which they were seen.
    """

    def __init__(self, told: Exercise, side: Literal["left", "right"], past: Past) -> None:
        turn = told.movement == "turn"
        others = [other for other in RECOGNISED.values() if (other.movement == "turn") != turn]
        self._past = past
        self._counters = [Counter(other, side, past, EVERY) for other in others]
        self.seen: list[str] = []
        self.forget()

    def pace(self, frame_s: float) -> None:
        for counter in self._counters:
            counter.pace(EVERY * frame_s)

    def forget(self) -> None:
        """The next frame does not follow the last one."""
        self._left, self._counted = 1, [0] * len(self._counters)
        self._frames: list[Frame] = []  # that wait to be looked at
        self._rest: list[Frame] | None = None  # those before them, where nothing moved and nobody has looked
        for counter in self._counters:
            counter.forget()

    @property
    def oldest(self) -> int:
        """The number, in the past, of the oldest frame that it may still look back at."""
        waiting = (self._rest or self._frames)[:1]
        return min([counter.oldest for counter in self._counters] + [number for *_, number, _ in waiting])

    def update(self, frame: Frame) -> str | None:
        """The exercise that has been seen for the first time in this pause."""
        self._left -= 1
        if self._left:
            return None
        self._left = EVERY
        self._frames.append(frame)
        return self._look() if len(self._frames) == LOOK else None

    def _look(self) -> str | None:
        frames, self._frames = self._frames, []
        rest, self._rest = self._rest, None
        if _still(frames):
            if rest is not None:  # so long a rest is not looked at, but for its end
                for counter in self._counters:
                    counter.forget()
            self._rest = frames
            return None
        found = None
        for one in (*(rest or ()), *frames):
            found = self._feed(one) or found
        return found

    def _feed(self, frame: Frame) -> str | None:
        for i, counter in enumerate(self._counters):
            told = max(self._counted) >= ENOUGH
            self._counted[i] += sum(map(_is_one, counter.update(frame)))
            if not told and self._counted[i] >= ENOUGH:
                if counter.exercise.name not in self.seen:
                    self.seen.append(counter.exercise.name)
                return counter.exercise.name
        return None


def _still(frames: list[Frame]) -> bool:
    """Whether the sensor hardly turned from where it was."""
    _, a, b, c, d, *_ = frames[0]
    return all(abs(a * w + b * x + c * y + d * z) > STILL for _, w, x, y, z, *_ in frames)


def _is_one(new: Found) -> bool:
    return new.kind == "counted" and new.rep.end_s - new.rep.start_s >= SLOW_S
