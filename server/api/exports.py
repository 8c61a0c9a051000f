"""Charts and sessions as files for others: a route for each of server/exports/, of both kinds."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, Response

from server import belongings, chart, exports
from server.access import ExportPatient, ExportSession, LoggedIn, Reader
from server.api.sessions import find
from server.api.shapes import file_of
from server.chart import Chart
from server.exports import Export
from server.problems import Problem, responses
from server.service import Service, base_url, of
from server.store import people, programmes
from server.store.people import Person

router = APIRouter(tags=["exports"])


def _of_session(export: Export) -> Callable:
    async def route(request: Request, who: Reader, session_id: ExportSession) -> Response:
        """Of a session that has ended, with corrections by hand laid over what was counted."""
        service = of(request)
        session = await find(service, session_id)
        if session.ended_at is None:
            raise Problem(409, "the session has not ended: there is nothing whole to export", "path.session_id")
        patient = None if session.patient is None else await service.store.fetch(people.by_number, session.patient)
        clinic = who.entrance and who.entrance.clinic
        head = {"made_at": service.iso(), "url": base_url(request), "clinic": clinic, "patient": patient}
        made = await service.store.fetch(lambda c: chart.of_session(c, session, clinic and clinic.time_zone, **head))
        return await _file(export, made, f"{session.started_at[:10]}-{session.id}")

    return route


def _of_patient(export: Export) -> Callable:
    async def route(request: Request, entrance: LoggedIn, patient: ExportPatient) -> Response:
        """Of the whole chart: programmes, sessions that have ended, what the patient said."""
        made = await chart_of(of(request), base_url(request), entrance, patient)
        return await _file(export, made, f"{made.made_at[:10]}-{patient.id}")

    return route


@router.get(
    "/patients/{person_id}/everything.zip",
    response_class=Response,
    responses={200: file_of("application/zip")} | responses(401, 403, 404, 421, 422, 503, 507),
)
async def everything(request: Request, entrance: LoggedIn, patient: ExportPatient) -> Response:
    """All that is known of a patient: `person.json` with the rows of every table and the audit trail, the recordings, and
    the chart as each export."""
    service = of(request)
    made = await chart_of(service, base_url(request), entrance, patient)
    directory = tempfile.TemporaryDirectory(prefix="hiprep-")
    target = Path(directory.name) / "everything.zip"
    try:
        await asyncio.to_thread(belongings.pack, service, made, patient, target)
    except BaseException:
        directory.cleanup()
        raise
    name = f"hiprep-{made.made_at[:10]}-{patient.id}-everything.zip"
    return FileResponse(target, media_type="application/zip", filename=name, background=BackgroundTask(directory.cleanup))


async def chart_of(service: Service, url: str, entrance: Any, patient: Person) -> Chart:
    today = programmes.today(service.settings.clock(), ZoneInfo(entrance.clinic.time_zone))
    told = patient, entrance.clinic, service.iso(), url, today, service.questionnaires
    return await service.store.fetch(chart.of_patient, *told)


async def _file(export: Export, made: Chart, name: str) -> Response:
    data = await asyncio.to_thread(export.make, made)
    return Response(data, media_type=export.media_type, headers=attached(f"hiprep-{name}-{export.name}"))


def attached(name: str) -> dict[str, str]:
    """name: ASCII."""
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def _add(scope: str, fails: tuple[int, ...], route_of: Callable[[Export], Callable]) -> None:
    for export in exports.listed():
        router.add_api_route(
            f"{scope}/exports/{export.name}",
            route_of(export),
            methods=["GET"],
            name=export.title,
            response_class=Response,
            responses={200: file_of(export.media_type)} | responses(*fails),
        )


_add("/sessions/{session_id}", (401, 403, 404, 409, 421, 422, 503), _of_session)
_add("/patients/{person_id}", (401, 403, 404, 421, 422, 503), _of_patient)
