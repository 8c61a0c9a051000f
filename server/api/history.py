"""After the end: count a session again, correct it by hand, read what an older version made of it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from sqlalchemy import Connection
from starlette.responses import JSONResponse, Response

from processing.results import SessionResult
from server.access import ChangeSession, Reader, ReadSession, Who
from server.api.conditions import IdempotencyKey, key_of
from server.api.sessions import find
from server.api.shapes import Correction, Job, NewCorrection, Results
from server.corrections import corrected, rep_at
from server.problems import Problem, responses
from server.rows import Session
from server.service import Service, of
from server.store import history, sessions
from server.store.once import Key, once

router = APIRouter(tags=["history"])


@router.post(
    "/sessions/{session_id}/reprocess",
    status_code=202,
    response_model=Job,
    responses=responses(401, 403, 404, 409, 421, 422, 503, 507),
)
async def reprocess(request: Request, session_id: ChangeSession) -> Response:
    """Count it again with the present code, soon. The result is added to those of other versions; `history` of the
    session says when it is there and what it changed."""
    return JSONResponse(asdict(await count_again(of(request), session_id)), 202)


@router.post(
    "/sessions/{session_id}/corrections",
    status_code=201,
    response_model=Correction,
    responses=responses(400, 401, 403, 404, 409, 413, 421, 422, 503, 507),
)
async def correct(
    request: Request, who: Reader, session_id: ChangeSession, new: NewCorrection, idempotency_key: IdempotencyKey = None
) -> Response:
    """Say what was done against what was counted. The result stays as it is; `history.corrected` has both together.
    A correction is taken back by another one."""
    return JSONResponse(await add_correction(of(request), who, session_id, new, await key_of(request, idempotency_key, who, None)), 201)


@router.get("/sessions/{session_id}/results", response_model=Results, responses=responses(401, 403, 404, 421, 422, 503))
async def results(
    request: Request,
    session_id: ReadSession,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[str | None, Query(max_length=32)] = None,
) -> Response:
    """A page of the versions of the processing that counted it."""
    service = of(request)
    session = await find(service, session_id)
    found = await service.store.fetch(history.heads, session.number, limit, before)
    return JSONResponse({"versions": found, "next": found[-1]["version"] if len(found) == limit else None})


@router.get(
    "/sessions/{session_id}/results/{version}", response_model=SessionResult, responses=responses(401, 403, 404, 421, 422, 503)
)
async def result(request: Request, session_id: ReadSession, version: Annotated[str, Path(max_length=32)]) -> Response:
    """What this version of the processing made of it."""
    service = of(request)
    session = await find(service, session_id)
    document = await service.store.fetch(history.document, session.number, version)
    if document is None:
        raise Problem(404, f"no result of version {version!r} (wanted one that is at /results)", "path.version")
    return Response(document, media_type="application/json")


async def count_again(service: Service, session_id: str) -> history.Job:
    return await service.jobs.count_again(await _ended(service, session_id))


async def add_correction(
    service: Service, who: Who, session_id: str, new: NewCorrection, key: Key | None = None
) -> dict[str, Any]:
    """By whoever is logged in, or, where nobody can, by whom it says.

    In one transaction with the look whether it can be: two may correct at the same time.
    """
    session, person = await _ended(service, session_id), who.entrance and who.entrance.person
    if person is None and new.author is None:
        raise Problem(422, "author is missing (wanted a name, got none)", "body.author")
    by = {"author": person.name, "person": person.number} if person else {}
    key = key and key._replace(patient=session.patient)
    return await service.store.write(once, key, lambda c: asdict(_add_correction(c, session, new, by)))


def _add_correction(
    connection: Connection, session: Session, new: NewCorrection, by: dict[str, Any]
) -> history.Correction:
    document = json.loads(sessions.result(connection, session.number).document)
    reps = corrected(document, history.corrections_of(connection, session.number))["reps"]
    _check(new, reps, document["duration_s"])
    return history.correct(connection, session.number, new.model_dump() | by)


def _check(new: NewCorrection, reps: list[dict[str, Any]], duration_s: float) -> None:
    if (new.label is None) != (new.action == "remove"):
        wanted = "no label" if new.action == "remove" else "a label"
        raise Problem(422, f"label does not fit (wanted {wanted} to {new.action}, got {new.label!r})", "body.label")
    if new.action != "add":
        if new.end_s is not None:
            raise Problem(422, f"end_s is for what is added (wanted null to {new.action}, got {new.end_s})", "body.end_s")
        if rep_at(reps, new.at_s) is None:
            raise Problem(422, f"no repetition there (wanted a time within one, got {new.at_s} s)", "body.at_s")
        return
    if new.end_s is None or not new.at_s < new.end_s <= duration_s:
        wanted = f"{new.at_s} to {duration_s} s"
        raise Problem(422, f"the repetition has no end (wanted {wanted}, got {new.end_s})", "body.end_s")
    for rep in reps:
        if not rep["removed"] and rep["start_s"] < new.end_s and new.at_s < rep["end_s"]:
            there = f"{rep['start_s']} to {rep['end_s']} s"
            raise Problem(422, f"a repetition is there already (wanted a free place, got {there})", "body.at_s")


async def _ended(service: Service, session_id: str) -> Session:
    session = await find(service, session_id)
    if session.ended_at is None:
        raise Problem(409, "the session has not ended", "path.session_id")
    return session
