"""What the API's description (OpenAPI) says beyond the code: examples, the form of problems, how one is let in."""

from __future__ import annotations

import functools
from http import HTTPStatus
from typing import Any

from processing import VERSION
from processing.tracker import Tracker
from server.problems import MEDIA_TYPE, ProblemBody

ID, AT = "01900000-0000-7000-8000-000000000000", "2026-01-01T09:00:00.000Z"
TALLY = {"counted": 10, "good": 9, "compensated": 1, "partial": 0}
HEAD = {
    "id": ID, "exercise": "hip_abduction", "side": "left", "placement": "ankle", "driver": "hiprep-band", "band": "C0:FF:EE:00:00:01",
    "battery_percent": 87, "started_at": AT, "created_at": AT, "ended_at": AT, "state": "ended", "tally": TALLY,
}  # fmt: skip
JOB = {
    "id": ID, "state": "done", "attempts": 1, "made_at": AT, "finished_at": AT, "version": VERSION, "outcome": "confirmed", "error": None,
}  # fmt: skip
SAID = {"action": "relabel", "at_s": 12.5, "end_s": None, "label": "compensated", "reason": "the pelvis rolled back", "author": "Phil Physio"}
ITEM = {
    "exercise": "hip_abduction", "side": "left", "sets": 3, "reps": 10, "per_week": 3, "weeks": 6, "concentric_s": 2.0, "hold_s": 1.0,
    "eccentric_s": 3.0, "rom_target_deg": 35.0, "band": "red",
}  # fmt: skip
PROGRAMME = {"starts_on": "2026-01-01", "items": [ITEM], "quiet_days": 5, "pain_stop": 5, "note": "Slowly down."}
MADE = PROGRAMME | {"version": 1, "made_at": AT}
WEEK = {"begins": "2026-01-01", "sessions": 1, "prescribed": 3, "due": 1, "reps": 30, "prescribed_reps": 90, "due_reps": 30, "over": False}
KEPT = {"weeks": [WEEK], "kept": 1, "due": 1, "kept_reps": 30, "due_reps": 30, "streak": 0}
REPORT = {"pain_before": 2, "pain_worst": 3, "pain_after": 2, "exertion": 5, "stopped": "done", "note": ""}
ANSWER = {"questionnaire": "knee_week", "version": "1", "given": [3, 2, 4]}
ANSWERED = ANSWER | {"score": 9.0, "made_at": AT}
NOTE = {"id": ID, "author": "Phil Physio", "made_at": AT, "to_patient": True, "text": "Slowly down.", "taken_back_at": None}
PERSON = {"id": ID, "name": "Pat Patient", "role": "patient", "admin": False, "email": "pat@clinic.example", "state": "active", "by": [ID]}
OPTIONS = [{"text": str(number), "score": number} for number in range(3)]
ASKED = {"name": "knee_week", "version": "1", "title": "The knee in the last week", "source": "our own", "items": [{"text": "Pain?", "options": OPTIONS}]}


@functools.cache
def examples() -> dict[str, dict[str, Any]]:
    """By the name of what is described."""
    result = Tracker("hip_abduction", "left", "ankle").result().as_json()
    history = {"versions": [{"version": VERSION, "made_at": AT, "tally": TALLY}], "difference": None, "job": JOB, "corrections": [], "corrected": None}
    return {
        "NewMessage": {"text": "Slower on the way back"},
        "NewSession": {name: HEAD[name] for name in ("exercise", "side", "placement", "driver", "band", "started_at")}
        | {"key": "4f7c1d52-0f0a-4f5e-9a77-6a1b0c3f9a10", "info": "1103100ad00707000ae89c3b58a08b3a0102033c"},
        "SessionHead": HEAD,
        "SessionList": {"sessions": [HEAD], "next": None},
        "SessionFull": HEAD | {"version": VERSION, "final": True, "result": result, "history": history},
        "SessionResult": result,
        "Curve": {"t_s": [0.0, 0.05], "angle_deg": [None, 0.5], "next": 2},
        "Job": JOB,
        "NewCorrection": SAID,
        "Correction": SAID | {"id": ID, "made_at": AT},
        "Acknowledged": {"epoch": 0, "acknowledged": 63, "stored": 64, "duplicates": 0},
        "Pairing": {"code": "7KQ2-M9XD", "name": "laptop"},
        "Paired": {"id": ID, "token": "what goes into Authorization: Bearer"},
        "NewProgramme": PROGRAMME,
        "ProgrammeBody": {"present": MADE, "versions": [MADE], "adherence": KEPT},
        "server__api__programmes__Version": MADE,
        "Report": REPORT,
        "Reported": REPORT | {"made_at": AT},
        "Asked": {"questionnaires": [ASKED]},
        "NewAnswer": ANSWER,
        "Answer": ANSWERED,
        "Answers": {"answers": [ANSWERED], "next": None},
        "Versions": {"versions": [MADE], "next": None},
        "NewConsent": {"version": "0f3a5c77e1b2", "guardian": None},
        "ConsentBody": {"version": "0f3a5c77e1b2", "text": "While you exercise, ...", "held": False, "given": None},
        "PatientList": {"patients": [{"id": ID, "name": "Pat Patient", "attention": ["pain up", "quiet"]}], "next": None},
        "NewNote": {"text": NOTE["text"], "to_patient": True},
        "Note": NOTE,
        "Notes": {"notes": [NOTE], "next": None},
        "Results": {"versions": history["versions"], "next": None},
        "NewPerson": {"name": "Pat Patient", "kind": "patient", "by": None},
        "Added": {"id": ID},
        "PeopleList": {"people": [PERSON], "next": None},
        "Invitation": {"link": "https://clinic.example/invitation#what-only-they-may-see"},
        "Code": {"code": "7KQ2-M9XD"},
        "DeviceList": {"devices": [{"id": ID, "name": "laptop", "created_at": AT}]},
        "Trail": {"entries": [{"number": 7, "at": AT, "actor": ID, "device": None, "action": "read", "subject": ID, "object": ID}], "next": None},
    }


def complete(described: dict[str, Any]) -> dict[str, Any]:
    """Adds to it; again changes nothing."""
    schemas = described["components"]["schemas"]
    schemas["ProblemBody"] = ProblemBody.model_json_schema()
    for name, example in examples().items():
        schemas[name]["examples"] = [example]
    described["components"]["securitySchemes"] = {
        "device": {"type": "http", "scheme": "bearer", "description": "of a paired device: writes its patient's sessions, reads nothing"},
        "login": {"type": "apiKey", "in": "cookie", "name": "__Host-hiprep", "description": "of a browser; `hiprep` on this computer"},
    }
    described["security"] = [{"device": []}, {"login": []}, {}]
    for path in described["paths"].values():
        for method, operation in path.items():
            for status, answer in operation["responses"].items():
                if problem := answer.get("content", {}).get(MEDIA_TYPE):
                    title = HTTPStatus(int(status)).phrase
                    problem["example"] = {"type": "about:blank", "title": title, "status": int(status), "detail": "WHAT is wrong (wanted X, got Y)", "where": None}
            ok = operation["responses"].get("200", {}).get("content", {})
            if method == "get" and "application/json" in ok:
                operation["responses"]["304"] = {"description": "as If-None-Match says"}
    return described
