"""One session judged against what really happened, and many sessions summed up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from processing.results import Rep, SessionResult
from sensor.motion import Simulation
from sensor.recording import Label

PHASES = ("concentric", "hold", "eccentric")


@dataclass
class Rate:
    """Of so many, so many."""

    yes: int = 0
    of: int = 0

    def add(self, hit: bool) -> None:
        self.yes += bool(hit)
        self.of += 1

    def __add__(self, other: Rate) -> Rate:
        return Rate(self.yes + other.yes, self.of + other.of)

    @property
    def share(self) -> float:
        return self.yes / self.of if self.of else float("nan")


def _rates() -> dict[str, Rate]:
    return {}


@dataclass
class Judged:
    """One session, or with `+` many. Errors are counted minus true, of the repetitions that were found."""

    sessions: Rate = field(default_factory=Rate)  # every set exact, nothing besides, and of the right exercise
    sets: Rate = field(default_factory=Rate)  # one set found with just its repetitions
    numbers: Rate = field(default_factory=Rate)  # sets whose repetitions all carry its number
    missed: Rate = field(default_factory=Rate)
    false: Rate = field(default_factory=Rate)
    named: Rate = field(default_factory=Rate)  # found repetitions of the right exercise
    delay_s: list[float] = field(default_factory=list)  # counted_s - end_s
    start_s: list[float] = field(default_factory=list)
    end_s: list[float] = field(default_factory=list)
    rom_deg: list[float] = field(default_factory=list)
    terminal_deg: list[float] = field(default_factory=list)
    phases_s: dict[str, list[float]] = field(default_factory=lambda: {phase: [] for phase in PHASES})
    phases: Rate = field(default_factory=Rate)  # within 10 % or 100 ms, whichever is more
    found: dict[str, Rate] = field(default_factory=_rates)  # faults by kind: seen, of those there were
    clear: dict[str, Rate] = field(default_factory=_rates)  # not said, of the repetitions without

    def __add__(self, other: Judged) -> Judged:
        both = Judged()
        for name in self.__dataclass_fields__:
            mine, theirs = getattr(self, name), getattr(other, name)
            if isinstance(mine, dict):
                whole = {key: [mine[key], theirs[key]] for key in mine.keys() & theirs.keys()}
                value = mine | theirs | {key: a + b for key, (a, b) in whole.items()}
            else:
                value = mine + theirs
            setattr(both, name, value)
        return both


def total(judged: Iterable[Judged]) -> Judged:
    return sum(judged, Judged())


def judge(made: Simulation, result: SessionResult) -> Judged:
    j = Judged()
    wanted = [label for label in made.labels if label.counted]
    got = [rep for rep in result.reps if rep.counted]
    if cut := made.truth.cut_s:  # half a repetition may count or not
        free = [rep for rep in got if rep.start_s < cut[1] and rep.start_s < wanted[0].start_s - 0.3][:1]
    else:
        free = []
    pairs = match(wanted, [rep for rep in got if rep not in free])
    for label in wanted:
        j.missed.add(id(label) not in pairs)
    taken = {id(rep) for rep in pairs.values()} | {id(rep) for rep in free}
    j.false = Rate(sum(id(rep) not in taken for rep in got), len(wanted))
    _sets(j, wanted, got, pairs, free)
    terminal = {name: _usual(wanted, name) for name in {label.exercise for label in wanted}}
    for label, phases in zip(made.labels, made.truth.phases, strict=True):
        if rep := pairs.get(id(label)):
            _numbers(j, label, phases, rep)
            _faults(j, label, rep, terminal[label.exercise])
    right = all(rate.yes == rate.of for rate in (j.sets, j.named)) and not j.false.yes
    j.sessions.add(right)
    return j


def match(labels: Sequence[Label], reps: Sequence[Rep]) -> dict[int, Rep]:
    """Label (its id) -> the repetition that overlaps it most, each used once."""
    overlaps = sorted(
        (max(rep.start_s, label.start_s) - min(rep.end_s, label.end_s), i, k)
        for i, label in enumerate(labels)
        for k, rep in enumerate(reps)
        if rep.start_s < label.end_s and rep.end_s > label.start_s
    )
    pairs: dict[int, Rep] = {}
    taken: set[int] = set()
    for _, i, k in overlaps:
        if id(labels[i]) not in pairs and k not in taken:
            pairs[id(labels[i])] = reps[k]
            taken.add(k)
    return pairs


def _sets(j: Judged, wanted: list[Label], got: list[Rep], pairs: dict[int, Rep], free: list[Rep]) -> None:
    for number in sorted({label.set for label in wanted}):
        labels = [label for label in wanted if label.set == number]
        reps = [pairs.get(id(label)) for label in labels]
        numbers = {rep.set for rep in reps if rep}
        members = [rep for rep in got if rep.set in numbers and rep not in free]
        j.sets.add(None not in reps and len(numbers) == 1 and len(members) == len(labels))
        j.numbers.add(numbers == {number})


def _numbers(j: Judged, label: Label, phases: tuple[float, float, float], rep: Rep) -> None:
    j.named.add(rep.exercise == label.exercise)
    j.delay_s.append(rep.counted_s - rep.end_s)
    j.start_s.append(rep.start_s - label.start_s)
    j.end_s.append(rep.end_s - label.end_s)
    for name, true in zip(PHASES, phases, strict=True):
        error = getattr(rep, f"{name}_s") - true
        j.phases_s[name].append(error)
        j.phases.add(abs(error) <= max(0.1 * true, 0.1))
    if label.compensated or label.kind:
        return
    j.rom_deg.append(rep.rom_deg - label.rom_deg)
    if label.terminal_rotation_deg is not None:
        j.terminal_deg.append((rep.terminal_rotation_deg or 0.0) - label.terminal_rotation_deg)


def _faults(j: Judged, label: Label, rep: Rep, turns: bool) -> None:
    """A repetition with one fault says nothing about the other: a foot that turns early is a leg that rolls."""
    early = label.kind == "early_rotation"
    if label.compensated:
        j.found.setdefault(label.kind, Rate()).add(rep.compensated)
    elif not early:
        j.clear.setdefault("compensation", Rate()).add(not rep.compensated)
    if not turns or label.compensated:
        return
    missing = label.terminal_rotation_deg is None
    for name, there in (("early_rotation", early), ("missing_terminal_rotation", missing)):
        said = name in rep.flags
        if there:
            j.found.setdefault(name, Rate()).add(said)
        elif not (early or missing):
            j.clear.setdefault(name, Rate()).add(not said)


def _usual(wanted: list[Label], exercise: str) -> bool:
    """Does this person turn the foot out at the top, as a rule?"""
    mine = [label.terminal_rotation_deg is not None for label in wanted if label.exercise == exercise]
    return sum(mine) > len(mine) / 2


def p95(errors: Sequence[float]) -> float:
    return float(np.percentile(errors, 95)) if errors else float("nan")


def median_size(errors: Sequence[float]) -> float:
    return float(np.median(np.abs(errors))) if errors else float("nan")
