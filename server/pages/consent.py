"""What a patient agrees to, and takes back; and the end of everything that is known of a person."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection
from starlette.responses import Response

from server import belongings
from server.access import Admin, Colleague, LoggedIn
from server.accounts import Entrance
from server.language import form_of
from server.pages.people import Name
from server.pages.views import checked, fields, form, go, page
from server.problems import Problem
from server.service import of
from server.store import consents, sessions, trail

router = APIRouter()


class Given(BaseModel):
    """guardian: of a minor, who agrees for them."""

    model_config = ConfigDict(extra="forbid")
    version: str = Field(max_length=16)
    guardian: Name | None = None


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
    values, service = checked(Given, told), of(request)
    if values.version != service.consent.version:
        raise Problem(409, "these are no longer the words (wanted them to be read anew)", "version")

    said = form_of(service.consent.words)  # as it was read

    def job(connection: Connection) -> None:
        at, number = service.iso(), asked.person.number
        if service.consent.held(consents.newest(connection, number)):
            return
        consents.give(connection, number, values.version, said, values.guardian, at)
        trail.note(connection, asked.entry(at, "agreed", asked.person.id, values.version))

    await service.store.write(job)
    return go("/consent")


@router.post("/consent/withdraw")
async def withdraw(request: Request, asked: Asked) -> Response:
    """From now on nothing is recorded: no session begins, and those that run end."""
    service = of(request)

    def job(connection: Connection) -> None:
        consents.withdraw(connection, asked.person.number, service.iso())
        trail.note(connection, asked.entry(service.iso(), "withdrew consent", asked.person.id))

    await service.store.write(job)
    for session in await service.store.fetch(sessions.of_patient, asked.person.number):
        if session.ended_at is None:
            await service.ingest.end(session.id)
    return go("/consent")


@router.get("/people/{person_id}/erase")
async def erase_page(request: Request, admin: Admin, person: Colleague) -> Response:
    return page(request, "erase.html", person=person)


@router.post("/people/{person_id}/erase")
async def erase(request: Request, admin: Admin, person: Colleague) -> Response:
    if person.number == admin.person.number:
        raise Problem(422, "nobody erases themself (wanted another admin to do it)", "path.person_id")
    if not (await form(request, Sure)).sure:
        raise Problem(422, "not sure (wanted sure)", "sure")
    await belongings.erase(of(request), admin, person)
    return go("/people")
