"""The people of a clinic, for its admins: who is there, who is let in, who looks after whom."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection
from starlette.responses import JSONResponse, Response

from server.access import ID, Admin, Colleague, Reader
from server.accounts import Entrance
from server.api.conditions import IdempotencyKey, key_of
from server.api.consent import PersonName
from server.language import N_
from server.problems import Problem, responses
from server.service import Service, base_url, of
from server.store import people, trail
from server.store.once import Key, once
from server.store.people import Person

router = APIRouter(tags=["people"])

FAILS = (401, 403, 404, 421, 422, 503)
ONE = "/people/{person_id}"
PAIR = "/patients/{person_id}/staff/{staff_id}"
UNFIT = N_("only a patient is assigned, and only to staff of the same clinic")
StaffId = Annotated[str, Path(pattern=ID)]


class NewPerson(BaseModel):
    """Somebody of one's clinic, who comes in by an invitation."""

    model_config = ConfigDict(extra="forbid")

    name: PersonName
    kind: Literal["patient", "staff", "admin"] = Field(description="admin: staff who manage the people as well")
    by: str | None = Field(None, max_length=36, description="the id of who looks after a patient; null: nobody yet")


class Added(BaseModel):
    id: str


class PersonHead(BaseModel):
    id: str
    name: str
    role: Literal["patient", "staff"]
    admin: bool
    email: str | None = Field(description="null: has not taken up the invitation")
    state: Literal["invited", "active", "disabled"]
    by: list[str] = Field(description="ids of who looks after a patient")


class PeopleList(BaseModel):
    people: list[PersonHead] = Field(description="in the order in which they came to the clinic")
    next: str | None = Field(description="`after` of the next page; null: this is the last")


class Invitation(BaseModel):
    link: str = Field(description="works once, for seven days, and is not said again; whoever has it becomes this person")


@router.get("/people", response_model=PeopleList, responses=responses(*FAILS, 507))
async def everybody(
    request: Request, admin: Admin, limit: Annotated[int, Query(ge=1, le=200)] = 50, after: Annotated[str, Query(pattern=ID)] = "0" * 36
) -> Response:
    """A page of the people of one's clinic, who has left included."""
    store, clinic = of(request).store, admin.clinic.number
    await store.write(trail.note, admin.entry(of(request).iso(), "listed people"))
    there = await store.fetch(people.of_clinic, clinic)
    ids = {one.number: one.id for one in there}
    by: dict[int, list[str]] = {}
    for staff, patient in sorted(await store.fetch(people.assigned, clinic)):
        by.setdefault(patient, []).append(ids[staff])
    found = sorted((one for one in there if one.id > after), key=lambda one: one.id)[:limit]
    heads = [_head(one) | {"by": by.get(one.number, [])} for one in found]
    return JSONResponse({"people": heads, "next": found[-1].id if len(found) == limit else None})


@router.post("/people", status_code=201, response_model=Added, responses=responses(400, *FAILS, 409, 413, 507))
async def add(request: Request, who: Reader, admin: Admin, new: NewPerson, idempotency_key: IdempotencyKey = None) -> Response:
    """Somebody new. They come in by the link of their invitation, which is asked for next."""
    key = await key_of(request, idempotency_key, who, None)
    return JSONResponse(await added(of(request), admin, new, key), 201)


@router.post(f"{ONE}/invitation", status_code=201, response_model=Invitation, responses=responses(*FAILS, 507))
async def invite(request: Request, admin: Admin, person: Colleague) -> Response:
    """A link to choose a password with, first or anew; also for who was disabled or lost the second factor. Another one makes
    the earlier ones worthless, so that this can be asked again."""
    return JSONResponse({"link": await link_for(request, admin, person)}, 201)


@router.delete(f"{ONE}/invitation", status_code=204, responses=responses(*FAILS, 507))
async def uninvite(request: Request, admin: Admin, person: Colleague) -> None:
    """Its link lets nobody in any more. 404: there is none that does."""
    if not await of(request).accounts.uninvite(admin, person):
        raise Problem(404, f"no open invitation of {person.id}", "path.person_id")


@router.post(f"{ONE}/disable", status_code=204, responses=responses(*FAILS, 507))
async def disable(request: Request, admin: Admin, person: Colleague) -> None:
    """They are out at once, with their devices, until the next invitation. Their data stay."""
    await disabled(of(request), admin, person)


@router.put(PAIR, status_code=204, responses=responses(*FAILS, 507))
async def assign(request: Request, admin: Admin, person: Colleague, staff_id: StaffId) -> None:
    """From now on this member of staff sees and changes what is this patient's."""
    await assigned(of(request), admin, person, staff_id, True)


@router.delete(PAIR, status_code=204, responses=responses(*FAILS, 507))
async def unassign(request: Request, admin: Admin, person: Colleague, staff_id: StaffId) -> None:
    """From now on they see nothing of this patient; a session that they watch is closed to them."""
    await assigned(of(request), admin, person, staff_id, False)


async def added(service: Service, admin: Entrance, new: NewPerson, key: Key | None = None) -> dict[str, Any]:
    """Added."""
    role, at = "patient" if new.kind == "patient" else "staff", service.accounts.now()
    staff = None
    if role == "patient" and new.by:
        staff = await _staff(service, admin, new.by, "by")
        if staff.disabled_at:
            raise Problem(422, UNFIT, "by")

    def job(connection: Connection) -> dict[str, Any]:
        person = people.add(connection, admin.clinic.number, role, new.kind == "admin", new.name, at)
        trail.note(connection, admin.entry(at, "added", person.id))
        if staff:
            people.assign(connection, staff, person, True)
            trail.note(connection, admin.entry(at, "assigned", person.id, staff.id))
        return {"id": person.id}

    return await service.store.write(once, key, job)


async def link_for(request: Request, admin: Entrance, person: Person) -> str:
    return f"{base_url(request)}/invitation#{await of(request).accounts.invite(admin, person)}"


async def disabled(service: Service, admin: Entrance, person: Person) -> None:
    if person.number == admin.person.number:
        raise Problem(422, "nobody disables themself (wanted another admin to do it)", "path.person_id")
    await service.accounts.disable(admin, person)


async def assigned(service: Service, admin: Entrance, patient: Person, staff_id: str, to: bool) -> None:
    staff = await _staff(service, admin, staff_id, "staff")
    if patient.role != "patient":
        raise Problem(422, UNFIT, "staff")

    def job(connection: Connection) -> None:
        people.assign(connection, staff, patient, to)
        trail.note(connection, admin.entry(service.accounts.now(), "assigned" if to else "took away", patient.id, staff.id))

    await service.store.write(job)
    service.accounts.sockets.look_again(staff.number)


async def _staff(service: Service, admin: Entrance, staff_id: str, where: str) -> Person:
    staff = await service.store.fetch(people.in_clinic, staff_id, admin.clinic.number)
    if staff is None or staff.role != "staff":
        raise Problem(422, UNFIT, where)
    return staff


def _head(person: Person) -> dict[str, Any]:
    """PersonHead, but for who looks after them."""
    state = "disabled" if person.disabled_at else "active" if person.password else "invited"
    return {"id": person.id, "name": person.name, "role": person.role, "admin": person.admin, "email": person.email, "state": state}
