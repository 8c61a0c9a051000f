"""One angle over time -> excursions, online: the leg leaves its rest, turns, and comes back.

A zig-zag with hysteresis, relative to the last turning point and never to an absolute zero: real
people do not come back to one home pose. It knows nothing of exercises; whether an excursion is a
repetition is decided by whoever reads its moves.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

RETURNED = 0.60  # SIGNALS: counted when so much of the way is back
INCOMPLETE = 0.15  # of the ROM not come back: three times the contract's 5 % of the top (ours)
HYSTERESIS = 0.15  # of the own ROM: SIGNALS has 0.30, which does not see partial repetitions of a quarter, less yet of a tired leg
FURTHER = 0.30  # of the way to a held top: so much more begins another excursion (SIGNALS: the share of its zig-zag)
POSE_DEG = 45.0  # half of what lies between two poses: who has gone further has changed it, and holds nothing (ours)
MIN_HYSTERESIS_DEG = 2.5  # a quarter of a range of 10 degrees, 3.5 x VQF's inclination error (SIGNALS)
REST_DPS = 2.0  # SIGNALS: slower than this the leg is at rest
QUIET_S = 0.4  # a rest is at least this long (ours)
BRIEF_S = 0.2  # stillness between two repetitions; between two steps there is less than 0.15 s of it (ours)
HELD_S = 1.5  # SIGNALS: a still top this long is a hold, or a new place
HESITATES_S = 3.0  # or no more than a stop on the way, if it is no longer than twice that (ours)
HISTORY_S = 20.0  # kept, to be seen again about a better axis (ours)
MIN_S = 0.8  # SIGNALS: no repetition is shorter
LONGEST_S = 60.0  # who is away for so long has not begun a repetition (SIGNALS: tops are held for 4 to 6 s)


@dataclass(frozen=True, slots=True)
class Move:
    """`turned` back 60 % of the way (the moment to count), `closed` at rest, or `dropped`: it never came back.

    start, peak, end: frame numbers; end is the newest known while the leg is still on its way.
    rested: the leg stood still before it left · settled: it stands still at the end.
    """

    kind: Literal["turned", "closed", "dropped"]
    start: int
    peak: int
    end: int
    rested: bool
    settled: bool = False


class Excursions:
    """Feed it frame by frame; it keeps the angles of the open excursion only.

    angles: those of frames number `first` and on · zero: the angle at rest that the last one is seen from ·
    still: for how many frames the angle has stood still.
    limit_deg: further out is no excursion: whoever goes there is on the way to another pose.
    """

    def __init__(self, limit_deg: float = math.inf) -> None:
        self._limit = limit_deg
        self.first = 0
        self.angles = array("d")
        self._hysteresis, self._own = MIN_HYSTERESIS_DEG, 0.0
        self.pace(1 / 20)
        self.forget()

    def pace(self, frame_s: float) -> None:
        """How far the frames are apart, s."""
        self._brief, self._quiet, self._held, self._hesitates, self._longest, self._history = (
            max(2, round(seconds / frame_s)) for seconds in (BRIEF_S, QUIET_S, HELD_S, HESITATES_S, LONGEST_S, HISTORY_S)
        )
        self._room = 2 * self._history + 1  # angles
        self._rest_step = REST_DPS * frame_s
        self._calm = REST_DPS * QUIET_S

    def expect(self, rom_deg: float) -> None:
        """The person's own range of motion: less than its share is no excursion."""
        self._hysteresis, self._own = max(MIN_HYSTERESIS_DEG, HYSTERESIS * rom_deg), rom_deg

    def forget(self) -> None:
        """Start anew at the next frame: the angle before it means nothing any more."""
        self.first += len(self.angles)
        self._begin()

    def again(self, angles: Sequence[float]) -> list[Move]:
        """All that is still known, seen about another axis: what would have been decided."""
        self._begin()
        return [move for angle in angles for move in self.update(angle)]

    def _begin(self) -> None:
        del self.angles[:]
        self.state: Literal["rest", "away", "back"] = "rest"
        self.still = 0
        self.zero = math.inf
        self.origin = self._low = self._peak = self.first
        self._rested = False
        self._last_still = -math.inf  # before the present stillness
        self._highest = self._lowest = 0.0  # that the angle has been since it came to stand, or a little longer
        self._rest_since: int | None = None
        self._hold: int | None = None
        self._stood = 0  # for so many frames by then
        self._stood_at = math.inf  # the angle at which it last stood before this excursion
        self._adrift: float | None = None  # the highest angle since the leg went beyond the limit; None where it has come to rest

    def angle(self, frame: int) -> float:
        return self.angles[frame - self.first]

    def between(self, move: Move) -> list[float]:
        """The angles from its start to its end."""
        return self.angles[move.start - self.first : move.end + 1 - self.first].tolist()

    @property
    def next(self) -> int:
        """The number of the frame that comes next."""
        return self.first + len(self.angles)

    @property
    def needed(self) -> int:
        """So many of the newest frames belong to the open excursion or may belong to the next one."""
        return min(len(self.angles), self.first + len(self.angles) - self.origin + self._quiet)

    def replace(self, angles: Sequence[float]) -> None:
        """Of the newest frames, the needed ones at least, seen about a better axis."""
        self.angles[-len(angles) :] = array("d", angles)
        self._highest = math.inf
        self.zero = self.angle(self.origin)

    def update(self, angle: float) -> list[Move]:
        """What the next frame, at this angle in degrees, decides."""
        angles, calm = self.angles, self._calm
        n = len(angles) + 1
        if n > self._room:
            self._shorten()
            n = len(angles) + 1
        angles.append(angle)
        if self.still:  # as long as it stays within what it has covered since it came to stand nothing has to be looked up
            if angle > self._highest:
                self._highest = angle
            elif angle < self._lowest:
                self._lowest = angle
            if self._highest - self._lowest < calm or self._stands():
                self.still += 1
            else:
                self._last_still = self.first + n - 2
                self.still = 0
        elif n >= self._quiet and -calm < angle - angles[-self._quiet] < calm and self._stands():
            self.still = 1
        if self.state != "rest":
            return self._away(angle) if self.state == "away" else self._back(angle)
        if self._adrift is not None:
            self._drift(angle)
        elif self.still or angle <= self.zero:
            self.zero, self.origin = angle, self.first + n - 1
        elif angle - self.zero >= self._hysteresis:
            self._leave()
        return NOTHING

    def _shorten(self) -> None:
        """Forget what is too old to be seen again."""
        extra = self.origin - self._history - self.first
        if extra > self._history:
            del self.angles[:extra]
            self.first += extra

    def _stands(self) -> bool:
        """Whether the angle has not changed for QUIET_S."""
        window = self.angles[-self._quiet :]
        self._highest, self._lowest = max(window), min(window)
        return self._highest - self._lowest < self._calm

    def _away(self, angle: float) -> list[Move]:
        angles, first = self.angles, self.first
        now = first + len(angles) - 1
        top = angles[self._peak - first]
        if angle > top:
            self._peak, top = now, angle
            if top - self.zero > self._limit:
                if self._hold is not None:
                    return self._drop(self._hold)
                self._rest(now)
                self._adrift = angle
                return NOTHING
        if self.still >= self._held:
            self._hold, self._stood = now, self.still
        if top - angle >= RETURNED * (top - self.zero):
            self.state, self._low, self._rest_since = "back", now, None
            return [Move("turned", self.origin, self._peak, now, self._rested)]
        if self._hold is not None:
            held = angles[self._hold - first]
            way = held - self.zero
            further = max(self._hysteresis, FURTHER * way if way < POSE_DEG else 0.0)
            if angle - held >= further and not (self._stood <= self._hesitates and self._is_own(angle, held)):
                return self._drop(self._hold)
        if now - self.origin > self._longest:
            return self._drop(now)
        return NOTHING

    def _is_own(self, angle: float, held: float) -> bool:
        """Whether the leg is no further than the person goes from where this excursion began: from a new place, which
        lies out there by the hysteresis at least, it would go as far beyond. And it has not come back up to where it had rested."""
        return angle - self.zero < self._own + self._hysteresis and abs(held - self._stood_at) >= self._hysteresis

    @property
    def holds(self) -> bool:
        """Whether the leg has come to stand still out there."""
        return self.state != "rest" and self.still >= self._quiet

    def rest_here(self) -> Move:
        """The leg has come to rest, whatever it seemed to be doing."""
        now = self.first + len(self.angles) - 1
        dropped = Move("dropped", self.origin, self._peak, now, self._rested, True)
        self._rest(now)
        return dropped

    def _drift(self, angle: float) -> None:
        """On the way to another pose there is no rest to leave until the leg stands still, or comes back down."""
        self._rest(self.first + len(self.angles) - 1)
        if not self.still and angle > self._adrift - self._hysteresis:
            self._adrift = max(self._adrift, angle)
        else:
            self._adrift = None

    def _drop(self, rest: int) -> list[Move]:
        """The leg has found a new rest, and may have left that one already."""
        dropped = Move("dropped", self.origin, self._peak, rest, self._rested)
        self._rest(rest)
        if self.angles[-1] - self.zero >= self._hysteresis:
            self._leave()
        return [dropped]

    def _back(self, angle: float) -> list[Move]:
        angles, first = self.angles, self.first
        now = first + len(angles) - 1
        if self.still:
            if self._rest_since is None:
                self._rest_since = self._arrived()
            self._low = now
        else:
            if angle <= angles[self._low - first]:
                self._low = now
            # A pause on the way back is not the rest once the leg has gone on lower.
            if self._rest_since is not None and angles[self._rest_since - first] - angle > MIN_HYSTERESIS_DEG:
                self._rest_since = None
        leaving = angle - angles[self._low - first] >= self._hysteresis
        rests = self.still >= self._held or (self.still >= self._quiet and self._is_back())
        if not (leaving or rests or now - self.origin > self._longest):
            return NOTHING
        end = self._low if self._rest_since is None else self._rest_since
        start, peak, rested, settled = self.origin, self._peak, self._rested, self._rest_since is not None
        self._rest(self._low)
        if leaving:
            self._leave()
            settled = settled or self._rested
        return [Move("closed", start, peak, end, rested, settled)]

    def _is_back(self) -> bool:
        """Whether the leg is where it began, or near: short of that it may only hesitate."""
        top, low = self.angle(self._peak), self.angle(self._low)
        return low - self.zero <= INCOMPLETE * (top - self.zero)

    def _arrived(self) -> int:
        """When the angle that now stands still came to stand: in the still stretch it may at first have gone on."""
        angles, at = self.angles, max(len(self.angles) - self._quiet, self._peak - self.first)
        while at + 1 < len(angles) and angles[at] - angles[at + 1] > self._rest_step:
            at += 1
        return self.first + at

    def _rest(self, frame: int) -> None:
        self.state, self.origin, self.zero = "rest", frame, self.angle(frame)

    def _leave(self) -> None:
        """An excursion has begun; it left rest where the angle last stood still."""
        # The angle may still have counted as standing when it had begun to move: look back a little further.
        angles, low = self.angles, max(0, self.origin - self.first - self._quiet)
        start = len(angles) - 1
        if angles[start] - angles[start - 1] <= self._rest_step:  # so small a one that it slows down already
            fastest = max(range(self.origin - self.first + 1, start + 1), key=lambda i: angles[i] - angles[i - 1])
            start = fastest if angles[fastest] - angles[fastest - 1] > self._rest_step else start
        while start > low and angles[start] - angles[start - 1] > self._rest_step:
            start -= 1
        self._peak = self.first + len(angles) - 1
        self._rest(self.first + start)
        dwell = start
        while dwell > 0 and start - dwell < self._brief and -self._calm < angles[dwell - 1] - angles[start] < self._calm:
            dwell -= 1
        if self.still:
            self._last_still, self.still = len(angles) - 1 + self.first, 0
        self._rested = start - dwell >= self._brief or self.origin - self._last_still <= self._quiet
        self._stood_at = angles[int(self._last_still) - self.first] if self._last_still >= self.first else math.inf
        self.state, self._hold = "away", None


NOTHING: list[Move] = []
