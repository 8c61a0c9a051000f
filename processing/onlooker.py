"""Another exercise than the one told: it is not counted, but seen."""

from __future__ import annotations

from typing import Literal

from processing.counter import Counter, Found
from processing.exercise import Exercise
from processing.exercises import RECOGNISED
from processing.orientation import Frame

EVERY = 3  # frames: enough to see what is done, and a third of the work (ours)
SLOW_S = 1.2  # to the moment of counting: what is quicker may be a fidget (ours)
ENOUGH = 3  # repetitions of it: two alike may be a fidget (ours)


class Onlooker:
    """Looks for exercises that the told one cannot be mistaken for: a turn where a lift is told, and the reverse.

    Outward and inward rotation are each other's way back, and lifts in different poses look alike.
    seen: their names, in the order in which they were seen.
    """

    def __init__(self, told: Exercise, side: Literal["left", "right"]) -> None:
        turn = told.movement == "turn"
        self._counters = [Counter(other, side) for other in RECOGNISED.values() if (other.movement == "turn") != turn]
        self.seen: list[str] = []
        self.forget()

    def pace(self, frame_s: float) -> None:
        for counter in self._counters:
            counter.pace(EVERY * frame_s)

    def forget(self) -> None:
        """The next frame does not follow the last one."""
        self._left, self._counted = 1, [0] * len(self._counters)
        for counter in self._counters:
            counter.forget()

    def update(self, frame: Frame) -> str | None:
        """The exercise that has been seen for the first time in this pause."""
        self._left -= 1
        if self._left:
            return None
        self._left = EVERY
        for i, counter in enumerate(self._counters):
            told = max(self._counted) >= ENOUGH
            self._counted[i] += sum(map(_is_one, counter.update(frame)))
            if not told and self._counted[i] >= ENOUGH:
                if counter.exercise.name not in self.seen:
                    self.seen.append(counter.exercise.name)
                return counter.exercise.name
        return None


def _is_one(new: Found) -> bool:
    return new.kind == "counted" and new.rep.end_s - new.rep.start_s >= SLOW_S
