"""A person's data as a whole: all of it in one file, all of it gone, and what is old gone by itself."""

from __future__ import annotations

import contextlib
import json
import logging
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from sensor.errors import RecordingError
from server import exports
from server.chart import Chart
from server.problems import Problem
from server.store import belongings, people, sessions, trail
from server.store.people import Person
from server.store.trail import Entry
from server.times import iso

if TYPE_CHECKING:
    from server.accounts import Entrance
    from server.service import Service

log = logging.getLogger("hiprep.server")
AT_ONCE = 50  # sessions of one transaction of the purge: others wait no longer than for a moment; no source
DAY_S = 86400


def pack(service: Service, chart: Chart, patient: Person, target: Path) -> None:
    """Rows, recordings and reports as a zip. Blocks: for a worker thread."""
    rows = service.store.read(belongings.rows, patient.number)
    trailed = service.store.read(lambda c: [entry_of(entry) for entry in trail.entries(c, subject=patient.id)])
    mine = service.store.read(sessions.of_patient, patient.number)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("person.json", json.dumps({"tables": rows, "audit": trailed}, ensure_ascii=False, indent=1))
        for export in exports.listed():
            out.writestr(export.name, export.make(chart))
        for session in mine:
            file = target.with_name(f"{session.id}.parquet")
            try:
                service.recordings.export(session, file)
            except RecordingError:  # without samples there is none
                continue
            out.write(file, f"recordings/{file.name}", zipfile.ZIP_STORED)
            file.unlink()


def entry_of(entry: Entry) -> dict[str, str | None]:
    return {name: getattr(entry, name) for name in Entry.__slots__}


async def erase(service: Service, by: Entrance, person: Person) -> None:
    """Everything of a person; that it was done stays in the trail. Again after a failure: goes on."""
    await service.accounts.disable(by, person)
    async with service.importing.turn:  # what was coming in is there now, and nothing more comes
        mine = await service.store.fetch(sessions.of_patient, person.number)
        for session in mine:
            with contextlib.suppress(Problem):  # one that cannot be counted goes as well
                await service.ingest.end(session.id)
        await service.ingest.settle()
        for session in mine:  # before the rows, by which they are found
            service.recordings.drop(session.id)

        def job(connection: Connection) -> None:
            at = service.iso()
            if person.role == "patient":
                belongings.erase_patient(connection, person.number)
            else:
                belongings.erase_staff(connection, person.number, at)
            trail.note(connection, by.entry(at, "erased", person.id))

        await service.store.write(job)
    await service.store.compact()


async def purge(service: Service, keep_days: float) -> int:
    """Sessions and answers older than that; how many sessions."""
    now, gone = service.settings.clock(), 0
    before = iso(now - keep_days * DAY_S)
    await service.ingest.settle()  # what a start made of old journals is there, and goes with the rest
    while old := await service.store.fetch(belongings.old_sessions, before, AT_ONCE):
        for _, session_id, _ in old:
            service.recordings.drop(session_id)
        await service.store.write(_purge, old, iso(now))
        gone += len(old)
    answers = await service.store.write(belongings.erase_answers, before)
    if gone or answers:
        log.warning("older than %g days and removed: %d sessions, %d answers", keep_days, gone, answers)
        await service.store.compact()
    return gone


def _purge(connection: Connection, old: list[tuple[int, str, str | None]], at: str) -> None:
    belongings.erase_sessions(connection, [number for number, _, _ in old])
    for _, session_id, patient in old:
        if patient is not None:
            trail.note(connection, Entry(at, people.clinic_id(connection, patient), None, None, "purged", patient, session_id))
