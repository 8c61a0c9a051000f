"""Where the hip is, seen from the band: from the vertical's turn in the sensor and the band's vertical speed."""

from __future__ import annotations

import math

import numpy as np

from processing.frames import Stretch

ONES = np.ones(3)  # times them: the sum of three columns, in a third of the time that sum takes
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
    step = np.zeros(up.shape)
    step[1:-1] = (up[2:] - up[:-2]) / (passed[1:] + passed[:-1])[:, None]
    moving = (step * step) @ ONES > MOVING_STEP
    edges = (moving[1:] != moving[:-1]).nonzero()[0].tolist()  # neither end moves
    force = (up * moved.force) @ ONES
    gained = np.zeros(len(t))
    ((force[1:] + force[:-1]) * passed / 2).cumsum(out=gained[1:])
    square, product, whole, n = np.zeros((3, 3)), np.zeros(3), 0.0, 0
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        part = slice(begin, end + 2)
        x, y = step[part], gained[part]
        slope = float(y[-1] - y[0]) / float(t[end + 1] - t[begin])
        y = y - y[0] - slope * (t[part] - t[begin])
        square += x.T @ x
        product += x.T @ y
        whole += float(y @ y)
        n += len(y)
    if n <= UNKNOWNS * 2:
        return np.zeros(3), 1.0
    up0, lines, sums = up[0].tolist(), square.tolist(), product.tolist()
    trace = lines[0][0] + lines[1][1] + lines[2][2]
    unsure = [[UNSURE * ((i == j) + LEVEL * up0[i] * up0[j]) for j in range(3)] for i in range(3)]
    reach = _solved([[lines[i][j] + unsure[i][j] for j in range(3)] for i in range(3)], sums)
    # A leg that only rises shows two directions of three: next to nothing keeps the third from being anything.
    best = _solved([[lines[i][j] + (i == j) * (1e-12 * trace + 1e-300) for j in range(3)] for i in range(3)], sums)
    left = whole + sum(best[i] * (sum(lines[i][j] * best[j] for j in range(3)) - 2 * sums[i]) for i in range(3))
    return np.array(reach), max(left, 0.0) / whole * n / (n - UNKNOWNS) if whole else 1.0


def _solved(square: list[list[float]], product: list[float]) -> list[float]:
    """Of three equations whose square is symmetric and positive, by Cholesky; LAPACK takes ten times as long to be asked."""
    (a, b, c), (_, d, e), (_, _, f) = square
    p, q, r = product
    aa = math.sqrt(a)
    ba, ca = b / aa, c / aa
    dd = math.sqrt(d - ba * ba)
    ed = (e - ca * ba) / dd
    ff = math.sqrt(f - ca * ca - ed * ed)
    p /= aa
    q = (q - ba * p) / dd
    r = (r - ca * p - ed * q) / ff
    z = r / ff
    y = (q - ed * z) / dd
    return [(p - ba * y - ca * z) / aa, y, z]
