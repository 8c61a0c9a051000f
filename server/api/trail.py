"""Who read, changed or exported whose data: for the admins of a clinic."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from server.access import ID, Admin
from server.problems import responses
from server.service import of
from server.store import trail

router = APIRouter(tags=["audit"])


class Entry(BaseModel):
    """Ids and no content."""

    number: int
    at: str
    actor: str | None = Field(description="a person; null: nobody yet, or the terminal")
    device: str | None
    action: str
    subject: str | None = Field(description="the person it is about")
    object: str | None


class Trail(BaseModel):
    entries: list[Entry] = Field(description="the newest first")
    next: int | None = Field(description="`before` of the next page; null: this is the last")


@router.get("/audit", response_model=Trail, responses=responses(401, 403, 404, 421, 422, 503))
async def read(
    request: Request,
    admin: Admin,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    before: Annotated[int | None, Query(ge=0)] = None,
    subject: Annotated[str | None, Query(pattern=ID)] = None,
    actor: Annotated[str | None, Query(pattern=ID)] = None,
) -> Response:
    """A page of the clinic's audit trail, the newest first. Reading it is written down, too."""
    service = of(request)
    await service.store.write(trail.note, admin.entry(service.accounts.now(), "read the trail", subject))
    where = {name: value for name, value in (("subject", subject), ("actor", actor)) if value is not None}
    found = await service.store.fetch(lambda c: trail.page(c, limit, before, clinic=admin.clinic.id, **where))
    entries = [{"number": number, **asdict(entry)} for number, entry in found]
    for entry in entries:
        del entry["clinic"]
    return JSONResponse({"entries": entries, "next": entries[-1]["number"] if len(entries) == limit else None})
