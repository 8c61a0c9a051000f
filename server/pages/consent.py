"""What a patient agrees to, and takes back; and the end of everything that is known of a person."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from server.access import Admin, Colleague, LoggedIn
from server.accounts import Entrance
from server.api.consent import NewConsent, agreed, erased, withdrawn
from server.pages.views import checked, fields, form, go, page
from server.problems import Problem
from server.service import of
from server.store import consents

router = APIRouter()


class Sure(BaseModel):
    model_config = ConfigDict(extra="forbid")
    sure: bool


async def _patient(entrance: LoggedIn) -> Entrance:
    if entrance.person.role != "patient":
        raise Problem(403, "only patients are asked for it")
    return entrance


Asked = Annotated[Entrance, Depends(_patient)]


@router.get("/consent")
async def consent_page(request: Request, asked: Asked) -> Response:
    text, given = of(request).consent, await of(request).store.fetch(consents.newest, asked.person.number)
    return page(request, "consent.html", text=text, given=given, held=text.held(given))


@router.post("/consent")
async def give(request: Request, asked: Asked) -> Response:
    """Of the words that were shown, or not at all."""
    told = {name: value for name, value in (await fields(request)).items() if value}
    await agreed(of(request), asked, checked(NewConsent, told))
    return go("/consent")


@router.post("/consent/withdraw")
async def withdraw(request: Request, asked: Asked) -> Response:
    await withdrawn(of(request), asked)
    return go("/consent")


@router.get("/people/{person_id}/erase")
async def erase_page(request: Request, admin: Admin, person: Colleague) -> Response:
    return page(request, "erase.html", person=person)


@router.post("/people/{person_id}/erase")
async def erase(request: Request, admin: Admin, person: Colleague) -> Response:
    if not (await form(request, Sure)).sure:
        raise Problem(422, "not sure (wanted sure)", "sure")
    await erased(of(request), admin, person)
    return go("/people")
