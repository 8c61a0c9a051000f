"""A patient's chart, or one session of it, as values: what every export is made of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from server.corrections import corrected, kind_of
from server.curve import decode_curve
from server.programme import Programme, Week, adherence
from server.questionnaires import Questionnaire
from server.rows import Session
from server.store import answers, history, programmes, sessions
from server.store.people import Clinic, Person
from server.words import KINDS


@dataclass(frozen=True, slots=True)
class Visit:
    """An ended session. result: hiprep.session/1 as it was counted · reps: what holds, with corrections by hand laid
    over (`by_hand`), of whose repetitions most numbers are missing · t_s, angle_deg: the curve · report: what the
    patient said, None: nothing · day: in the clinic's time zone."""

    session: Session
    version: str
    result: dict[str, Any]
    reps: list[dict[str, Any]]
    t_s: list[float]
    angle_deg: list[float | None]
    report: dict[str, Any] | None
    day: str

    def tally(self) -> dict[str, int]:
        kinds = [kind_of(rep) for rep in self.reps]
        return {"counted": sum(rep["counted"] for rep in self.reps)} | {kind: kinds.count(kind) for kind in KINDS}

    def rom_deg(self) -> float | None:
        """The usual one."""
        roms = [rep["rom_deg"] for rep in self.reps if rep["counted"] and rep.get("rom_deg") is not None]
        return median(roms) if roms else None


@dataclass(frozen=True, slots=True)
class Chart:
    """visits and programmes: oldest first; weeks and answers only of the `whole` chart; asked: questionnaires. zone: IANA, None: this
    computer's. url: of this server. Without accounts nobody is named."""

    made_at: str
    url: str
    zone: str | None
    clinic: Clinic | None
    patient: Person | None
    whole: bool
    visits: tuple[Visit, ...]
    programmes: tuple[Programme, ...] = ()
    weeks: tuple[Week, ...] = ()
    answers: tuple[dict[str, Any], ...] = ()
    asked: dict[str, Questionnaire] = field(default_factory=dict)

    def asked_in(self, answer: dict[str, Any]) -> Questionnaire | None:
        """What the answer answers; None: this server no longer has that version's words."""
        found = self.asked.get(answer["questionnaire"])
        return found if found and found.version == answer["version"] else None


def of_session(connection: Connection, session: Session, zone: str | None, **head: Any) -> Chart:
    """With the programmes, so that one can see what it was done for."""
    versions = [] if session.patient is None else programmes.of_patients(connection, [session.patient])[session.patient]
    return Chart(zone=zone, whole=False, visits=(_visit(connection, session, zone),), programmes=tuple(versions), **head)


def of_patient(
    connection: Connection, patient: Person, clinic: Clinic, made_at: str, url: str, today: Any, asked: dict[str, Questionnaire]
) -> Chart:
    """Everything but the recordings; of sessions those that have ended."""
    zone, number = ZoneInfo(clinic.time_zone), patient.number
    versions = programmes.of_patients(connection, [number])[number]
    done = programmes.done_by(connection, [number], zone)[number]
    ended = [session for session in sessions.of_patient(connection, number) if session.ended_at is not None]
    return Chart(
        made_at,
        url,
        clinic.time_zone,
        clinic,
        patient,
        True,
        tuple(_visit(connection, session, clinic.time_zone) for session in ended),
        tuple(versions),
        adherence(versions, done, today).weeks,
        tuple(answers.of_patient(connection, number)),
        asked,
    )


def _visit(connection: Connection, session: Session, zone: str | None) -> Visit:
    stored = sessions.result(connection, session.number)
    document, said = json.loads(stored.document), history.corrections_of(connection, session.number)
    reps: Sequence[dict[str, Any]] = document["reps"]
    if said:
        reps = [rep for rep in corrected(document, said)["reps"] if not rep["removed"]]
    report = programmes.report(connection, session.number)
    day = programmes.day_of(session.started_at, session.created_at, zone and ZoneInfo(zone))
    return Visit(session, stored.version, document, list(reps), *decode_curve(stored.curve), report, day.isoformat())
