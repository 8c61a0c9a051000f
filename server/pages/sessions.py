"""Sessions: the list, one as it happens, one that is over."""

from __future__ import annotations

from statistics import median
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import and_
from starlette.responses import Response

import processing
from processing.exercises import EXERCISES
from server import words
from server.access import Beginner, Reader, ReadSession, Writer
from server.api.programmes import Report, pain_stop, worst
from server.api.recordings import brought
from server.api.sessions import heads_of, open_session
from server.pages.curves import drawn
from server.pages.training import of_patient, plan_of, recognised, today_page
from server.pages.views import go, page
from server.problems import Problem
from server.service import of
from server.store import people, programmes, sessions
from server.store.schema import sessions as session_table

router = APIRouter()

LISTED = 100


@router.get("/")
async def start_page(request: Request, who: Reader) -> Response:
    if who.staff:
        return go("/patients")
    return await today_page(request, who) if who.patient else await sessions_page(request, who)


@router.get("/sessions")
async def sessions_page(request: Request, who: Reader) -> Response:
    heads = await heads_of(of(request), who.visible(), LISTED)
    return page(request, "sessions.html", sessions=heads, recognised=recognised((await of_patient(of(request), who))[2] if who.patient else []))


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
    """Staff look on; everybody else exercises."""
    found, full, _ = await open_session(of(request), session_id)
    if full["final"]:
        return go(f"/sessions/{session_id}")
    if not who.staff:
        return page(request, "exercise.html", session=full, plan=await plan_of(of(request), who, found))
    patient = await of(request).store.fetch(people.by_number, found.patient)
    return page(request, "watch.html", session=full, patient=patient, poses={name: _pose(name) for name in EXERCISES})


@router.get("/sessions/{session_id}")
async def session_page(request: Request, who: Reader, session_id: ReadSession) -> Response:
    opened = await open_session(of(request), session_id)
    found, full, _ = opened
    report = await of(request).store.fetch(programmes.report, found.number)
    # Without accounts it is one's own session, of which there is nobody to tell.
    told = {"report": report or Report().model_dump(), "may_report": True} if who.patient else {"report": report}
    if report and worst(report) > (limit := await pain_stop(of(request), found.patient)):
        told["too_much"] = limit
    if who.staff:
        told["patient"] = await of(request).store.fetch(people.by_number, found.patient)
    if full["final"] and not who.patient:
        same = session_table.c.patient.is_not_distinct_from(found.patient)
        heads = await heads_of(of(request), and_(who.visible(), same), LISTED)
        told["others"] = [one for one in heads if one["id"] != session_id and one["ended_at"]]
    if full["final"]:
        [told["curve"]] = drawn(opened)
    poses = {name: _pose(name) for name in _exercises(full["result"]) if name in EXERCISES}
    return page(request, "session.html", session=full, summary=_summary(full), poses=poses, present=processing.VERSION, **told)


def _exercises(result: dict[str, Any]) -> list[str]:
    """In the order of its sets."""
    return list(dict.fromkeys([*(one["exercise"] for one in result["sets"]), *([result["exercise"]] if result["exercise"] else [])]))


def _pose(exercise: str) -> dict[str, Any]:
    """How the figure stands or lies, and which way its joint turns."""
    track = EXERCISES[exercise].track
    return {"pose": track["pose"], "sign": track["sign"]}


def _summary(full: dict[str, Any]) -> dict[str, Any]:
    """The numbers at the top of a session's page: what holds, with corrections by hand."""
    corrected = (full["history"] or {}).get("corrected")
    reps = [rep for rep in corrected["reps"] if not rep["removed"]] if corrected else full["result"]["reps"]
    kinds = [words.kind(rep) for rep in reps]
    roms: dict[str, list[float]] = {}
    for rep in reps:
        if rep["counted"] and "rom_deg" in rep:
            roms.setdefault(rep["exercise"], []).append(rep["rom_deg"])
    return {
        "counted": sum(rep["counted"] for rep in reps),
        **{kind: kinds.count(kind) for kind in words.KINDS},
        "roms_deg": {exercise: median(of_it) for exercise, of_it in roms.items()},
    }
