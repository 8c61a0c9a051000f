"""Samples -> orientation frames at about 25 Hz: everything later decides on these and on nothing else.

Earth frame: z up, heading arbitrary. A quaternion (w, x, y, z) turns sensor coordinates into earth
coordinates. Exercises live below 3 Hz, so 25 frames a second lose nothing; because a frame comes from
an orientation that was integrated at the full rate, taking every n-th one does not alias.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from vqf import VQF

from processing.errors import BadSamples
from sensor.samples import Samples

FRAME_RATE_HZ = 25.0
BRIDGE_S = 1.0  # SIGNALS: gaps up to 1 s are bridged, longer ones start anew
HOLE_PERIODS = 1.5  # CONTRACT: a longer step between samples is a gap
SHORT = 64  # so few samples at the measured rate cannot hide a hole behind a rate that is 0.5 % off
WINDOW_S = 1.0  # length of a still window; the first one decides the gyroscope's bias before anything else
STILL_GYR_STD = math.radians(1.5)  # above a cheap gyroscope's noise, below any deliberate movement (ours)
STILL_ACC_STD = 0.25  # m/s², the same for the accelerometer (ours)
MAX_BIAS = math.radians(10.0)  # no MEMS gyroscope on sale has more (ours)
REBIAS = math.radians(2.0)  # VQF follows smaller changes of bias itself: its own limit


class Frame(NamedTuple):
    """The sensor's orientation at one moment.

    t s · w x y z sensor to earth · ux uy uz the upward direction in sensor coordinates ·
    yaw_deg heading, unwrapped, counter-clockwise positive · speed_dps total angular speed over the
    frame · bridged: interpolated over a gap · segment: +1 where the orientation started anew.
    """

    t: float
    w: float
    x: float
    y: float
    z: float
    ux: float
    uy: float
    uz: float
    yaw_deg: float
    speed_dps: float
    bridged: bool
    segment: int


class Orientation:
    """Online: how the samples are cut into blocks does not change the frames.

    The first second is held back until it is known whether it was still: if so its mean angular
    velocity is the bias (VQF clips its own estimate at 2 deg/s; cheap sensors have more).
    """

    def __init__(self) -> None:
        self.samples = 0
        self.first_t: float | None = None
        self.last_t: float | None = None
        self.period: float | None = None
        self.gaps: list[tuple[float, float]] = []
        self.still_windows = 0
        self._held: list[Samples] = []
        self._bias = np.zeros(3)
        self._segment = 0
        self._yaw = 0.0
        self._previous: tuple[float, float, float, float] | None = None

    def update(self, samples: Samples) -> list[Frame]:
        """Frames that these samples complete. Raises BadSamples; then nothing has changed."""
        if not len(samples):
            return []
        self._check(samples)
        if self.first_t is None:
            self.first_t = float(samples.t[0])
        self.samples += len(samples)
        self.last_t = float(samples.t[-1])
        if self.period is not None:
            return self._run(samples)
        self._held.append(samples)
        return self.flush() if self.last_t - self.first_t >= WINDOW_S else []

    def flush(self) -> list[Frame]:
        """Give up holding back: a recording may be shorter than the first window."""
        held = Samples.concat(self._held)
        self._held = []
        if self.period is not None or len(held) < 2:
            return []
        first = int(np.searchsorted(held.t, held.t[0] + WINDOW_S)) + 1
        self.period = float(np.median(np.diff(held.t[:first])))
        self._stride = max(1, round(1 / (self.period * FRAME_RATE_HZ)))
        self._window = max(8, round(WINDOW_S / self.period))
        self._window_rows: list[np.ndarray] = []
        self._learn_bias(np.hstack([held.acc[:first], held.gyr[:first]]))
        self._restart(held.t[0])
        return self._run(held)

    def _check(self, samples: Samples) -> None:
        t = samples.t
        if not math.isfinite(float(samples.acc.sum()) + float(samples.gyr.sum()) + float(t[-1])):
            raise BadSamples(f"a value is not a number in the samples from {t[0]:.3f} s (wanted finite m/s² and rad/s)")
        if (self.last_t is not None and t[0] <= self.last_t) or (len(t) > 1 and (t[1:] <= t[:-1]).any()):
            raise BadSamples(f"time runs backwards in the samples from {t[0]:.3f} s (wanted each later than the one before)")

    def _restart(self, t: float) -> None:
        """A new orientation, tilt from the next samples; the bias is kept."""
        self._vqf = VQF(self.period)
        self._grid = 0
        self._window_rows.clear()
        self._window_count = 0
        self._segment += 1
        self._previous = None
        self._clock = t - self.period

    def _run(self, samples: Samples) -> list[Frame]:
        t, period = samples.t, self.period
        n = len(t)
        if n <= SHORT and t[-1] - self._clock < (n + HOLE_PERIODS - 1) * period:
            return self._solid(t, samples.acc, samples.gyr, False)
        frames: list[Frame] = []
        steps = np.diff(t, prepend=self._clock)
        at = 0
        for hole in np.flatnonzero(steps > HOLE_PERIODS * period):
            frames += self._solid(t[at:hole], samples.acc[at:hole], samples.gyr[at:hole], False)
            frames += self._over_hole(float(t[hole]), samples.acc[hole], samples.gyr[hole])
            at = hole
        return frames + self._solid(t[at:], samples.acc[at:], samples.gyr[at:], False)

    def _over_hole(self, t: float, acc: np.ndarray, gyr: np.ndarray) -> list[Frame]:
        start = self._clock
        self.gaps.append((start, t))
        if t - start > BRIDGE_S:
            self._restart(t)
            return []
        missing = round((t - start) / self.period) - 1
        share = (np.arange(1, missing + 1) / (missing + 1))[:, None]
        last_acc, last_gyr = self._last_acc_gyr
        times = start + share[:, 0] * (t - start)
        return self._solid(times, last_acc + share * (acc - last_acc), last_gyr + share * (gyr - last_gyr), True)

    def _solid(self, t: np.ndarray, acc: np.ndarray, gyr: np.ndarray, bridged: bool) -> list[Frame]:
        """Samples without a hole, cut where a still window ends: there the bias may change."""
        frames: list[Frame] = []
        while len(t):
            n = min(len(t), self._window - self._window_count)
            frames += self._orient(t[:n], acc[:n], gyr[:n], bridged)
            self._window_rows.append(np.hstack((acc[:n], gyr[:n])))
            self._window_count += n
            if self._window_count == self._window:
                self._learn_bias(np.concatenate(self._window_rows))
                self._window_rows.clear()
                self._window_count = 0
            t, acc, gyr = t[n:], acc[n:], gyr[n:]
        return frames

    def _learn_bias(self, rows: np.ndarray) -> None:
        spread = rows.std(axis=0)
        mean = rows[:, 3:].mean(axis=0)
        if spread[3:].max() > STILL_GYR_STD or spread[:3].max() > STILL_ACC_STD or np.abs(mean).max() > MAX_BIAS:
            return
        first = not self.still_windows
        self.still_windows += 1
        if first or np.abs(mean - self._bias).max() > REBIAS:
            if not first:
                self._vqf.setBiasEstimate(np.zeros(3), math.radians(0.1))
            self._bias = mean

    def _orient(self, t: np.ndarray, acc: np.ndarray, gyr: np.ndarray, bridged: bool) -> list[Frame]:
        acc = np.ascontiguousarray(acc, float)
        gyr = gyr - self._bias
        quats = self._vqf.updateBatch(gyr, acc)["quat6D"]
        self._last_acc_gyr = acc[-1], gyr[-1] + self._bias
        self._clock = float(t[-1])
        skip = -self._grid % self._stride
        self._grid += len(t)
        if skip >= len(t):
            return []
        stride = self._stride
        seconds = stride * self.period
        segment = self._segment
        frames = []
        for time, (w, x, y, z) in zip(t[skip::stride].tolist(), quats[skip::stride].tolist(), strict=True):
            if self._previous is None:
                speed = 0.0
            else:
                pw, px, py, pz = self._previous
                # Turn since the last frame, in earth coordinates: q * conjugate(previous).
                dw = w * pw + x * px + y * py + z * pz
                dx = x * pw - w * px - y * pz + z * py
                dy = y * pw - w * py + x * pz - z * px
                dz = z * pw - w * pz - x * py + y * px
                self._yaw += math.degrees(2 * math.atan(dz / dw)) if dw else 180.0
                speed = math.degrees(2 * math.sqrt(dx * dx + dy * dy + dz * dz)) / seconds
            self._previous = w, x, y, z
            frames.append(
                Frame(
                    time, w, x, y, z,
                    2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
                    self._yaw, speed, bridged, segment,
                )
            )  # fmt: skip
        return frames
