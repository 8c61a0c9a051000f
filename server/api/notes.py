"""What a physio writes down of a patient, and what they write to them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import Connection
from starlette.responses import JSONResponse, Response

from server.access import ID, Patient, Reader, Staff
from server.accounts import Entrance
from server.api.conditions import IdempotencyKey, key_of
from server.api.programmes import plain_text
from server.problems import Problem, responses
from server.service import Service, of
from server.store import notes, trail
from server.store.once import Key, once
from server.store.people import Person

router = APIRouter(tags=["notes"])

MESSAGE = 2000  # signs: as long as a programme's note
P = "/patients/{person_id}/notes"
FAILS = (401, 403, 404, 421, 422, 503)
NoteId = Annotated[str, Path(pattern=ID)]


class NewNote(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000), AfterValidator(plain_text)]
    to_patient: bool = Field(False, description=f"a message, which the patient sees; {MESSAGE} signs at most")


class Note(BaseModel):
    id: str
    author: str
    made_at: str
    to_patient: bool
    text: str
    taken_back_at: str | None = Field(description="of a message: since when the patient sees it no longer")


class Notes(BaseModel):
    notes: list[Note] = Field(description="the newest first")
    next: str | None = Field(description="`before` of the next page; null: this is the last")


@router.get(P, response_model=Notes, responses=responses(*FAILS))
async def read(
    request: Request,
    _: Staff,
    patient: Patient,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[str | None, Query(pattern=ID)] = None,
) -> Response:
    """A page of what was written of a patient, for who looks after them."""
    found = await of(request).store.fetch(notes.of_patient, patient.number, limit, before)
    return JSONResponse({"notes": [asdict(one) for one in found], "next": found[-1].id if len(found) == limit else None})


@router.post(P, status_code=201, response_model=Note, responses=responses(400, *FAILS, 409, 413, 507))
async def write(
    request: Request, who: Reader, staff: Staff, patient: Patient, new: NewNote, idempotency_key: IdempotencyKey = None
) -> Response:
    """A note, or a message to the patient."""
    key = await key_of(request, idempotency_key, who, patient.number)
    return JSONResponse(await written(of(request), staff, patient, new, key), 201)


@router.post(P + "/{note_id}/take-back", status_code=204, responses=responses(*FAILS, 507))
async def take_back(request: Request, staff: Staff, patient: Patient, note_id: NoteId) -> None:
    """A message: from now on the patient does not see it. It stays with the notes."""
    await taken_back(of(request), staff, patient, note_id)


async def written(service: Service, staff: Entrance, patient: Person, new: NewNote, key: Key | None = None) -> dict[str, Any]:
    """Note."""
    at = service.accounts.now()
    if new.to_patient and len(new.text) > MESSAGE:
        raise Problem(422, "too long (wanted {wanted} signs at most, got {got})", "text", wanted=MESSAGE, got=len(new.text))

    def job(connection: Connection) -> dict[str, Any]:
        made = notes.add(connection, patient.number, staff.person.number, at, new.to_patient, new.text)
        trail.note(connection, staff.entry(at, "wrote to" if new.to_patient else "noted", patient.id, made))
        return asdict(notes.Note(made, staff.person.name, at, new.to_patient, new.text, None))

    return await service.store.write(once, key, job)


async def taken_back(service: Service, staff: Entrance, patient: Person, note_id: str) -> None:
    at = service.accounts.now()

    def job(connection: Connection) -> bool:
        done = notes.take_back(connection, patient.number, note_id, at)
        if done:
            trail.note(connection, staff.entry(at, "took back", patient.id, note_id))
        return done

    if not await service.store.write(job):
        raise Problem(404, f"no message {note_id}", "path.note_id")
