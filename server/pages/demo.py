"""The demo's door: a physio and a patient to look through with one click each. Everybody behind it is simulated."""

from __future__ import annotations

import secrets
from typing import Literal

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import Response

from server.access import AccountsOf, Anyone, cookie_of
from server.devices import hash_of
from server.pages.login import let_in
from server.pages.views import go, page
from server.problems import Problem
from server.service import Service, of
from server.store import keys, sessions
from server.store.schema import sessions as session_table

router = APIRouter(prefix="/demo")


def _demo(request: Request) -> Service:
    service = of(request)
    if service.settings.demo is None:
        raise Problem(404, "this is no demo")
    return service


@router.get("")
async def door(request: Request, _: Anyone) -> Response:
    _demo(request)
    return page(request, "demo.html")


@router.post("/{role}")
async def enter(request: Request, accounts: AccountsOf, role: Literal["physio", "patient"]) -> Response:
    """Logged in without a password; on to what the band is doing now, where the patient wears it."""
    from server import demo_clinic  # as in service.py

    service = _demo(request)
    secret, at = secrets.token_urlsafe(32), accounts.now()

    def job(connection: Connection) -> str:
        name = demo_clinic.PHYSIO if role == "physio" else demo_clinic.STORIES[0].name
        person = demo_clinic.person(connection, name)
        keys.log_in(connection, hash_of(secret), person.number, "full", None, at)
        running = sessions.unfinished(connection, session_table.c.patient == person.number)
        return f"/sessions/{running[0].id}/live" if running else "/"

    return let_in(request, go(await service.store.write(job)), secret)
