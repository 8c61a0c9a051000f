"""Whom a member of staff looks after."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from server.access import ID, Staff
from server.overview import overviews
from server.problems import responses
from server.service import of
from server.store import people, programmes, trail

router = APIRouter(tags=["patients"])


class PatientHead(BaseModel):
    id: str
    name: str
    attention: list[str] = Field(description="why to look, the heaviest first, such as `quiet`, `pain`, `pain up`, `range`, `pelvis`")


class PatientList(BaseModel):
    patients: list[PatientHead] = Field(description="in the order in which they came to the clinic")
    next: str | None = Field(description="`after` of the next page; null: this is the last")


@router.get("/patients", response_model=PatientList, responses=responses(401, 403, 404, 421, 422, 503, 507))
async def patients(
    request: Request,
    staff: Staff,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str, Query(pattern=ID)] = "0" * 36,
) -> Response:
    """A page of the patients who are assigned to who asks."""
    service, zone = of(request), ZoneInfo(staff.clinic.time_zone)
    mine = await service.store.fetch(people.patients_of, staff.person.number)
    found = sorted((one for one in mine if one.id > after), key=lambda one: one.id)[:limit]
    await service.store.write(trail.note, staff.entry(service.iso(), "listed"))
    today = programmes.today(service.settings.clock(), zone)
    seen = await overviews(service.store, [one.number for one in found], zone, today)
    heads = []
    for one in found:
        reasons = sorted(seen[one.number]["reasons"], key=lambda reason: -reason["weight"])
        heads.append({"id": one.id, "name": one.name, "attention": [reason["kind"] for reason in reasons]})
    return JSONResponse({"patients": heads, "next": found[-1].id if len(found) == limit else None})
