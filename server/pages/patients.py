"""Patients, for who looks after them and for themselves."""

from __future__ import annotations

import unicodedata
from collections import Counter
from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from server import drawing, weeks, words
from server.access import LoggedIn, Patient, Staff
from server.api.devices import offered, revoked
from server.api.programmes import programme_of
from server.api.sessions import heads_of
from server.overview import overviews
from server.pages.qr import squares
from server.pages.training import recognised
from server.pages.views import go, page
from server.service import base_url, of
from server.store import answers, consents, keys, notes, people, programmes, trail
from server.store.people import Person
from server.store.schema import sessions as session_table
from server.weeks import Day
from server.words.poses import how

router = APIRouter(prefix="/patients")

LISTED = 50  # sessions
LINES = 40  # of the list of patients at once: what a page may weigh; no source


@router.get("")
async def patients_page(
    request: Request, staff: Staff,
    q: Annotated[str, Query(max_length=128)] = "",
    show: Literal["all", "attention", "pain", "quiet", "range", "pelvis"] = "all",
    lines: Annotated[int, Query(ge=1, le=10_000)] = LINES,
) -> Response:  # fmt: skip
    """The most in need of attention first; of those that are asked for the first lines."""
    service, zone = of(request), ZoneInfo(staff.clinic.time_zone)
    mine = await service.store.fetch(people.patients_of, staff.person.number)
    today = programmes.today(service.settings.clock(), zone)
    await service.store.write(trail.note, staff.entry(service.iso(), "listed"))
    seen = await overviews(service.store, [person.number for person in mine], zone, today)
    mine.sort(key=lambda person: -max((reason["weight"] for reason in seen[person.number]["reasons"]), default=0))
    kinds = {person.number: _kinds(seen[person.number]) for person in mine}
    found = [person for person in mine if show in kinds[person.number] and _says(q, person, seen[person.number])]
    return page(
        request,
        "patients.html",
        patients=found[:lines],
        found=len(found),
        all=len(mine),
        counts=Counter(kind for of_one in kinds.values() for kind in of_one),
        more="/patients?" + urlencode({"q": q, "show": show, "lines": len(found)}),
        q=q,
        show=show,
        seen=seen,
        clinic=staff.clinic,
        today=today,
        draw=drawing,
    )


def _kinds(line: dict[str, Any]) -> set[str]:
    """Under which of words.FILTERS a patient is found."""
    kinds = {reason["kind"].partition(" ")[0] for reason in line["reasons"]}
    return {"all", *kinds} | ({"attention"} if kinds else set())


def _says(q: str, person: Person, line: dict[str, Any]) -> bool:
    """Whether all that was typed stands in the name or in the reasons."""
    if not q.strip():
        return True
    text = _plain(f"{person.name} {words.attention(line)}")
    return all(word in text for word in _plain(q).split())


def _plain(text: str) -> str:
    """Without case and accents: who types fast leaves them out."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in apart if not unicodedata.combining(sign))


@router.get("/{person_id}")
async def patient_page(request: Request, entrance: LoggedIn, patient: Patient) -> Response:
    service, zone = of(request), ZoneInfo(entrance.clinic.time_zone)
    today = programmes.today(service.settings.clock(), zone)
    told = {
        "patient": patient,
        "today": today,
        "programme": await programme_of(service, entrance, patient),
        "sessions": await heads_of(service, session_table.c.patient == patient.number, LISTED),
        "devices": await service.store.fetch(keys.devices_of, patient.number),
        "asked": service.questionnaires,
        "agreed": service.consent.held(await service.store.fetch(consents.newest, patient.number)),
        "answers": await service.store.fetch(answers.of_patient, patient.number),
        "recognised": recognised((await service.store.fetch(programmes.done_by, [patient.number], zone))[patient.number]),
    }
    if entrance.person.role == "patient":
        return page(request, "patient.html", **told)
    days = await service.store.fetch(weeks.days_of, patient.number, zone, today)
    return page(
        request,
        "chart.html",
        seen=(await overviews(service.store, [patient.number], zone, today))[patient.number],
        notes=await service.store.fetch(notes.of_patient, patient.number),
        message=await service.store.fetch(notes.message, patient.number),
        days=days,
        picture=weeks.picture(days, today),
        trends=_trends(days, (told["programme"]["present"] or {"items": []})["items"]),
        draw=drawing,
        **told,
    )


@router.get("/{person_id}/sheet")
async def sheet_page(request: Request, entrance: LoggedIn, patient: Patient) -> Response:
    """Instructions to print."""
    return page(request, "sheet.html", patient=patient, programme=await programme_of(of(request), entrance, patient), how=how)


def _trends(days: list[Day], items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each leg's exercise, with what is prescribed of it."""
    made = []
    for leg in weeks.legs(days):
        item = next((one for one in items if (one["exercise"], one["side"]) == leg), None)
        rom = weeks.rom_of(days, leg)
        target, around = item and item["rom_target_deg"], (rom.base - rom.mdc, rom.base + rom.mdc)
        tempo = [(day.day, day.tempo_s[leg]) for day in days if leg in day.tempo_s]
        wanted = item and item["concentric_s"] + item["eccentric_s"]
        made.append({
            "rom": rom, "target": target, "drawn": weeks.curve(days, list(zip(rom.days, rom.values, strict=True)), around, target),
            "tempo": tempo, "wanted": wanted, "tempo_drawn": weeks.curve(days, tempo, None, wanted) if tempo else None,
        })  # fmt: skip
    return made


@router.post("/{person_id}/pairing")
async def pairing(request: Request, entrance: LoggedIn, patient: Patient) -> Response:
    """A code for `hiprep pair`."""
    code = await offered(of(request), entrance, patient)
    return page(request, "pairing.html", patient=patient, code=code, url=base_url(request), phone=squares(f"{base_url(request)}/band"))


@router.post("/{person_id}/devices/{device_id}/revoke")
async def revoke(request: Request, entrance: LoggedIn, patient: Patient, device_id: str) -> Response:
    await revoked(of(request), entrance, patient, device_id)
    return go(f"/patients/{patient.id}")
