"""Repetitions: one movement, its faults, and a set of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sensor.motion.body import JOINTS, POSES
from sensor.motion.plan import CREEP_DEG_S, DEG, Done, Person
from sensor.motion.profiles import Profile, smooth

ONSET_DEG_S = 2.0  # a repetition begins and ends where its joint passes this speed: SIGNALS.md's back-tracking
TWICE = 1.5  # as long for a way with a halt as for one without, the halt apart; at the same acceleration it is 1.4
# A rotation begun before this share of the lift is a fault; real people begin a little before the top (ours).
EARLY = 0.8


@dataclass(frozen=True, slots=True)
class Movement:
    """An exercise's joint track, handed over as a plain dict by whoever knows the exercise.

    `joint` moves by sign x rom_deg from the pose and back; at the top `terminal_joint`, if any, turns by
    terminal_deg and back, each in terminal_s, round the hold. pause_s is the rest between repetitions.
    up and down: how the joint gets there and back; in a hold of a second or more it sinks by `droop` of the ROM.
    The leg of a person who does not keep to one plane swings sideways_deg with it, in the hip's other joint.
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
    up: Profile = smooth
    down: Profile = smooth
    droop: float = 0.0
    sideways_deg: float = 0.0

    def __post_init__(self) -> None:
        if self.pose not in POSES:
            raise ValueError(f"unknown pose (wanted one of {', '.join(POSES)}, got {self.pose!r})")
        for joint in (self.joint, self.terminal_joint or self.joint):
            if joint not in JOINTS:
                raise ValueError(f"unknown joint (wanted one of {', '.join(JOINTS)}, got {joint!r})")


@dataclass(frozen=True, slots=True)
class Rep:
    """One repetition as planned, before variation. compensation: (tilt | roll | hike, degrees at the top)."""

    rom: float = 1.0  # of the movement's ROM
    tempo: float = 1.0  # of the movement's durations
    terminal: bool = True
    counted: bool = True
    compensation: tuple[str, float] | None = None
    returns: float = 1.0  # share of the way back; the next repetition begins where this one ended
    overshoot: float = 0.0  # of the ROM: how far the leg is lowered beyond its rest; it comes up in the pause
    halt_up_s: float = 0.0  # a hesitation on the way up
    halt_down_s: float = 0.0
    halt_at: float = 0.5  # at this share of the way
    rotate_at: float = 1.0  # share of the concentric phase at which the terminal rotation begins


@dataclass(frozen=True, slots=True)
class Set:
    """Repetitions of one movement; the person is in the movement's pose already."""

    exercise: str
    movement: Movement
    reps: tuple[Rep, ...]

    def play(self, person: Person) -> None:
        person.sets += 1
        person.move(0.5, effort=1.0)
        joint = self.movement.joint
        for i, rep in enumerate(self.reps):
            if i:
                person.creep(person.vary(self.movement.pause_s, person.variation.pause), **{joint: back})
            back = self._repeat(person, rep)
        below_s = 1.875 * abs(back - person.at[joint]) / DEG / CREEP_DEG_S
        person.move(max(1.0, below_s), effort=0.0, **{joint: back})

    def _repeat(self, person: Person, rep: Rep) -> float:
        """Where the joint will come to rest: it is there already, but for an overshoot."""
        m, v = self.movement, person.variation
        concentric, hold, eccentric, terminal = (
            person.vary(seconds * rep.tempo, v.tempo)
            for seconds in (m.concentric_s, m.hold_s, m.eccentric_s, m.terminal_s)
        )
        low = person.at[m.joint]
        top = low + m.sign * person.vary(m.rom_deg * rep.rom, v.rom) * DEG
        sunk = top - m.droop * min(1.0, hold) ** 2 * (top - low)  # a short hold leaves no time to sink
        back = person.rest[m.joint] + person.rng.normal() * v.rest_deg * DEG
        if rep.returns < 1:
            back = top + (back - top) * rep.returns
        kind, amount = rep.compensation or (None, 0.0)
        cheat = {channel: person.at[channel] + way * rep.rom for channel, way in person.along.items()}
        cheat |= {kind: cheat.get(kind, person.at[kind]) + amount * DEG} if kind else {}
        if m.sideways_deg:
            other = "hip_abduction" if m.joint == "hip_flexion" else "hip_flexion"
            cheat[other] = person.at[other] + m.sideways_deg * rep.rom * DEG
        straight = {channel: person.at[channel] for channel in cheat}
        rotates = m.terminal_joint if rep.terminal else None
        early = rotates is not None and rep.rotate_at < EARLY  # such a foot turns with the leg, and is out when that is up

        begun = person.t
        lift_s = concentric * (TWICE if rep.halt_up_s else 1.0)
        turn_s = begun + rep.rotate_at * lift_s + rep.halt_up_s * (rep.rotate_at > rep.halt_at)  # a foot waits out a halt
        if rotates:
            there = person.at[rotates]
            turned = there + person.vary(m.terminal_deg, v.rom) * DEG
        person.begin(concentric, **cheat)
        start, _ = _travel(person, concentric, m.joint, top, m.up, rep.halt_up_s, rep.halt_at)
        lifted = person.t
        if rotates:
            out_s = min(terminal, lifted - turn_s) if early else terminal
            person.begin(out_s, after=turn_s - person.t, **{rotates: turned})
            person.wait(max(0.0, turn_s + out_s - person.t))
            person.move(hold, **{m.joint: sunk})
            person.move(terminal, **{rotates: there})
        else:
            person.move(hold, **{m.joint: sunk})
        top_s = (lifted + person.t) / 2
        person.begin(eccentric, **straight)
        below = back - m.sign * rep.overshoot * m.rom_deg * DEG
        _, end = _travel(person, eccentric, m.joint, below, m.down, rep.halt_down_s, rep.halt_at)
        person.done.append(
            Done(
                set=person.sets,
                exercise=self.exercise,
                counted=rep.counted,
                kind=kind,
                start_s=start,
                lifted_s=lifted,
                top_s=top_s,
                end_s=end,
                terminal=bool(rotates),
                rotates=m.joint == "hip_rotation",
                turn_s=turn_s,
                early=early,
            )
        )
        return back


def _travel(
    person: Person,
    seconds: float,
    joint: str,
    target: float,
    profile: Profile,
    halt_s: float = 0.0,
    halt_at: float = 0.5,
) -> tuple[float, float]:
    """Take a joint to its target, with a halt on the way if wanted: when it begins and when it ceases to move."""
    origin = person.at[joint]
    parts = [(seconds, target, profile)]
    if halt_s:
        half_way = origin + halt_at * (target - origin)
        seconds *= TWICE  # who stops and starts again is not done as soon
        parts = [(seconds * halt_at, half_way, smooth), (seconds * (1 - halt_at), target, smooth)]
    begins = []
    for lasts, end, how in parts:
        if begins:
            person.wait(halt_s)
        first, last = _edges(how, lasts, end - person.at[joint])
        begins.append(person.t + first)
        person.move(lasts, how, **{joint: end})
    return begins[0], person.t - last


def _edges(profile: Profile, seconds: float, turn: float) -> tuple[float, float]:
    """How long after its beginning, and before its end, a turn of so many radians passes ONSET_DEG_S."""
    if profile is smooth:  # whose speed is 30 s²(1 - s)² turn / seconds
        q = np.sqrt(ONSET_DEG_S * DEG * seconds / (30 * abs(turn) + 1e-12))
        edge = 0.0 if q >= 0.25 else seconds * (1 - np.sqrt(1 - 4 * q)) / 2
        return edge, edge
    s = np.linspace(0, 1, 2001)
    moving = np.flatnonzero(np.abs(np.diff(profile(s))) * 2000 * abs(turn) / seconds > ONSET_DEG_S * DEG)
    return (moving[0] / 2000 * seconds, (1999 - moving[-1]) / 2000 * seconds) if len(moving) else (0.0, 0.0)
