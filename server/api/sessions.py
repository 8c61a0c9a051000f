"""Create, end, list, read."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Header, Query, Request
from sqlalchemy import ColumnElement, Connection
from starlette.responses import JSONResponse, Response

import processing
from server.access import ID, Beginner, Reader, ReadSession, WriteSession
from server.api.shapes import SHOWN, Curve, NewSession, SessionFull, SessionHead, SessionList
from server.corrections import corrected
from server.counting import Counting
from server.curve import decode_curve, plain
from server.difference import difference
from server.ingest import Ended
from server.problems import Problem, responses
from server.rows import Result, Session, Tally
from server.service import Service, of
from server.store import history, sessions

router = APIRouter(tags=["sessions"])

Battery = Annotated[int | None, Header(alias="Hiprep-Battery", ge=0, le=100, description="percent, of the band; a header, because servers that do not know it yet take the session all the same")]


@router.post(
    "/sessions",
    status_code=201,
    response_model=SessionHead,
    responses={200: {"model": SessionHead, "description": "this key made it before"}}
    | responses(400, 401, 403, 409, 413, 421, 422, 503, 507),
)
async def create(request: Request, who: Beginner, new: NewSession, battery_percent: Battery = None) -> Response:
    """Begin a session. Its packets follow."""
    started_at = new.started_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    values = new.model_dump() | {"info": bytes.fromhex(new.info), "started_at": started_at, "battery_percent": battery_percent}
    session, created = await of(request).ingest.create(values, who.patient, of(request).iso())
    head = head_of(of(request), session, None)
    return JSONResponse(head, 201 if created else 200, {"Location": f"{request.url.path}/{session.id}"})


@router.get("/sessions", response_model=SessionList, responses=responses(401, 403, 421, 422))
async def sessions_list(
    request: Request,
    who: Reader,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[str | None, Query(pattern=ID)] = None,
) -> Response:
    """A page of the sessions, newest first."""
    heads = await heads_of(of(request), who.visible(), limit, before)
    return JSONResponse({"sessions": heads, "next": heads[-1]["id"] if len(heads) == limit else None})


@router.get("/sessions/{session_id}", response_model=SessionFull, responses=responses(401, 403, 404, 421, 422, 503))
async def read(request: Request, session_id: ReadSession) -> Response:
    """A session with its repetitions; while it runs, with those so far."""
    return JSONResponse(await full_of(of(request), session_id))


@router.post(
    "/sessions/{session_id}/end", response_model=SessionFull, responses=responses(401, 403, 404, 421, 422, 503, 507)
)
async def end(request: Request, session_id: WriteSession) -> Response:
    """No more packets come: count to the end and store it. Ending twice is ending once."""
    await of(request).ingest.end(session_id)
    return JSONResponse(await full_of(of(request), session_id))


@router.get("/sessions/{session_id}/curve", response_model=Curve, responses=responses(401, 403, 404, 421, 422, 503))
async def curve(request: Request, session_id: ReadSession, since: Annotated[int, Query(ge=0)] = 0) -> Response:
    """The angle curve, from point `since` on."""
    service = of(request)
    try:
        _, found = await service.ingest.ask(session_id, Counting.curve, since)
        t, angle = plain(*found)
    except Ended:
        stored = await _stored(service, await find(service, session_id))
        t, angle = (column[since:] for column in decode_curve(stored.curve))
    return JSONResponse({"t_s": t, "angle_deg": angle, "next": since + len(t)})


async def find(service: Service, session_id: str) -> Session:
    session = await service.store.fetch(sessions.find, session_id)
    if session is None:
        raise Problem(404, f"no session {session_id}", "path.session_id")
    return session


class Opened(NamedTuple):
    """A session read once. full: SessionFull · curve: see curve.py; None while it runs."""

    session: Session
    full: dict[str, Any]
    curve: bytes | None


async def open_session(service: Service, session_id: str) -> Opened:
    try:
        session, document = await service.ingest.ask(session_id, Counting.document)
        made = {"version": processing.VERSION, "final": False, "result": document, "history": None}
        return Opened(session, head_of(service, session, None) | made, None)
    except Ended:
        session = await find(service, session_id)
        made, document, curve = await service.store.fetch(_past, session.number)
        newest = made["versions"][-1]
        full = {"version": newest["version"], "final": True, "result": document, "history": made}
        return Opened(session, head_of(service, session, Tally(**newest["tally"])) | full, curve)


async def full_of(service: Service, session_id: str) -> dict[str, Any]:
    """SessionFull."""
    return (await open_session(service, session_id)).full


async def heads_of(
    service: Service, visible: ColumnElement[bool], limit: int, before: str | None = None
) -> list[dict[str, Any]]:
    """SessionHead, newest first."""
    return [head_of(service, *row) for row in await service.store.fetch(sessions.newest, visible, limit, before)]


def head_of(service: Service, session: Session, tally: Tally | None) -> dict[str, Any]:
    """SessionHead."""
    resident = None if session.ended_at else service.ingest.resident(session.id)
    counts = {name: getattr(tally, name) for name in Tally.__slots__} if tally else None
    return {
        **{name: getattr(session, name) for name in SessionHead.model_fields if hasattr(session, name)},
        "state": "ended" if session.ended_at else resident.connection if resident else "waiting",
        "tally": resident.tally if resident else counts,
    }


def _past(connection: Connection, session: int) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """History, and the newest document and curve."""
    made = history.versions(connection, session, 2)
    documents = [json.loads(one.document) for one in made]
    said = history.corrections_of(connection, session)
    job = history.newest_job(connection, session)
    return {
        "versions": history.heads(connection, session, SHOWN)[::-1],
        "difference": difference(*documents) if len(documents) == 2 else None,
        "job": job and asdict(job),
        "corrections": [asdict(one) for one in said],
        "corrected": corrected(documents[-1], said) if said else None,
    }, documents[-1], made[-1].curve


async def _stored(service: Service, session: Session) -> Result:
    return await service.store.fetch(sessions.result, session.number)
