"""A band's counter, or where it has none the packets' arrival -> seconds since its first sample. Reports gaps, never
invents samples.

A u32 counter of microseconds wraps after 71.6 minutes. Which turn a value belongs to is decided by the
host's clock: the turn that comes nearest to the time that has passed there. That holds for any pause, as
long as the two clocks agree to half a turn, and tells a repeated packet (earlier) from a late one (later).
"""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

GAP_PERIODS = 1.5  # a hole of more sample periods than this is a gap (CONTRACT.md)


class Clock:
    """Of one band. `gaps`: (last time before, first time after), s. `segment`: 0, +1 at each reboot."""

    def __init__(self, turn: int = 1 << 32, tick_s: float = 1e-6) -> None:
        self._turn, self._tick = turn, tick_s
        self.gaps: list[tuple[float, float]] = []
        self.segment = 0
        self._first: int | None = None  # the counter, unwrapped, where this segment's seconds are `_offset`
        self._offset = 0.0
        self._ticks = 0  # the newest packet's first sample: counter, unwrapped
        self._host_ns = 0  # its arrival
        self.last = -1.0  # s, the newest sample

    def unwrap(self, counter: int, host_ns: int) -> int:
        """The counter's value without wraps. Changes nothing."""
        if self._first is None:
            return counter
        step = (counter - self._ticks) % self._turn
        passed = (host_ns - self._host_ns) * 1e-9 / self._tick
        return self._ticks + step + round((passed - step) / self._turn) * self._turn

    def seconds(self, ticks: int) -> float:
        """When an unwrapped counter was read."""
        return self._offset if self._first is None else self._offset + (ticks - self._first) * self._tick

    def accept(self, ticks: int, host_ns: int, n: int, period_s: float) -> tuple[float, bool]:
        """Take in a packet of n samples -> (time of its first sample, is there a gap before it)."""
        started = self._first is None
        if started:
            self._first = ticks
        t = self.seconds(ticks)
        gap = (not started or self.segment > 0) and t - self.last > GAP_PERIODS * period_s
        if gap:
            self.gaps.append((self.last, t))
        self._ticks, self._host_ns = ticks, host_ns
        self.last = t + (n - 1) * period_s
        return t, gap

    def reboot(self, host_ns: int, period_s: float) -> None:
        """The counter starts anew: seconds go on by the host's clock, at least one period later."""
        if self._first is None:
            return
        passed = self.seconds(self._ticks) + (host_ns - self._host_ns) * 1e-9
        self._offset = max(passed, self.last + period_s)
        self._first = None
        self.segment += 1


# Of `ArrivalClock`; none has a source. Connection events are up to 60 ms apart in homes, so that packets which are
# less late than that, or than a gap, say nothing. What a disturbed radio held back comes in one go afterwards.
LATE_S = 0.06
SETTLE_S = 0.3  # after so long without a packet in time, those missing are lost
WAITING = 2000  # packets, however slowly they come: ten seconds of the fastest
# Twice a second the clock takes on most of its error, and a part as a lasting difference: quick enough that a band which is
# 3 % slow is not late by LATE_S before that is known, and steady against the jitter of arrivals. Cheap oscillators are
# within 4 % of what they say.
STEER_S, STEER, STEER_LASTING, STEER_MOST = 0.5, 0.8, 0.2, 0.06


class Placed(NamedTuple):
    """A packet and when its first sample was measured, s; `step` between its samples, s."""

    what: Any
    host_ns: int
    t: float
    step: float
    gap: bool


class ArrivalClock:
    """Of a band without counter and sequence number: a uniform clock at the nominal rate, steered by arrivals.

    A packet can come late, but not early: the least lateness of each half second tells how much slower the band's clock is
    than its nominal rate; that of the first one is the first packet's own, and tells nothing. Packets that come late wait (`put` hands on none): either one comes in time, and it was the
    radio, or none does, and as many whole periods as the least late of them is late are a gap. So a loss shorter than
    LATE_S goes unseen.
    """

    def __init__(self, period_s: float) -> None:
        self.gaps: list[tuple[float, float]] = []
        self.last = -1.0  # s, the newest sample
        self._nominal = self._period = period_s
        self._late = max(GAP_PERIODS * period_s, LATE_S)
        self._next = 0.0  # when the next sample is measured
        self._zero_ns: int | None = None  # when a sample of time 0 would have arrived without delay
        self._waiting: deque[tuple[int, int, Any]] = deque()
        self._window_ns, self._least, self._lasting, self._is_first = 0, float("inf"), 0.0, True

    def put(self, n: int, host_ns: int, what: Any) -> list[Placed]:
        """A packet of n samples -> the packets that are due now."""
        if self._zero_ns is None:
            self._zero_ns = host_ns - round((n - 1) * self._period * 1e9)
            self._window_ns = host_ns
        self._waiting.append((n, host_ns, what))
        least = self._least_lateness()
        if least > self._late and host_ns - self._waiting[0][1] < SETTLE_S * 1e9 and len(self._waiting) < WAITING:
            return []
        return self._hand_on(least)

    def flush(self) -> list[Placed]:
        """What still waits: nothing will come after it."""
        return self._hand_on(self._least_lateness()) if self._waiting else []

    def _least_lateness(self) -> float:
        """Of what waits, if nothing is missing before it, s."""
        t, least = self._next, float("inf")
        for n, host_ns, _ in self._waiting:
            t += n * self._period
            least = min(least, (host_ns - self._zero_ns) * 1e-9 - (t - self._period))
        return least

    def _hand_on(self, least: float) -> list[Placed]:
        missing = round(least / self._period) if least > self._late else 0
        if missing:
            self._next += missing * self._period
            self.gaps.append((self.last, self._next))
        placed = []
        while self._waiting:
            n, host_ns, what = self._waiting.popleft()
            placed.append(Placed(what, host_ns, self._next, self._period, bool(missing) and not placed))
            self._next += n * self._period
            self.last = self._next - self._period
            self._least = min(self._least, (host_ns - self._zero_ns) * 1e-9 - self.last)
        self._steer(host_ns)
        return placed

    def _steer(self, host_ns: int) -> None:
        if host_ns - self._window_ns < STEER_S * 1e9:
            return
        if self._is_first:
            self._zero_ns += round(self._least * 1e9)
            self._is_first, self._least = False, 0.0
        error = max(-1.0, min(1.0, self._least))
        self._lasting = max(-STEER_MOST, min(STEER_MOST, self._lasting + STEER_LASTING * error))
        change = max(-STEER_MOST, min(STEER_MOST, self._lasting + STEER * error))
        self._period = self._nominal * (1 + change)
        self._window_ns, self._least = host_ns, float("inf")
