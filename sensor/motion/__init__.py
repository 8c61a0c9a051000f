"""A simulated person with known truth, wearing a band.

    made = session({exercise: track}, exercise, sets=3, reps=10, side="left", seed=1)  # track: Movement's fields
    made.recording, made.labels, made.truth

`session` writes the usual plan; `simulate` plays any plan. The same seed and plan at two placements is the
same person moving once with two bands on. Joints and signs: body.py. Physics and faults: imu.py. Plans: plan.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from sensor.motion.body import POSES, Bones, bones
from sensor.motion.imu import CHEAP, GOOD, IDEAL, MOUNTS, Faults, Path, counts_size, ideal, path, spoil
from sensor.motion.plan import Done, Movement, Person, Rep, Score, Segment, Set, Still, TakePose, Variation
from sensor.motion.turns import apply, chain, inverse, to_rotation
from sensor.recording import Label, Meta, Recording

__all__ = [
    "CHEAP", "GOOD", "IDEAL", "POSES", "Faults", "Movement", "Rep", "Segment", "Set", "Simulation", "Still", "TakePose",
    "Truth", "Variation", "session", "simulate",
]  # fmt: skip

DEG = np.pi / 180
COMPENSATED_DEG = 5.0  # of pelvis rotation: CONTRACT.md


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """At every sample that arrived: the sensor's turn (sensor -> world) and place (n, 3) m, the pelvis' turn."""

    sensor: Rotation
    at_m: np.ndarray
    pelvis: Rotation


@dataclass(frozen=True, slots=True, eq=False)
class Simulation:
    recording: Recording
    labels: list[Label]
    truth: Truth


def simulate(
    plan: Sequence[Segment],
    *,
    pose: str = "standing",
    rate_hz: float = 100.0,
    placement: str = "ankle",
    side: str = "right",
    band_turn_deg: float = 0.0,
    mounting: Rotation | None = None,
    faults: Faults = GOOD,
    variation: Variation = Variation(),
    exercise: str | None = None,
    seed: int = 0,
) -> Simulation:
    """Play a plan that begins in `pose`. The band is turned round the leg by band_turn_deg and sits askew by
    `mounting` (band -> its place); `exercise` is only written into the recording."""
    if placement not in MOUNTS:
        raise ValueError(f"unknown placement (wanted one of {', '.join(MOUNTS)}, got {placement!r})")
    if side not in ("left", "right"):
        raise ValueError(f"unknown side (wanted left or right, got {side!r})")
    person = Person(pose, variation, np.random.default_rng([seed, 0]))
    for segment in plan:
        segment.play(person)
    score = Score.of(person)
    mounting = mounting or Rotation.identity()

    def bones_at(t: np.ndarray) -> Bones:
        return bones(score.angles(t), side)

    def path_at(t: np.ndarray) -> Path:
        return path(bones_at(t), placement, side, band_turn_deg * DEG, mounting)

    clock = 1 + faults.clock_ppm * 1e-6  # band's seconds in one of the person's
    t = np.arange(int(person.t * clock * rate_hz)) / rate_hz
    acc, gyr, truth = ideal(path_at, t / clock)
    rng = np.random.default_rng([seed, 1, list(MOUNTS).index(placement)])
    samples, arrived = spoil(t, acc, gyr, faults, rate_hz, rng)

    pelvis = to_rotation(bones_at(t / clock).pelvis)
    bone = "thigh" if placement == "thigh" else "shank"
    labels = _labels(person.done, bones_at, bone, pelvis, rate_hz, clock)
    extra: dict[str, Any] = {"simulated": {"seed": seed, "band_turn_deg": band_turn_deg}}
    if lsb := counts_size(faults):
        extra["scale"] = {"acc_mps2_per_lsb": lsb[0], "gyr_rads_per_lsb": lsb[1]}
    meta = Meta("simulated band", rate_hz, placement, side, exercise, "2026-01-01T00:00:00Z", extra)
    known = Truth(to_rotation(truth.turn)[arrived], truth.at_m.T[arrived], pelvis[arrived])
    return Simulation(Recording(samples, meta), labels, known)


def session(
    tracks: Mapping[str, Mapping[str, Any]],
    exercises: str | Sequence[str],
    *,
    sets: int = 1,
    reps: int = 10,
    rest_s: float = 30.0,
    lead_in_s: float = 5.0,
    partials: float = 0.0,
    compensations: float = 0.0,
    terminal: bool = True,
    rom: float = 1.0,
    tempo: float = 1.0,
    seed: int = 0,
    **options: Any,
) -> Simulation:
    """The usual session: `sets` of `reps` counted repetitions of each exercise in turn, still before, between, after.

    tracks: exercise -> the fields of `Movement`. partials: chance of a quarter to a third of the ROM before a
    repetition (never before the first). compensations: chance that a repetition is done with 8 to 16 degrees
    of pelvis. rom and tempo multiply the tracks'. `options` are those of `simulate`.
    """
    names = [exercises] if isinstance(exercises, str) else list(exercises)
    movements = {name: Movement(**tracks[name]) for name in names}
    rng = np.random.default_rng([seed, 2])
    plan: list[Segment] = []
    pose = movements[names[0]].pose
    plan.append(Still(lead_in_s))
    for i, name in enumerate(name for name in names for _ in range(sets)):
        if i:
            plan += [Still(rest_s), TakePose(movements[name].pose), Still(lead_in_s)]
        todo: list[Rep] = []
        for number in range(reps):
            if (i or number) and rng.random() < partials:
                todo.append(Rep(rom * rng.uniform(0.25, 0.33), tempo * 0.7, terminal=False, counted=False))
            cheat = _cheat(movements[name], rng) if rng.random() < compensations else None
            todo.append(Rep(rom, tempo, terminal, compensation=cheat))
        plan.append(Set(name, movements[name], tuple(todo)))
    plan.append(Still(lead_in_s))
    options.setdefault("exercise", names[0] if len(names) == 1 else None)
    return simulate(plan, pose=pose, seed=seed, **options)


def _cheat(movement: Movement, rng: np.random.Generator) -> tuple[str, float]:
    """A pelvis that helps: roll goes the way the leg goes, hike lifts the leg's side, tilt goes either way."""
    kind = str(rng.choice(["tilt", "roll", "hike"]))
    sign = {"tilt": rng.choice([-1, 1]), "roll": movement.sign, "hike": 1}[kind]
    return kind, float(sign * rng.uniform(8, 16))


def _labels(
    done: list[Done], at: Callable[[np.ndarray], Bones], bone: str, pelvis: Rotation, rate_hz: float, clock: float
) -> list[Label]:
    """What the bone under the sensor really did in each repetition, compensations and sway included."""
    if not done:
        return []
    times = np.array([(d.start_s, d.lifted_s, d.top_s) for d in done])
    before, lifted, top = (at(t) for t in times.T)
    rest, lift, peak = (getattr(bones, bone) for bones in (before, lifted, top))
    turned = _twist(chain(peak, inverse(rest)))
    raised = _elevation(lift) - _elevation(rest)
    rolled = _twist(chain(inverse(lift), peak))
    labels = []
    for i, d in enumerate(done):
        first, last = (int(t * clock * rate_hz) for t in (d.start_s, d.end_s))
        pelvis_deg = float((pelvis[first].inv() * pelvis[first : last + 1]).magnitude().max() / DEG)
        compensated = pelvis_deg >= COMPENSATED_DEG
        labels.append(
            Label(
                start_s=round(d.start_s * clock, 4),
                end_s=round(d.end_s * clock, 4),
                set=d.set,
                exercise=d.exercise,
                counted=d.counted,
                rom_deg=round(float(abs((turned if d.rotates else raised)[i])), 2),
                terminal_rotation_deg=round(float(abs(rolled[i])), 2) if d.terminal else None,
                compensated=compensated,
                kind=(d.kind or "other") if compensated else None,
                pelvis_deg=round(pelvis_deg, 2),
            )
        )
    return labels


def _twist(turns: np.ndarray) -> np.ndarray:
    """The part of each turn (4, n) about z, degrees in -180..180."""
    w, _, _, z = turns
    return (np.degrees(2 * np.arctan2(z, w)) + 180) % 360 - 180


def _elevation(bone: np.ndarray) -> np.ndarray:
    """How far the lower end of the bone (4, n) points above the horizontal, degrees."""
    return np.degrees(np.arcsin(np.clip(apply(bone, [0.0, 0.0, -1.0])[2], -1, 1)))
