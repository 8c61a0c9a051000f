"""/api/v1: everything a client can do, as JSON; described at /api/v1/openapi.json."""

from __future__ import annotations

from fastapi import APIRouter

from server.api import devices, exports, history, intake, live, messages, packets, programmes, questionnaires, recordings, sessions, trail

PREFIX = "/api/v1"

router = APIRouter(prefix=PREFIX)
for part in (sessions, history, packets, recordings, exports, live, messages, intake, devices, programmes, questionnaires, trail):
    router.include_router(part.router)
