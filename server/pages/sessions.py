"""Sessions: the list, one as it happens, one that is over."""

from __future__ import annotations

from statistics import median
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from server import words
from server.access import Beginner, Reader, ReadSession, Writer
from server.api.programmes import Report, pain_stop, worst
from server.api.recordings import brought
from server.api.sessions import find, full_of, heads_of
from server.pages.views import go, page
from server.problems import Problem
from server.service import of
from server.store import programmes, sessions

router = APIRouter()

LISTED = 100


@router.get("/")
async def sessions_page(request: Request, who: Reader) -> Response:
    if who.staff:
        return go("/patients")
    heads = await heads_of(of(request), who.visible(), LISTED)
    return page(request, "sessions.html", sessions=heads)


@router.get("/import")
async def import_page(request: Request, _: Writer) -> Response:
    return page(request, "import.html")


@router.post("/import")
async def bring(request: Request, who: Beginner) -> Response:
    try:
        session_id, _ = await brought(request, who)
    except Problem as problem:
        return page(request, "import.html", problem)
    return go(f"/sessions/{session_id}")


@router.get("/live")
async def newest(request: Request, who: Reader) -> Response:
    """The newest session that has not ended, as soon as there is one."""
    unfinished = await of(request).store.fetch(sessions.unfinished, who.visible())
    return go(f"/sessions/{unfinished[0].id}/live") if unfinished else page(request, "waiting.html")


@router.get("/sessions/{session_id}/live")
async def live_page(request: Request, who: Reader, session_id: ReadSession) -> Response:
    full = await full_of(of(request), session_id)
    return go(f"/sessions/{session_id}") if full["final"] else page(request, "live.html", session=full)


@router.get("/sessions/{session_id}")
async def session_page(request: Request, who: Reader, session_id: ReadSession) -> Response:
    full = await full_of(of(request), session_id)
    found = await find(of(request), session_id)
    report = await of(request).store.fetch(programmes.report, found.number)
    # Without accounts it is one's own session, of which there is nobody to tell.
    told = {"report": report or Report().model_dump(), "may_report": True} if who.patient else {"report": report}
    if report and worst(report) > (limit := await pain_stop(of(request), found.patient)):
        told["too_much"] = limit
    return page(request, "session.html", session=full, summary=_summary(full["result"]), **told)


def _summary(result: dict[str, Any]) -> dict[str, Any]:
    """The numbers at the top of a session's page."""
    kinds = [words.kind(rep) for rep in result["reps"]]
    roms = [rep["rom_deg"] for rep in result["reps"] if rep["counted"]]
    return {
        "counted": sum(rep["counted"] for rep in result["reps"]),
        **{kind: kinds.count(kind) for kind in words.KINDS},
        "rom_deg": median(roms) if roms else None,
    }
