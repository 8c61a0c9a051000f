"""What the list of patients and a patient's page say of numbers."""

from __future__ import annotations

from typing import Any

from server.language import N_, Vocabulary, _
from server.words.exercises import exercise, side
from server.words.measures import number

FILTERS = Vocabulary(
    all=N_("All"), attention=N_("Need attention"), pain=N_("Pain"), quiet=N_("No session"), range=N_("Range of motion"), pelvis=N_("Pelvis")
)
SHORT_SIDES = Vocabulary(left=N_("L"), right=N_("R"))


def short_side(name: str) -> str:
    return SHORT_SIDES.get(name, name)


def of_rom(rom: dict[str, Any]) -> str:
    """Of an overview: what its small drawing shows."""
    told = {"exercise": exercise(rom["exercise"]), "side": side(rom["side"]), "now": number(rom["values"][-1]), "base": number(rom["base"])}
    return _("%(exercise)s, %(side)s: %(base)s° at first, %(now)s° now.", **told)
