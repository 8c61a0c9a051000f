"""Where pages lead to, why a patient needs attention, what is prescribed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from server.language import _, ngettext
from server.words.exercises import exercise, inside, side
from server.words.measures import date_of, number

if TYPE_CHECKING:
    from server.access import Who


def ways(who: Who | None) -> list[tuple[str, str]]:
    """Where the head of a page leads: (path, title)."""
    if who is None:
        return []
    if who.staff:
        return [("/patients", _("Patients")), *([("/people", _("People"))] if who.staff.admin else []), ("/account", _("Account"))]
    if who.patient:
        return [("/", _("Today")), ("/history", _("History")), (f"/patients/{who.patient.id}", _("Me"))]
    return [("/", _("Sessions")), ("/band", _("Band")), ("/live", _("Live"))]


def attention(line: dict[str, Any]) -> str:
    """Of an overview."""
    return "; ".join(map(_reason, line["reasons"])) or "–"


def _reason(reason: dict[str, Any]) -> str:
    kind, told = reason["kind"], dict(reason["values"])
    leg = told and "exercise" in told and _("%(exercise)s, %(side)s", exercise=inside(exercise(told["exercise"])), side=side(told["side"]))
    match kind:
        case "pain":
            return _("pain %(most)s of 10", **told)
        case "pain up":
            return _("pain %(before)s → %(now)s", **told)
        case "pain in session":
            return _("pain %(before)s → %(now)s in one session", **told)
        case "quiet" if told["begun"]:
            return ngettext("no session for %(num)s day", "no session for %(num)s days", told["days"])
        case "quiet":
            return ngettext("no session yet, %(num)s day after the start", "no session yet, %(num)s days after the start", told["days"])
        case "range":
            return _("%(before)s → %(now)s° in %(leg)s", before=number(told["before"]), now=number(told["now"]), leg=leg)
        case _other:
            before, now = number(100 * told["before"]), number(100 * told["now"])
            return _("pelvis helps in %(now)s %% (was %(before)s %%) in %(leg)s", before=before, now=now, leg=leg)


def of_week(week: dict[str, int] | None) -> str:
    """sessions of prescribed: of one exercise they are days; ticks: on how many days a week."""
    if week is None:
        return _("no programme")
    done, all_of_them = week["sessions"], week["prescribed"]
    if week["ticks"] == all_of_them:
        return _("%(done)s of %(all)s days", done=done, all=all_of_them)
    return ngettext("%(done)s of %(all)s exercises, %(num)s day a week", "%(done)s of %(all)s exercises, %(num)s days a week", week["ticks"], done=done, all=all_of_them)


def tempo(item: dict[str, Any]) -> str:
    return "-".join(f"{item[name]:g}" for name in ("concentric_s", "hold_s", "eccentric_s")) + " s"


def programme(now: dict[str, Any]) -> str:
    """In one sentence."""
    legs: dict[str, list[str]] = {}
    for item in now["items"]:
        legs.setdefault(item["exercise"], []).append(item["side"])
    names = ", ".join(f"{exercise(name)} ({side('both' if len(sides) > 1 else sides[0])})" for name, sides in legs.items())
    weeks, times = ({item[key] for item in now["items"]} for key in ("weeks", "per_week"))
    if len(times) == 1:
        often = ngettext("%(num)s time a week", "%(num)s times a week", max(times))
    else:
        often = _("%(least)s to %(most)s times a week", least=min(times), most=max(times))
    how_long = ngettext("%(num)s week", "%(num)s weeks", max(weeks))
    return _("%(names)s: %(often)s, %(long)s from %(start)s.", names=names, often=often, long=how_long, start=date_of(now["starts_on"]))
