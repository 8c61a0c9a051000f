"""Which language the pages speak: kept with the account, and in a cookie for who has none or is not logged in."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from server.access import Anyone
from server.language import COOKIE, LANGUAGES
from server.pages.views import form, go, local_path
from server.service import of
from server.store import people

router = APIRouter()

YEAR_S = 365 * 86400


class Language(BaseModel):
    model_config = ConfigDict(extra="forbid")
    language: Literal[tuple(LANGUAGES)]
    next: str = Field("/", max_length=256)


@router.post("/language")
async def speak(request: Request, who: Anyone) -> Response:
    given, service = await form(request, Language), of(request)
    if who.entrance:
        await service.store.write(lambda c: people.change(c, who.entrance.person.number, language=given.language))
    answer = go(local_path(given.next))
    answer.set_cookie(COOKIE, given.language, max_age=YEAR_S, secure=service.settings.secure, httponly=True, samesite="lax")
    return answer
