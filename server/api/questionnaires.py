"""What patients are asked, and what they answered."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection
from starlette.responses import JSONResponse, Response

from server.access import LoggedIn, Patient, Reader
from server.api.conditions import IdempotencyKey, key_of
from server.problems import Problem, responses
from server.questionnaires import Questionnaire
from server.service import of
from server.store import answers
from server.store.once import Key, once

router = APIRouter(tags=["questionnaires"])


class Asked(BaseModel):
    questionnaires: list[Questionnaire]


class NewAnswer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    questionnaire: str = Field(max_length=64, examples=["knee_week"])
    version: str = Field(max_length=32, examples=["1"])
    given: list[Annotated[int, Field(ge=0, le=100)]] = Field(max_length=200, description="the option chosen of each item, from 0")


class Answer(NewAnswer):
    score: float
    made_at: str


class Answers(BaseModel):
    answers: list[Answer] = Field(description="the oldest first")
    next: int | None = Field(description="`after` of the next page; null: this is the last")


FAILS = (401, 403, 404, 421, 422, 503)
MOST = 2**31 - 1  # a number of a row


@router.get("/questionnaires", response_model=Asked, responses=responses(*FAILS))
async def asked(request: Request, _: LoggedIn) -> Response:
    """Those that this server has the text of."""
    return JSONResponse({"questionnaires": [asdict(one) for one in of(request).questionnaires.values()]})


@router.get("/patients/{person_id}/answers", response_model=Answers, responses=responses(*FAILS))
async def read(
    request: Request,
    patient: Patient,
    limit: Annotated[int, Query(ge=1, le=200)] = 200,
    after: Annotated[int, Query(ge=0, le=MOST)] = 0,
) -> Response:
    """A page of what a patient answered."""
    found, last = await of(request).store.fetch(answers.page, patient.number, limit, after)
    return JSONResponse({"answers": found, "next": last})


@router.post("/patients/{person_id}/answers", status_code=201, response_model=Answer, responses=responses(400, *FAILS, 413, 507))
async def answer(
    request: Request, who: Reader, entrance: LoggedIn, patient: Patient, new: NewAnswer, idempotency_key: IdempotencyKey = None
) -> Response:
    """A patient answers; nobody else does."""
    key = await key_of(request, idempotency_key, who, patient.number)
    return JSONResponse(await answered(request, entrance.person.number == patient.number, patient.number, new, key), 201)


async def answered(request: Request, own: bool, patient: int, new: NewAnswer, key: Key | None = None) -> dict:
    """Answer. Raises Problem."""
    service = of(request)
    if not own:
        raise Problem(403, "a questionnaire is the patient's to answer")
    asked = service.questionnaires.get(new.questionnaire)
    if asked is None or asked.version != new.version:
        raise Problem(422, "no such questionnaire, or another version of it", "body.questionnaire")
    try:
        score = asked.score(new.given)
    except ValueError as error:
        raise Problem(422, str(error), "body.given") from error
    at = service.iso()

    def job(connection: Connection) -> dict:
        answers.add(connection, patient, asked.name, asked.version, new.given, score, at)
        return new.model_dump() | {"score": score, "made_at": at}

    return await service.store.write(once, key, job)
