"""Samples -> orientation frames at about 20 Hz: everything later decides on these and on nothing else.

Exercises live below 3 Hz, so 20 frames a second lose nothing; because a frame comes from an orientation that was
integrated at the full rate, taking every n-th one does not alias.
"""

from __future__ import annotations

import math
import sys
from collections import deque
from statistics import median

import numpy as np
from vqf import VQF

from processing.errors import BadSamples
from processing.frames import Frame, Past, up_in
from processing.standing import WINDOW_S, Standing
from sensor.samples import Samples

# Or the nearest that divides the sensor's rate; below 30 Hz that itself. 25 takes an eighth more time and finds starts and ends 5 ms better.
FRAME_RATE_HZ = 20.0
BRIDGE_S = 1.0  # SIGNALS: gaps up to 1 s are bridged, longer ones start anew
BLIND_S = 0.4  # after a longer hole gravity has to tell what was missed: half of a fast lift takes so long (ours)
TAU_S = 3.0  # VQF's own, how long gravity takes to correct the gyroscope
CATCH_UP_S = 0.5  # for so long, and with
CATCH_UP_TAU_S = 1.0  # this time constant, a tenth of VQF's own: what a leg's own acceleration adds is over as soon (ours)
HOLE_PERIODS = 1.5  # CONTRACT: a longer step between samples is a gap
FIRST_S = 1.0  # of samples held back: if they were still they tell the gyroscope's bias before anything else
FIRST_STEPS = 8  # and at least so many steps between samples, which tell the sample period
LOOKS = 4  # in each of standing.WINDOW_S so often whether the last FIRST_S were still, while the bias is unknown (ours)
STILL_GYR_STD = math.radians(1.5)  # above a cheap gyroscope's noise, below any deliberate movement (ours)
TREMOR_S = 0.1  # a muscle's tremor of 8 to 12 Hz, and most of a sensor's noise, are nothing in the mean of so long (ours)
STILL_ACC_STD = 0.25  # m/s², the same for the accelerometer (ours)
MAX_BIAS = math.radians(10.0)  # no MEMS gyroscope on sale has more (ours)
TURN = math.radians(2.0)  # what VQF clips; a leg that turns so fast and so evenly is seldom slower (ours)
ALIGNED = math.cos(math.radians(20.0))  # a bias lies so close to the vertical in one sensor of seventeen
CHEAP = math.radians(4.0)  # a cheap gyroscope's bias is less, and so slow a turn is not so even for
CHEAP_S = 2.9  # so long: the first window and the next (ours)
NO_TURN = math.radians(90.0)  # no hip turns so far
LEFT_TO_VQF = math.radians(1.0)  # half of the bias at which VQF clips: it follows that much itself
PAUSES = 40  # the bias is guessed from the last so many (ours)
BIAS_SIGMA = math.radians(0.1)  # how well the mean of a still second tells it (ours)


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
        self.bias_known = False
        self.past = Past()
        self._turned = 0.0  # radians about the vertical, if it was no bias
        self._presumed = np.zeros(3)  # the bias as a rest that may have been such a turn told it
        self._unsure: np.ndarray | None = None  # and as the present rest does
        self._held: list[Samples] = []
        self._offset: np.ndarray | None = None  # the part of the gyroscope's bias that VQF cannot hold
        # That the bias is guessed from: what the gyroscope said in each, and its weight. And whether the last one goes on.
        self._pauses: deque[tuple[np.ndarray, float]] = deque(maxlen=PAUSES)
        self._pausing = False
        self._segment = 0
        self._swayed: list[np.ndarray] = []  # what the gyroscope says in each window in which the leg is as good as still
        self._standing = Standing()

    def update(self, samples: Samples) -> list[Frame]:
        """Frames that these samples complete. Raises BadSamples; then nothing has changed."""
        t = samples.t.tolist()
        if not t:
            return []
        whole = self._checked(t, samples.acc, samples.gyr)
        if self.first_t is None:
            self.first_t = t[0]
        self.samples += len(t)
        self.last_t = t[-1]
        if self.period is not None:
            return (self._solid if whole else self._run)(t, samples.acc, samples.gyr)
        self._held.append(samples)
        enough = self.last_t - self.first_t >= FIRST_S and self.samples > FIRST_STEPS
        return self.flush() if enough else []

    def flush(self) -> list[Frame]:
        """Give up holding back: a recording may be shorter than the first window."""
        held = Samples.concat(self._held)
        self._held = []
        if self.period is not None or len(held) < 2:
            return []
        first = max(int(np.searchsorted(held.t, held.t[0] + FIRST_S)), FIRST_STEPS) + 1
        steps = np.diff(held.t[:first])
        # The mean, since times may be rounded; of the steps that are no holes.
        self.period = float(steps[steps <= HOLE_PERIODS * median(steps.tolist())].mean())
        self._stride = max(1, round(1 / (self.period * FRAME_RATE_HZ)))
        self.frame_s = self._stride * self.period
        self._window = max(8, round(WINDOW_S / self.period))
        self._look = max(2, round(WINDOW_S / LOOKS / self.period))
        self._vqf = VQF(self.period)
        self._restart(held.t[0])
        self._learn_bias(held.acc[:first], held.gyr[:first])
        self._swayed.clear()  # the first window begins with the same second
        self._left = self._window if self.bias_known else self._look
        return self._run(held.t.tolist(), held.acc, held.gyr)

    def _checked(self, t: list[float], acc: np.ndarray, gyr: np.ndarray) -> bool:
        """Whether there is no hole before any of these samples, where nothing is wrong with them."""
        finite = math.isfinite(acc.ravel().dot(gyr.ravel()))  # whatever is not finite in either shows in their product
        hole_s = HOLE_PERIODS * self.period if self.period else sys.float_info.max
        before, whole = t[0] - 1.0 if self.last_t is None else self.last_t, True
        for now in t:  # a loop over ten, which Python has at hand, costs less than functions that it has to fetch
            step = now - before
            if step > hole_s or not step > 0.0:  # and not as one chain, which Python compares in twice the time
                if step <= 0.0 and finite:
                    raise BadSamples(f"time runs backwards in the samples from {t[0]:.3f} s (wanted each later than the one before)")
                finite, whole = finite and math.isfinite(step), False
            before = now
        if not finite:
            raise BadSamples(f"a value is not a number in the samples from {t[0]:.3f} s (wanted finite m/s² and rad/s)")
        return whole

    def _restart(self, t: float) -> None:
        """A new orientation, tilt from the next samples; the bias is kept."""
        bias, sigma = self._vqf.getBiasEstimate()
        self._vqf = VQF(self.period)
        self._vqf.setBiasEstimate(bias, sigma)
        self._grid = 0
        self._left = self._window if self.bias_known else self._look  # samples until a window, or a look, ends
        self._looks = 0
        self._seen_acc: list[np.ndarray] = []  # of the last window, while the bias is unknown
        self._seen_gyr: list[np.ndarray] = []
        self._segment += 1
        self._standing.forget()
        self._catching_up = False
        self._clock = t - self.period

    def _run(self, t: list[float], acc: np.ndarray, gyr: np.ndarray) -> list[Frame]:
        """Samples with holes before or between them."""
        hole_s = HOLE_PERIODS * self.period
        frames: list[Frame] = []
        at = 0
        for hole in np.flatnonzero(np.diff(t, prepend=self._clock) > hole_s).tolist():
            frames += self._solid(t[at:hole], acc[at:hole], gyr[at:hole])
            frames += self._over_hole(t[hole], acc[hole], gyr[hole])
            at = hole
        return frames + self._solid(t[at:], acc[at:], gyr[at:])

    def _over_hole(self, t: float, acc: np.ndarray, gyr: np.ndarray) -> list[Frame]:
        start = self._clock
        self.gaps.append((start, t))
        if t - start > BRIDGE_S:
            self._restart(t)
            return []
        missing = round((t - start) / self.period) - 1
        share = (np.arange(1, missing + 1) / (missing + 1))[:, None]
        last_acc, last_gyr = (rows[-1] for rows in self._last)
        times = (start + share[:, 0] * (t - start)).tolist()
        frames = self._solid(times, last_acc + share * (acc - last_acc), last_gyr + share * (gyr - last_gyr), True)
        if t - start > BLIND_S:
            self._vqf.setTauAcc(CATCH_UP_TAU_S)
            self._catching_up, self._left = True, round(CATCH_UP_S / self.period)
        return frames

    def _solid(self, t: list[float], acc: np.ndarray, gyr: np.ndarray, bridged: bool = False) -> list[Frame]:
        """Samples without a hole, cut where a window ends: there what is taken for the bias may change."""
        if len(t) < self._left:
            self._left -= len(t)
            return self._orient(t, acc, gyr, bridged)
        frames: list[Frame] = []
        while t:
            n = min(len(t), self._left)
            frames += self._orient(t[:n], acc[:n], gyr[:n], bridged)
            self._left -= n
            if not self._left:
                self._recentre()
                self._left = self._window if self.bias_known else self._look
            t, acc, gyr = t[n:], acc[n:], gyr[n:]
        return frames

    def _recentre(self) -> None:
        if self._catching_up:
            self._vqf.setTauAcc(TAU_S)
            self._catching_up, self._looks = False, 0
            self._standing.forget()
        elif not self.bias_known:
            self._look_for_bias()
            if not self._looks:
                self._follow_bias(self._seen_gyr[0].mean(axis=0) if self._seen_acc[0].any() else None)
            return
        elif self._vqf.getRestDetected():
            self._set_bias(self._vqf.getBiasEstimate()[0], False)
            self._standing.forget()
        else:
            self._follow_bias()
        self._seen_acc.clear()
        self._seen_gyr.clear()

    def _follow_bias(self, told: np.ndarray | None = None) -> None:
        """told (3,): what the gyroscope said in the last window, while the bias is unknown; else what is about the vertical
        is left to learn: VQF follows the rest."""
        now = self._vqf.getQuat6D().tolist()
        stood = self._standing.add(now, told)
        if stood is None:
            return
        if self.bias_known and stood.rate:
            self._set_bias(self._vqf.getBiasEstimate()[0] + stood.rate * up_in(now), True)
        elif not self.bias_known and stood.told is not None:
            self.bias_known, self._offset = True, None
            self._set_bias(stood.told, True)

    def _look_for_bias(self) -> None:
        window = LOOKS * self._look
        acc, gyr = np.concatenate(self._seen_acc)[-window:], np.concatenate(self._seen_gyr)[-window:]
        self._seen_acc, self._seen_gyr = [acc], [gyr]
        self._looks += 1
        second = max(FIRST_STEPS, round(FIRST_S / self.period))
        if len(gyr) >= second:
            self._guess_bias(acc[-second:], gyr[-second:])
        if self._looks == LOOKS:
            self._looks = 0
            self._learn_bias(acc, gyr)

    def _guess_bias(self, acc: np.ndarray, gyr: np.ndarray) -> None:
        """From (n, 3) samples, if they and gravity stood still, and those before them: what VQF could not hold, until it is known.

        A leg sways in its pauses, so each second counts by its stillness. A sensor that turned would have taken gravity
        along by more than half of what the gyroscope says; of a turn about the vertical nobody can tell, but who turns
        there turns back, and rests in between: what most pauses agree on is the bias.
        """
        pausing, self._pausing = self._pausing, False
        spread, mean, half = self._unrest(gyr), gyr.mean(axis=0), len(gyr) // 2
        first, last, more = acc[:half].mean(axis=0), acc[half:].mean(axis=0), mean - self._presumed
        size, up = math.sqrt(more @ more), (first + last) / (math.sqrt((first + last) @ (first + last)) or 1.0)
        about_up = abs(float(more @ up))
        if spread >= STILL_GYR_STD or self._unrest(acc) >= STILL_ACC_STD or about_up > ALIGNED * size:
            return
        if not LEFT_TO_VQF < size or np.abs(mean).max() > MAX_BIAS or not first.any():
            return
        apart = last - first
        turned = math.sqrt(apart @ apart) / (math.sqrt(first @ first) or 1.0)
        if turned < math.sqrt(size**2 - about_up**2) * half * self.period / 2:
            weight, self._pausing = 1 / max(spread, BIAS_SIGMA) ** 2, True
            if pausing and math.dist(self._pauses[-1][0], mean) < TURN:
                before, weighed = self._pauses.pop()
                mean, weight = (weighed * before + weight * mean) / (weighed + weight), weighed + weight
            self._pauses.append((mean, weight))
            self._offset = None
            self._set_bias(self._guess(), True)

    def _guess(self) -> np.ndarray:
        """What the pauses tell that are like the one to which all others are nearest; before any, what was presumed."""
        if not self._pauses:
            return self._presumed
        means, weights = (np.array(column) for column in zip(*self._pauses, strict=True))
        apart = np.linalg.norm(means[:, None] - means, axis=2)
        alike = apart[apart.sum(axis=1).argmin()] < TURN
        return weights[alike] @ means[alike] / weights[alike].sum()

    def _learn_bias(self, acc: np.ndarray, gyr: np.ndarray) -> None:
        """From (n, 3) samples, if they were still. A slow even turn of a leg looks the same, but comes to an end."""
        mean = gyr.mean(axis=0)
        spread, up = self._unrest(gyr), acc.mean(axis=0)
        still = spread < STILL_GYR_STD and self._unrest(acc) < STILL_ACC_STD
        if not still or np.abs(mean).max() > MAX_BIAS or not up.any():  # zeros: nothing is measured, not stillness
            self._turned = 0.0
            self.bias_known = bool(self._swayed)  # as well as a leg that has swayed, and does no more, could tell it
            self._presumed, self._unsure = self._presumed if self._unsure is None else self._unsure, None
            return
        about_up, sure = self._turn(mean, up), True
        if about_up > TURN:
            if self._pauses:
                return
            self._turned += about_up * len(gyr) * self.period
            if self._turned < (CHEAP_S * about_up if about_up < CHEAP else NO_TURN):
                return
            sure = self._turned >= NO_TURN  # else until the leg stands still otherwise, or so once more
            self._unsure = mean
        if spread > BIAS_SIGMA:
            self._swayed.append(mean)
            mean, sure = sum(self._swayed) / len(self._swayed), False
        self.bias_known = sure
        self._offset = None
        self._set_bias(mean, True)

    def _turn(self, mean: np.ndarray, up: np.ndarray) -> float:
        """How fast, rad/s, it may have turned about the vertical (3,): where what is more than the best that is known of the
        bias is mostly about that; the bias itself has a part across."""
        more = mean - self._guess()
        about_up = abs(float(more @ up)) / (math.sqrt(up @ up) or 1.0)
        return about_up if about_up > ALIGNED * math.sqrt(more @ more) else 0.0

    def _unrest(self, measured: np.ndarray) -> float:
        """How samples (n, 3) change, tremor and noise apart: their standard deviation, along the axis where it is largest."""
        step = max(1, min(round(TREMOR_S / self.period), len(measured) // 2))
        return float(measured[len(measured) % step :].reshape(-1, step, 3).mean(axis=1).std(axis=0).max())

    def _set_bias(self, bias: np.ndarray, new: bool) -> None:
        """VQF follows a small bias itself; what it could not hold is taken off the samples."""
        if max(map(abs, bias.tolist())) > LEFT_TO_VQF:
            self._offset = bias if self._offset is None else self._offset + bias
            bias, new = np.zeros(3), True
        if new:
            self._vqf.setBiasEstimate(bias, BIAS_SIGMA)

    def _orient(self, t: list[float], acc: np.ndarray, gyr: np.ndarray, bridged: bool) -> list[Frame]:
        if not t:
            return []
        rates = gyr if self._offset is None else gyr - self._offset
        try:
            found = self._vqf.updateBatch(rates, acc)
        except ValueError:  # it takes float64 only, one row after the other
            found = self._vqf.updateBatch(np.ascontiguousarray(rates, float), np.ascontiguousarray(acc, float))
        quats, vectors = found["quat6D"], self._vector(acc, rates, found)
        if not self.bias_known:
            self._seen_acc.append(acc)
            self._seen_gyr.append(gyr)
        self._last = acc, gyr
        self._clock = t[-1]
        skip = -self._grid % self._stride
        self._grid += len(t)
        if skip >= len(t):
            return []
        stride, segment, number = self._stride, self._segment, self.past.next
        times, quats = t[skip::stride], quats[skip::stride]
        self.past.add(times, quats, vectors[skip::stride], bridged)
        frames = []
        for time, (w, x, y, z) in zip(times, quats.tolist(), strict=True):
            frames.append((time, w, x, y, z, number, segment))
            number += 1
        return frames

    def _vector(self, acc: np.ndarray, rates: np.ndarray, found: dict[str, np.ndarray]) -> np.ndarray:
        """What a frame tells beside the turn, (n, 3): the specific force."""
        return acc
