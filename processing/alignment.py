"""Two sensors, two clocks: what the one on the pelvis calls a time, in the time of the one on the leg.

Where the pelvis goes the leg goes too, at least a little, and in directions in which the leg's own movement adds
nothing. So the clocks are right where the two angular velocities have most in common: the canonical correlation, which
looks for those directions itself and does not care how the bands sit or when in a repetition the pelvis helps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from processing.errors import ProcessingError
from processing.orientation import FIRST_S, FIRST_STEPS
from sensor.samples import Samples

RATE_HZ = 20.0  # of the compared angular velocities: people move below 3 Hz
SLOW_S, QUICK_S = 8.0, 0.3  # slower is a gyroscope's bias, quicker is tremor (ours)
FROM_ZERO_S = 1.0  # a time column that begins earlier counts from its own start (ours)
NEAR_S = 8.0  # how far from a guess is looked first (ours)
SHARED = 0.3  # of the shorter recording lies at least in the other (ours)
QUIET = 1e-3  # of the whole recording's power is noise wherever it is still (ours)
FAR_S = 20.0 * 60  # and how far at all (ours)
LEAST_S = 20.0  # of both recordings that are to have something in common (ours)
WINDOW_S = 10.0  # a rest or a few repetitions: what is alike in it (ours)
NOISE_RADS = 1e-3  # of a gyroscope below 3 Hz (ours)
PPM = 100e-6  # a clock is as wrong as that (SIGNALS)
PPM_SIGMA = 80e-6  # and as a rule so wrong (ours)
FINE_S = 0.25  # around the best offset the windows are looked at so far; 30 min at PPM are 0.18
# The best offset is likelier than any that is RIVAL_S away, by so much (log likelihood) where a guess lies near and where
# none does: people move alike again and again, and the best of a stranger's session is up to 50 likelier than its rivals [S].
RIVAL_S, SURE, FAR_SURE = 1.0, 12.0, 60.0
HOST_S, FEW_LINES = 20.0, 3  # seconds; with no more of them the clocks' rates are taken as alike (ours)
FREEDOM_S = 0.5  # of the signal hold one independent value: QUICK_S and the slowness of people (ours)


@dataclass(frozen=True, slots=True)
class Clock:
    """leg's time = offset_s + rate x pelvis' time.

    known_by: `movement` that both show; `host` that received both; `start` of the recordings, as they say; or that they
    are taken to have one `common` clock.
    """

    offset_s: float
    rate: float
    known_by: Literal["movement", "host", "start", "common"]

    def bring(self, samples: Samples) -> Samples:
        """The pelvis' samples in the leg's time."""
        return Samples(self.offset_s + self.rate * samples.t, samples.acc, samples.gyr)


def align(leg: Samples, pelvis: Samples, apart_s: float | None = None) -> Clock:
    """apart_s: how much later the pelvis' recording says it began. Raises ProcessingError where they never overlap, or the
    pelvis' is too short for an orientation."""
    length = float(pelvis.t[-1] - pelvis.t[0]) if len(pelvis) else 0.0
    if length < FIRST_S or len(pelvis) <= FIRST_STEPS:
        raise ProcessingError(f"the pelvis' recording is too short (wanted {FIRST_S:g} s and more, got {length:.2f} s, {len(pelvis)} samples)")
    hosts = host_line(leg), host_line(pelvis)
    if None not in hosts:
        (leg_offset, leg_rate), (offset, rate) = hosts
        clock = Clock((offset - leg_offset) / leg_rate, rate / leg_rate, "host")
    else:
        guesses = _guesses(leg.t, pelvis.t, apart_s)
        clock = _by_movement(leg, pelvis, [guess.offset_s for guess in guesses]) or guesses[0]
    begin, end = clock.offset_s + clock.rate * pelvis.t[0], clock.offset_s + clock.rate * pelvis.t[-1]
    if begin >= leg.t[-1] or end <= leg.t[0]:
        raise ProcessingError(
            "leg and pelvis were not recorded at the same time "
            f"(wanted some of {leg.t[0]:.1f} to {leg.t[-1]:.1f} s, got {begin:.1f} to {end:.1f})"
        )
    return clock


def _guesses(leg: np.ndarray, pelvis: np.ndarray, apart_s: float | None) -> list[Clock]:
    """The likeliest first, of the recordings' times (n,) s."""
    common = Clock(0.0, 1.0, "common")
    begun = Clock(float(leg[0] - pelvis[0]) + (apart_s or 0.0), 1.0, "start")
    overlap = min(leg[-1], pelvis[-1]) - max(leg[0], pelvis[0])
    if overlap < min(leg[-1] - leg[0], pelvis[-1] - pelvis[0]) / 2:
        return [begun]
    from_zero = max(abs(leg[0]), abs(pelvis[0])) < FROM_ZERO_S  # each its own zero
    return [begun, common] if from_zero and apart_s is not None else [common, begun]


def _by_movement(leg: Samples, pelvis: Samples, expected: Sequence[float]) -> Clock | None:
    """None where the data do not show it. expected: offsets in s."""
    t0, p0 = float(leg.t[0]), float(pelvis.t[0])
    x, y = _rates(leg), _rates(pelvis)
    if min(len(x), len(y)) <= LEAST_S * RATE_HZ:
        return None
    # A lag of n: row i + n of the leg belongs to row i of the pelvis.
    reach = np.arange(-round(NEAR_S * RATE_HZ), round(NEAR_S * RATE_HZ) + 1)
    places = [round((offset - t0 + p0) * RATE_HZ) for offset in expected]
    if len(places) > 1 and abs(places[0] - places[1]) <= RATE_HZ:
        del places[1]
    guesses = len(places)
    lags, shared = _likely(x, y)
    far = int(lags[shared.argmax()]) if len(lags) else places[0]
    if min(abs(far - place) for place in places) > reach[-1]:
        places.append(far)
    found = []
    for place in places:
        likely = _windows(x, y, place + reach).sum(axis=0)
        at = int(likely.argmax())
        rival = float(likely[np.abs(reach - reach[at]) > RIVAL_S * RATE_HZ].max())
        found.append((float(likely[at] - np.median(likely)), float(likely[at]) - rival, place + int(reach[at])))
    near = max(found[:guesses])
    best, sure, lag = max(found)
    if best - near[0] < SURE:
        _, sure, lag = near
    if sure < (SURE if lag == near[2] else FAR_SURE):
        return None
    drift, rate = _fine(x, y, lag)
    # leg's time - t0 = drift + lag / RATE_HZ + rate x (pelvis' time - p0)
    return Clock(t0 + lag / RATE_HZ + drift - rate * p0, rate, "movement")


def host_line(samples: Samples) -> tuple[float, float] | None:
    """The host's time in s as (offset, rate) of the sensor's; None where no packet says when it came.

    A packet comes late, never early: the earliest of each HOST_S are the true ones.
    """
    if samples.raw is None or len(samples) < 2 or samples.raw.t_host_ns.min() < 0:
        return None
    host = (samples.raw.t_host_ns - samples.raw.t_host_ns[0]) * 1e-9
    begin = samples.raw.t_host_ns[0] * 1e-9
    last = np.flatnonzero(np.diff(host, append=np.inf) > 0)  # of each packet the newest sample: only now can it come
    t, late = samples.t[last], host[last] - samples.t[last]
    part = ((t - t[0]) / HOST_S).astype(int)
    early = np.array([np.flatnonzero(part == one)[late[part == one].argmin()] for one in np.unique(part)])
    drift = 0.0
    if len(early) > FEW_LINES:
        drift = float(np.clip(np.polyfit(t[early] - t[0], late[early], 1)[0], -2 * PPM, 2 * PPM))
    return begin + float((late[early] - drift * t[early]).min()), 1.0 + drift


def _rates(samples: Samples) -> np.ndarray:
    """Angular velocity (n, 3) rad/s at RATE_HZ from the first sample on, of what is neither bias nor tremor."""
    t = samples.t
    steps = (samples.gyr[1:] + samples.gyr[:-1]) / 2 * np.diff(t)[:, None]
    turned = np.concatenate([np.zeros((1, 3)), steps]).cumsum(axis=0)
    grid = np.arange(t[0], t[-1], 1 / RATE_HZ)

    def mean(width_s: float) -> np.ndarray:
        late, early = (np.clip(grid + side * width_s / 2, t[0], t[-1]) for side in (1, -1))
        passed = [np.interp(late, t, one) - np.interp(early, t, one) for one in turned.T]
        return (np.stack(passed) / (late - early)).T

    quick = mean(QUICK_S)
    rates = quick - mean(SLOW_S)
    rates[np.interp(grid, t[1:], np.diff(t)) > QUICK_S] = 0.0  # a hole
    return rates


def _likely(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lags in rows and the log likelihood of each, (k,): how much x (n, 3) and y (m, 3) so shifted have in common."""
    x, y = _white(x), _white(y)
    size = 1 << (len(x) + len(y) - 1).bit_length()
    fx, fy = np.fft.rfft(x, size, axis=0), np.fft.rfft(y, size, axis=0)
    both = np.fft.irfft(fx[:, :, None] * fy[:, None, :].conj(), size, axis=0)
    lags = np.arange(-len(y) + 1, len(x))
    shared = np.minimum(len(x) - lags, len(y)) - np.maximum(-lags, 0)
    kept = (shared >= SHARED * min(len(x), len(y))) & (np.abs(lags) <= FAR_S * RATE_HZ)
    lags, shared = lags[kept], shared[kept, None, None]
    first = np.maximum(-lags, 0)  # row of y that meets x

    def inside(rows: np.ndarray, begin: np.ndarray) -> np.ndarray:
        sums = np.concatenate([np.zeros((1, 3, 3)), rows[:, :, None] * rows[:, None, :]]).cumsum(axis=0)
        return (sums[begin + shared[:, 0, 0]] - sums[begin]) / shared + QUIET * np.eye(3)

    told = _information(both[lags] / shared, inside(x, first + lags), inside(y, first))
    return lags, told * shared[:, 0, 0] / (FREEDOM_S * RATE_HZ)


def _windows(x: np.ndarray, y: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """Log likelihood (k, n) of each of n lags, one after the other, in each of k windows of y (m, 3).

    A leg that rests on the pelvis moves with it, however little: what a window says does not depend on how much others move.
    """
    width = round(WINDOW_S * RATE_HZ)
    k, span = -(-len(y) // width), width + len(lags) - 1
    y = np.concatenate([y, np.zeros((k * width - len(y), 3))]).reshape(k, width, 3)
    before = max(0, -int(lags[0]))
    first = np.arange(k) * width + int(lags[0]) + before
    x = np.concatenate([np.zeros((before, 3)), x, np.zeros((max(0, int(first[-1]) + span - before - len(x)), 3))])
    sums = np.concatenate([np.zeros((1, 3, 3)), x[:, :, None] * x[:, None, :]]).cumsum(axis=0)
    begin = first[:, None] + np.arange(len(lags))
    size = 1 << (span - 1).bit_length()
    fx = np.fft.rfft(x[first[:, None] + np.arange(span)], size, axis=1)
    fy = np.fft.rfft(y, size, axis=1)
    both = np.fft.irfft(fx[:, :, :, None] * fy[:, :, None, :].conj(), size, axis=1)[:, : len(lags)]
    noise = NOISE_RADS**2 * np.eye(3)
    inside = y.transpose(0, 2, 1) @ y / width + noise
    told = _information(both / width, (sums[begin + width] - sums[begin]) / width + noise, inside[:, None])
    return told * WINDOW_S / FREEDOM_S


def _fine(x: np.ndarray, y: np.ndarray, lag: int) -> tuple[float, float]:
    """What is left of the offset, s, at the first row of y, and the rate of its clock."""
    shifts = np.arange(-round(FINE_S * RATE_HZ), round(FINE_S * RATE_HZ) + 1)
    found = _windows(x, y, lag + shifts)
    middles = (np.arange(len(found)) + 0.5) * WINDOW_S
    grid = shifts / RATE_HZ
    offsets = np.arange(-FINE_S, FINE_S, 0.004)
    rates = np.arange(-2 * PPM, 2 * PPM, 5e-6)
    middle = middles.mean()
    total = np.zeros((len(rates), len(offsets))) - (rates[:, None] / PPM_SIGMA) ** 2 / 2
    for likely, at in zip(found, middles, strict=True):
        total += _between(grid, likely, np.clip(offsets + rates[:, None] * (at - middle), grid[0], grid[-1]))
    i, j = np.unravel_index(int(total.argmax()), total.shape)
    return float(offsets[j] - rates[i] * middle), 1.0 + float(rates[i])


def _between(grid: np.ndarray, values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Values between the even grid's points by cubics (Catmull and Rom): the peak is rarely on one of them."""
    step = grid[1] - grid[0]
    place = (at - grid[0]) / step
    i = np.clip(place.astype(int), 1, len(grid) - 3)
    u = place - i
    a, b, c, d = (values[i + k] for k in (-1, 0, 1, 2))
    return b + u * ((c - a) / 2 + u * (a - 2.5 * b + 2 * c - d / 2 + u * ((d - a) / 2 + 1.5 * (b - c))))


def _white(x: np.ndarray) -> np.ndarray:
    """The same with unit covariance (n, 3)."""
    sizes, axes = np.linalg.eigh(x.T @ x / len(x))
    return x @ (axes / np.sqrt(np.maximum(sizes, 1e-12)))


def _information(cross: np.ndarray, xx: np.ndarray, yy: np.ndarray) -> np.ndarray:
    """Mutual information (k,), nats, of Gaussians by their covariances: cross (k, 3, 3), the others alike or (3, 3)."""
    told = np.linalg.solve(xx, cross) @ np.linalg.solve(yy, np.swapaxes(cross, -1, -2))
    left = np.linalg.det(np.eye(3) - 0.999 * told)
    return -np.log(np.clip(left, 1e-6, 1.0)) / 2
