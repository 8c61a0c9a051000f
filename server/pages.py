"""What a person sees in a browser."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response
from starlette.templating import Jinja2Templates

from server import words
from server.api.sessions import SessionId, full_of, heads_of
from server.service import of
from server.store import sessions

router = APIRouter(include_in_schema=False)
templates = Jinja2Templates(Path(__file__).parent / "templates")
templates.env.globals["words"] = words
templates.env.trim_blocks = templates.env.lstrip_blocks = True

LISTED = 100


@router.get("/")
async def sessions_page(request: Request) -> Response:
    return templates.TemplateResponse(request, "sessions.html", {"sessions": await heads_of(of(request), LISTED)})


@router.get("/live")
async def newest(request: Request) -> Response:
    """The newest session that has not ended, as soon as there is one."""
    unfinished = await of(request).store.fetch(sessions.unfinished)
    if unfinished:
        return RedirectResponse(f"/sessions/{unfinished[0].id}/live", 303)
    return templates.TemplateResponse(request, "waiting.html")


@router.get("/sessions/{session_id}/live")
async def live_page(request: Request, session_id: SessionId) -> Response:
    full = await full_of(of(request), session_id)
    if full["final"]:
        return RedirectResponse(f"/sessions/{session_id}", 303)
    return templates.TemplateResponse(request, "live.html", {"session": full})


@router.get("/sessions/{session_id}")
async def session_page(request: Request, session_id: SessionId) -> Response:
    full = await full_of(of(request), session_id)
    return templates.TemplateResponse(request, "session.html", {"session": full, "summary": _summary(full["result"])})


@router.get("/intended-use")
async def intended_use(request: Request) -> Response:
    return templates.TemplateResponse(request, "intended_use.html")


def _summary(result: dict[str, Any]) -> dict[str, Any]:
    """The numbers at the top of a session's page."""
    kinds = [words.kind(rep) for rep in result["reps"]]
    roms = [rep["rom_deg"] for rep in result["reps"] if rep["counted"]]
    return {
        "counted": sum(rep["counted"] for rep in result["reps"]),
        **{kind: kinds.count(kind) for kind in words.KINDS},
        "rom_deg": median(roms) if roms else None,
    }
