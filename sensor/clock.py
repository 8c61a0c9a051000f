"""A band's counter -> seconds since its first sample. Reports gaps, never invents samples.

A u32 counter of microseconds wraps after 71.6 minutes. Which turn a value belongs to is decided by the
host's clock: the turn that comes nearest to the time that has passed there. That holds for any pause, as
long as the two clocks agree to half a turn, and tells a repeated packet (earlier) from a late one (later).
"""

from __future__ import annotations

GAP_PERIODS = 1.5  # a hole of more sample periods than this is a gap (CONTRACT.md)


class Clock:
    """Of one band. `gaps`: (last time before, first time after), s. `segment`: 0, +1 at each reboot."""

    def __init__(self, bits: int = 32, tick_s: float = 1e-6) -> None:
        self._turn, self._tick = 1 << bits, tick_s
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
