"""What people do between sets: fidget, tap, scratch, shift about, walk, sit down anew, push a band round.

None of it is a repetition, so none of it is in the labels. Sizes are the caller's; where the issue or SIGNALS.md
gives one it is the default.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sensor.motion.body import BANDS, PELVIS
from sensor.motion.plan import DEG, HIP, Person
from sensor.motion.profiles import smooth

KNOTS_HZ = 50.0  # of a drawn curve; the fastest here is a tap of 3.5 Hz
STRIDE_M = 1.25  # an unhurried adult's; no source
# Of a stride of SWING_DEG, which the angles below give: flexion of the hip, of the knee in swing and on loading.
SWING_DEG, HIP_DEG, KNEE_DEG, LOADING_DEG = 35.0, 18.0, 52.0, 8.0  # Winter's normal gait, rounded
SWAY_DEG = {"hike": 4.0, "roll": 4.0, "tilt": 1.5}  # of the pelvis in walking, either way: the same
STEP_UP_M = 0.02  # the pelvis rises and falls twice a stride by so much


def clock(seconds: float) -> np.ndarray:
    """Evenly spaced instants (n,) of a drawn curve."""
    return np.linspace(0, seconds, max(4, int(seconds * KNOTS_HZ)) + 1)


def fade(t: np.ndarray, seconds: float) -> np.ndarray:
    """0 to 1 to 0: in and out within so many seconds."""
    return smooth(np.clip(np.minimum(t, t[-1] - t) / seconds, 0, 1))


@dataclass(frozen=True, slots=True)
class Tap:
    """Foot taps: `times` quick there-and-backs of one joint at 2 to 3.5 Hz, each under half a second."""

    times: int
    hertz: float = 3.0
    deg: float = 3.0
    joint: str = "knee_flexion"

    def play(self, person: Person) -> None:
        t = clock(self.times / self.hertz)
        person.draw(self.times / self.hertz, **{self.joint: self.deg * DEG * np.sin(np.pi * self.hertz * t) ** 2})


@dataclass(frozen=True, slots=True)
class Fidget:
    """One movement there and back, staying `stay_s`: not alike anything that is repeated."""

    seconds: float
    deg: float
    joint: str = "hip_rotation"
    stay_s: float = 0.0

    def play(self, person: Person) -> None:
        back = person.at[self.joint]
        person.move(self.seconds / 2, **{self.joint: back + self.deg * DEG})
        person.wait(self.stay_s)
        person.move(self.seconds / 2, **{self.joint: back})


@dataclass(frozen=True, slots=True)
class Scratch:
    """Bending down to scratch: the trunk leans while hip and knee jiggle unevenly."""

    seconds: float = 2.5
    hertz: float = 1.5
    deg: float = 5.0

    def play(self, person: Person) -> None:
        t = clock(self.seconds)
        window = fade(t, self.seconds / 3)
        sizes, phases = person.rng.uniform(0.4, 1.0, 3), person.rng.uniform(0, 2 * np.pi, 3)
        beat = 2 * np.pi * self.hertz * t + 0.6 * np.sin(1.7 * t)
        jiggle = {
            joint: size * self.deg * DEG * window * (np.sin(beat + phase) + 0.4 * np.sin(0.37 * beat))
            for joint, size, phase in zip(("hip_flexion", "hip_rotation", "knee_flexion"), sizes, phases, strict=True)
        }
        lean = 1.5 * self.deg * DEG * fade(t, self.seconds / 2)
        person.draw(self.seconds, **jiggle, tilt=lean)


@dataclass(frozen=True, slots=True)
class Shift:
    """Repositioning: the leg is eased and settles about `deg` degrees elsewhere, the body turns a little with it."""

    seconds: float = 1.5
    deg: float = 2.5

    def play(self, person: Person) -> None:
        _settle(person, self.seconds, person.rng.normal(size=4) * self.deg / np.sqrt(3), ease_deg=3 * self.deg)


@dataclass(frozen=True, slots=True)
class Reseat:
    """Down anew in the same pose: the leg settles settle_deg elsewhere, the body faces up to turn_deg elsewhere, and
    the bands on the leg are pushed push_deg round, one way or the other."""

    seconds: float = 3.0
    settle_deg: float = 4.0
    push_deg: float = 12.0
    turn_deg: float = 15.0

    def play(self, person: Person) -> None:
        rng = person.rng
        way = rng.normal(size=4)
        way[:3] *= self.settle_deg / np.linalg.norm(way[:3])
        way[3] = rng.uniform(-1, 1) * self.turn_deg
        for placement in ("ankle", "thigh"):
            push = rng.choice([-1, 1]) * self.push_deg * rng.uniform(0.85, 1.15)
            person.begin(self.seconds, **_pushed(person, placement, push))
        _settle(person, self.seconds, way, ease_deg=20.0)


@dataclass(frozen=True, slots=True)
class PushBand:
    """A band is pushed round what it is worn on."""

    deg: float
    placement: str = "ankle"
    seconds: float = 1.5

    def play(self, person: Person) -> None:
        person.move(self.seconds, **_pushed(person, self.placement, self.deg))


@dataclass(frozen=True, slots=True)
class Walk:
    """Walking about from standing to standing: strides at `hertz`, the shank swinging swing_deg either way, the heading
    wandering at up to turn_deg_s with one about-turn on the way."""

    seconds: float
    hertz: float = 0.9
    swing_deg: float = SWING_DEG
    turn_deg_s: float = 50.0

    def play(self, person: Person) -> None:
        rng, size = person.rng, self.swing_deg / SWING_DEG * DEG
        t = clock(self.seconds)
        step = t[1]
        going = fade(t, min(1.2, self.seconds / 3))
        beat = 2 * np.pi * (self.hertz * t + 0.03 * np.sin(0.9 * t + rng.uniform(0, 6))) + rng.uniform(0, 2 * np.pi)
        swing = ((1 + np.cos(beat + 0.5)) / 2) ** 2
        loading = ((1 + np.cos(beat - 2.2)) / 2) ** 2
        heading = _integral(going * self._turning(t, rng), step) + 3 * DEG * going * np.sin(beat)
        speed = going * STRIDE_M * self.hertz * (1 + 0.12 * np.sin(2 * beat))
        facing = person.at["heading"] + heading
        person.draw(
            self.seconds,
            hip_flexion=size * going * HIP_DEG * (np.sin(beat) + 0.3),
            hip_rotation=size * going * 4 * np.sin(beat + 1),
            knee_flexion=size * going * (KNEE_DEG * swing + LOADING_DEG * loading + 3),
            heading=heading,
            x=_integral(speed * np.cos(facing), step),
            y=_integral(speed * np.sin(facing), step),
            z=STEP_UP_M / 2 * going * np.sin(2 * beat),
            **{pelvis: SWAY_DEG[pelvis] * size * going * np.sin(beat + i) for i, pelvis in enumerate(PELVIS)},
        )

    def _turning(self, t: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Radians a second: slow wandering, and an about-turn of some two seconds."""
        waves = zip(rng.uniform(0.04, 0.25, 3), rng.uniform(0, 2 * np.pi, 3), strict=True)
        wander = sum(np.sin(2 * np.pi * hertz * t + phase) for hertz, phase in waves)
        middle = rng.uniform(0.3, 0.7) * t[-1]
        about = np.exp(-(((t - middle) / 0.7) ** 2)) / (0.7 * np.sqrt(np.pi)) * np.pi * rng.choice([-1, 1])
        return self.turn_deg_s * DEG * wander / 3 + about


def _settle(person: Person, seconds: float, way: np.ndarray, ease_deg: float) -> None:
    """Ease the leg and let it rest `way` from where it rested: degrees of the hip's joints, and of the heading."""
    t = clock(seconds)
    share, ease = smooth(t / seconds), ease_deg * DEG * np.sin(np.pi * smooth(t / seconds)) ** 2
    turns = dict(zip((*HIP, "heading"), way * DEG, strict=True))
    for joint in HIP:
        person.rest[joint] += turns[joint]
    ends = {joint: person.rest[joint] - person.at[joint] for joint in HIP} | {"heading": turns["heading"]}
    curves = {channel: end * share for channel, end in ends.items()}
    curves["hip_flexion"] = curves["hip_flexion"] + 0.6 * ease
    curves["hip_rotation"] = curves["hip_rotation"] + person.rng.uniform(-0.5, 0.5) * ease
    person.draw(seconds, **curves, knee_flexion=ease)


def _pushed(person: Person, placement: str, deg: float) -> dict[str, float]:
    channel = BANDS[placement]
    return {channel: person.at[channel] + deg * DEG}


def _integral(speed: np.ndarray, step: float) -> np.ndarray:
    return np.concatenate([[0.0], np.cumsum((speed[1:] + speed[:-1]) / 2) * step])
