"""What a competent engineer would write in an afternoon, on the same recordings as hiprep.

    BASELINES[name](recording) -> [(start_s, end_s, counted_s)] of each repetition that it counts

All but the last see the whole recording before they say anything, which is more than hiprep is given; their counted_s
is nan. All are told exercise and side. Their numbers were tuned in their favour on tests/recordings, on clean simulated
sessions and on the real recordings; no source unless one is named.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, find_peaks, sosfiltfilt
from vqf import VQF

from processing.exercises import exercise_named
from processing.tracker import SET_PAUSE_S
from sensor.recording import Recording

Found = list[tuple[float, float, float]]

OFFLINE = math.nan
RATE_HZ = 25.0  # exercises live below 3 Hz (SIGNALS)
SLOWEST_HZ, FASTEST_HZ = 0.02, 3.0
SHORTEST_S, LONGEST_S = 1.2, 14.0  # from one peak to the next: from too fast to held for long
LEAST_DEG = 4.0  # the smallest real repetitions are 6 to 8 (SIGNALS)
PROMINENT = 0.4  # of the person's own excursions: partial ones are up to a third
FOOT = 0.07  # of an excursion: where it begins and ends
STILL_RADS = math.radians(5.0)
BUMPS = 4.0  # bumps of the speed in a repetition that the low-pass lets through
APART = 0.6  # of the period, at least
ALIKE = 0.8  # of the highest peak of the autocorrelation
UNLIKE = 0.6  # of the template's square; stillness is 1
HOME_DEG, OUT, BACK = 6.0, 0.6, 0.45  # half of a first repetition; out and back as shares of the person's own


class Motion(NamedTuple):
    """Evenly spaced: t (n,) s, gyr (n, 3) rad/s, acc (n, 3) m/s²; gaps are bridged in a straight line."""

    t: np.ndarray
    gyr: np.ndarray
    acc: np.ndarray


def evenly(recording: Recording) -> Motion:
    samples = recording.samples
    t = np.arange(samples.t[0], samples.t[-1] + 1e-6, 1 / RATE_HZ)
    few = max(1, round(recording.meta.sample_rate_hz / RATE_HZ))  # averaged, so that noise does not fold
    gyr, acc = (
        np.stack([np.interp(t, samples.t, uniform_filter1d(axis, few)) for axis in of.T], axis=1)
        for of in (samples.gyr, samples.acc)
    )
    return Motion(t, gyr, acc)


def unbiased(gyr: np.ndarray) -> np.ndarray:
    """Less the mean where the band is stillest: of half-second stretches, the tenth that moves least."""
    size = int(RATE_HZ / 2)
    parts = gyr[: len(gyr) // size * size].reshape(-1, size, 3)
    if not len(parts):
        return gyr - gyr.mean(axis=0)
    restless = parts.std(axis=1).sum(axis=1)
    return gyr - np.median(parts[restless <= np.quantile(restless, 0.1)].mean(axis=1), axis=0)


def smooth(signal: np.ndarray, low_hz: float | None, high_hz: float) -> np.ndarray:
    """Butterworth, second order, there and back; without low_hz a low-pass."""
    band, kind = (high_hz, "low") if low_hz is None else ((low_hz, high_hz), "band")
    sos = butter(2, band, kind, fs=RATE_HZ, output="sos")
    return sosfiltfilt(sos, signal, axis=0, padlen=min(len(signal) - 1, 3 * int(RATE_HZ)))


def excursions(t: np.ndarray, signal: np.ndarray, least: float = LEAST_DEG, apart_s: float = SHORTEST_S) -> Found:
    """Peaks that stand out as far as this person's usually do, each from foot to foot."""
    wide = int(LONGEST_S * RATE_HZ)
    peaks, seen = find_peaks(signal, prominence=least, distance=max(1, apart_s * RATE_HZ), wlen=2 * wide + 1)
    if not len(peaks):
        return []
    peaks = peaks[seen["prominences"] >= PROMINENT * np.quantile(seen["prominences"], 0.75)]
    found: Found = []
    for last, peak, following in zip([0, *peaks[:-1]], peaks, [*peaks[1:], len(t)], strict=True):
        before = signal[max(last, peak - wide) : peak + 1][::-1]
        after = signal[peak : min(following, peak + wide)]
        out, back = (int((side <= side.min() + FOOT * np.ptp(side)).argmax()) for side in (before, after))
        found.append((float(t[peak - out]), float(t[peak + back]), OFFLINE))
    return found


def outward(angle: np.ndarray) -> np.ndarray:
    """The sign with which the first large excursion is a growing one: who rests goes out first."""
    away = angle - angle[0]
    far = np.flatnonzero(np.abs(away) > 0.5 * np.quantile(np.abs(away), 0.95))
    return -angle if len(far) and away[far[0]] < 0 else angle


# The baselines


def gyro_norm(recording: Recording) -> Found:
    """Peaks of the angular velocity's size; a way out and a way back are two of them."""
    t, gyr, _ = evenly(recording)
    gyr = unbiased(gyr)
    bumps: Found = []
    for first, last in stretches(gyr):
        size = np.degrees(np.linalg.norm(gyr[first:last], axis=1))
        tempo_hz = 1 / period(smooth(size, None, 1.0))
        bumps += excursions(t[first:last], smooth(size, None, BUMPS * tempo_hz), LEAST_DEG / 2, SHORTEST_S / 2)
    found: Found = []
    while len(bumps) >= 2:
        (start, until, _), (again, end, _) = bumps[:2]
        whole = again - until <= LONGEST_S / 2
        if whole:
            found.append((start, end, OFFLINE))
        bumps = bumps[2 if whole else 1 :]
    return found


def principal_angle(gyr: np.ndarray) -> np.ndarray:
    """Degrees (n,) turned about the axis that turns most: band-passed, integrated."""
    speed = smooth(np.degrees(gyr @ main_direction(gyr, gyr)), SLOWEST_HZ, FASTEST_HZ)
    return outward(smooth(np.cumsum(speed) / RATE_HZ, SLOWEST_HZ, FASTEST_HZ))


def principal_component(recording: Recording) -> Found:
    """First principal component of the angular velocity, band-pass, integrate, `find_peaks`."""
    t, gyr, _ = evenly(recording)
    return excursions(t, principal_angle(unbiased(gyr)))


def autocorrelation(recording: Recording) -> Found:
    """In each stretch of movement the period, by autocorrelation, then the peaks that are so far apart."""
    t, gyr, _ = evenly(recording)
    gyr = unbiased(gyr)
    found: Found = []
    for first, last in stretches(gyr):
        angle = principal_angle(gyr[first:last])
        found += excursions(t[first:last], angle, apart_s=APART * period(angle))
    return found


def stretches(gyr: np.ndarray) -> list[tuple[int, int]]:
    """Of movement with shorter pauses than a set's end, two seconds of rest at both ends."""
    moving = np.flatnonzero(smooth(np.linalg.norm(gyr, axis=1), None, 1.0) > STILL_RADS)
    parts = np.split(moving, np.flatnonzero(np.diff(moving) > SET_PAUSE_S * RATE_HZ) + 1)
    rest = int(2 * RATE_HZ)
    return [(max(0, int(part[0]) - rest), int(part[-1]) + rest) for part in parts if len(part) > SHORTEST_S * RATE_HZ]


def period(part: np.ndarray) -> float:
    """Seconds; the first lag whose peak comes near the highest."""
    part = part - part.mean()
    size = len(part)
    power = np.abs(np.fft.rfft(part, 2 * size)) ** 2
    alike = np.fft.irfft(power)[:size] / np.arange(size, 0, -1)
    low, high = int(SHORTEST_S * RATE_HZ), min(size * 2 // 3, int(LONGEST_S * RATE_HZ))
    peaks = find_peaks(alike[:high])[0]
    peaks = peaks[(peaks >= low) & (alike[peaks] > 0)]
    if not len(peaks):
        return SHORTEST_S
    near = peaks[alike[peaks] >= ALIKE * alike[peaks].max()]
    return float(near[0] / RATE_HZ)


def orientation(gyr: np.ndarray, acc: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By VQF, which learns the gyroscope's bias: yaw, degrees (n,), and the vertical in the sensor (n, 3)."""
    seen = VQF(1 / RATE_HZ).updateBatch(np.ascontiguousarray(gyr), np.ascontiguousarray(acc))
    w, x, y, z = seen["quat6D"].T
    up = np.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], axis=1)
    return np.degrees(np.cumsum(((gyr - seen["bias"]) * up).sum(axis=1))) / RATE_HZ, up


def turn_sign(recording: Recording) -> int:
    exercise, side = exercise_named(recording.meta.exercise), recording.meta.side
    return exercise.right_sign if side == "right" else -exercise.right_sign


def vqf_yaw(recording: Recording) -> Found:
    """VQF's yaw the way this exercise goes on this side, or how far the leg is tipped, and `find_peaks`."""
    t, gyr, acc = evenly(recording)
    gyr = unbiased(gyr)
    yaw, up = orientation(gyr, acc)
    if recording.meta.exercise is None:  # nobody says whether to look at yaw or at elevation
        angle = principal_angle(gyr)
    elif exercise_named(recording.meta.exercise).movement == "turn":
        angle = yaw * turn_sign(recording)
    else:
        off = up - np.median(up, axis=0)
        angle = outward(np.degrees(np.arcsin(np.clip(off @ main_direction(off, gyr), -1, 1))))
    return excursions(t, smooth(angle, None, FASTEST_HZ))


def main_direction(of: np.ndarray, gyr: np.ndarray) -> np.ndarray:
    """First principal component (3,) of `of` (n, 3) while the band moves."""
    moving = of[np.linalg.norm(gyr, axis=1) > STILL_RADS]
    return np.linalg.svd(moving, full_matrices=False)[2][0] if len(moving) else np.array([1.0, 0.0, 0.0])


def first_repetition(recording: Recording) -> Found:
    """The person's own first repetition, and wherever dynamic time warping finds the like of it."""
    t, gyr, _ = evenly(recording)
    gyr = unbiased(gyr)
    first = excursions(t, principal_angle(gyr))[:1]
    if not first:
        return []
    t, gyr = t[::2], smooth(gyr, None, 2.0)[::2]
    own = gyr[(t >= first[0][0] - 0.2) & (t <= first[0][1] + 0.2)]
    cost, begun = warped(own, gyr)
    found: list[tuple[int, int]] = []
    for end in np.argsort(cost):
        if cost[end] > UNLIKE:
            break
        start = int(begun[end])
        if all(min(end, b) - max(start, a) <= 0.25 * min(end - start, b - a) for a, b in found):
            found.append((start, int(end)))
    return [(float(t[a]), float(t[b]), OFFLINE) for a, b in sorted(found)]


def warped(own: np.ndarray, series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Subsequence DTW of a template (m, 3) in a series (n, 3), half to twice as fast (Sakoe and Chiba's slope of 1/2).

    For each end (n,): the squared distance as a share of the template's own square, so that stillness is 1; the start.
    """
    size = len(series)
    apart = ((own[:, None] - series[None]) ** 2).sum(axis=2)

    def later(row: np.ndarray, by: int, fill: float) -> np.ndarray:
        return np.concatenate([np.full(by, fill), row[: size - by]])

    before, begun_before = np.full(size, np.inf), np.zeros(size)
    now, begun = apart[0], np.arange(size, dtype=float)
    for i in range(1, len(own)):
        ways = np.stack([
            later(now, 1, np.inf) + apart[i],
            later(now, 2, np.inf) + (later(apart[i], 1, np.inf) + apart[i]) / 2,
            later(before, 1, np.inf) + apart[i - 1] + apart[i],
        ])  # fmt: skip
        starts = np.stack([later(begun, 1, 0), later(begun, 2, 0), later(begun_before, 1, 0)])
        best = ways.argmin(axis=0)[None]
        before, begun_before = now, begun
        now, begun = (np.take_along_axis(of, best, axis=0)[0] for of in (ways, starts))
    return now / (own**2).sum(), begun


def home_threshold(recording: Recording) -> Found:
    """Online: out and back again, against the one rest pose at the beginning."""
    t, angle = home_angle(recording)
    found: Found = []
    tops: list[float] = []
    own = 2 * HOME_DEG  # median of this person's last six, as soon as there is one
    begun, out, top = float(recording.samples.t[0]), False, 0.0
    for at, now in zip(t.tolist(), angle.tolist(), strict=True):
        if out:
            top = max(top, now)
            if now <= BACK * own:
                found.append((begun, at, at))
                tops.append(top)
                own = float(np.median(tops[-6:]))
                begun, out = at, False
        elif now >= OUT * own:
            out, top = True, now
        elif now <= BACK * own:
            begun = at
    return found


def home_angle(recording: Recording) -> tuple[np.ndarray, np.ndarray]:
    """t (n,) s, degrees (n,) from the pose of the first still second on; nothing of what comes later is known."""
    t, gyr, acc = evenly(recording)
    size = int(RATE_HZ)
    still = (i for i in range(0, len(t) - size, size // 4) if gyr[i : i + size].std(axis=0).sum() < STILL_RADS / 2)
    first = next(still, 0)
    home = slice(first, first + size)
    yaw, up = orientation(gyr - gyr[home].mean(axis=0), acc)
    if recording.meta.exercise and exercise_named(recording.meta.exercise).movement == "turn":
        angle = (yaw - np.median(yaw[home])) * turn_sign(recording)
    else:
        rest = np.median(up[home], axis=0)
        angle = np.degrees(np.arccos(np.clip(up @ rest / np.linalg.norm(rest), -1, 1)))
    return t[first + size :], angle[first + size :]


BASELINES: dict[str, Callable[[Recording], Found]] = {
    "gyro-norm peaks": gyro_norm,
    "principal component": principal_component,
    "autocorrelation": autocorrelation,
    "VQF yaw": vqf_yaw,
    "first repetition, DTW": first_repetition,
    "home threshold, online": home_threshold,
}
