"""A finished session as a file, in CONTRACT's two spellings; and the way back: a file becomes a session."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.background import BackgroundTask
from starlette.datastructures import UploadFile
from starlette.responses import FileResponse, JSONResponse, Response

from sensor.errors import RecordingError
from server.access import Beginner, ExportSession, Who
from server.api.sessions import find, full_of
from server.api.shapes import SessionFull, file_of
from server.importing import Upload
from server.problems import Problem, responses
from server.service import of

router = APIRouter(tags=["recordings"])
FAILS = responses(401, 403, 404, 409, 421, 422, 503, 507)


def _file(media_type: str) -> dict:
    return {200: file_of(media_type)} | FAILS


@router.get("/sessions/{session_id}/recording.parquet", response_class=Response, responses=_file("application/vnd.apache.parquet"))
async def parquet(request: Request, session_id: ExportSession) -> Response:
    """Everything the band sent, `recording/1`."""
    return await _export(request, session_id, ".parquet", "application/vnd.apache.parquet")


@router.get("/sessions/{session_id}/recording.csv", response_class=Response, responses=_file("text/csv"))
async def csv(request: Request, session_id: ExportSession) -> Response:
    """The samples in SI units; its sidecar is recording.json."""
    return await _export(request, session_id, ".csv", "text/csv")


@router.get("/sessions/{session_id}/recording.json", response_class=Response, responses=_file("application/json"))
async def sidecar(request: Request, session_id: ExportSession) -> Response:
    """The sidecar of recording.csv."""
    return await _export(request, session_id, ".json", "application/json")


FORM = {
    "type": "object",
    "properties": {"recording": {"type": "array", "items": {"type": "string", "format": "binary"}, "maxItems": 2}},
}


@router.post(
    "/recordings",
    status_code=201,
    response_model=SessionFull,
    responses={200: {"model": SessionFull, "description": "it was brought in before"}}
    | responses(400, 401, 403, 413, 421, 422, 503, 507),
    openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": FORM}}}},
)
async def bring(request: Request, who: Beginner) -> Response:
    """A recording as a session that has ended: `recording` is a .parquet, or a .csv and its .json, or these two in a
    .zip. 64 MiB, 15 million rows, 1 GiB decoded at most. 422 says what is wrong with it; then nothing was kept."""
    session_id, new = await brought(request, who)
    return JSONResponse(await full_of(of(request), session_id), 201 if new else 200, {"Location": f"/api/v1/sessions/{session_id}"})


async def brought(request: Request, who: Who) -> tuple[str, bool]:
    """The session's id, and whether it is new. Raises Problem."""
    service = of(request)
    async with request.form(max_files=2, max_fields=0) as form:
        sent = [value for _, value in form.multi_items() if isinstance(value, UploadFile) and value.filename]
        with tempfile.TemporaryDirectory(prefix="hiprep-") as name:
            folder = Path(name)
            uploads = [Upload(one.filename, folder / f"upload{number}") for number, one in enumerate(sent)]
            for one, upload in zip(sent, uploads, strict=True):
                await asyncio.to_thread(_save, one, upload.path)
            session, new = await service.importing.take(uploads, folder, who.patient, service.iso())
    return session.id, new


def _save(sent: UploadFile, path: Path) -> None:
    with path.open("wb") as out:
        shutil.copyfileobj(sent.file, out)


async def _export(request: Request, session_id: str, suffix: str, media_type: str) -> Response:
    service = of(request)
    session = await find(service, session_id)
    if session.ended_at is None:
        raise Problem(409, "the session has not ended: its recording is not complete", "path.session_id")
    name = f"hiprep-{session.started_at[:10]}-{session.id}{suffix}"
    directory = tempfile.TemporaryDirectory(prefix="hiprep-")
    target = Path(directory.name) / f"recording{'.parquet' if suffix == '.parquet' else '.csv'}"
    try:
        await asyncio.to_thread(service.recordings.export, session, target)
    except RecordingError as error:
        directory.cleanup()
        raise Problem(409, "the session has no samples", "path.session_id") from error
    except BaseException:
        directory.cleanup()
        raise
    return FileResponse(
        target.with_suffix(suffix), media_type=media_type, filename=name, background=BackgroundTask(directory.cleanup)
    )
