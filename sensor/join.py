"""Acceleration and angular velocity that come as streams of their own -> one, on the times of the acceleration."""

from __future__ import annotations

import numpy as np

from sensor.clock import GAP_PERIODS

PENDING_US = 10_000_000  # of one stream, while the other is silent; no source


class Join:
    """The angular velocity is interpolated between its two neighbours. Where it has a gap there is no sample, nor where
    the acceleration has one: nothing is carried over a hole. `dropped` counts how often a stream waited in vain."""

    def __init__(self, period_us: float) -> None:
        self.dropped = 0
        self._gap_us = GAP_PERIODS * period_us
        self.clear()

    def clear(self) -> None:
        self._acc = self._gyr = np.empty(0, np.int64), np.empty((0, 3))

    def put_acc(self, t_us: np.ndarray, values: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """What is complete now, cut at gaps: times and both (n, 6)."""
        self._acc = np.concatenate((self._acc[0], t_us)), np.concatenate((self._acc[1], values))
        return self._joined()

    def put_gyr(self, t_us: np.ndarray, values: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        self._gyr = np.concatenate((self._gyr[0], t_us)), np.concatenate((self._gyr[1], values))
        return self._joined()

    def _joined(self) -> list[tuple[np.ndarray, np.ndarray]]:
        (t, acc), (at, gyr) = self._acc, self._gyr
        ready = int(np.searchsorted(t, at[-1], side="right")) if len(at) else 0
        if not ready:
            self._forget(t, at)
            return []
        right = np.clip(np.searchsorted(at, t[:ready]), 1, max(1, len(at) - 1))
        hole = at[right] - at[right - 1] if len(at) > 1 else np.full(ready, self._gap_us + 1)
        good = (t[:ready] >= at[0]) & (hole <= self._gap_us)
        turned = np.stack([np.interp(t[:ready], at, column) for column in gyr.T], axis=1)
        both, times = np.hstack((acc[:ready], turned))[good], t[:ready][good]
        used = max(0, int(np.searchsorted(at, t[ready - 1], side="right")) - 1)
        self._acc, self._gyr = (t[ready:], acc[ready:]), (at[used:], gyr[used:])
        edges = [0, *np.flatnonzero(np.diff(times) > self._gap_us) + 1, len(times)]
        return [(times[i:j], both[i:j]) for i, j in zip(edges, edges[1:]) if i < j]

    def _forget(self, t: np.ndarray, at: np.ndarray) -> None:
        """What nobody will ask for any more."""
        old_acc = int(np.searchsorted(t, t[-1] - PENDING_US)) if len(t) else 0
        old_gyr = max(0, len(at) - 1) if len(t) or (len(at) and at[-1] - at[0] > PENDING_US) else 0
        self.dropped += bool(old_acc)
        self._acc = t[old_acc:], self._acc[1][old_acc:]
        self._gyr = at[old_gyr:], self._gyr[1][old_gyr:]
