"""Bones -> what a sensor strapped to one of them measures: first ideal, then with a real sensor's faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.signal import cont2discrete, lfilter
from scipy.spatial.transform import Rotation

from sensor.driver import ACC_CLIP, GAP_BEFORE, GYR_CLIP
from sensor.motion.body import SHANK_M, THIGH_M, Bones
from sensor.motion.turns import about, apply, chain, from_rotation, inverse, rotation_vector
from sensor.samples import STANDARD_GRAVITY, Raw, Samples

# Half the distance between the three instants that velocity and acceleration are differenced from. At 1 ms the
# error of a 10 Hz tremor is 0.07 %, of the exercises nil, and rounding adds 1e-9 m/s².
STEP_S = 1e-3
RINGING_HZ, RINGING_DAMPING = (8.0, 14.0), 0.15  # a strapped sensor on skin; the order, no source
GAP_MARGIN_S = 1.5  # of a rest before and after the samples that are lost in it
CHUNK = 4096  # samples at a time: what fits a processor's cache
DEG = np.pi / 180


@dataclass(frozen=True, slots=True)
class Mount:
    """Where a band sits on its bone: metres along the bone from its upper joint, distance from the bone's axis."""

    bone: str
    along_m: float
    radius_m: float
    outward: float  # radians about the bone's z from straight ahead to where a band turned by 0 sits (right leg)


# Band turned by 0: on the outside of the leg, or in the middle of the back.
MOUNTS = {
    "ankle": Mount("shank", SHANK_M - 0.06, 0.04, -np.pi / 2),
    "thigh": Mount("thigh", THIGH_M / 2, 0.08, -np.pi / 2),
    "pelvis": Mount("pelvis", 0.0, 0.10, np.pi),
}


@dataclass(frozen=True, slots=True)
class Faults:
    """What a real sensor adds. Directions and signs are drawn from the seed.

    Noise is white, as a density. Biases are vectors of that length; the gyroscope's wanders on from there.
    lost is the share of buffers (of `buffer` samples) that never arrive, in bursts of `burst` on average.
    Ranges set the size of an int16 count; None leaves the numbers unrounded.
    """

    acc_noise: float = 0.0  # m/s² per root hertz
    gyr_noise_deg: float = 0.0  # deg/s per root hertz
    acc_bias: float = 0.0  # m/s²
    gyr_bias_deg: float = 0.0  # deg/s
    gyr_drift_deg: float = 0.0  # deg/s after one minute (standard deviation of a random walk)
    scale: float = 0.0  # standard deviation of each axis' gain
    misalignment_deg: float = 0.0  # the two sensors' axes against the housing's
    clock_ppm: float = 0.0  # positive: the band's clock runs fast
    lost: float = 0.0
    burst: float = 1.0
    buffer: int = 10
    acc_range_g: float | None = 8.0
    gyr_range_deg: float | None = 1000.0
    gyr_ramp_deg: float = 0.0  # deg/s a minute, steadily, on top of the random walk
    ringing: float = 0.0  # how much of a jolt the soft tissue under the band answers with, at 8 to 14 Hz
    rest_gap_s: tuple[float, float] | None = None  # so long, from to, nothing arrives in every long enough rest
    skin_slip: float = 0.0  # share of a hip rotation that a band on the thigh is left behind by its skin
    clock_offset_s: float = 0.0  # what the band's clock shows when the recording begins


IDEAL = Faults(acc_range_g=None, gyr_range_deg=None)
# Noise and biases of a current 6-axis chip by its data sheet (Bosch BMI270: 160 ug and 0.008 deg/s per root
# hertz, zero offsets 20 mg and 0.5 deg/s, gain 0.4 %); the drift is the order of warming up, no source.
GOOD = Faults(0.0016, 0.008, 0.1, 0.5, 0.05, 0.004, 0.3, 20.0)
# A cheap one, by issue: biases to 3 deg/s and drifting, 2 % gain. Noise five times the good one's: no source.
CHEAP = Faults(0.008, 0.04, 0.3, 3.0, 0.3, 0.02, 1.0, 80.0)


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """A sensor's true path: turn sensor -> world (4, n), at_m (3, n)."""

    turn: np.ndarray
    at_m: np.ndarray


def path(
    bones: Bones, placement: str, side: str, band_turn: float, mounting: Rotation, pushed: np.ndarray | None = None
) -> Path:
    """The path of a band at `placement`, turned round the leg by `band_turn` radians (seen from the hip's end,
    counter-clockwise) and sitting askew by `mounting` (sensor -> the band's place: x up the leg, z out of the skin).
    It has been `pushed` further round by (n,) radians."""
    mount = MOUNTS[placement]
    bone = getattr(bones, mount.bone)
    joint = {"shank": bones.knee_m, "thigh": bones.hip_m, "pelvis": bones.sacrum_m}[mount.bone]
    angle = (mount.outward if side == "right" else -mount.outward) + band_turn
    out = np.array([np.cos(angle), np.sin(angle), 0.0])
    up = np.array([0.0, 0.0, 1.0])
    place = Rotation.from_matrix(np.stack([up, np.cross(out, up), out], axis=1))
    worn = from_rotation(place * mounting)
    if pushed is not None and pushed.any():
        bone = chain(bone, about("z", pushed))
    return Path(chain(bone, worn), joint + apply(bone, mount.radius_m * out - mount.along_m * up))


def ideal(path_at: Callable[[np.ndarray], Path], t: np.ndarray) -> tuple[np.ndarray, np.ndarray, Path]:
    """Specific force (n, 3) m/s² and angular velocity (n, 3) rad/s in the sensor's axes, and the path, at t (n,) s."""
    parts = [_ideal(path_at, t[i : i + CHUNK]) for i in range(0, len(t), CHUNK)]
    acc, gyr, turn, at_m = (np.concatenate(found, axis=1) for found in zip(*parts, strict=True))
    return acc.T, gyr.T, Path(turn, at_m)


def _ideal(path_at: Callable[[np.ndarray], Path], t: np.ndarray) -> tuple[np.ndarray, ...]:
    path = path_at(np.concatenate([t - STEP_S, t, t + STEP_S]))
    before, now, after = np.split(path.turn, 3, axis=1)
    gyr = rotation_vector(chain(inverse(before), after)) / (2 * STEP_S)
    p0, p1, p2 = np.split(path.at_m, 3, axis=1)
    moving = (p2 - 2 * p1 + p0) / STEP_S**2
    acc = apply(inverse(now), moving + np.array([[0.0], [0.0], [STANDARD_GRAVITY]]))
    return acc, gyr, now, p1


def spoil(
    t: np.ndarray,
    acc: np.ndarray,
    gyr: np.ndarray,
    faults: Faults,
    rate_hz: float,
    rng: np.random.Generator,
    rests: Sequence[tuple[float, float]] = (),
) -> tuple[Samples, np.ndarray]:
    """The samples a faulty sensor sends of an ideal measurement at t (n,) s since it began, and which of the n rows
    arrived (n,) bool. rests: from, to, on the same clock."""
    n = len(t)

    def noise(density: float) -> np.ndarray:
        return rng.normal(size=(n, 3)) * (density * np.sqrt(rate_hz / 2))

    def bias(length: float) -> np.ndarray:
        direction = rng.normal(size=3)
        return length * direction / np.linalg.norm(direction)

    def gain() -> np.ndarray:
        skew = Rotation.from_rotvec(bias(faults.misalignment_deg * DEG)).as_matrix()
        return skew * (1 + faults.scale * rng.normal(size=3))

    if faults.ringing:
        hertz = rng.uniform(*RINGING_HZ)
        acc, gyr = (x + faults.ringing * _rung(x - x[0], hertz, rate_hz) for x in (acc, gyr))
    wander = np.cumsum(rng.normal(size=(n, 3)), axis=0) * (faults.gyr_drift_deg * DEG / np.sqrt(60 * rate_hz))
    acc = acc @ gain() + bias(faults.acc_bias) + noise(faults.acc_noise)
    gyr = gyr @ gain() + bias(faults.gyr_bias_deg * DEG) + wander + noise(faults.gyr_noise_deg * DEG)

    if faults.gyr_ramp_deg:
        gyr += np.outer(t / 60, bias(faults.gyr_ramp_deg * DEG))

    buffer = np.arange(n) // faults.buffer
    arrived = _arrived(buffer[-1] + 1, faults, rng)[buffer]
    if faults.rest_gap_s:
        for gap in _gaps(rests, faults.rest_gap_s, rng):
            first, last = np.searchsorted(t, gap) // faults.buffer
            arrived[(buffer >= first) & (buffer < last)] = False
    t = t + faults.clock_offset_s
    t, acc, gyr, buffer = t[arrived], acc[arrived], gyr[arrived], buffer[arrived]
    lsb = counts_size(faults)
    if lsb is None:
        return Samples(t, acc, gyr), arrived
    counts, clipped = _counts(acc / lsb[0], gyr / lsb[1])
    gap = np.diff(t, prepend=t[0]) > 1.5 / rate_hz
    n = len(t)
    raw = Raw(
        counts=counts,
        packet_seq=buffer.astype(np.int32),
        t_device_us=np.round(t * 1e6).astype(np.int64),
        t_host_ns=np.full(n, -1, np.int64),
        segment=np.zeros(n, np.int16),
        flags=(gap * GAP_BEFORE + clipped[0] * ACC_CLIP + clipped[1] * GYR_CLIP).astype(np.uint8),
    )
    return Samples(raw.t_device_us / 1e6, counts[:, :3] * lsb[0], counts[:, 3:] * lsb[1], raw), arrived


def _rung(x: np.ndarray, hertz: float, rate_hz: float) -> np.ndarray:
    """What a sensor on a damped spring reads besides x (n, 3), the velocity or acceleration of its ground:
    -s²/(s² + 2 d w s + w²). The tilt that goes with it, under half a degree, is left out."""
    w = 2 * np.pi * hertz
    spring = cont2discrete(([-1.0, 0.0, 0.0], [1.0, 2 * RINGING_DAMPING * w, w * w]), 1 / rate_hz, "bilinear")
    return lfilter(spring[0].ravel(), spring[1], x, axis=0)


def _gaps(
    rests: Sequence[tuple[float, float]], length: tuple[float, float], rng: np.random.Generator
) -> Iterator[tuple[float, float]]:
    for begun, ended in rests:
        seconds = rng.uniform(*length)
        spare = ended - begun - seconds - 2 * GAP_MARGIN_S
        if spare > 0:
            start = begun + GAP_MARGIN_S + rng.uniform(0, spare)
            yield start, start + seconds


def counts_size(faults: Faults) -> tuple[float, float] | None:
    """m/s² and rad/s of one int16 count, None for a sensor that does not round."""
    if faults.acc_range_g is None or faults.gyr_range_deg is None:
        return None
    return faults.acc_range_g * STANDARD_GRAVITY / 32768, faults.gyr_range_deg * DEG / 32768


def _counts(*readings: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    whole = [np.clip(np.rint(reading), -32768, 32767) for reading in readings]
    clipped = [(abs(w) >= 32767).any(axis=1) for w in whole]
    return np.concatenate(whole, axis=1).astype(np.int16), clipped


def _arrived(buffers: int, faults: Faults, rng: np.random.Generator) -> np.ndarray:
    """Which buffers arrive: two-state chain with the wanted share and mean length of losses; the first always does."""
    if not faults.lost:
        return np.ones(buffers, bool)
    stop = 1 / faults.burst
    start = stop * faults.lost / (1 - faults.lost)
    draw, good, out = rng.random(buffers), True, []
    for u in draw:
        good = u >= start if good else u < stop
        out.append(good)
    out[0] = True
    return np.array(out)
