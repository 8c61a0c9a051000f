"""Counted against labelled: what was missed, what was made up, and how far off the rest is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Protocol

from processing.results import SessionResult


class Labelled(Protocol):
    """A labelled repetition; None where nobody said."""

    start_s: float
    end_s: float
    set: int | None
    counted: bool | None
    rom_deg: float | None


@dataclass(frozen=True, slots=True)
class Score:
    """One recording; sets_exact None where the labels do not tell sets. Errors in s and degrees, counted minus labelled, of the repetitions that were found."""

    labelled: int
    counted: int
    missed: int
    false: int
    sets_exact: bool | None
    start_errors_s: tuple[float, ...]
    end_errors_s: tuple[float, ...]
    rom_errors_deg: tuple[float, ...]
    delays_s: tuple[float, ...]

    def as_json(self) -> dict[str, Any]:
        """Counts, and the median of the size of each error, None where there is none."""
        return {
            "labelled": self.labelled,
            "counted": self.counted,
            "missed": self.missed,
            "false": self.false,
            "sets_exact": self.sets_exact,
            "start_error_s": _typical(self.start_errors_s),
            "end_error_s": _typical(self.end_errors_s),
            "rom_error_deg": _typical(self.rom_errors_deg),
            "counted_after_end_s": round(median(self.delays_s), 3) if self.delays_s else None,
        }


def score(result: SessionResult, labels: Sequence[Labelled]) -> Score:
    """Match each labelled repetition with the counted one that overlaps it most; each is used once."""
    wanted = [label for label in labels if label.counted is not False]
    got = [rep for rep in result.reps if rep.counted]
    overlaps = sorted(
        ((min(rep.end_s, label.end_s) - max(rep.start_s, label.start_s), i, j)
         for i, label in enumerate(wanted) for j, rep in enumerate(got)
         if rep.start_s < label.end_s and rep.end_s > label.start_s),
        key=lambda overlap: (-overlap[0], *overlap[1:]),
    )  # fmt: skip
    pairs: dict[int, int] = {}
    for _, i, j in overlaps:
        if i not in pairs and j not in pairs.values():
            pairs[i] = j
    found = [(wanted[i], got[j]) for i, j in sorted(pairs.items())]
    return Score(
        labelled=len(wanted),
        counted=len(got),
        missed=len(wanted) - len(found),
        false=len(got) - len(found),
        sets_exact=None if (sets := _sets(wanted)) is None else sets == [done.reps for done in result.sets],
        start_errors_s=tuple(rep.start_s - label.start_s for label, rep in found),
        end_errors_s=tuple(rep.end_s - label.end_s for label, rep in found),
        rom_errors_deg=tuple(rep.rom_deg - label.rom_deg for label, rep in found if label.rom_deg is not None),
        delays_s=tuple(rep.counted_s - rep.end_s for _, rep in found),
    )


def total(scores: Iterable[Score]) -> Score:
    """All recordings as one."""
    scores = list(scores)
    return Score(
        *(sum(getattr(one, name) for one in scores) for name in ("labelled", "counted", "missed", "false")),
        None if all(one.sets_exact is None for one in scores) else all(one.sets_exact is not False for one in scores),
        *(tuple(error for one in scores for error in getattr(one, name)) for name in ERRORS),
    )


ERRORS = ("start_errors_s", "end_errors_s", "rom_errors_deg", "delays_s")


def _sets(labels: Sequence[Labelled]) -> list[int] | None:
    """Repetitions a set, None where the labels do not say."""
    if any(label.set is None for label in labels):
        return None
    numbers = [label.set for label in labels]
    return [numbers.count(number) for number in sorted(set(numbers))]


def _typical(errors: Sequence[float]) -> float | None:
    return round(median(map(abs, errors)), 3) if errors else None

