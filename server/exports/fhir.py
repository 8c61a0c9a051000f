"""A chart as a FHIR R4B (4.3.0) bundle for other systems in health care; tests hold it against fhir.resources.

ServiceRequest (what is prescribed) <- Procedure (a session) <- Observation (a set, with components); a
QuestionnaireResponse (pain; and each questionnaire that was answered) and a DocumentReference (the recording) for each session. SNOMED CT, LOINC and UCUM where a code is
known; for range of motion of a hip in exercise, repetitions and the like none was found: those are of LOCAL, a code
system that the bundle brings along.
"""

from __future__ import annotations

import json
import uuid
from datetime import date, datetime, timedelta
from typing import Any

from processing.exercises import EXERCISES
from server.chart import Chart, Visit
from server.corrections import kind_of
from server.exports import Export
from server.programme import Item, Programme, ends_on, present
from server.words import STOPPED

SNOMED, LOINC, UCUM = "http://snomed.info/sct", "http://loinc.org", "http://unitsofmeasure.org"
LOCAL = "urn:uuid:5c1b7f0e-2f55-4d0a-9c4e-8f6f3f0f7d11"  # ours, made up once
EXERCISE_THERAPY = "229065009", "Exercise therapy"
MOVEMENTS = {  # SNOMED CT
    "hip_abduction": ("60074003", "Abduction"),
    "hip_external_rotation": ("52019005", "External rotation"),
    "hip_internal_rotation": ("12852001", "Internal rotation"),
}
PAIN = "72514-3", "Pain severity - 0-10 verbal numeric rating [Score] - Reported"
CONCEPTS = {
    "exercise-set": "A set of one exercise: repetitions without a longer pause",
    "repetitions": "Repetitions that count",
    "compensated": "Repetitions, of those that count, in which the pelvis helped",
    "not-counted": "Repetitions that do not count: partial, or out of position",
    "range-of-motion": "What the leg did, hip and pelvis together, median of the repetitions that count",
    "time-under-tension": "Out, hold and back of the repetitions that count",
    "exertion": "Exertion, 0 to 10, reported",
    "recording": "Acceleration and angular velocity of a band on the leg",
} | {name: exercise.title for name, exercise in EXERCISES.items()}
ASKED = (("pain_before", "Pain before the session"), ("pain_worst", "Worst pain in the session"),
         ("pain_after", "Pain after the session"), ("exertion", "Exertion"))  # fmt: skip


def make(chart: Chart) -> bytes:
    return json.dumps(bundle(chart), ensure_ascii=False, separators=(",", ":")).encode()


def bundle(chart: Chart) -> dict[str, Any]:
    found = [_codes()]
    subject = {"display": "the person at this computer"}
    if chart.patient:
        subject = _to("Patient", chart.patient.id)
        found += [_patient(chart), _organization(chart)]
    requests: dict[tuple[int, int], str] = {}
    for programme in chart.programmes:
        for number, item in enumerate(programme.items):
            requests[programme.version, number] = made = _id(chart.patient.id, f"{programme.version}/{number}")
            found.append(_request(chart, programme, item, made, subject))
    for visit in chart.visits:
        found += _visit(chart, visit, subject, requests)
    found += [_answer(chart, number, answer, subject) for number, answer in enumerate(chart.answers)]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": chart.made_at,
        "entry": [{"fullUrl": f"urn:uuid:{one['id']}", "resource": one} for one in found],
    }


def _visit(chart: Chart, visit: Visit, subject: dict, requests: dict[tuple[int, int], str]) -> list[dict[str, Any]]:
    """What it was done for, where that was prescribed when it was done."""
    session, held = visit.session, present(chart.programmes, date.fromisoformat(visit.day))
    done = {one["exercise"] for one in visit.result["sets"]}
    based = [
        _to("ServiceRequest", requests[held.version, number])
        for number, item in enumerate(held.items if held else ())
        if item.side == session.side and item.exercise in done
    ]
    procedure = _to("Procedure", session.id)
    sets = [_set(visit, one, subject, procedure) for one in visit.result["sets"]]
    said = [_response(visit, subject, procedure)] if visit.report else []
    return [_procedure(visit, subject, based), *sets, *said, _document(chart, visit, subject, procedure)]


def _procedure(visit: Visit, subject: dict, based: list[dict]) -> dict[str, Any]:
    session, said = visit.session, visit.report or {}
    pain = said.get("stopped") == "pain"
    begun = datetime.fromisoformat(session.started_at)
    period = {"start": session.started_at, "end": _instant(begun + timedelta(seconds=visit.result["duration_s"]))}
    notes = [said["note"]] if said.get("note") else []
    notes += [f"Counted by hiprep, processing version {visit.version}; {100 * visit.result['coverage']:.1f} % of the samples."]
    return {
        "resourceType": "Procedure",
        "id": session.id,
        **({"basedOn": based} if based else {}),
        "status": "stopped" if pain else "completed",
        **({"statusReason": {"text": STOPPED["pain"]}} if pain else {}),
        "code": _concept(SNOMED, *EXERCISE_THERAPY),
        "subject": subject,
        "performedPeriod": period,
        "bodySite": [{"text": f"{session.side} hip"}],
        "note": [{"text": text} for text in notes],
    }


def _set(visit: Visit, done: dict[str, Any], subject: dict, procedure: dict) -> dict[str, Any]:
    begun = datetime.fromisoformat(visit.session.started_at)
    offset = visit.t_s[0] if visit.t_s else 0.0  # the band's clock need not begin with the session
    when = [_instant(begun + timedelta(seconds=max(0.0, done[name] - offset))) for name in ("start_s", "end_s")]
    reps = [rep for rep in visit.reps if rep["set"] == done["set"]]
    kinds = [kind_of(rep) for rep in reps if rep["counted"]]
    counts = {"repetitions": len(kinds), "compensated": kinds.count("compensated"), "not-counted": len(reps) - len(kinds)}
    numbers = done.get("numbers") or {}
    measured = [("range-of-motion", numbers.get("rom_median_deg"), "deg"), ("time-under-tension", numbers.get("time_under_tension_s"), "s")]
    name = done["exercise"]
    title = EXERCISES[name].title if name in EXERCISES else name
    return {
        "resourceType": "Observation",
        "id": _id(visit.session.id, f"set {done['set']}"),
        "status": "amended" if any(rep.get("by_hand") for rep in reps) else "final",
        "partOf": [procedure],
        "code": {"coding": [_coding(LOCAL, "exercise-set"), *_movement(name)], "text": f"{title}, set {done['set']}"},
        "subject": subject,
        "effectivePeriod": {"start": when[0], "end": when[1]},
        "bodySite": {"text": f"{visit.session.side} hip"},
        "component": [
            *(_component(code, value, "1", "repetitions") for code, value in counts.items()),
            *(_component(code, value, unit, unit) for code, value, unit in measured if value is not None),
        ],
    }


def _component(code: str, value: float, ucum: str, unit: str) -> dict[str, Any]:
    return {"code": _concept(LOCAL, code), "valueQuantity": {"value": value, "unit": unit, "system": UCUM, "code": ucum}}


def _response(visit: Visit, subject: dict, procedure: dict) -> dict[str, Any]:
    said = visit.report
    codes = {name: _coding(LOCAL, name) if name == "exertion" else _coding(LOINC, *PAIN) for name, _ in ASKED}
    questions = [{"linkId": name, "code": [codes[name]], "text": text, "type": "integer"} for name, text in ASKED]
    return {
        "resourceType": "QuestionnaireResponse",
        "id": _id(visit.session.id, "report"),
        "contained": [{"resourceType": "Questionnaire", "id": "asked", "status": "active", "item": questions}],
        "partOf": [procedure],
        "questionnaire": "#asked",
        "status": "completed",
        "subject": subject,
        "authored": said["made_at"],
        "item": [
            {"linkId": name, "text": text, "answer": [{"valueInteger": said[name]}]} for name, text in ASKED if said[name] is not None
        ],
    }


def _answer(chart: Chart, number: int, answer: dict[str, Any], subject: dict) -> dict[str, Any]:
    """A questionnaire's answer. Without its words, if this server no longer has them: numbers of the options, from 0."""
    asked, given = chart.asked_in(answer), answer["given"]
    texts = [{"text": item.text} for item in asked.items] if asked else [{}] * len(given)
    chosen: list[dict[str, Any]] = [{"valueInteger": option} for option in given]
    if asked:
        chosen = [{"valueString": item.options[option].text} for item, option in zip(asked.items, given, strict=True)]
    title = {"title": asked.title} if asked else {}
    questions = [{"linkId": f"item_{n}", "type": "string" if asked else "integer", **text} for n, text in enumerate(texts)]
    about = {"resourceType": "Questionnaire", "id": "asked", "name": answer["questionnaire"], "version": answer["version"], **title}
    return {
        "resourceType": "QuestionnaireResponse",
        "id": _id(chart.patient.id, f"answer {number} {answer['made_at']}"),
        "contained": [about | {"status": "active", "item": [*questions, {"linkId": "score", "text": "score", "type": "decimal"}]}],
        "questionnaire": "#asked",
        "status": "completed",
        "subject": subject,
        "authored": answer["made_at"],
        "item": [
            *({"linkId": f"item_{n}", **text, "answer": [one]} for n, (text, one) in enumerate(zip(texts, chosen, strict=True))),
            {"linkId": "score", "text": "score", "answer": [{"valueDecimal": answer["score"]}]},
        ],
    }


def _document(chart: Chart, visit: Visit, subject: dict, procedure: dict) -> dict[str, Any]:
    session = visit.session
    attachment = {
        "contentType": "application/vnd.apache.parquet",
        "url": f"{chart.url}/api/v1/sessions/{session.id}/recording.parquet",
        "title": f"recording/1 of {session.started_at}",
    }
    return {
        "resourceType": "DocumentReference",
        "id": _id(session.id, "recording"),
        "status": "current",
        "type": _concept(LOCAL, "recording"),
        "subject": subject,
        "date": session.created_at,
        "content": [{"attachment": attachment}],
        "context": {"related": [procedure]},
    }


def _request(chart: Chart, programme: Programme, item: Item, made: str, subject: dict) -> dict[str, Any]:
    later = [one for one in chart.programmes if one.version > programme.version]
    end = programme.starts_on + timedelta(7 * item.weeks) - timedelta(1)
    over = ends_on(programme) <= date.fromisoformat(chart.made_at[:10])
    parts = [f"{item.sets} sets of {item.reps} repetitions", f"tempo {item.concentric_s:g}-{item.hold_s:g}-{item.eccentric_s:g} s"]
    parts += [f"target {item.rom_target_deg:g} degrees"] if item.rom_target_deg else []
    parts += [f"{item.band} elastic band"] if item.band else []
    parts += [f"stop when pain is above {programme.pain_stop} of 10"]
    return {
        "resourceType": "ServiceRequest",
        "id": made,
        "status": "revoked" if later else "completed" if over else "active",
        "intent": "order",
        "code": _concept(SNOMED, *EXERCISE_THERAPY),
        "orderDetail": [{"coding": [_coding(LOCAL, item.exercise), *_movement(item.exercise)]}],
        "subject": subject,
        "occurrenceTiming": {
            "repeat": {
                "boundsPeriod": {"start": programme.starts_on.isoformat(), "end": end.isoformat()},
                "frequency": item.per_week,
                "period": 1,
                "periodUnit": "wk",
            }
        },
        "authoredOn": programme.made_at,
        "bodySite": [{"text": f"{item.side} hip"}],
        "patientInstruction": "; ".join(parts),
        **({"note": [{"text": programme.note}]} if programme.note else {}),
    }


def _patient(chart: Chart) -> dict[str, Any]:
    person = chart.patient
    return {
        "resourceType": "Patient",
        "id": person.id,
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{person.id}"}],
        "name": [{"text": person.name}],
        "managingOrganization": _to("Organization", chart.clinic.id),
    }


def _organization(chart: Chart) -> dict[str, Any]:
    return {"resourceType": "Organization", "id": chart.clinic.id, "name": chart.clinic.name}


def _codes() -> dict[str, Any]:
    return {
        "resourceType": "CodeSystem",
        "id": LOCAL.removeprefix("urn:uuid:"),
        "url": LOCAL,
        "name": "HiprepCodes",
        "title": "What hiprep counts, where no code of SNOMED CT or LOINC was found",
        "status": "active",
        "content": "complete",
        "concept": [{"code": code, "display": text} for code, text in CONCEPTS.items()],
    }


def _movement(exercise: str) -> list[dict[str, str]]:
    return [_coding(SNOMED, *MOVEMENTS[exercise])] if exercise in MOVEMENTS else []


def _concept(system: str, code: str, display: str | None = None) -> dict[str, Any]:
    return {"coding": [_coding(system, code, display)]}


def _coding(system: str, code: str, display: str | None = None) -> dict[str, str]:
    return {"system": system, "code": code, "display": display or CONCEPTS[code]}


def _to(kind: str, id: str) -> dict[str, str]:
    return {"reference": f"urn:uuid:{id}", "type": kind}


def _id(of: str, what: str) -> str:
    """The same each time it is exported."""
    return str(uuid.uuid5(uuid.UUID(of), what))


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


EXPORT = Export("fhir.json", "FHIR R4B", "application/fhir+json", make)
