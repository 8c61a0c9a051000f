"""A word from the physio to whoever exercises just now. It is shown, not kept."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from server.access import ReadSession, Staff
from server.api.shapes import printable
from server.problems import responses
from server.service import of

router = APIRouter(tags=["live"])


class NewMessage(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True), AfterValidator(printable)]


@router.post("/sessions/{session_id}/message", status_code=204, responses=responses(400, 401, 403, 404, 409, 413, 421, 422, 503))
async def say(request: Request, staff: Staff, session_id: ReadSession, new: NewMessage) -> None:
    """To the pages that show this session while it runs: `message` of their state, until the next one."""
    await of(request).ingest.say(session_id, new.text, staff.person.name)
