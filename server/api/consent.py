"""What a patient agrees to before anything is recorded of them, and takes back; and the end of what is known of somebody."""

from __future__ import annotations

import contextlib
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import Connection
from starlette.responses import JSONResponse, Response

from server import belongings
from server.access import Admin, Colleague, LoggedIn, Patient
from server.accounts import Entrance
from server.api.shapes import printable
from server.language import form_of
from server.problems import Problem, responses
from server.service import Service, of
from server.store import consents, sessions, trail
from server.store.people import Person

router = APIRouter(tags=["consent"])

PersonName = Annotated[str, StringConstraints(min_length=1, max_length=128, strip_whitespace=True), AfterValidator(printable)]
P = "/patients/{person_id}/consent"
FAILS = (401, 403, 404, 421, 422, 503)


class NewConsent(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: str = Field(max_length=16, description="of the words that were read")
    guardian: PersonName | None = Field(None, description="of a minor: the name of who agrees for them")


class Given(BaseModel):
    version: str
    text: str = Field(description="the words, as they were read")
    guardian: str | None
    given_at: str
    withdrawn_at: str | None


class ConsentBody(BaseModel):
    """`held`: sessions may be recorded."""

    version: str = Field(description="of the present words")
    text: str
    held: bool
    given: Given | None = Field(description="the last time; null: never")


@router.get(P, response_model=ConsentBody, responses=responses(*FAILS))
async def read(request: Request, patient: Patient) -> Response:
    """The words, and whether this patient has agreed to them."""
    return JSONResponse(await consent_of(of(request), patient))


@router.post(P, status_code=201, response_model=ConsentBody, responses=responses(400, *FAILS, 409, 413, 507))
async def give(request: Request, entrance: LoggedIn, patient: Patient, new: NewConsent) -> Response:
    """The patient agrees, or their guardian. 409: the words have changed, and are to be read anew."""
    await agreed(of(request), _own(entrance, patient), new)
    return JSONResponse(await consent_of(of(request), patient), 201)


@router.delete(P, status_code=204, responses=responses(*FAILS, 507))
async def withdraw(request: Request, entrance: LoggedIn, patient: Patient) -> None:
    """From now on nothing is recorded: no session begins, and those that run end. What was recorded stays."""
    await withdrawn(of(request), _own(entrance, patient))


@router.delete("/people/{person_id}", status_code=204, tags=["people"], responses=responses(*FAILS, 507))
async def erase(request: Request, admin: Admin, person: Colleague) -> None:
    """Everything of a person of one's clinic, for good: of a patient account, programmes, sessions, recordings, devices; of
    staff who they were. The audit trail keeps ids. Backups made before, and what is on a person's own devices, stay."""
    await erased(of(request), admin, person)


def _own(entrance: Entrance, patient: Person) -> Entrance:
    if entrance.person.number != patient.number:
        raise Problem(403, "consent is the patient's to give and to take back")
    return entrance


async def consent_of(service: Service, patient: Person) -> dict[str, Any]:
    """ConsentBody."""
    text, given = service.consent, await service.store.fetch(consents.newest, patient.number)
    return {"version": text.version, "text": form_of(text.words), "held": text.held(given), "given": given and asdict(given)}


async def agreed(service: Service, by: Entrance, new: NewConsent) -> None:
    """To the words as they stand, or not at all."""
    if new.version != service.consent.version:
        raise Problem(409, "these are no longer the words (wanted them to be read anew)", "version")
    said = form_of(service.consent.words)  # as it was read

    def job(connection: Connection) -> None:
        at, number = service.iso(), by.person.number
        if service.consent.held(consents.newest(connection, number)):
            return
        consents.give(connection, number, new.version, said, new.guardian, at)
        trail.note(connection, by.entry(at, "agreed", by.person.id, new.version))

    await service.store.write(job)


async def withdrawn(service: Service, by: Entrance) -> None:
    def job(connection: Connection) -> None:
        consents.withdraw(connection, by.person.number, service.iso())
        trail.note(connection, by.entry(service.iso(), "withdrew consent", by.person.id))

    await service.store.write(job)
    for session in await service.store.fetch(sessions.of_patient, by.person.number):
        if session.ended_at is None:
            with contextlib.suppress(Problem):  # one that cannot be counted takes no packets anyway
                await service.ingest.end(session.id)


async def erased(service: Service, by: Entrance, person: Person) -> None:
    if person.number == by.person.number:
        raise Problem(422, "nobody erases themself (wanted another admin to do it)", "path.person_id")
    await belongings.erase(service, by, person)
