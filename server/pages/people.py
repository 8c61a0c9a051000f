"""The people of a clinic, for its admins: who is there, who looks after whom, and links that let them in."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection
from starlette.responses import Response

from server.access import Admin, Colleague
from server.api.consent import PersonName
from server.pages.qr import squares
from server.pages.views import form, go, page
from server.problems import Problem
from server.service import base_url, of
from server.store import consents, keys, people, trail
from server.store.people import Person

router = APIRouter(prefix="/people")

SHOWN = 100  # entries of the trail at once; no source

class NewPerson(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: PersonName
    kind: Literal["patient", "staff", "admin"]
    by: str = Field("", max_length=36, description="who looks after a patient; nobody yet")


class Assignment(BaseModel):
    model_config = ConfigDict(extra="forbid")
    staff: str
    to: bool


@router.get("")
async def people_page(request: Request, admin: Admin) -> Response:
    store = of(request).store
    everybody = await store.fetch(people.of_clinic, admin.clinic.number)
    pairs = await store.fetch(people.assigned, admin.clinic.number)
    found = await store.fetch(consents.of_clinic, admin.clinic.number)
    bands = await store.fetch(keys.devices_in, admin.clinic.number)
    return page(request, "people.html", people=everybody, pairs=pairs, clinic=admin.clinic, consents=found, devices=bands)


@router.get("/trail")
async def trail_page(request: Request, admin: Admin, before: Annotated[int | None, Query(ge=1)] = None) -> Response:
    """Who did what about whom, newest first; and whether it is whole."""
    store = of(request).store
    rows = await store.fetch(lambda c: trail.page(c, SHOWN, before, clinic=admin.clinic.id))
    names = {person.id: person.name for person in await store.fetch(people.of_clinic, admin.clinic.number)}
    broken, head = await store.fetch(trail.broken_at), await store.fetch(trail.head)
    return page(request, "trail.html", rows=rows, names=names, broken=broken, head=head, more=rows[-1][0] if len(rows) == SHOWN else None)


@router.post("")
async def add(request: Request, admin: Admin) -> Response:
    """Somebody new, and the link for them."""
    given, accounts = await form(request, NewPerson), of(request).accounts
    role, at = "patient" if given.kind == "patient" else "staff", accounts.now()
    staff = await of(request).store.fetch(people.in_clinic, given.by, admin.clinic.number) if given.by and role == "patient" else None
    if staff and (staff.role != "staff" or staff.disabled_at) or (given.by and role == "patient" and not staff):
        raise Problem(422, "only a patient is assigned, and only to staff of the same clinic", "by")

    def job(connection: Connection) -> Person:
        person = people.add(connection, admin.clinic.number, role, given.kind == "admin", given.name, at)
        trail.note(connection, admin.entry(at, "added", person.id))
        if staff:
            people.assign(connection, staff, person, True)
            trail.note(connection, admin.entry(at, "assigned", person.id, staff.id))
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
    link = f"{base_url(request)}/invitation#{secret}"
    return page(request, "link.html", person=person, link=link, code=squares(link))
