"""What a physio writes down of a patient, and what they write to them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import Connection
from starlette.responses import Response

from server.access import ID, Patient, Staff
from server.api.programmes import plain_text
from server.pages.views import form, go
from server.problems import Problem
from server.service import of
from server.store import notes, trail

router = APIRouter(prefix="/patients")

MESSAGE = 2000  # signs: as long as a programme's note


class NewNote(BaseModel):
    model_config = ConfigDict(extra="forbid")
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000), AfterValidator(plain_text)]
    to_patient: bool = Field(False)


@router.post("/{person_id}/notes")
async def write(request: Request, staff: Staff, patient: Patient) -> Response:
    new, at = await form(request, NewNote), of(request).accounts.now()
    if new.to_patient and len(new.text) > MESSAGE:
        raise Problem(422, "too long (wanted {wanted} signs at most, got {got})", "text", wanted=MESSAGE, got=len(new.text))

    def job(connection: Connection) -> None:
        made = notes.add(connection, patient.number, staff.person.number, at, new.to_patient, new.text)
        trail.note(connection, staff.entry(at, "wrote to" if new.to_patient else "noted", patient.id, made))

    await of(request).store.write(job)
    return go(f"/patients/{patient.id}#notes")


@router.post("/{person_id}/notes/{note_id}/take-back")
async def take_back(request: Request, staff: Staff, patient: Patient, note_id: Annotated[str, Path(pattern=ID)]) -> Response:
    """A message: from now on the patient does not see it. It stays with the notes."""
    at = of(request).accounts.now()

    def job(connection: Connection) -> bool:
        done = notes.take_back(connection, patient.number, note_id, at)
        if done:
            trail.note(connection, staff.entry(at, "took back", patient.id, note_id))
        return done

    if not await of(request).store.write(job):
        raise Problem(404, f"no message {note_id}", "path.note_id")
    return go(f"/patients/{patient.id}#notes")
