"""What the list of patients and a patient's page say of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from server.language import N_, Vocabulary, _, ngettext
from server.words.exercises import exercise, side
from server.words.measures import number
from server.words.sessions import KINDS

if TYPE_CHECKING:
    from server.trend import Trend
    from server.weeks import Day

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


def of_trend(rom: Trend) -> str:
    if len(rom.days) < 2:
        return _("the first time")
    if rom.change is None:
        return _("about as at first: no measurable change")
    by = number(abs(rom.change))
    return _("%(by)s° more than at first", by=by) if rom.change > 0 else _("%(by)s° less than at first", by=by)


def of_weeks(days: list[Day]) -> str:
    """What the picture of the weeks shows, for who does not see it."""
    done = [day for day in days if any(day.kinds.values())]
    kinds = {kind: sum(day.kinds[kind] for day in days) for kind in ("good", "compensated", "partial")}
    told = ngettext("Exercised on %(num)s day", "Exercised on %(num)s days", len(done)), *(f"{n} {KINDS[kind]}" for kind, n in kinds.items())
    pains = [day.pain for day in days if day.pain is not None]
    return "; ".join([*told, *([_("pain at most %(most)s of 10", most=max(pains))] if pains else [])])


ACTIONS = Vocabulary(
    added=N_("added"), agreed=N_("agreed to what is kept"), assigned=N_("assigned"), changed=N_("changed a session"), disabled=N_("disabled"),
    erased=N_("erased"), exported=N_("exported"), invited=N_("made a link"), listed=N_("looked at the list of patients"),
    listed_people=N_("looked at the list of people"),
    logged_in=N_("logged in"), logged_out=N_("logged out"), logged_out_everywhere=N_("logged out everywhere"),
    made_a_pairing_code=N_("made a pairing code"), noted=N_("wrote a note"), paired=N_("paired a device"), prescribed=N_("prescribed"),
    purged=N_("removed what was old"), read=N_("looked at"), revoked=N_("took a device away"), took_away=N_("took away the care of"),
    took_back=N_("took a message back"), took_back_the_invitation=N_("took an invitation back"),
    withdrew_consent=N_("withdrew the consent"), wrote_to=N_("wrote a message"),
    made_the_clinic=N_("made the clinic"), took_up_the_invitation=N_("took up the invitation"),
)  # fmt: skip


def of_action(name: str) -> str:
    """Of the trail."""
    return ACTIONS.get(name.replace(" ", "_"), name)
