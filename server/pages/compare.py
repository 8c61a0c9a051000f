"""Two sessions of one person beside each other."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from processing.summary import change
from server.access import Reader, ReadTwo
from server.api.sessions import open_session
from server.pages.curves import drawn
from server.pages.views import page
from server.problems import Problem
from server.service import of
from server.store import people
from server.trend import mdc_deg

router = APIRouter()


@router.get("/compare")
async def compare_page(request: Request, who: Reader, two: ReadTwo) -> Response:
    """The older on the left, whichever was named first."""
    service = of(request)
    opened = sorted([await open_session(service, one) for one in two], key=lambda one: one.full["started_at"])
    patients = [one.session.patient for one in opened]
    if patients[0] != patients[1]:
        raise Problem(422, "two people are not compared (wanted two sessions of one)", "query.b")
    both = [one.full for one in opened]
    if not all(full["final"] for full in both):
        raise Problem(409, "the session has not ended", "query.b")
    patient = await service.store.fetch(people.by_number, patients[0]) if who.staff else None
    results = [full["result"] for full in both]
    return page(request, "compare.html", both=both, patient=patient, curves=drawn(*opened), changes=changes(*results), sets=sets(*results))


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    """What both did: one exercise of one side, its numbers in both, and the change of its range of motion."""
    was, now = (_numbers(result) for result in (before, after))
    same_leg = before["side"] == after["side"]
    found = []
    for name in [name for name in was if name in now and same_leg]:
        roms = [one["rom_median_deg"] for one in (was[name], now[name])]
        known = None not in roms
        found.append({"exercise": name, "was": was[name], "now": now[name], "change": change(*roms, mdc_deg(name)) if known else None})
    return found


def sets(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[dict[str, Any] | None, dict[str, Any] | None]]:
    """The first with the first; of the longer session the rest alone."""
    one, other = before["sets"], after["sets"]
    return [(one[i] if i < len(one) else None, other[i] if i < len(other) else None) for i in range(max(len(one), len(other)))]


def _numbers(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By exercise; none of what was stored without them."""
    told = (result.get("summary") or {}).get("exercises", ())
    return {one["exercise"]: one["numbers"] | {"reps": one["reps"]} for one in told}
