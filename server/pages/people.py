"""The people of a clinic, for its admins: who is there, who looks after whom, and links that let them in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from server.access import Admin, Colleague
from server.api.people import NewPerson, added, assigned, disabled, link_for
from server.pages.qr import squares
from server.pages.views import form, go, page
from server.service import of
from server.store import consents, keys, people, trail
from server.store.people import Person

router = APIRouter(prefix="/people")

SHOWN = 100  # entries of the trail at once; no source


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
    made = await added(of(request), admin, await form(request, NewPerson))
    return await _link(request, admin, await of(request).store.fetch(people.in_clinic, made["id"], admin.clinic.number))


@router.post("/{person_id}/link")
async def link(request: Request, admin: Admin, person: Colleague) -> Response:
    """A new link: for who lost theirs, the password or the second factor."""
    return await _link(request, admin, person)


@router.post("/{person_id}/disable")
async def disable(request: Request, admin: Admin, person: Colleague) -> Response:
    await disabled(of(request), admin, person)
    return go("/people")


@router.post("/{person_id}/assignment")
async def assignment(request: Request, admin: Admin, patient: Colleague) -> Response:
    given = await form(request, Assignment)
    await assigned(of(request), admin, patient, given.staff, given.to)
    return go("/people")


async def _link(request: Request, admin: Admin, person: Person) -> Response:
    made = await link_for(request, admin, person)
    return page(request, "link.html", person=person, link=made, code=squares(made))
