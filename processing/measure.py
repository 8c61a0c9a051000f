"""The numbers of one repetition from its angle: range of motion, phases, smoothness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TOP = 0.05  # CONTRACT: the hold is the time within 5 % of the range of motion of the top
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


def shape(t: np.ndarray, angle: np.ndarray) -> Shape:
    """t s and angle degrees, both (n,), from the leaving of rest to the last known moment."""
    peak = int(angle.argmax())
    rom = float(angle[peak] - angle[0])
    level = angle[peak] - TOP * rom
    above = np.flatnonzero(angle >= level)
    rise = _crossing(t, angle, level, int(above[0]) - 1)
    fall = _crossing(t, angle, level, int(above[-1]))
    start, end = float(t[0]), float(t[-1])
    return Shape(
        rom_deg=rom,
        start_s=start,
        peak_s=(rise + fall) / 2,
        end_s=end,
        concentric_s=rise - start,
        hold_s=fall - rise,
        eccentric_s=end - fall,
        return_share=float(angle[peak] - angle[-1]) / rom if rom > 0 else 0.0,
        risen=_stop(angle, int(above[0])),
    )


def _crossing(t: np.ndarray, angle: np.ndarray, level: float, i: int) -> float:
    """When the angle passes the level between frames i and i + 1."""
    if i < 0:
        return float(t[0])
    if i + 1 >= len(t):
        return float(t[-1])
    step = angle[i + 1] - angle[i]
    share = (level - angle[i]) / step if step else 0.0
    return float(t[i] + share * (t[i + 1] - t[i]))


def _stop(angle: np.ndarray, i: int) -> int:
    """The first frame from i on after which the angle does not grow: cut off earlier, a smooth way looks rough."""
    falling = np.flatnonzero(np.diff(angle[i:]) <= 0)
    return i + int(falling[0]) if len(falling) else len(angle) - 1


def sparc(speed: np.ndarray, step_s: float) -> float:
    """Spectral arc length of a speed profile (n,): -1.41 for a minimum-jerk movement of any size and duration."""
    if len(speed) < 2 or not speed.any():
        return 0.0
    size = 2 ** (int(np.ceil(np.log2(len(speed)))) + SPARC_PAD)
    spectrum = np.abs(np.fft.rfft(speed, size))
    spectrum /= spectrum.max()
    frequency = np.fft.rfftfreq(size, step_s)
    kept = frequency <= SPARC_MAX_HZ
    strong = np.flatnonzero(kept & (spectrum >= SPARC_MIN_AMPLITUDE))
    span = slice(int(strong[0]), int(strong[-1]) + 1)
    frequency, spectrum = frequency[span], spectrum[span]
    if len(frequency) < 2:
        return 0.0
    steps = np.diff(frequency) / (frequency[-1] - frequency[0])
    return -float(np.sqrt(steps**2 + np.diff(spectrum) ** 2).sum())
