"""A person's own way to move: where their repetitions lie close together."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

OWN_REPS = 20  # a way to move is known by more repetitions than a range of motion: some of them will be helped (ours)
# SIGNALS: natural wobble is up to 1.5 degrees of pelvis, at most 0.9 of leg; a person's repetitions lie so far apart.
OWN_SPREAD_DEG = 0.5
HELPED = 0.2  # density of helped repetitions against that at the middle of the own ones: far apart against close (ours)
ALIKE = 0.25  # of the repetitions lie together where a person has a way at all (ours)
FEW = 5  # fewer repetitions show no spread (ours)


class Point(NamedTuple):
    """One repetition. at: (d,) · weight: degrees of deviation for each unit off the way, over OWN_SPREAD_DEG ·
    left: what no way at all explains of it, in standard deviations."""

    at: np.ndarray
    weight: float
    left: float = 0.0


class OwnWay:
    """The densest place among the repetitions so far, drawn towards a guess while there are few.

    unsure: (d,), how far from the guess the way may be, as a standard deviation. widest: so many times OWN_SPREAD_DEG
    may the repetitions of a person who is never twice alike lie apart. tails: Student's degrees of freedom, of how far.
    """

    def __init__(self, unsure: np.ndarray, widest: float = 1.0, tails: float = math.inf) -> None:
        self._half_sure, self._widest = 1 / unsure**2 / 2, widest
        self._exponent = (tails + len(unsure)) / 2
        self._kept = np.empty((0, len(unsure) + 2))  # a row each: where it is, and the squares of weight and left
        self._found: tuple[np.ndarray, float] | None = None

    def keep(self, point: Point) -> None:
        self._kept = self._and(point)[-OWN_REPS:]

    def forget(self) -> None:
        self._kept = self._kept[:0]
        self._found = None

    def find(self, guess: np.ndarray, new: Point, fresh: bool = True) -> tuple[np.ndarray, float]:
        """The way (d,), and how far, in degrees, its repetitions lie from it, the present one, `new`, among them.

        fresh False: the way of the last repetition will do, if there was one.
        """
        if fresh or self._found is None:
            self._found = self._look(guess, self._and(new))
        return self._found

    def _and(self, new: Point) -> np.ndarray:
        return np.concatenate((self._kept, [[*new.at.tolist(), new.weight**2, new.left**2]]))

    def _look(self, guess: np.ndarray, kept: np.ndarray) -> tuple[np.ndarray, float]:
        points, weight, left, n = kept[:, :-2], kept[:, -2], kept[:, -1], len(kept)
        wide = 1.0
        while True:
            way, share, distance = self._densest(points, weight / wide**2, left / wide**2, guess)
            near = float(share.sum())
            if wide >= self._widest or n < FEW or near >= ALIKE * n:
                break
            wide *= 2
        return way, wide * OWN_SPREAD_DEG * math.sqrt(float(share @ distance) / (2 * near + 1e-9))

    def _off(self, square: np.ndarray) -> np.ndarray:
        """How unlikely places (n, d) are, given the squares of how far they lie from the guess: minus a logarithm, (n,)."""
        off, k = square @ self._half_sure, self._exponent
        return off if math.isinf(k) else k * np.log1p(off / k)

    def _densest(
        self, points: np.ndarray, weight: np.ndarray, left: np.ndarray, guess: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The densest place (d,) among points (n, d), each one's share in it (n,), and its squared distance (n,)."""
        n, d = points.shape
        told = np.ones((n, d + 1))  # from the guess; and one, which counts them
        points = np.subtract(points, guess, out=told[:, :d])
        off = np.zeros((n + 1, d))  # the points, and the guess itself
        off[:n] = points
        square, ones = off * off, np.ones(d)  # as in reach.ONES
        size = square @ ones
        apart = size[:-1] + size[:, None] - 2 * (off @ points.T)  # squared, without an array of three dimensions
        weight, left = weight / -2, left / -2
        likely = np.log((np.exp(apart * weight + left) + HELPED).prod(axis=1))
        way = off[(likely - self._off(square)).argmax()]
        for _ in range(3):  # to the top of the hill whose foot was found
            apart = points - way
            closeness = (apart * apart) @ ones * weight + left
            near = np.exp(closeness)
            share = near / (near + HELPED)
            pull = (share * weight) @ told
            way = pull[:d] / (pull[d] - self._half_sure / (1 + (way * way) @ self._half_sure / self._exponent))
        return guess + way, share, -2 * closeness
