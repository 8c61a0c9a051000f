"""A simulated person with known truth, wearing a band.

    made = session({exercise: track}, exercise, sets=3, reps=10, side="left", seed=1)  # track: Movement's fields
    made.recording, made.labels, made.truth

`session` writes the usual plan; `simulate` plays any plan. The same seed and plan at two placements is the
same person moving once with two bands on. Joints and signs: body.py. Physics and faults: imu.py. Plans: plan.py,
repetitions: sets.py, between sets: life.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from sensor.motion.body import BANDS, POSES, bones
from sensor.motion.imu import CHEAP, GOOD, IDEAL, MOUNTS, Faults, Path, counts_size, ideal, path, spoil
from sensor.motion.life import Fidget, PushBand, Reseat, Scratch, Shift, Tap, Walk
from sensor.motion.plan import Person, Segment, Still, TakePose, Variation
from sensor.motion.sets import Movement, Rep, Set
from sensor.motion.truth import labels_of, phases_of
from sensor.motion.turns import about, chain, to_rotation
from sensor.recording import Label, Meta, Recording

__all__ = [
    "CHEAP", "GOOD", "IDEAL", "POSES", "Faults", "Fidget", "Movement", "PushBand", "Rep", "Reseat", "Scratch",
    "Segment", "Set", "Shift", "Simulation", "Still", "TakePose", "Tap", "Truth", "Variation", "Walk", "session",
    "simulate",
]  # fmt: skip

DEG = np.pi / 180


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """At every sample that arrived: the sensor's turn (sensor -> world) and place (n, 3) m, the pelvis' turn.

    phases: concentric, hold and eccentric seconds of each label. cut_s: from, to, of a repetition that was
    under way when the recording began, which has no label.
    """

    sensor: Rotation
    at_m: np.ndarray
    pelvis: Rotation
    phases: list[tuple[float, float, float]]
    cut_s: tuple[float, float] | None


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
    begin_s: float = 0.0,
    begin_rep: float | None = None,
    seed: int = 0,
) -> Simulation:
    """Play a plan that begins in `pose`. The band is turned round the leg by band_turn_deg and sits askew by
    `mounting` (band -> its place); `exercise` is only written into the recording. The band begins to send after
    begin_s seconds, or in mid-movement: begin_rep 2.4 is after 40 % of the third repetition."""
    if placement not in MOUNTS:
        raise ValueError(f"unknown placement (wanted one of {', '.join(MOUNTS)}, got {placement!r})")
    if side not in ("left", "right"):
        raise ValueError(f"unknown side (wanted left or right, got {side!r})")
    person = Person(pose, variation, np.random.default_rng([seed, 0]))
    for segment in plan:
        segment.play(person)
    score = person.score()
    mounting = mounting or Rotation.identity()
    if begin_rep is not None:
        done = person.done[int(begin_rep)]
        begin_s = done.start_s + begin_rep % 1 * (done.end_s - done.start_s)

    slip = faults.skin_slip * (1 if side == "right" else -1) * (placement == "thigh")

    def path_at(t: np.ndarray) -> Path:
        angles = score.angles(t)
        pushed = angles[BANDS[placement]] + slip * angles["hip_rotation"]
        return path(bones(angles, side), placement, side, band_turn_deg * DEG, mounting, pushed)

    def skin_at(t: np.ndarray) -> np.ndarray:
        angles = score.angles(t)
        turns = getattr(bones(angles, side), "thigh" if placement == "thigh" else "shank")
        return chain(turns, about("z", slip * angles["hip_rotation"])) if slip else turns

    clock = 1 + faults.clock_ppm * 1e-6  # band's seconds in one of the person's

    def on_band(t: float) -> float:
        return (t - begin_s) * clock

    t = np.arange(int(on_band(person.t) * rate_hz)) / rate_hz
    at_s = begin_s + t / clock
    acc, gyr, truth = ideal(path_at, at_s)
    rng = np.random.default_rng([seed, 1, list(MOUNTS).index(placement)])
    rests = [(on_band(a), on_band(b)) for a, b in person.rests]
    samples, arrived = spoil(t, acc, gyr, faults, rate_hz, rng, rests)

    pelvis = to_rotation(bones(score.angles(at_s), side).pelvis)
    whole = [done for done in person.done if done.start_s >= begin_s]
    offset = faults.clock_offset_s
    labels = labels_of(whole, skin_at, pelvis, rate_hz, on_band, offset)
    under_way = [done for done in person.done if done.start_s < begin_s < done.end_s]
    cut = tuple(float(on_band(t) + offset) for t in (under_way[0].start_s, under_way[0].end_s)) if under_way else None
    extra: dict[str, Any] = {"simulated": {"seed": seed, "band_turn_deg": band_turn_deg}}
    if lsb := counts_size(faults):
        extra["scale"] = {"acc_mps2_per_lsb": lsb[0], "gyr_rads_per_lsb": lsb[1]}
    meta = Meta("simulated band", rate_hz, placement, side, exercise, _later(begin_s), extra)
    phases = phases_of(whole, skin_at)
    known = Truth(to_rotation(truth.turn)[arrived], truth.at_m.T[arrived], pelvis[arrived], phases, cut)
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


def _later(seconds: float) -> str:
    """When a recording starts whose person was there `seconds` before; ISO 8601."""
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    return at.isoformat(timespec="milliseconds" if seconds else "seconds").replace("+00:00", "Z")
