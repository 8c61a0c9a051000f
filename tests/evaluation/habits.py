"""A simulated person's habits, drawn from ranges, and the session that they make.

What has no range there has no source either.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from ranges import Range, Ranges
from scipy.spatial.transform import Rotation

from processing.exercises import EXERCISES
from sensor.motion import (
    Faults, Fidget, Movement, Rep, Reseat, Scratch, Segment, Set, Shift, Simulation, Still, TakePose, Tap, Variation,
    Walk, simulate,
)  # fmt: skip
from sensor.motion.profiles import Even, Profile, Skewed, TwoPhase, smooth

HIP = ("hip_external_rotation", "hip_internal_rotation", "hip_abduction")
FASTEST_DEG_S = 75.0  # mean speed of a leg against a band or its own weight; no source
HARDEST_MPS2 = 8.0  # of the ankle, at the most: a heavy leg is not flung; no source
LEVER_M = {"hip_rotation": 0.42, "knee_flexion": 0.42}  # of the ankle about the joint, 0.84 for the rest of the hip's


@dataclass
class Habits:
    """Everything that a session is made from; the families change single things."""

    exercises: tuple[str, ...]  # of each set
    told: str | None
    ranges: Ranges
    rom: float  # of the exercise's own
    tempo_s: float
    hold_s: float
    pause_s: float
    reps: tuple[int, ...]
    rest_s: Range
    lead_s: float
    concentric: float  # share of what is not the top
    terminal_deg: float
    terminal_s: float
    rotate_at: float
    up: Profile
    down: Profile
    overshoot: float
    droop: float
    sideways_deg: float
    variation: Variation
    faults: Faults
    options: dict[str, Any]  # of simulate
    between: str = "rest"  # rest | fidgets | walk | reseat | all
    walks_in: bool = False
    partials: float = 0.0  # chances per repetition, as the following
    halts: float = 0.0
    short_returns: float = 0.0
    same_top: bool = True  # where the leg has not come back it rises to the same top, or by the same way
    cheats: float = 0.0
    early: float = 0.0
    missing: float = 0.0
    fatigue: float = 0.0  # of the ROM, at the end
    tires_in: str = "session"  # or in every set
    begin_rep: float | None = None
    pelvic: bool = field(default=False)  # compensations are played: no ROM to hold it to


@dataclass(frozen=True)
class Session:
    """One person's session, not yet played."""

    plan: tuple[Segment, ...]
    pose: str
    told: str | None
    options: dict[str, Any]
    ranges: Ranges
    pelvic: bool

    def make(self, **options: Any) -> Simulation:
        """The leg's band, unless said otherwise: `simulate`'s options over the drawn ones."""
        return simulate(self.plan, pose=self.pose, exercise=self.told, **self.options | options)

    def pair(self) -> tuple[Simulation, Simulation]:
        """The leg's band and one on the sacrum, which has its own rate, clock, faults and moment of beginning."""
        return self.make(), self.make(**self._second())

    def long_axis(self) -> np.ndarray:
        """Down the leg (3,), in the first one's axes."""
        mounting = self.options["mounting"] or Rotation.identity()
        return mounting.inv().apply([-1.0, 0.0, 0.0])

    def _second(self) -> dict[str, Any]:
        rng = np.random.default_rng([self.options["seed"], 3])
        first = self.options["faults"]
        poor = bool(first.gyr_ramp_deg)  # who buys a cheap one buys two
        faults = replace(cheap(rng, self.ranges) if poor else good(rng), lost=first.lost, burst=first.burst, clock_ppm=rng.uniform(-100, 100))
        anyhow = Rotation.random(random_state=int(rng.integers(2**31))) if rng.random() < 0.5 else None
        return dict(
            placement="pelvis", faults=faults, band_turn_deg=rng.uniform(-15, 15), mounting=anyhow, begin_rep=None,
            begin_s=rng.uniform(0, 4), rate_hz=float(rng.choice(self.ranges.rates_hz)),
        )  # fmt: skip


def draw(rng: np.random.Generator, r: Ranges, exercises: tuple[str, ...] = ()) -> Habits:
    """Somebody who does nothing wrong, with a good sensor."""
    if not exercises:
        exercises = (str(rng.choice(HIP, p=(0.25, 0.25, 0.5))),)
    tempo = float(np.exp(rng.uniform(*np.log(r.tempo_s))))
    wobble, coupled = rng.uniform(*r.wobble_deg), rng.uniform(0, 0.7)
    rate = float(rng.choice(r.rates_hz))
    long_pause = rng.random() < r.long_pause
    return Habits(
        exercises=exercises * (3 // len(exercises)),
        told=exercises[0] if len(exercises) == 1 else None,
        ranges=r,
        rom=float(rng.uniform(*r.rom)),
        tempo_s=tempo,
        hold_s=float(rng.uniform(0, min(2.0, 0.4 * tempo))),
        pause_s=float(rng.uniform(5, 6) if long_pause else rng.uniform(*r.pause_s)),
        reps=(10, 10, 10) if rng.random() < 0.5 else tuple(int(n) for n in rng.integers(r.reps[0], r.reps[1] + 1, 3)),
        rest_s=r.rest_s,
        lead_s=float(rng.uniform(0.8, 2) if rng.random() < 0.2 else rng.uniform(2, 8)),
        concentric=float(rng.uniform(0.38, 0.6)),
        terminal_deg=float(rng.uniform(*r.terminal_deg)) if rng.random() < 0.7 else 0.0,
        terminal_s=float(rng.uniform(0.4, 1.0)),
        rotate_at=float(rng.uniform(0.88, 0.95)) if rng.random() < 0.3 else 1.0,
        up=_profile(rng, (smooth, Skewed(rng.uniform(-0.6, 0.6)), Even(rng.uniform(0.15, 0.4)))),
        down=_profile(
            rng, (smooth, Skewed(rng.uniform(-0.6, 0.6)), Even(rng.uniform(0.15, 0.4)),
                  TwoPhase(rng.uniform(0.3, 0.7), rng.uniform(0.4, 0.7)))
        ),  # fmt: skip
        overshoot=float(rng.uniform(0.02, 0.08)) if rng.random() < 0.3 else 0.0,
        droop=float(rng.uniform(0, 0.035)),
        sideways_deg=float(rng.uniform(-5, 5)),
        variation=Variation(
            rom=rng.uniform(0.02, 0.1), tempo=rng.uniform(0.03, 0.12), pause=0.12 if long_pause else 0.3,
            rest_deg=rng.uniform(0.1, 0.8), pose_deg=rng.uniform(1, 4),
            wobble_deg=wobble * (1 - coupled), coupled_deg=wobble * coupled, creep_deg=rng.uniform(0, 0.8),
            tremor_deg=rng.uniform(0, 0.02),
        ),
        faults=good(rng),
        options=dict(
            side=str(rng.choice(("left", "right"))),
            rate_hz=rate,
            band_turn_deg=float(rng.uniform(-180, 180)),
            mounting=Rotation.random(random_state=int(rng.integers(2**31))) if rng.random() < 0.5 else None,
            seed=int(rng.integers(2**31)),
        ),
    )  # fmt: skip


def good(rng: np.random.Generator) -> Faults:
    return Faults(
        acc_noise=rng.uniform(0.001, 0.004), gyr_noise_deg=rng.uniform(0.004, 0.015), acc_bias=rng.uniform(0, 0.1),
        gyr_bias_deg=rng.uniform(0, 0.5), gyr_drift_deg=rng.uniform(0, 0.05), scale=0.004, misalignment_deg=0.3,
        clock_ppm=rng.uniform(-30, 30), clock_offset_s=float(rng.choice((0.0, rng.uniform(0, 5000)))),
    )  # fmt: skip


def cheap(rng: np.random.Generator, r: Ranges) -> Faults:
    return replace(
        good(rng), acc_noise=0.008, gyr_noise_deg=0.04, acc_bias=rng.uniform(0.1, 0.3), gyr_drift_deg=0.3, scale=0.02,
        gyr_bias_deg=rng.uniform(*r.bias_deg_s), gyr_ramp_deg=rng.uniform(0, 0.3), misalignment_deg=1.0,
        clock_ppm=rng.uniform(-100, 100), ringing=rng.uniform(0, r.ringing),
    )  # fmt: skip


def _profile(rng: np.random.Generator, choices: tuple[Profile, ...]) -> Profile:
    return choices[rng.integers(len(choices))]


def session(h: Habits, rng: np.random.Generator) -> Session:
    """The plan of somebody with these habits."""
    moves = {name: movement(h, name) for name in h.exercises}
    first = moves[h.exercises[0]].pose
    plan: list[Segment] = []
    if h.walks_in:
        plan += [Still(rng.uniform(0.3, 2)), walk(h, rng), *down(first, rng)]
    plan.append(Still(h.lead_s))
    if h.between in ("fidgets", "all"):
        plan += [fidget(h, rng, moves[h.exercises[0]], known=False), Still(rng.uniform(2, 5))]
    for i, name in enumerate(h.exercises):
        if i:
            plan += between(h, rng, moves[h.exercises[i - 1]], moves[name])
        plan.append(Set(name, moves[name], tuple(_reps(h, rng, i, moves[name]))))
    plan.append(Still(rng.uniform(3, 12)))
    return Session(
        tuple(plan), "standing" if h.walks_in else first, h.told,
        h.options | dict(faults=h.faults, variation=h.variation, begin_rep=h.begin_rep), h.ranges, h.pelvic,
    )  # fmt: skip


def movement(h: Habits, name: str) -> Movement:
    track = Movement(**EXERCISES[name].track)
    turns = track.terminal_joint is not None and h.terminal_deg > 0
    top = h.hold_s + 2 * h.terminal_s * turns
    travel = max(h.tempo_s - top, 1.4) if turns else max(h.tempo_s - top, 0.7 * h.tempo_s)
    up_s, down_s = travel * h.concentric, travel * (1 - h.concentric)
    quickest = min(up_s, down_s)  # the acceleration of a minimum-jerk turn is at most 5.77 turn / seconds²
    flung_deg = np.degrees(HARDEST_MPS2 * quickest**2 / 5.77 / LEVER_M.get(track.joint, 0.84))
    return replace(
        track, rom_deg=min(track.rom_deg * h.rom, FASTEST_DEG_S * quickest, flung_deg), concentric_s=up_s,
        hold_s=h.hold_s, eccentric_s=down_s, terminal_joint=track.terminal_joint if turns else None,
        terminal_deg=h.terminal_deg, terminal_s=h.terminal_s, pause_s=h.pause_s, up=h.up, down=h.down,
        droop=h.droop, sideways_deg=h.sideways_deg * (0.3 if track.joint == "hip_rotation" else 1),
    )  # fmt: skip


def _reps(h: Habits, rng: np.random.Generator, number: int, m: Movement) -> Iterator[Rep]:
    """One set. Nothing is wrong before it can be known what is right: see `known`."""
    r, reps, left = h.ranges, h.reps[number], 0.0
    known = int(h.begin_rep or 0) + 2
    for i in range(reps):
        early_on = number == 0 and i < known
        tired = 1 - h.fatigue * ((number * reps + i) / (len(h.reps) * reps) if h.tires_in == "session" else i / reps)
        if rng.random() < h.partials and not (number == 0 and i < known - 1):
            yield Rep(tired * rng.uniform(*r.partial), 0.6, terminal=False, counted=False)
            left = 0.0
        turns = not (rng.random() < h.missing and not early_on)
        early = rng.random() < h.early and turns and not early_on
        halts = rng.random(2) < h.halts
        short = rng.random() < h.short_returns and i < reps - 1
        now, left = left, float(rng.uniform(*r.left_over)) if short else 0.0
        yield Rep(
            rom=tired - now * h.same_top,
            terminal=turns,
            compensation=cheat(rng, m, r) if rng.random() < h.cheats else None,
            returns=1 - left / (1 + now * (not h.same_top)),
            overshoot=0.0 if left else h.overshoot,
            halt_up_s=rng.uniform(*r.halt_s) * halts[0],
            halt_down_s=rng.uniform(*r.halt_s) * halts[1],
            halt_at=rng.uniform(0.35, 0.65),
            rotate_at=rng.uniform(0.05, 0.4) if early else h.rotate_at,
        )


def cheat(rng: np.random.Generator, m: Movement, r: Ranges) -> tuple[str, float]:
    """A pelvis that helps: it rolls the way the leg goes, hikes on the leg's side, tilts either way."""
    kind = str(rng.choice(("tilt", "roll", "hike")))
    sign = {"tilt": rng.choice((-1, 1)), "roll": m.sign, "hike": 1}[kind]
    return kind, float(sign * rng.uniform(*r.cheat_deg))


def between(h: Habits, rng: np.random.Generator, last: Movement, new: Movement) -> Iterator[Segment]:
    """From one set to the next."""
    kind = str(rng.choice(("rest", "fidgets", "walk", "reseat"))) if h.between == "all" else h.between
    yield Still(rng.uniform(2, 8))
    if kind == "fidgets" or (h.between == "all" and rng.random() < 0.5):
        for _ in range(rng.integers(1, 5)):
            yield fidget(h, rng, last)
            yield Still(rng.uniform(1.5, 6))
    if kind == "walk" or last.pose != new.pose or (kind == "reseat" and rng.random() < 0.5):
        yield from up(last.pose, rng)
        yield walk(h, rng)
        yield from down(new.pose, rng)
    elif kind == "rest" or kind == "fidgets":
        yield Still(rng.uniform(*h.rest_s))
    if kind == "reseat":
        yield Reseat(rng.uniform(2, 4), h.ranges.settle_deg, h.ranges.push_deg)
    yield Still(max(h.lead_s, 9.0) if kind == "reseat" else h.lead_s)


def fidget(h: Habits, rng: np.random.Generator, m: Movement, known: bool = True) -> Segment:
    """In the exercise's own joint always a partial's size at most; and nothing slow in it while nobody can know what
    a whole one is."""
    kind = rng.choice(("tap", "fidget", "scratch", "shift", "own", "own")[: 6 if known else 4])
    most = 0.45 * m.rom_deg * (1 - h.fatigue) * (1 - h.variation.rom)  # SIGNALS.md: less is a partial one
    if kind == "tap":
        joint = str(rng.choice(("knee_flexion", "hip_rotation", m.joint)))
        return Tap(int(rng.integers(2, 8)), rng.uniform(*h.ranges.tap_hz), min(rng.uniform(1.5, 5), most), joint)
    if kind == "fidget":
        joint = str(rng.choice(("knee_flexion", "hip_flexion")))
        size = min(most, 15) if joint == m.joint else rng.uniform(5, 15)
        return Fidget(rng.uniform(0.6, 2.0), size, joint, rng.uniform(0, 2))
    if kind == "own":
        return Fidget(rng.uniform(0.6, 1.6), most * rng.uniform(0.1, 1) ** 0.5 * rng.choice((-1, 1)), m.joint)
    return Scratch(rng.uniform(1.5, 3), rng.uniform(1.2, 2), rng.uniform(2, 5)) if kind == "scratch" else Shift(
        rng.uniform(0.8, 2), rng.uniform(1, 3)
    )


def walk(h: Habits, rng: np.random.Generator) -> Segment:
    r = h.ranges
    return Walk(rng.uniform(*r.walk_s), rng.uniform(*r.walk_hz), rng.uniform(*r.swing_deg), rng.uniform(20, 70))


def up(pose: str, rng: np.random.Generator) -> list[Segment]:
    lying = [TakePose("sitting", rng.uniform(1.2, 2.5))] if pose in ("side_lying", "supine", "prone") else []
    return [*lying, TakePose("standing", rng.uniform(1.2, 2.5))]


def down(pose: str, rng: np.random.Generator) -> list[Segment]:
    lying = [TakePose("sitting", rng.uniform(1.2, 2.5))] if pose in ("side_lying", "supine", "prone") else []
    return [*lying, TakePose(pose, rng.uniform(1.5, 3.5))]
