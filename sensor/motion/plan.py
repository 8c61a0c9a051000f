"""What a person does in a session: a list of segments, each of which writes joint tracks and the truth about them.

A segment is a frozen value with `play(person)`: keeping still and taking a pose here, repetitions in sets.py, what
people do between sets in life.py. New behaviour is a new segment, or a new field of `Rep`; nothing else changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sensor.motion.body import BANDS, CHANNELS, JOINTS, PELVIS, POSES
from sensor.motion.profiles import Drawn, Profile, smooth
from sensor.motion.score import Move, Score

DEG = np.pi / 180
CREEP_DEG_S = 1.8  # under sets.ONSET_DEG_S
HIP = ("hip_flexion", "hip_abduction", "hip_rotation")


@dataclass(frozen=True, slots=True)
class Variation:
    """How much a person differs from repetition to repetition, and how still they can keep."""

    rom: float = 0.06  # of the ROM, either way
    tempo: float = 0.10  # of each duration, either way
    pause: float = 0.30
    rest_deg: float = 0.5  # standard deviation of where the leg comes to rest
    pose_deg: float = 2.0  # standard deviation of hip and knee from the textbook pose; no source
    wobble_deg: float = 1.5  # most that the pelvis sways while exercising; a quarter of it at rest
    tremor_deg: float = 0.01  # of the moving joints, 7 to 11 Hz; no source
    coupled_deg: float = 0.0  # that the pelvis goes along with every repetition, this person's own way
    creep_deg: float = 0.0  # standard deviation of how far the leg creeps in each rest: SIGNALS.md, fact 5


@dataclass(frozen=True, slots=True)
class Done:
    """The truth about one repetition as far as the plan knows it. Times in the person's seconds."""

    set: int
    exercise: str
    counted: bool
    kind: str | None
    start_s: float
    lifted_s: float  # end of the concentric phase, before any terminal rotation
    top_s: float  # middle of the hold
    end_s: float
    terminal: bool
    rotates: bool  # about the bone's long axis, so its ROM is a turn about the vertical; else an elevation
    turn_s: float  # when the terminal rotation, if any, began
    early: bool  # and did not wait for the top


class Segment(Protocol):
    def play(self, person: Person) -> None: ...


class Person:
    """Writes the score of a session: per channel a list of moves. `t` is now; `at` is where each
    channel stands, `rest` where it stands when this person rests in the present pose."""

    def __init__(self, pose: str, variation: Variation, rng: np.random.Generator) -> None:
        self.t = 0.0
        self.variation = variation
        self.rng = rng
        self.rest = self._settle(pose)
        self.start = {channel: 0.0 for channel in (*CHANNELS, *BANDS.values(), "effort")} | self.rest
        self.at = dict(self.start)
        self.moves: dict[str, list[Move]] = {channel: [] for channel in self.start}
        self.done: list[Done] = []
        self.sets = 0
        self.rests: list[tuple[float, float]] = []  # from, to: when nobody would miss a sample
        self.along = self._along() if variation.coupled_deg else {}

    def move(self, seconds: float, profile: Profile = smooth, **targets: float) -> None:
        """Take the channels to their targets together, then it is `seconds` later."""
        self.begin(seconds, profile, **targets)
        self.t += seconds

    def begin(self, seconds: float, profile: Profile = smooth, *, after: float = 0.0, **targets: float) -> None:
        """The same from `after` seconds on, without waiting for it; nothing else may move these channels meanwhile."""
        for channel, target in targets.items():
            if target != self.at[channel]:
                t = self.t + after
                self.moves[channel].append(Move(t, t + seconds, self.at[channel], target, profile))
                self.at[channel] = target

    def draw(self, seconds: float, **curves: np.ndarray) -> None:
        """Take the channels along curves, (n,) evenly spaced points each, from where they stand."""
        for channel, points in curves.items():
            at = self.at[channel]
            self.moves[channel].append(Move(self.t, self.t + seconds, at, at + 1.0, Drawn(points)))
            self.at[channel] = at + float(points[-1] - points[0])
        self.t += seconds

    def wait(self, seconds: float) -> None:
        self.t += seconds

    def creep(self, seconds: float, **towards: float) -> None:
        """Rest, as long as this takes, while joints creep near these angles: so slowly that nobody calls it moving."""
        most = CREEP_DEG_S * seconds / 1.875 * DEG  # the fastest of a minimum-jerk move is 1.875 times the mean
        ends = {}
        for joint, angle in towards.items():
            off = self.rng.normal() * self.variation.creep_deg * DEG if self.variation.creep_deg else 0.0
            ends[joint] = self.at[joint] + float(np.clip(angle + off - self.at[joint], -most, most))
        self.move(seconds, **ends)

    def vary(self, value: float, share: float) -> float:
        """Value within +-share of itself, uniformly."""
        return value * (1 + share * self.rng.uniform(-1, 1))

    def take_pose(self, pose: str, seconds: float) -> None:
        self.rest = self._settle(pose)
        self.move(seconds, **self.rest, tilt=0.0, roll=0.0, hike=0.0)

    def score(self) -> Score:
        v, rng = self.variation, self.rng
        waves = []
        # Two slow waves per axis, in all three at most wobble_deg from the middle.
        for channel in PELVIS:
            for low, high in ((0.05, 0.12), (0.15, 0.3)):
                size = v.wobble_deg * DEG / np.sqrt(3) / 2 * rng.uniform(0.5, 1.0)
                waves.append((channel, size, rng.uniform(low, high), rng.uniform(0, 2 * np.pi)))
        for joint in JOINTS:
            waves.append((joint, v.tremor_deg * DEG, rng.uniform(7, 11), rng.uniform(0, 2 * np.pi)))
        return Score(self.start, self.moves, tuple(waves))

    def _settle(self, pose: str) -> dict[str, float]:
        off = self.rng.normal(size=3) * self.variation.pose_deg * DEG
        rest = POSES[pose].channels()
        rest["hip_flexion"] += off[0]
        rest["hip_abduction"] += off[1]
        rest["knee_flexion"] += abs(off[2])  # never beyond straight
        return rest

    def _along(self) -> dict[str, float]:
        way = self.rng.normal(size=3)
        way *= self.variation.coupled_deg * DEG / np.linalg.norm(way)
        return dict(zip(PELVIS, way.tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class Still:
    """Keep the pose, as still as this person can."""

    seconds: float

    def play(self, person: Person) -> None:
        begun, before = person.t, {joint: person.at[joint] for joint in HIP}
        person.creep(self.seconds, **before)
        for joint in HIP:
            person.rest[joint] += person.at[joint] - before[joint]
        person.rests.append((begun, person.t))


@dataclass(frozen=True, slots=True)
class TakePose:
    """Get into a pose, slowly."""

    pose: str
    seconds: float = 5.0

    def play(self, person: Person) -> None:
        person.take_pose(self.pose, self.seconds)
