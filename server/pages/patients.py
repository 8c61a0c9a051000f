"""Patients, for who looks after them and for themselves."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from starlette.responses import Response

from server.access import LoggedIn, Patient, Staff
from server.api.programmes import programme_of
from server.api.sessions import heads_of
from server.overview import overviews
from server.pages.views import go, page
from server.problems import Problem
from server.service import base_url, of
from server.store import answers, consents, keys, people, programmes, trail
from server.store.schema import sessions as session_table

router = APIRouter(prefix="/patients")

LISTED = 50  # sessions


@router.get("")
async def patients_page(request: Request, staff: Staff) -> Response:
    """The most in need of attention first."""
    service, zone = of(request), ZoneInfo(staff.clinic.time_zone)
    mine = await service.store.fetch(people.patients_of, staff.person.number)
    today = programmes.today(service.settings.clock(), zone)
    await service.store.write(trail.note, staff.entry(service.iso(), "listed"))
    seen = await overviews(service.store, [person.number for person in mine], zone, today)
    mine.sort(key=lambda person: -max((reason["weight"] for reason in seen[person.number]["reasons"]), default=0))
    return page(request, "patients.html", patients=mine, seen=seen, clinic=staff.clinic, today=today)


@router.get("/{person_id}")
async def patient_page(request: Request, entrance: LoggedIn, patient: Patient) -> Response:
    service, zone = of(request), ZoneInfo(entrance.clinic.time_zone)
    today = programmes.today(service.settings.clock(), zone)
    return page(
        request,
        "patient.html",
        patient=patient,
        today=today,
        programme=await programme_of(service, entrance, patient),
        seen=(await overviews(service.store, [patient.number], zone, today))[patient.number],
        sessions=await heads_of(service, session_table.c.patient == patient.number, LISTED),
        devices=await service.store.fetch(keys.devices_of, patient.number),
        asked=service.questionnaires,
        agreed=service.consent.held(await service.store.fetch(consents.newest, patient.number)),
        answers=await service.store.fetch(answers.of_patient, patient.number),
    )


@router.post("/{person_id}/pairing")
async def pairing(request: Request, entrance: LoggedIn, patient: Patient) -> Response:
    """A code for `hiprep pair`."""
    accounts = of(request).accounts
    code = await accounts.devices.offer(patient, entrance.entry(accounts.now(), "made a pairing code", patient.id))
    return page(request, "pairing.html", patient=patient, code=code, url=base_url(request))


@router.post("/{person_id}/devices/{device_id}/revoke")
async def revoke(request: Request, entrance: LoggedIn, patient: Patient, device_id: str) -> Response:
    accounts = of(request).accounts
    entry = entrance.entry(accounts.now(), "revoked", patient.id, device_id[:36])
    if not await accounts.devices.revoke(patient, device_id, entry):
        raise Problem(404, f"no device {device_id}", "path.device_id")
    return go(f"/patients/{patient.id}")
