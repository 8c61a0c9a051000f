"""The score of a session: per channel a list of moves in time, with sway and tremor on top."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sensor.motion.profiles import Profile, smooth


@dataclass(frozen=True, slots=True)
class Move:
    """One channel goes from `start` to `end`; moves of a channel follow each other."""

    t0: float
    t1: float
    start: float
    end: float
    profile: Profile = smooth


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """What was played, at any instant."""

    start: dict[str, float]
    moves: dict[str, list[Move]]
    waves: tuple[tuple[str, float, float, float], ...]  # channel, amplitude rad, hertz, phase rad

    def angles(self, t: np.ndarray) -> dict[str, np.ndarray]:
        """Every channel of body.py at t (n,) s."""
        found = {channel: _evaluate(moves, self.start[channel], t) for channel, moves in self.moves.items()}
        effort = 0.25 + 0.75 * found.pop("effort")
        for channel, size, hertz, phase in self.waves:
            found[channel] = found[channel] + effort * size * np.sin(2 * np.pi * hertz * t + phase)
        return found


def _evaluate(moves: list[Move], start: float, t: np.ndarray) -> np.ndarray:
    if not moves:
        return np.full(len(t), start)
    t0, t1, v0, v1 = np.array([(m.t0, m.t1, m.start, m.end) for m in moves]).T
    i = np.maximum(np.searchsorted(t0, t, side="right") - 1, 0)
    s = np.clip((t - t0[i]) / (t1 - t0)[i], 0.0, 1.0)
    share = smooth(s)
    for k in _others(moves, i):
        here = i == k
        share[here] = moves[k].profile(s[here])
    return v0[i] + (v1 - v0)[i] * share


def _others(moves: list[Move], numbers: np.ndarray) -> Iterator[int]:
    """Those of the numbered moves that are not minimum jerk."""
    return (k for k in np.unique(numbers) if moves[k].profile is not smooth)
