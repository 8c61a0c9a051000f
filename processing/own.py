"""What a person has shown of how far and how long they move, and what a movement is beside it."""

from __future__ import annotations

from collections import deque
from statistics import median, median_low

from processing.results import Rep

OWN_REPS = 6  # SIGNALS: the person's own range of motion is the median of the last six
PARTIAL = 0.45  # SIGNALS: of the person's own range of motion; less is a partial repetition
SMALLER = 0.20  # of it: after a long pause company.SMALL_SET alike above this are a smaller set (ours)
AS_EVER = 0.70  # of the own range, and
AS_EVER_TIME = 0.50  # of the own time: what is less is a repetition only in the company of others (ours)


class Own:
    """rom_deg: the person's own range of motion, None before a first repetition."""

    def __init__(self, sure_deg: float) -> None:
        """sure_deg: what is less is not told of a first movement alone."""
        self.rom_deg: float | None = None
        self._sure_deg = sure_deg
        self._roms: deque[float] = deque(maxlen=OWN_REPS)
        self._fresh: deque[float] = deque(maxlen=OWN_REPS)  # those of this set
        self._spans: deque[float] = deque(maxlen=OWN_REPS)  # s, from rest to the moment of counting
        self._begins = True  # a set does, with the next that is told
        self._elsewhere = 0.0, 0.0  # range of motion and time in the exercise before this one

    def follows(self, other: Own) -> None:
        """The same person has just done another exercise."""
        if other.rom_deg is not None:
            self._elsewhere = other.rom_deg, median(other._spans)

    def learn(self, rep: Rep) -> None:
        """A repetition that is told."""
        if self._begins:
            self._fresh.clear()
            self._begins = False
        self._spans.append(rep.end_s - rep.start_s)
        self._learn(rep.rom_deg)

    def correct(self, rep: Rep) -> None:
        """The last one again, its range final."""
        for roms in (self._roms, self._fresh):
            roms.pop()
        self._learn(rep.rom_deg)

    def _learn(self, rom_deg: float) -> None:
        for roms in (self._roms, self._fresh):
            roms.append(rom_deg)
        # Who has rested goes further than at the end of the set before, as two have shown.
        self.rom_deg = max(median(self._roms), median_low(self._fresh) if len(self._fresh) > 1 else 0.0)

    def today_anew(self) -> None:
        """What comes is what the person does today; until then the range stays what it was."""
        self._roms.clear()
        self._fresh.clear()
        self._spans.clear()

    def unlearn(self) -> None:
        """It was another exercise."""
        self.today_anew()
        self.rom_deg = None

    def is_partial(self, rep: Rep) -> bool:
        return self.rom_deg is not None and rep.rom_deg < PARTIAL * self.rom_deg

    def is_as_far(self, rep: Rep) -> bool:
        return self.rom_deg is not None and rep.rom_deg >= AS_EVER * self.rom_deg

    def is_as_ever(self, rep: Rep) -> bool:
        return self.is_as_far(rep) and rep.rom_deg <= self.rom_deg / PARTIAL

    def is_as_long(self, rep: Rep) -> bool:
        return self.rom_deg is None or rep.end_s - rep.start_s >= AS_EVER_TIME * median(self._spans)

    def judged(self, rep: Rep, unsure: bool, fresh: bool) -> tuple[bool, bool]:
        """Whether it is a repetition for sure, and whether it is surely none; neither: in the company of others.

        unsure: nobody can say yet which exercise this is · fresh: nothing was counted since a long pause.
        """
        if fresh:
            self._begins = True
        own = self.rom_deg
        long = self.is_as_long(rep)
        if not (unsure or fresh):
            sure = not self.is_partial(rep) and (self.is_as_far(rep) or long)
            return sure, not sure
        if own is None:
            return not unsure and self._is_clear(rep), False
        as_ever = self.is_as_ever(rep)
        fidget = not self.is_as_far(rep) and (not long or rep.rom_deg < SMALLER * own)
        return not unsure and as_ever and long, fidget

    def _is_clear(self, rep: Rep) -> bool:
        """Whether a first movement is none of the small ones; whoever has done another exercise has shown how they move."""
        far, long = (PARTIAL * one for one in self._elsewhere)
        return rep.rom_deg >= max(self._sure_deg, far) and rep.end_s - rep.start_s >= long
