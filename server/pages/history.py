"""What the forms of a session's page do: count again, correct by hand."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.responses import Response

from server.access import ChangeSession, Reader
from server.api.history import add_correction, count_again
from server.api.shapes import NewCorrection
from server.pages.views import form, go
from server.problems import Problem
from server.service import of

router = APIRouter()


class Said(BaseModel):
    """what: remove, or relabel:LABEL, add:LABEL."""

    model_config = ConfigDict(extra="forbid")

    what: str
    at_s: float
    end_s: float | None = None
    reason: str
    author: str | None = None


@router.post("/sessions/{session_id}/reprocess")
async def reprocess(request: Request, session_id: ChangeSession) -> Response:
    await count_again(of(request), session_id)
    return go(f"/sessions/{session_id}#history")


@router.post("/sessions/{session_id}/corrections")
async def correct(request: Request, who: Reader, session_id: ChangeSession) -> Response:
    said = await form(request, Said)
    action, _, label = said.what.partition(":")
    try:
        new = NewCorrection(action=action, label=label or None, **said.model_dump(exclude={"what"}))
    except ValidationError as error:
        first = error.errors()[0]
        field, what = ".".join(map(str, first["loc"])), first["msg"].removeprefix("Value error, ")
        raise Problem(422, "{what} at {field}", field, what=what, field=field) from error
    await add_correction(of(request), who, session_id, new)
    return go(f"/sessions/{session_id}#by-hand")
