"""What a physio writes down of a patient, and what they write to them."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from server.access import Patient, Staff
from server.api.notes import NewNote, NoteId, taken_back, written
from server.pages.views import form, go
from server.service import of

router = APIRouter(prefix="/patients")


@router.post("/{person_id}/notes")
async def write(request: Request, staff: Staff, patient: Patient) -> Response:
    await written(of(request), staff, patient, await form(request, NewNote))
    return go(f"/patients/{patient.id}#notes")


@router.post("/{person_id}/notes/{note_id}/take-back")
async def take_back(request: Request, staff: Staff, patient: Patient, note_id: NoteId) -> Response:
    await taken_back(of(request), staff, patient, note_id)
    return go(f"/patients/{patient.id}#notes")
