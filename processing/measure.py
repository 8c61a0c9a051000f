"""The numbers of one repetition from its angle: range of motion, phases, smoothness; and the repetition made of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from processing.compensation import Seen
from processing.reps import INCOMPLETE, REST_DPS
from processing.results import Rep

TOP = 0.05  # CONTRACT: the hold is the time within 5 % of the range of motion of the top
TOO_FAST_S = 2.0  # CONTRACT
# From the speed at which a leg is said to move to GROWN times that speed it takes 0.5 of the time that it has moved
# before, if it moves with minimum jerk, and 1.25 of it with an even acceleration: as long before it is taken to begin.
GROWN = 2.25
UNSEEN_S = 0.2  # at the most: two of them are no longer than a rest, reps.QUIET_S
SPARC_PAD = 4  # Balasubramanian et al., J NeuroEng Rehabil 2015;12:112, as the two below
SPARC_MAX_HZ = 10.0
SPARC_MIN_AMPLITUDE = 0.05


@dataclass(frozen=True, slots=True)
class Shape:
    """rom_deg from the start to the peak; peak_s the middle of the hold; return_share of the ROM that came back;
    risen: the number of the angle at which the way out stops, in the hold."""

    rom_deg: float
    start_s: float
    peak_s: float
    end_s: float
    concentric_s: float
    hold_s: float
    eccentric_s: float
    return_share: float
    risen: int


def shape(t: Sequence[float], angle: Sequence[float], since: float = -math.inf) -> Shape:
    """t s and angle degrees, both (n,), from where the leg is seen to leave its rest to the last known moment; it has not
    left before `since`."""
    start_s = min(t[0], max(since, t[0] - _unseen(t, angle)))
    end_s = t[-1] + _unseen(t, angle[::-1])
    top = max(angle)
    rom = top - angle[0]
    level = top - TOP * rom
    first = next(i for i, one in enumerate(angle) if one >= level)
    last = falls(angle)
    rise = _crossing(t, angle, level, first - 1)
    fall = _crossing(t, angle, level, last)
    return Shape(
        rom_deg=rom,
        start_s=start_s,
        peak_s=(rise + fall) / 2,
        end_s=end_s,
        concentric_s=rise - start_s,
        hold_s=fall - rise,
        eccentric_s=end_s - fall,
        return_share=(top - angle[-1]) / rom if rom > 0 else 0.0,
        risen=next((i for i in range(first, len(angle) - 1) if angle[i + 1] <= angle[i]), len(angle) - 1),
    )


def falls(angle: Sequence[float]) -> int:
    """The number of the angle, of (n,), where the hold ends."""
    level = max(angle) - TOP * (max(angle) - angle[0])
    return next(i for i in range(len(angle) - 1, -1, -1) if angle[i] >= level)


def repetition(exercise: str, seen: Shape, smoothness: float, pelvis: Seen, bridged: bool) -> Rep:
    """A counted one. Its set, number and counted_s are not known here."""
    flags = list(pelvis.flags)
    if seen.return_share < 1 - INCOMPLETE:
        flags.append("incomplete_return")
    if seen.end_s - seen.start_s < TOO_FAST_S:
        flags.append("too_fast")
    if bridged:
        flags.append("gap")
    return Rep(
        set=0, rep=0, exercise=exercise, counted=True, flags=tuple(flags),
        start_s=seen.start_s, peak_s=seen.peak_s, end_s=seen.end_s, counted_s=math.nan,
        rom_deg=seen.rom_deg, hip_rom_deg=None, terminal_rotation_deg=pelvis.terminal_deg,
        concentric_s=seen.concentric_s, hold_s=seen.hold_s, eccentric_s=seen.eccentric_s, sparc=smoothness,
        compensated=bool(pelvis.compensation), compensation=pelvis.compensation,
        deviation_deg=pelvis.deviation_deg, pelvis_deg=None,
        time_under_tension_s=seen.concentric_s + seen.hold_s + seen.eccentric_s,
    )  # fmt: skip


def _unseen(t: Sequence[float], angle: Sequence[float]) -> float:
    """How long the leg has moved, s, before it moves with REST_DPS, which it does where the angles begin; none at a
    turning point."""
    step = (t[-1] - t[0]) / max(len(t) - 1, 1)  # times may be rounded
    before = slow = REST_DPS * step
    for i in range(1, len(angle)):
        now = angle[i] - angle[i - 1]
        if now >= GROWN * slow:
            return min(UNSEEN_S, max(0.0, i - 1.5 + (GROWN * slow - before) / (now - before)) * step)
        if i == 1 and now < slow:
            return 0.0
        before = now
    return 0.0


def _crossing(t: Sequence[float], angle: Sequence[float], level: float, i: int) -> float:
    """When the angle passes the level between frames i and i + 1."""
    if i < 0:
        return t[0]
    if i + 1 >= len(t):
        return t[-1]
    step = angle[i + 1] - angle[i]
    share = (level - angle[i]) / step if step else 0.0
    return t[i] + share * (t[i + 1] - t[i])


def sparc(speed: np.ndarray, step_s: float) -> float:
    """Spectral arc length of a speed profile (n,): -1.41 for a minimum-jerk movement of any size and duration."""
    if len(speed) < 2 or not speed.any():
        return 0.0
    size = 2 ** (math.ceil(math.log2(len(speed))) + SPARC_PAD)
    kept = min(int(SPARC_MAX_HZ * step_s * size), size // 2) + 1
    spectrum = np.abs(np.fft.rfft(speed, size)[:kept])
    highest = spectrum[0]  # of a speed, which is nowhere negative, that of no frequency at all
    last = int((spectrum >= SPARC_MIN_AMPLITUDE * highest).nonzero()[0][-1])
    if not last:
        return 0.0
    steps = (spectrum[1 : last + 1] - spectrum[:last]) / highest
    return -float(np.sqrt(steps * steps + 1 / last**2).sum())
