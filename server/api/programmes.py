"""A patient's programme and what was done of it; what they say of a session."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlalchemy import Connection
from starlette.responses import JSONResponse, Response

from processing.exercises import EXERCISES
from server.access import LoggedIn, Patient, Reader, ReadSession, Staff, Writer, WriteSession
from server.accounts import Entrance
from server.api.conditions import IdempotencyKey, IfMatch, check_seen, key_of
from server.api.sessions import find
from server.problems import Problem, responses
from server.programme import PAIN_STOP, Item, Programme, adherence, present
from server.rows import Session
from server.service import Service, of
from server.store import people, programmes, trail
from server.store.once import Key, once
from server.store.people import Person

router = APIRouter(tags=["programmes"])

SHOWN = 50  # versions of a programme beside it; no source
BANDS = ("tan", "yellow", "red", "green", "blue", "black", "silver", "gold")  # TheraBand's colours, by resistance
STOPPED = ("done", "pain", "tired", "time", "technical", "other")


def _known(name: str) -> str:
    if name not in EXERCISES:
        raise ValueError(f"unknown exercise (wanted one of {', '.join(EXERCISES)})")
    return name


def plain_text(text: str) -> str:
    if not all(sign.isprintable() or sign == "\n" for sign in text):
        raise ValueError("not printable (wanted printable characters and line breaks)")
    return text


Note = Annotated[str, Field(max_length=2000), AfterValidator(plain_text)]
Zero_to_ten = Annotated[int, Field(ge=0, le=10)]
Seconds = Annotated[float, Field(ge=0, le=30)]


class NewItem(BaseModel):
    """One exercise of one side; both sides are two items, each with a target of its own."""

    model_config = ConfigDict(extra="forbid")

    exercise: Annotated[str, AfterValidator(_known)] = Field(examples=["hip_external_rotation"])
    side: Literal["left", "right"]
    sets: int = Field(3, ge=1, le=20)
    reps: int = Field(10, ge=1, le=100, description="a set")
    per_week: int = Field(3, ge=1, le=7)
    weeks: int = Field(6, ge=1, le=52)
    concentric_s: Seconds = 2.0
    hold_s: Seconds = 0.0
    eccentric_s: Seconds = 2.0
    rom_target_deg: float | None = Field(None, ge=1, le=180)
    band: Literal[BANDS] | None = Field(None, description="the elastic band's colour")


class NewProgramme(BaseModel):
    model_config = ConfigDict(extra="forbid")

    starts_on: date = Field(description="a day in the clinic's time zone, today or later")
    items: list[NewItem] = Field(max_length=24, description="none: the programme is over")
    quiet_days: int = Field(5, ge=1, le=60, description="so many days without a session raise attention")
    pain_stop: int = Field(PAIN_STOP, ge=0, le=10, description="pain above it stops the session and raises attention")
    note: Note = Field("", description="to the patient")


class Version(NewProgramme):
    version: int
    made_at: str


class WeekDone(BaseModel):
    """`sessions` counts an exercise of a side on a day once; due: for the days that have passed, rounded down."""

    begins: date
    sessions: int
    prescribed: int
    due: int
    reps: int
    prescribed_reps: int
    due_reps: int
    over: bool


class Versions(BaseModel):
    versions: list[Version] = Field(description="the newest first")
    next: int | None = Field(description="`before` of the next page; null: this is the last")


class AdherenceBody(BaseModel):
    weeks: list[WeekDone]
    kept: int = Field(description="sessions, in each week no more than were due")
    due: int
    kept_reps: int
    due_reps: int
    streak: int = Field(description="weeks in a row with everything done")


class ProgrammeBody(BaseModel):
    present: Version | None = Field(description="the version that holds today")
    versions: list[Version] = Field(description=f"the newest {SHOWN}, of them the oldest first; the others are at /programme/versions")
    adherence: AdherenceBody


class Report(BaseModel):
    """Pain and exertion 0 to 10; null: not said."""

    model_config = ConfigDict(extra="forbid")

    pain_before: Zero_to_ten | None = None
    pain_worst: Zero_to_ten | None = None
    pain_after: Zero_to_ten | None = None
    exertion: Zero_to_ten | None = None
    stopped: Literal[STOPPED] | None = Field(None, description="why the session ended")
    note: Note = ""


class Reported(Report):
    made_at: str | None = Field(description="null: nothing was said yet")


FAILS = (401, 403, 404, 421, 422, 503)
P = "/patients/{person_id}/programme"


@router.get(P, response_model=ProgrammeBody, responses=responses(*FAILS))
async def read(request: Request, entrance: LoggedIn, patient: Patient) -> Response:
    """The programme in all its versions, and how much of it was done."""
    return JSONResponse(await programme_of(of(request), entrance, patient))


@router.post(P, status_code=201, response_model=Version, responses=responses(400, *FAILS, 409, 412, 413, 507))
async def prescribe(
    request: Request,
    who: Reader,
    staff: Staff,
    patient: Patient,
    new: NewProgramme,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """A new version; it holds from `starts_on`, and the earlier ones are kept."""
    key = await key_of(request, idempotency_key, who, patient.number)
    return JSONResponse(await prescribed(of(request), staff, patient, new, if_match, key), 201)


@router.get(P + "/versions", response_model=Versions, responses=responses(*FAILS))
async def versions(
    request: Request,
    patient: Patient,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[int, Query(ge=1, le=2**31 - 1)] = 2**31 - 1,
) -> Response:
    """A page of a programme's versions."""
    made = (await of(request).store.fetch(programmes.of_patients, [patient.number]))[patient.number]
    found = [_version(one) for one in reversed(made) if one.version < before][:limit]
    return JSONResponse({"versions": found, "next": found[-1]["version"] if len(found) == limit else None})


@router.get("/sessions/{session_id}/report", response_model=Reported, responses=responses(*FAILS))
async def report(request: Request, session_id: ReadSession) -> Response:
    """What the patient said of the session."""
    session = await find(of(request), session_id)
    return JSONResponse(await of(request).store.fetch(_report, session))


@router.put("/sessions/{session_id}/report", response_model=Reported, responses=responses(400, *FAILS, 412, 413, 507))
async def put_report(
    request: Request, who: Writer, session_id: WriteSession, said: Report, if_match: IfMatch = None
) -> Response:
    """Said by the patient, of a session that runs or is over; again: as said last. In answer what was stored. Pain above
    the programme's limit (5 without one) ends a session that runs."""
    return JSONResponse(await reported(of(request), session_id, said, if_match))


async def programme_of(service: Service, entrance: Entrance, patient: Person) -> dict[str, Any]:
    """ProgrammeBody."""
    return await service.store.fetch(_programme, service, entrance, patient)


def _programme(connection: Connection, service: Service, entrance: Entrance, patient: Person) -> dict[str, Any]:
    zone = ZoneInfo(entrance.clinic.time_zone)
    today = programmes.today(service.settings.clock(), zone)
    versions = programmes.of_patients(connection, [patient.number])[patient.number]
    done = programmes.done_by(connection, [patient.number], zone)[patient.number]
    now = present(versions, today)
    kept = adherence(versions, done, today)
    weeks = [asdict(week) | {"begins": week.begins.isoformat()} for week in kept.weeks]
    return {
        "present": now and _version(now),
        "versions": [_version(one) for one in versions[-SHOWN:]],
        "adherence": {name: getattr(kept, name) for name in ("kept", "due", "kept_reps", "due_reps", "streak")} | {"weeks": weeks},
    }


def _report(connection: Connection, session: Session) -> dict[str, Any]:
    """Reported."""
    return programmes.report(connection, session.number) or Reported(made_at=None).model_dump()


async def prescribed(
    service: Service, staff: Entrance, patient: Person, new: NewProgramme, if_match: str | None = None, key: Key | None = None
) -> dict[str, Any]:
    """Version. Raises Problem for one that would begin before what it replaces, or twice the same leg."""
    zone, at = ZoneInfo(staff.clinic.time_zone), service.accounts.now()
    today = programmes.today(service.settings.clock(), zone)
    legs = [(item.exercise, item.side) for item in new.items]
    twice = next((leg for number, leg in enumerate(legs) if leg in legs[:number]), None)
    if twice:
        raise Problem(422, "an exercise stands there twice (wanted each side once, got {twice} again)", "body.items", twice=" ".join(twice))
    told = new.model_dump(exclude={"items"})
    made = Programme(0, made_at=at, items=tuple(Item(**item.model_dump()) for item in new.items), **told)

    def job(connection: Connection) -> dict[str, Any]:
        check_seen(if_match, _programme(connection, service, staff, patient))
        versions = programmes.of_patients(connection, [patient.number])[patient.number]
        first = max([today, *(one.starts_on for one in versions)])
        if new.starts_on < first:
            raise Problem(422, "begins too early (wanted {first} or later, got {got})", "body.starts_on", first=first, got=new.starts_on)
        version = programmes.add(connection, patient.number, staff.person.number, at, made)
        trail.note(connection, staff.entry(at, "prescribed", patient.id, str(version)))
        return {**_version(made), "version": version}

    return await service.store.write(once, key, job)


async def reported(service: Service, session_id: str, said: Report, if_match: str | None = None) -> dict[str, Any]:
    """Reported. Without accounts it is kept as well: the one person's own. Too much pain ends a session that runs."""
    session = await find(service, session_id)
    at = service.iso()

    def job(connection: Connection) -> None:
        check_seen(if_match, _report(connection, session))
        programmes.put_report(connection, session.number, session.patient, at, **said.model_dump())

    await service.store.write(job)
    if session.ended_at is None and worst(said.model_dump()) > await pain_stop(service, session.patient):
        await service.ingest.end(session_id)
    return said.model_dump() | {"made_at": at}


def worst(said: dict[str, Any]) -> int:
    """The most pain of a report, -1: none was said."""
    return max((said[name] for name in ("pain_before", "pain_worst", "pain_after") if said[name] is not None), default=-1)


async def pain_stop(service: Service, patient: int | None) -> int:
    """Above it a session is stopped: as the programme that holds today says."""
    if patient is None:
        return PAIN_STOP
    clinic = await service.store.fetch(lambda c: people.clinic(c, people.by_number(c, patient).clinic))
    today = programmes.today(service.settings.clock(), ZoneInfo(clinic.time_zone))
    versions = (await service.store.fetch(programmes.of_patients, [patient]))[patient]
    now = present(versions, today)
    return now.pain_stop if now else PAIN_STOP


def _version(one: Programme) -> dict[str, Any]:
    return asdict(one) | {"starts_on": one.starts_on.isoformat()}
