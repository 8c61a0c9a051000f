"""Prescribing, and what patients say: of a session, and to a questionnaire."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from starlette.responses import Response

from server import drawing, words
from server.access import LoggedIn, Patient, Reader, Staff, WriteSession
from server.api.programmes import NewProgramme, Report, prescribed, programme_of, reported
from server.api.questionnaires import NewAnswer, answered
from server.language import _
from server.pages.views import checked, fields, go, page
from server.problems import Problem
from server.service import of
from server.store import programmes

router = APIRouter()

BLANK = 2  # rows beyond those that there are
ROWS = 12  # at most
SIDES = ("left", "right", "both")
EACH = ("sets", "reps", "per_week", "weeks")
DEFAULTS = {"sets": "3", "reps": "10", "per_week": "3", "weeks": "6", "tempo": "2-0-2"}


@router.get("/patients/{person_id}/prescribe")
async def prescribe_page(request: Request, staff: Staff, patient: Patient) -> Response:
    now = (await programme_of(of(request), staff, patient))["present"]
    today = programmes.today(of(request).settings.clock(), ZoneInfo(staff.clinic.time_zone)).isoformat()
    told = {"starts_on": today, "note": "", "quiet_days": "5", "pain_stop": "5", "rows": []}
    if now:
        told |= {name: str(now[name]) for name in ("note", "quiet_days", "pain_stop")} | {"rows": _rows(now["items"])}
    return _form(request, patient, told, now and now | {"starts_on": today})


@router.post("/patients/{person_id}/prescribe/preview")
async def preview(request: Request, _staff: Staff, _patient: Patient) -> Response:
    """The patient's cards, of a form that is being filled in. Keeps nothing."""
    try:
        new = checked(NewProgramme, _programme(await fields(request)))
    except Problem as trouble:
        return page(request, "preview.html", trouble=trouble)
    return page(request, "preview.html", preview=new.model_dump(mode="json"), draw=drawing)


@router.post("/patients/{person_id}/prescribe")
async def prescribe(request: Request, staff: Staff, patient: Patient) -> Response:
    values = await fields(request)
    try:
        new = checked(NewProgramme, _programme(dict(values)))
        await prescribed(of(request), staff, patient, new)
    except Problem as problem:
        rows = [{name: values.get(f"{name}_{n}", "") for name in ROW} for n in range(ROWS) if f"exercise_{n}" in values]
        told = {name: values.get(name, "") for name in ("starts_on", "note", "quiet_days", "pain_stop")}
        return _form(request, patient, told | {"rows": rows}, problem=problem)
    return go(f"/patients/{patient.id}")


ROW = ("exercise", "side", *EACH, "tempo", "left_deg", "right_deg", "band")


def _form(
    request: Request, patient: Patient, told: dict[str, Any], now: dict[str, Any] | None = None, problem: Problem | None = None
) -> Response:
    blank = DEFAULTS | {"exercise": "", "side": "left", "left_deg": "", "right_deg": "", "band": ""}
    rows = [row for row in told["rows"] if row["exercise"]]
    rows = (rows + [blank] * BLANK if rows else [blank] * (BLANK + 1))[:ROWS]
    choices = {
        "exercises": [("", "–"), *words.titles().items()],
        "sides": [(side, words.side(side)) for side in SIDES],
        "bands": [("", _("none")), *words.BANDS.items()],
    }
    return page(request, "prescribe.html", problem, patient=patient, told=told | {"rows": rows}, preview=now, draw=drawing, **choices)


def _programme(values: dict[str, str]) -> dict[str, Any]:
    """NewProgramme's fields, of the form's; what is left over is there to be refused."""
    made: list[dict[str, Any]] = []
    for number in range(ROWS):
        row = {name: values.pop(f"{name}_{number}", "") for name in ROW}
        if not row["exercise"]:
            continue
        if row["side"] not in SIDES:
            raise Problem(422, "not a side (wanted left, right or both)", f"side_{number}")
        tempo = row["tempo"].replace(" ", "").split("-")
        if len(tempo) != 3:
            raise Problem(422, "not a tempo (wanted seconds out, held and back, as in 2-0-2)", f"tempo_{number}")
        item = {name: row[name] for name in ("exercise", *EACH)} | {"band": row["band"] or None}
        item |= dict(zip(("concentric_s", "hold_s", "eccentric_s"), tempo, strict=True))
        for side in ("left", "right"):
            if row["side"] in (side, "both"):
                made.append(item | {"side": side, "rom_target_deg": row[f"{side}_deg"] or None})
    return values | {"items": made}


def _rows(items: list[dict[str, Any]]) -> list[dict[str, str]]:
    """The form's, of what is prescribed: both sides in one row where only the target differs."""
    rows: list[dict[str, str]] = []
    for item in items:
        tempo = "-".join(f"{item[name]:g}" for name in ("concentric_s", "hold_s", "eccentric_s"))
        row = {"exercise": item["exercise"], "tempo": tempo, "band": item["band"] or ""} | {n: str(item[n]) for n in EACH}
        target = "" if item["rom_target_deg"] is None else f"{item['rom_target_deg']:g}"
        other = next((one for one in rows if one["side"] != item["side"] and row.items() <= one.items()), None)
        if other:
            other |= {"side": "both", f"{item['side']}_deg": target}
        else:
            rows.append(row | {"side": item["side"], "left_deg": "", "right_deg": ""} | {f"{item['side']}_deg": target})
    return rows


@router.post("/sessions/{session_id}/report")
async def report(request: Request, _who: Reader, session_id: WriteSession) -> Response:
    values = {name: value for name, value in (await fields(request)).items() if value}
    await reported(of(request), session_id, checked(Report, values))
    return go(f"/sessions/{session_id}")


@router.get("/questionnaires/{name}")
async def questionnaire_page(request: Request, entrance: LoggedIn, name: str) -> Response:
    asked = of(request).questionnaires.get(name)
    if asked is None or entrance.person.role != "patient":
        raise Problem(404, f"no questionnaire {name}", "path.name")
    return page(request, "questionnaire.html", asked=asked)


@router.post("/questionnaires/{name}")
async def answer(request: Request, entrance: LoggedIn, name: str) -> Response:
    values = await fields(request)
    version = values.pop("version", "")
    given = [values.get(f"item_{number}", "") for number in range(len(values))]
    new = checked(NewAnswer, {"questionnaire": name, "version": version, "given": given})
    await answered(request, entrance.person.role == "patient", entrance.person.number, new)
    return go(f"/patients/{entrance.person.id}")
