"""A patient's own pages: today, how a session was, the weeks so far."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from processing.exercises import EXERCISES
from server import words
from server.access import Reader, ReadSession, Who, Writer, WriteSession
from server.api.programmes import STOPPED, Report, pain_stop, reported, worst
from server.api.sessions import find, open_session
from server.pages.views import checked, fields, go, page
from server.problems import Problem
from server.programme import WEEK, Done, Item, Programme, ends_on, present
from server.rows import Session
from server.service import Service, of
from server.store import consents, notes, programmes, sessions
from server.store.people import Person
from server.trend import mdc_deg, trend

router = APIRouter()

WEEKS = 6  # of history, as a programme lasts


async def today_page(request: Request, who: Who) -> Response:
    service, patient = of(request), who.patient
    zone, now, done = await of_patient(service, who)
    plan = present(now["versions"], now["today"])
    over = plan is None or now["today"] >= ends_on(plan) or not plan.items
    running = await service.store.fetch(sessions.unfinished, who.visible())
    return page(
        request,
        "today.html",
        patient=patient,
        cards=[] if over else [_card(item, plan, done, now["today"]) for item in plan.items],
        plan=plan,
        begins=next((one.starts_on.isoformat() for one in now["versions"] if one.starts_on > now["today"]), None),
        running=running[0] if running else None,
        agreed=service.consent.held(await service.store.fetch(consents.newest, patient.number)),
        message=await service.store.fetch(notes.message, patient.number),
    )


@router.get("/history")
async def history_page(request: Request, who: Writer) -> Response:
    if who.patient is None or who.device:
        raise Problem(404, "only patients have a history of their own")
    _zone, now, done = await of_patient(of(request), who)
    newest = _week_begins(present(now["versions"], now["today"]), now["today"])
    begun = min([one.starts_on for one in now["versions"]] + [one.day for one in done], default=newest)
    weeks = [begins for back in range(WEEKS) if (begins := newest - timedelta(WEEK * back)) + timedelta(WEEK) > begun]
    legs = dict.fromkeys((one.exercise, one.side) for one in done if one.exercise in EXERCISES)
    return page(
        request,
        "training_history.html",
        weeks=[_week(begins, now["versions"], done, now["today"]) for begins in weeks],
        trends=[told for leg in legs if (told := _trend(*leg, done, now["today"]))],
    )


@router.get("/sessions/{session_id}/done")
async def done_page(
    request: Request, who: Reader, session_id: ReadSession,
    stopped: Annotated[str | None, Query(max_length=16)] = None,
) -> Response:  # fmt: skip
    """How it was, and how it went."""
    if who.staff:
        return go(f"/sessions/{session_id}")
    service = of(request)
    session, full, _ = await open_session(service, session_id)
    if not full["final"]:
        return go(f"/sessions/{session_id}/live")
    report = await service.store.fetch(programmes.report, session.number) or Report().model_dump()
    report |= {} if report.get("made_at") or stopped not in STOPPED else {"stopped": stopped}
    too_much = (limit if report.get("made_at") and worst(report) > (limit := await pain_stop(service, session.patient)) else None)
    plan = await plan_of(service, who, session)
    reps = full["history"]["corrected"]["reps"] if full["history"]["corrected"] else full["result"]["reps"]
    reps = [rep for rep in reps if rep["counted"] and not rep.get("removed")]
    return page(
        request,
        "done.html",
        session=full,
        report=report,
        too_much=too_much,
        counted=len(reps),
        watched=any(EXERCISES[rep["exercise"]].pelvis_shows for rep in reps if rep["exercise"] in EXERCISES),
        helped=sum(rep["compensated"] for rep in reps),
        wanted=plan and plan["sets"] * plan["reps"],
        change=await _change(service, who, session) if who.patient else None,
    )


@router.post("/sessions/{session_id}/done")
async def say_done(request: Request, _who: Reader, session_id: WriteSession) -> Response:
    values = {name: value for name, value in (await fields(request)).items() if value}
    said = checked(Report, values)
    await reported(of(request), session_id, said)
    session = await find(of(request), session_id)
    too_much = worst(said.model_dump()) > await pain_stop(of(request), session.patient)
    return go(f"/sessions/{session_id}/done" if too_much else "/")


async def plan_of(service: Service, who: Who, session: Session) -> dict[str, Any] | None:
    """What the exercise's screen needs to know of the prescription; None where nothing is prescribed."""
    if who.patient is None:
        return None
    _zone, now, _done = await of_patient(service, who)
    plan = present(now["versions"], now["today"])
    items = [item for item in plan.items if (item.exercise, item.side) == (session.exercise, session.side)] if plan else []
    return _plan(items[0]) if items else None


def _plan(item: Item) -> dict[str, Any]:
    tempo = [item.concentric_s, item.hold_s, item.eccentric_s]
    return {"sets": item.sets, "reps": item.reps, "tempo_s": tempo, "target_deg": item.rom_target_deg}


async def of_patient(service: Service, who: Who) -> tuple[ZoneInfo, dict[str, Any], list[Done]]:
    patient: Person = who.patient
    zone = ZoneInfo(who.entrance.clinic.time_zone)
    versions = (await service.store.fetch(programmes.of_patients, [patient.number]))[patient.number]
    done = (await service.store.fetch(programmes.done_by, [patient.number], zone))[patient.number]
    return zone, {"versions": versions, "today": programmes.today(service.settings.clock(), zone)}, done


def recognised(done: list[Done]) -> dict[str, str]:
    """What was done in each session, by its id."""
    found: dict[str, list[str]] = {}
    for one in done:
        found.setdefault(one.session, []).append(one.exercise)
    return {session: words.together(names) for session, names in found.items()}


def _card(item: Item, plan: Programme, done: list[Done], today: date) -> dict[str, Any]:
    """One exercise of today. ticks: of the programme's week, done or still open."""
    mine = [one for one in done if (one.exercise, one.side) == (item.exercise, item.side) and one.reps]
    days = {one.day for one in mine if one.day >= _week_begins(plan, today)}
    roms = [one.rom_deg for one in mine if one.rom_deg is not None]
    return asdict(item) | {
        "today": today in days,
        "ticks": [True] * len(days) + [False] * max(0, item.per_week - len(days)),
        "last_rom_deg": roms[-1] if roms else None,
    }


def _week_begins(plan: Programme | None, today: date) -> date:
    """This week: the programme's, on every page the same; without one, since Monday."""
    return today - timedelta((today - plan.starts_on).days % WEEK if plan else today.weekday())


def _week(begins: date, versions: list[Programme], done: list[Done], today: date) -> dict[str, Any]:
    """Days on which something was done; of how many the programme speaks, at most those that were possible."""
    days = {one.day for one in done if begins <= one.day < begins + timedelta(WEEK) and one.reps}
    end = begins + timedelta(WEEK)
    plan = present(versions, min(today, end - timedelta(1)))
    spoken = (min(end, ends_on(plan)) - max(begins, plan.starts_on)).days if plan else 0
    wanted = max((item.per_week for item in plan.items), default=0) * max(0, spoken) // WEEK if plan else 0
    return {"begins": begins.isoformat(), "done": len(days), "wanted": wanted and max(wanted, len(days)), "now": end > today}


TREND = (0, 10, 300, 110)  # of the drawing: left, top, right, bottom


def _trend(exercise: str, side: str, done: list[Done], today: date) -> dict[str, Any] | None:
    """Range of motion by day, and the band round the first ones in which nothing has measurably changed."""
    first = today - timedelta(WEEK * WEEKS)
    points = [(one.day, one.rom_deg) for one in done if (one.exercise, one.side) == (exercise, side) and one.rom_deg is not None and one.day > first]
    if len(points) < 2:
        return None
    found = trend(exercise, side, dict(points), mdc_deg(exercise))
    base, mdc = found.base, found.mdc
    low, high = min(base - 2 * mdc, *(rom for _day, rom in points)), max(base + 2 * mdc, *(rom for _day, rom in points))
    left, top, right, bottom = TREND

    def x(day: date) -> float:
        return round(left + 12 + (right - left - 24) * (day - first).days / (WEEK * WEEKS), 1)

    def y(rom: float) -> float:
        return round(bottom - (bottom - top) * (rom - low) / (high - low), 1)

    return {
        "exercise": exercise, "side": side, "mdc": mdc, "first": base, "last": points[-1][1],
        "points": [{"x": x(day), "y": y(rom), "day": day.isoformat(), "rom": rom} for day, rom in points],
        "band": {"y": y(base + mdc), "height": round(y(base - mdc) - y(base + mdc), 1)},
        "measurable": found.change is not None,
    }  # fmt: skip


async def _change(service: Service, who: Who, session: Session) -> dict[str, Any] | None:
    """The range of motion against the last time's, of the same leg's exercise; measurable: only then it is one."""
    _zone, _now, done = await of_patient(service, who)
    this = next((one for one in done if one.session == session.id and one.rom_deg is not None), None)
    if this is None:
        return None
    before = [one for one in done if (one.exercise, one.side) == (this.exercise, this.side) and one.session < this.session and one.rom_deg is not None]
    if not before:
        return None
    by = this.rom_deg - before[-1].rom_deg
    return {"by": by, "now": this.rom_deg, "measurable": abs(by) > mdc_deg(this.exercise)}
