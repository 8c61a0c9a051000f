"""Seen from outside: whether it lives, whether it can do its work, and its numbers."""

from __future__ import annotations

import asyncio
import hmac
import shutil

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import PlainTextResponse, Response

from server.guard import PROXIES
from server.problems import Problem
from server.service import of
from server.settings import is_loopback
from server.store import journal

router = APIRouter(include_in_schema=False)

ROOM = 100 << 20  # bytes: a day's recordings of a hundred patients; no source
PATIENCE_S = 3.0  # for one commit, on a busy disk; no source


@router.get("/healthz")
async def alive(request: Request) -> Response:
    """The event loop answers, and the thread that writes runs: otherwise only a new start helps."""
    if not of(request).store.alive:
        raise Problem(503, "the thread that writes has ended")
    return PlainTextResponse("alive")


@router.get("/readyz")
async def ready(request: Request) -> Response:
    """Packets can be stored: the database takes a write, there is room, and it keeps up."""
    service = of(request)
    free = (await asyncio.to_thread(shutil.disk_usage, service.data.path)).free
    if free < ROOM:
        raise Problem(503, f"the disk is nearly full (wanted {ROOM >> 20} MB, got {free >> 20})")
    try:
        async with asyncio.timeout(PATIENCE_S):
            await service.store.write(journal.nothing)
    except TimeoutError as error:
        raise Problem(503, f"the database takes no write (wanted one within {PATIENCE_S:g} s)") from error
    if service.ingest.intake.late:
        raise Problem(503, "more comes than can be counted")
    return PlainTextResponse("ready")


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """For this computer, or with `Authorization: Bearer` and the token that the server was started with."""
    token = of(request).settings.metrics_token
    given = request.headers.get("authorization", "").encode()
    near = (
        is_loopback(request.client.host if request.client else "")
        and is_loopback(request.url.hostname or "")
        and not any(name in request.headers for name in PROXIES)
    )
    if not near and not (token and hmac.compare_digest(given, f"Bearer {token}".encode())):
        raise Problem(404, "nothing is at /metrics")
    text = await asyncio.to_thread(request.app.state.metrics.text)
    return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})
