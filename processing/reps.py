"""One angle over time -> excursions, online: the leg leaves its rest, turns, and comes back.

A zig-zag with hysteresis, relative to the last turning point and never to an absolute zero: real
people do not come back to one home pose. It knows nothing of exercises; whether an excursion is a
repetition is decided by whoever reads its moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

RETURNED = 0.60  # SIGNALS: counted when so much of the way is back
HYSTERESIS = 0.20  # of the own ROM: SIGNALS has 0.30, which does not see partial repetitions of a quarter
MIN_HYSTERESIS_DEG = 3.5  # half of the smallest real abductions (7 deg), 5 x VQF's inclination error
REST_DPS = 2.0  # SIGNALS: slower than this the leg is at rest
QUIET_S = 0.4  # a rest is at least this long (ours)
HELD_S = 1.5  # SIGNALS: a still top this long is a hold, or a new place
KEEP_S = 3.0  # of rest kept before an excursion, so that its start can be found


@dataclass(frozen=True, slots=True)
class Move:
    """`turned` back 60 % of the way (the moment to count), `closed` at rest, or `dropped`: it never came back.

    start, peak, end: frame numbers; end is the newest known while the leg is still on its way.
    """

    kind: Literal["turned", "closed", "dropped"]
    start: int
    peak: int
    end: int


NOTHING: list[Move] = []


class Excursions:
    """Feed it frame by frame; it keeps the angles of the open excursion only."""

    def __init__(self, frame_s: float) -> None:
        self.first = 0  # frame number of angles[0]
        self.angles: list[float] = []
        self._hysteresis = MIN_HYSTERESIS_DEG
        self._quiet = max(2, round(QUIET_S / frame_s))
        self._held = round(HELD_S / frame_s)
        self._keep = round(KEEP_S / frame_s)
        self._rest_step = REST_DPS * frame_s
        self._calm = REST_DPS * self._quiet * frame_s
        self.forget()

    def expect(self, rom_deg: float) -> None:
        """The person's own range of motion: less than its share is no excursion."""
        self._hysteresis = max(MIN_HYSTERESIS_DEG, HYSTERESIS * rom_deg)

    def forget(self) -> None:
        """Start anew at the next frame: the angle before it means nothing any more."""
        self.first += len(self.angles)
        self.angles.clear()
        self.state: Literal["rest", "away", "back"] = "rest"
        self.still = 0
        self._low = self.first
        self._start = self._peak = self.first
        self._rest_since: int | None = None
        self._hold: int | None = None

    @property
    def frames(self) -> int:
        """The number of the next frame."""
        return self.first + len(self.angles)

    @property
    def origin(self) -> int:
        """The frame whose angle is this excursion's zero."""
        return self._low if self.state == "rest" else self._start

    def angle(self, frame: int) -> float:
        return self.angles[frame - self.first]

    def replace(self, angles: Sequence[float]) -> None:
        """The same frames seen about a better axis."""
        self.angles[:] = angles

    def update(self, angle: float) -> list[Move]:
        angles = self.angles
        extra = (self._low if self.state == "rest" else self._start) - self._keep - self.first
        if extra > self._keep:  # not earlier: who reads the last moves still needs their frames
            del angles[:extra]
            self.first += extra
        now = self.first + len(angles)
        angles.append(angle)
        quiet = len(angles) >= self._quiet and -self._calm < angle - angles[-self._quiet] < self._calm
        if quiet:
            window = angles[-self._quiet :]
            quiet = max(window) - min(window) < self._calm
        self.still = self.still + 1 if quiet else 0
        if self.state == "rest":
            low = angles[self._low - self.first]
            if quiet or angle <= low:
                self._low = now
            elif angle - low >= self._hysteresis:
                self._leave(now)
            return NOTHING
        return self._away(now, angle) if self.state == "away" else self._back(now, angle)

    def _away(self, now: int, angle: float) -> list[Move]:
        if angle > self.angle(self._peak):
            self._peak = now
        if self.still >= self._held:
            self._hold = now
        start, peak = self.angle(self._start), self.angle(self._peak)
        if peak - angle >= RETURNED * (peak - start):
            self.state, self._low, self._rest_since = "back", now, None
            return [Move("turned", self._start, self._peak, now)]
        if self._hold is not None and angle - self.angle(self._hold) >= self._hysteresis:
            dropped = Move("dropped", self._start, self._peak, self._hold)
            self._low = self._hold
            self._leave(now)
            return [dropped]
        return NOTHING

    def _back(self, now: int, angle: float) -> list[Move]:
        if angle <= self.angle(self._low):
            self._low = now
        if self.still:
            if self._rest_since is None:
                self._rest_since = now - self._quiet + 1
            self._low = now
        else:
            self._rest_since_moving()
        leaving = angle - self.angle(self._low) >= self._hysteresis
        if not leaving and self.still < self._quiet:
            return NOTHING
        end = self._low if self._rest_since is None else self._rest_since
        closed = Move("closed", self._start, self._peak, end)
        if leaving:
            self._leave(now)
        else:
            self.state, self._low = "rest", now
        return [closed]

    def _rest_since_moving(self) -> None:
        """A pause on the way back is not the rest: forget it once the leg has gone on lower."""
        if self._rest_since is not None and self.angle(self._rest_since) - self.angles[-1] > MIN_HYSTERESIS_DEG:
            self._rest_since = None

    def _leave(self, now: int) -> None:
        """An excursion has begun; it left rest where the angle last stood still."""
        start = now
        while start > self._low and self.angle(start) - self.angle(start - 1) > self._rest_step:
            start -= 1
        self.state, self._start, self._peak, self._hold, self.still = "away", start, now, None, 0
