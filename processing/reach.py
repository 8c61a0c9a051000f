"""Where the hip is, seen from the band: from the vertical's turn in the sensor and the band's vertical speed."""

from __future__ import annotations

import math

import numpy as np

from processing.frames import Stretch

ONES = np.ones(4)  # times them: the sum of columns, in a third of the time that sum takes
MOVING_DPS = 3.0  # faster than this the leg is on its way: above the rest's 2 deg/s
MOVING_STEP = math.radians(MOVING_DPS) ** 2
# Weighs the movement against the error of the speed, so that a way that was hardly gone says nothing of the leg:
# (0.05 m/s of drift / 0.8 m of reach)², the same for about 25 frames in a row (ours).
UNSURE = 0.1
LEVEL = 4.0  # times more for what would tip the leg at rest: only a long way tells (ours)
UNKNOWNS = 3  # that so many samples at most explain for sure
REACH_M = (0.08, 1.5)  # from the hip to the band: mid-thigh of a child to the ankle of a giant


def direction(moved: Stretch) -> tuple[np.ndarray | None, float]:
    """The leg's direction in the sensor (3,), None where the band did not rise as one on a leg does; the share unexplained."""
    reach, unexplained = _reach(moved)
    size = math.sqrt(reach @ reach)
    return (reach / size if REACH_M[0] <= size <= REACH_M[1] else None), unexplained


def _reach(moved: Stretch) -> tuple[np.ndarray, float]:
    """From the hip to the band, m, in the sensor (3,), and the share of the vertical speed's square that it leaves.

    Least squares of the vertical speed over the vertical's speed in the sensor, over the stretches in which the leg
    moves. Before and after each it stands still, which takes the accelerometer's errors off the integral. How the leg
    lies at rest is told by how the speed grows along the way; a short way leaves it horizontal.
    """
    up, t = moved.up, moved.t
    if len(t) < 5:
        return np.zeros(3), 1.0
    passed = t[1:] - t[:-1]
    told = np.zeros((len(t), 4))  # how fast the vertical moves in the sensor, and what speed the band has gained
    told[1:-1, :3] = (up[2:] - up[:-2]) / (passed[1:] + passed[:-1])[:, None]
    moving = (told * told) @ ONES > MOVING_STEP
    edges = (moving[1:] != moving[:-1]).nonzero()[0].tolist()  # neither end moves
    force = (up * moved.force) @ ONES[:3]
    ((force[1:] + force[:-1]) * passed / 2).cumsum(out=told[1:, 3])
    square, n = np.zeros((4, 4)), 0
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        part, times = told[begin : end + 2].copy(), t[begin : end + 2]
        first, last, since = float(part[0, 3]), float(part[-1, 3]), float(times[0])
        slope = (last - first) / (float(times[-1]) - since)
        part[:, 3] -= times * slope + (first - slope * since)
        square += part.T @ part
        n += len(times)
    if n <= UNKNOWNS * 2:
        return np.zeros(3), 1.0
    up0, ((a, b, c, p), (_, d, e, q), (_, _, f, r), (*_, whole)) = up[0].tolist(), square.tolist()
    x, y, z = up0
    reach, _ = _solved(
        a + UNSURE * (1 + LEVEL * x * x), b + UNSURE * LEVEL * x * y, c + UNSURE * LEVEL * x * z,
        d + UNSURE * (1 + LEVEL * y * y), e + UNSURE * LEVEL * y * z, f + UNSURE * (1 + LEVEL * z * z), p, q, r,
    )  # fmt: skip
    # A leg that only rises shows two directions of three: next to nothing keeps the third from being anything.
    least = 1e-12 * (a + d + f) + 1e-300
    _, explained = _solved(a + least, b, c, d + least, e, f + least, p, q, r)
    return np.array(reach), max(whole - explained, 0.0) / whole * n / (n - UNKNOWNS) if whole else 1.0


def _solved(
    a: float, b: float, c: float, d: float, e: float, f: float, p: float, q: float, r: float
) -> tuple[tuple[float, float, float], float]:
    """(a b c, b d e, c e f) x = (p, q, r), positive, by Cholesky, and how much of the sum of squares that explains; LAPACK
    takes ten times as long to be asked."""
    aa = math.sqrt(a)
    ba, ca = b / aa, c / aa
    dd = math.sqrt(d - ba * ba)
    ed = (e - ca * ba) / dd
    ff = math.sqrt(f - ca * ca - ed * ed)
    p /= aa
    q = (q - ba * p) / dd
    r = (r - ca * p - ed * q) / ff
    explained = p * p + q * q + r * r
    z = r / ff
    y = (q - ed * z) / dd
    return ((p - ba * y - ca * z) / aa, y, z), explained
