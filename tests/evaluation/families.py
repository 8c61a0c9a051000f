"""Families of simulated people, each with one thing that makes counting hard; ranges are the issue's, or others.

    FAMILIES[name](rng) -> Session        FAMILIES_APART[name](rng) -> Session, to be looked at only at the end
    draw_session(name, seed, i, apart)    the i-th of a family: the same whichever others are drawn
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from habits import HIP, Habits, Session, cheap, draw, session
from ranges import APART, ISSUE, Ranges

from processing.exercises import EXERCISES

Change = Callable[[Habits, np.random.Generator], None]


def clean(h: Habits, rng: np.random.Generator) -> None:
    """Nothing but the person's own ways."""


def noisy(h: Habits, rng: np.random.Generator) -> None:
    h.faults = cheap(rng, h.ranges)


def partials(h: Habits, rng: np.random.Generator) -> None:
    h.partials = 0.25


def fidgets(h: Habits, rng: np.random.Generator) -> None:
    h.between = "fidgets"


def walking(h: Habits, rng: np.random.Generator) -> None:
    h.between = "walk"


def reseat(h: Habits, rng: np.random.Generator) -> None:
    h.between = "reseat"


def incomplete(h: Habits, rng: np.random.Generator) -> None:
    h.short_returns, h.same_top = 0.7, bool(rng.random() < 0.5)


def midstart(h: Habits, rng: np.random.Generator) -> None:
    h.begin_rep = float(rng.uniform(0, 4))


def lossy(h: Habits, rng: np.random.Generator) -> None:
    """Bursts stay under the second that can be bridged; whatever is longer comes in rests."""
    burst = 1 + rng.uniform(0, 1) * (h.options["rate_hz"] >= 100)
    h.faults = replace(h.faults, lost=h.ranges.lost, burst=burst, rest_gap_s=h.ranges.gap_s)


def null(h: Habits, rng: np.random.Generator) -> None:
    h.exercises = tuple(str(name) for name in rng.permutation(HIP))
    h.told, h.between = None, "walk"


def fast(h: Habits, rng: np.random.Generator) -> None:
    h.tempo_s, h.hold_s, h.terminal_s = float(rng.uniform(*h.ranges.fast_s)), rng.uniform(0, 0.15), 0.3
    h.pause_s = rng.uniform(0.1, 0.8)
    h.terminal_deg *= rng.random() < 0.3


def slow(h: Habits, rng: np.random.Generator) -> None:
    h.tempo_s, h.hold_s = float(rng.uniform(*h.ranges.slow_s)), float(rng.uniform(*h.ranges.slow_hold_s))
    h.tempo_s = max(h.tempo_s, h.hold_s + 3.0)


def small(h: Habits, rng: np.random.Generator) -> None:
    h.rom = float(rng.uniform(*h.ranges.small_deg)) / EXERCISES[h.exercises[0]].track["rom_deg"]
    h.terminal_deg = min(h.terminal_deg, 20.0)


def rates(h: Habits, rng: np.random.Generator) -> None:
    h.options["rate_hz"] = float(rng.choice((25, 50, 100, 200)))


def hesitations(h: Habits, rng: np.random.Generator) -> None:
    h.halts = 0.3


def fatigue(h: Habits, rng: np.random.Generator) -> None:
    h.fatigue, h.tires_in = h.ranges.fatigue, str(rng.choice(("session", "set")))


def walks_in(h: Habits, rng: np.random.Generator) -> None:
    h.walks_in = True


def thigh(h: Habits, rng: np.random.Generator) -> None:
    """SIGNALS.md: a band there slides on the skin and reads too little of a rotation."""
    h.options["placement"] = "thigh"
    h.faults = replace(h.faults, skin_slip=float(rng.uniform(0, 0.3)))


def pelvis(h: Habits, rng: np.random.Generator) -> None:
    h.cheats, h.pelvic = 0.25, True


def pelvis_hard(h: Habits, rng: np.random.Generator) -> None:
    """With fidgets, walks and sitting down anew between sets, lost buffers, and half of the bands cheap or on the thigh."""
    h.between = "all"
    if rng.random() < 0.5:
        noisy(h, rng)
    lossy(h, rng)
    if rng.random() < 0.5:
        thigh(h, rng)
    pelvis(h, rng)


def rotation(h: Habits, rng: np.random.Generator) -> None:
    """Abductions whose terminal rotation comes too early or not at all."""
    h.early, h.missing = 0.12, 0.12
    h.terminal_deg = h.terminal_deg or float(rng.uniform(*h.ranges.terminal_deg))
    h.pelvic = True  # a foot that turns while the leg rises is no ROM to hold anybody to


def everything(h: Habits, rng: np.random.Generator) -> None:
    h.between, h.partials, h.halts, h.short_returns = "all", 0.15, 0.1, 0.15
    h.same_top, h.fatigue, h.tires_in = bool(rng.random() < 0.5), rng.uniform(0, 0.3), "session"
    h.cheats, h.pelvic = 0.1, True
    if rng.random() < 0.5:
        noisy(h, rng)
    lossy(h, rng)
    if rng.random() < 0.5:
        h.walks_in = True
    elif rng.random() < 0.5:
        midstart(h, rng)


def all_at_once(h: Habits, rng: np.random.Generator) -> None:
    """Everything, and all three exercises without being told."""
    null(h, rng)
    everything(h, rng)


def both(*changes: Change) -> Change:
    def change(h: Habits, rng: np.random.Generator) -> None:
        for one in changes:
            one(h, rng)

    return change


MORE = tuple(name for name in EXERCISES if name not in HIP)
ABDUCTION = ("hip_abduction",)

# What makes it hard, and which exercise is drawn: one of the three of the hip unless said.
CHANGES: dict[str, tuple[Change, tuple[str, ...]]] = {
    "clean": (clean, ()), "cheap": (noisy, ()), "partials": (partials, ()), "fidgets": (fidgets, ()),
    "walking": (walking, ()), "reseat": (reseat, ()), "incomplete": (incomplete, ()), "midstart": (midstart, ()),
    "lossy": (lossy, ()), "null": (null, ()), "fast": (fast, ()), "slow": (slow, ()), "small": (small, ()),
    "rates": (rates, ()), "hesitations": (hesitations, ()), "fatigue": (fatigue, ()), "walks_in": (walks_in, ()),
    "thigh": (thigh, ()), "rotation": (rotation, ABDUCTION), "pelvis": (pelvis, ()),
    "pelvis_thigh": (both(pelvis, thigh), ()), "pelvis_cheap": (both(noisy, pelvis), ()),
    "pelvis_hard": (pelvis_hard, ()), "everything": (everything, ()), "all_at_once": (all_at_once, ()),
}  # fmt: skip
if MORE:
    CHANGES |= {"more": (clean, MORE), "more_hard": (both(noisy, partials, walking), MORE)}


def _family(change: Change, exercises: tuple[str, ...], ranges: Ranges, rng: np.random.Generator) -> Session:
    habits = draw(rng, ranges, (str(rng.choice(exercises)),) if exercises else ())
    change(habits, rng)
    return session(habits, rng)


FAMILIES = {name: partial(_family, *what, ISSUE) for name, what in CHANGES.items()}
FAMILIES_APART = {name: partial(_family, *what, APART) for name, what in CHANGES.items()}


def draw_session(name: str, seed: int, i: int, apart: bool = False) -> Session:
    rng = np.random.default_rng([seed, zlib.crc32(name.encode()), i, apart])
    return (FAMILIES_APART if apart else FAMILIES)[name](rng)
