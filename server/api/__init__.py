"""/api/v1: everything a client can do, as JSON; described at /api/v1/openapi.json."""

from __future__ import annotations

from fastapi import APIRouter

from server.api import consent, devices, exports, history, intake, live, messages, notes, packets, patients, people, programmes, questionnaires, recordings, sessions, trail

PREFIX = "/api/v1"

router = APIRouter(prefix=PREFIX)
for part in (sessions, history, packets, recordings, exports, live, messages, intake, devices, programmes, questionnaires, trail, consent, notes, patients, people):
    router.include_router(part.router)
