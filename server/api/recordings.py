"""A finished session as a file: CONTRACT's two spellings."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, Response

from sensor.errors import RecordingError
from server.access import ExportSession
from server.api.sessions import find
from server.problems import Problem, responses
from server.service import of

router = APIRouter(tags=["recordings"])
FAILS = responses(401, 403, 404, 409, 421, 422, 503, 507)


def _file(media_type: str) -> dict:
    content = {media_type: {"schema": {"type": "string", "format": "binary"}}}
    return {200: {"description": "the file", "content": content}} | FAILS


@router.get("/sessions/{session_id}/recording.parquet", responses=_file("application/vnd.apache.parquet"))
async def parquet(request: Request, session_id: ExportSession) -> Response:
    """Everything the band sent, `recording/1`."""
    return await _export(request, session_id, ".parquet", "application/vnd.apache.parquet")


@router.get("/sessions/{session_id}/recording.csv", responses=_file("text/csv"))
async def csv(request: Request, session_id: ExportSession) -> Response:
    """The samples in SI units; its sidecar is recording.json."""
    return await _export(request, session_id, ".csv", "text/csv")


@router.get("/sessions/{session_id}/recording.json", responses=_file("application/json"))
async def sidecar(request: Request, session_id: ExportSession) -> Response:
    """The sidecar of recording.csv."""
    return await _export(request, session_id, ".json", "application/json")


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
