"""The names of exercises and sides. Titles stand in processing/exercises, from where the catalogues take them too."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from processing.exercises import EXERCISES
from server.language import N_, Vocabulary, _, present

SIDES = Vocabulary(left=N_("left"), right=N_("right"), both=N_("both sides"))


# TheraBand's colours, by resistance.
BANDS = Vocabulary(
    tan=N_("tan"), yellow=N_("yellow"), red=N_("red"), green=N_("green"), blue=N_("blue"), black=N_("black"),
    silver=N_("silver"), gold=N_("gold"),
)  # fmt: skip


def titles() -> dict[str, str]:
    return {name: _(one.title) for name, one in EXERCISES.items()}


def exercise(name: str | None) -> str:
    if name is None:
        return _("Any exercise")
    return _(EXERCISES[name].title) if name in EXERCISES else name


def inside(title: str) -> str:
    """A title within a sentence: where nouns are not written large."""
    return title[0].lower() + title[1:] if present() == "en" else title


def exercises(result: dict[str, Any]) -> str:
    """What was told, or else what was recognised."""
    if result["exercise"] is not None or not result["sets"]:
        return exercise(result["exercise"])
    return together(done["exercise"] for done in result["sets"])


def together(names: Iterable[str]) -> str:
    """Each once, in the order in which they are offered: a session is called the same wherever it stands."""
    ranks = {name: rank for rank, name in enumerate(EXERCISES)}
    first, *others = map(exercise, sorted({*names}, key=lambda name: ranks.get(name, len(ranks))))
    return ", ".join([first, *map(inside, others)])


def side(name: str) -> str:
    return SIDES.get(name, name)
