"""What a person does in a session: a list of segments, each of which writes joint tracks and the truth about them.

A segment is a frozen value with `play(person)`. New behaviour (walking, fidgeting, sitting down anew, a band
that is pushed round) is a new segment, or a new field of `Rep`; nothing else changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sensor.motion.body import CHANNELS, JOINTS, PELVIS, POSES

DEG = np.pi / 180
ONSET_DEG_S = 2.0  # a repetition begins and ends where its joint passes this speed: SIGNALS.md's back-tracking


@dataclass(frozen=True, slots=True)
class Movement:
    """An exercise's joint track, handed over as a plain dict by whoever knows the exercise.

    `joint` moves by sign x rom_deg from the pose and back; at the top `terminal_joint`, if any, turns by
    terminal_deg and back, each in terminal_s, round the hold. pause_s is the rest between repetitions.
    """

    pose: str
    joint: str
    sign: int
    rom_deg: float
    concentric_s: float
    hold_s: float
    eccentric_s: float
    terminal_joint: str | None = None
    terminal_deg: float = 0.0
    terminal_s: float = 0.8
    pause_s: float = 1.0

    def __post_init__(self) -> None:
        if self.pose not in POSES:
            raise ValueError(f"unknown pose (wanted one of {', '.join(POSES)}, got {self.pose!r})")
        for joint in (self.joint, self.terminal_joint or self.joint):
            if joint not in JOINTS:
                raise ValueError(f"unknown joint (wanted one of {', '.join(JOINTS)}, got {joint!r})")


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


@dataclass(frozen=True, slots=True)
class Rep:
    """One repetition as planned, before variation. compensation: (tilt | roll | hike, degrees at the top)."""

    rom: float = 1.0  # of the movement's ROM
    tempo: float = 1.0  # of the movement's durations
    terminal: bool = True
    counted: bool = True
    compensation: tuple[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """One channel goes from `start` to `end` along a minimum-jerk curve (Flash and Hogan 1985)."""

    t0: float
    t1: float
    start: float
    end: float


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
        self.start = {channel: 0.0 for channel in (*CHANNELS, "effort")} | self.rest
        self.at = dict(self.start)
        self.moves: dict[str, list[Move]] = {channel: [] for channel in self.start}
        self.done: list[Done] = []
        self.sets = 0

    def move(self, seconds: float, **targets: float) -> None:
        """Take the channels to their targets together, then it is `seconds` later."""
        for channel, target in targets.items():
            if target != self.at[channel]:
                self.moves[channel].append(Move(self.t, self.t + seconds, self.at[channel], target))
                self.at[channel] = target
        self.t += seconds

    def wait(self, seconds: float) -> None:
        self.t += seconds

    def vary(self, value: float, share: float) -> float:
        """Value within +-share of itself, uniformly."""
        return value * (1 + share * self.rng.uniform(-1, 1))

    def take_pose(self, pose: str, seconds: float) -> None:
        self.rest = self._settle(pose)
        self.move(seconds, **self.rest, tilt=0.0, roll=0.0, hike=0.0)

    def _settle(self, pose: str) -> dict[str, float]:
        off = self.rng.normal(size=3) * self.variation.pose_deg * DEG
        rest = POSES[pose].channels()
        rest["hip_flexion"] += off[0]
        rest["hip_abduction"] += off[1]
        rest["knee_flexion"] += abs(off[2])  # never beyond straight
        return rest


@dataclass(frozen=True, slots=True)
class Still:
    """Keep the pose."""

    seconds: float

    def play(self, person: Person) -> None:
        person.wait(self.seconds)


@dataclass(frozen=True, slots=True)
class TakePose:
    """Get into a pose, slowly."""

    pose: str
    seconds: float = 5.0

    def play(self, person: Person) -> None:
        person.take_pose(self.pose, self.seconds)


@dataclass(frozen=True, slots=True)
class Set:
    """Repetitions of one movement; the person is in the movement's pose already."""

    exercise: str
    movement: Movement
    reps: tuple[Rep, ...]

    def play(self, person: Person) -> None:
        person.sets += 1
        person.move(0.5, effort=1.0)
        for i, rep in enumerate(self.reps):
            if i:
                person.wait(person.vary(self.movement.pause_s, person.variation.pause))
            self._repeat(person, rep)
        person.move(1.0, effort=0.0)

    def _repeat(self, person: Person, rep: Rep) -> None:
        m, v = self.movement, person.variation
        concentric, hold, eccentric, terminal = (
            person.vary(seconds * rep.tempo, v.tempo)
            for seconds in (m.concentric_s, m.hold_s, m.eccentric_s, m.terminal_s)
        )
        top = person.at[m.joint] + m.sign * person.vary(m.rom_deg * rep.rom, v.rom) * DEG
        back = person.rest[m.joint] + person.rng.normal() * v.rest_deg * DEG
        kind, amount = rep.compensation or (None, 0.0)
        cheat = {kind: person.at[kind] + amount * DEG} if kind else {}
        straight = {kind: person.at[kind]} if kind else {}
        rotates = m.terminal_joint if rep.terminal else None

        begun, start = person.t, _onset(concentric, top - person.at[m.joint])
        person.move(concentric, **{m.joint: top}, **cheat)
        lifted = person.t
        if rotates:
            there = person.at[rotates]
            person.move(terminal, **{rotates: there + person.vary(m.terminal_deg, v.rom) * DEG})
            person.wait(hold)
            person.move(terminal, **{rotates: there})
        else:
            person.wait(hold)
        top_s = (lifted + person.t) / 2
        end = person.t + eccentric - _onset(eccentric, back - top)
        person.move(eccentric, **{m.joint: back}, **straight)
        person.done.append(
            Done(
                set=person.sets,
                exercise=self.exercise,
                counted=rep.counted,
                kind=kind,
                start_s=begun + start,
                lifted_s=lifted,
                top_s=top_s,
                end_s=end,
                terminal=bool(rotates),
                rotates=m.joint == "hip_rotation",
            )
        )


def _onset(seconds: float, turn: float) -> float:
    """When a minimum-jerk turn of so many radians passes ONSET_DEG_S: its speed is 30 s²(1 - s)² turn / seconds."""
    q = np.sqrt(ONSET_DEG_S * DEG * seconds / (30 * abs(turn) + 1e-12))
    return 0.0 if q >= 0.25 else seconds * (1 - np.sqrt(1 - 4 * q)) / 2


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """What was played, at any instant: the moves, with sway and tremor on top."""

    start: dict[str, float]
    moves: dict[str, list[Move]]
    waves: tuple[tuple[str, float, float, float], ...]  # channel, amplitude rad, hertz, phase rad

    @staticmethod
    def of(person: Person) -> Score:
        v, rng = person.variation, person.rng
        waves = []
        # Two slow waves per axis, in all three at most wobble_deg from the middle.
        for channel in PELVIS:
            for low, high in ((0.05, 0.12), (0.15, 0.3)):
                size = v.wobble_deg * DEG / np.sqrt(3) / 2 * rng.uniform(0.5, 1.0)
                waves.append((channel, size, rng.uniform(low, high), rng.uniform(0, 2 * np.pi)))
        for joint in JOINTS:
            waves.append((joint, v.tremor_deg * DEG, rng.uniform(7, 11), rng.uniform(0, 2 * np.pi)))
        return Score(person.start, person.moves, tuple(waves))

    def angles(self, t: np.ndarray) -> dict[str, np.ndarray]:
        """Every channel of body.py at t (n,) s."""
        found = {channel: _evaluate(moves, self.start[channel], t) for channel, moves in self.moves.items()}
        effort = 0.25 + 0.75 * found.pop("effort")
        for channel, size, hertz, phase in self.waves:
            found[channel] = found[channel] + effort * size * np.sin(2 * np.pi * hertz * t + phase)
        return found


def _evaluate(moves: list[Move], start: float, t: np.ndarray) -> np.ndarray:
    if not moves:
        return np.full(len(t), start)
    t0, t1, v0, v1 = np.array([(m.t0, m.t1, m.start, m.end) for m in moves]).T
    i = np.maximum(np.searchsorted(t0, t, side="right") - 1, 0)
    s = np.clip((t - t0[i]) / (t1 - t0)[i], 0.0, 1.0)
    return v0[i] + (v1 - v0)[i] * s**3 * (10 + s * (6 * s - 15))
