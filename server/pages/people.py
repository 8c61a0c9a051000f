"""The people of a clinic, for its admins: who is there, who looks after whom, and links that let them in."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints
from sqlalchemy import Connection
from starlette.responses import Response

from server.access import Admin, Colleague
from server.api.shapes import printable
from server.pages.views import form, go, page
from server.problems import Problem
from server.service import base_url, of
from server.store import people, trail
from server.store.people import Person

router = APIRouter(prefix="/people")

Name = Annotated[str, StringConstraints(min_length=1, max_length=128, strip_whitespace=True), AfterValidator(printable)]


class NewPerson(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Name
    kind: Literal["patient", "staff", "admin"]


class Assignment(BaseModel):
    model_config = ConfigDict(extra="forbid")
    staff: str
    to: bool


@router.get("")
async def people_page(request: Request, admin: Admin) -> Response:
    store = of(request).store
    everybody = await store.fetch(people.of_clinic, admin.clinic.number)
    pairs = await store.fetch(people.assigned, admin.clinic.number)
    return page(request, "people.html", people=everybody, pairs=pairs, clinic=admin.clinic)


@router.post("")
async def add(request: Request, admin: Admin) -> Response:
    """Somebody new, and the link for them."""
    given, accounts = await form(request, NewPerson), of(request).accounts
    role, at = "patient" if given.kind == "patient" else "staff", accounts.now()

    def job(connection: Connection) -> Person:
        person = people.add(connection, admin.clinic.number, role, given.kind == "admin", given.name, at)
        trail.note(connection, admin.entry(at, "added", person.id))
        return person

    return await _link(request, admin, await of(request).store.write(job))


@router.post("/{person_id}/link")
async def link(request: Request, admin: Admin, person: Colleague) -> Response:
    """A new link: for who lost theirs, the password or the second factor."""
    return await _link(request, admin, person)


@router.post("/{person_id}/disable")
async def disable(request: Request, admin: Admin, person: Colleague) -> Response:
    if person.number == admin.person.number:
        raise Problem(422, "nobody disables themself (wanted another admin to do it)", "path.person_id")
    await of(request).accounts.disable(admin, person)
    return go("/people")


@router.post("/{person_id}/assignment")
async def assignment(request: Request, admin: Admin, patient: Colleague) -> Response:
    given, service = await form(request, Assignment), of(request)
    staff = await service.store.fetch(people.in_clinic, given.staff, admin.clinic.number)
    if patient.role != "patient" or staff is None or staff.role != "staff":
        raise Problem(422, "only a patient is assigned, and only to staff of the same clinic", "staff")

    def job(connection: Connection) -> None:
        people.assign(connection, staff, patient, given.to)
        at = service.accounts.now()
        trail.note(connection, admin.entry(at, "assigned" if given.to else "took away", patient.id, staff.id))

    await service.store.write(job)
    service.accounts.sockets.look_again(staff.number)
    return go("/people")


async def _link(request: Request, admin: Admin, person: Person) -> Response:
    secret = await of(request).accounts.invite(admin, person)
    return page(request, "link.html", person=person, link=f"{base_url(request)}/invitation#{secret}")
