"""S3: schemathesis asks a real server for everything that the description promises, good and bad.

By its Python interface: its pytest plugin does not know our pytest. Deterministic, as all of hypothesis here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from house import House, housing
from hypothesis import HealthCheck, given, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode

from processing import VERSION
from sensor.frames import encode_frame
from server.app import create_app
from server.settings import Settings

RECORDING = Path(__file__).parents[1] / "recordings" / "internal_rotation.parquet"
EACH = 2  # requests of each kind, good and bad, to each operation, about each session
STAFF = ("programme", "message", "notes", "take-back")
ADMINS = ("/audit", "/people", "/staff/")
# Good by its schema and refused all the same: what a schema cannot say (an exercise that is known, a range that is free),
# and If-Match.
REFUSED = [400, 401, 403, 404, 409, 412, 413, 422]
CHECKS = {"checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", *map(str, REFUSED)]}}}


@pytest.fixture(scope="module")
def described(tmp_path_factory) -> schemathesis.BaseSchema:
    app = create_app(Settings(tmp_path_factory.mktemp("described")))
    app.state.service.close()
    return schemathesis.openapi.from_dict(app.openapi(), config=SchemathesisConfig.from_dict(CHECKS))


@pytest.fixture(scope="module")
def house(tmp_path_factory, new_session, entries) -> Iterator[House]:
    with housing(tmp_path_factory.mktemp("house")) as house:
        house.admin = house.found("Hillside", "Ada Admin")
        house.phil, house.pat = house.admin.add("Phil Physio", "staff"), house.admin.add("Pat Patient", "patient")
        house.admin.assign(house.phil, house.pat)
        house.sessions = []
        for key in ("ended-session", "running-session"):
            house.sessions.append(house.pat.post("/api/v1/sessions", json=new_session(key)).json()["id"])
            assert house.pat.post(f"/api/v1/sessions/{house.sessions[-1]}/packets", content=encode_frame(entries[:300])).is_success
        assert house.pat.post(f"/api/v1/sessions/{house.sessions[0]}/end").is_success
        house.otto, house.frame = house.admin.add("Otto Other", "patient"), encode_frame(entries[300:310])
        yield house


def real(house: House, label: str) -> dict[str, Any] | None:
    """Of an operation whose success no schema makes: a code that works, bytes of a band, ids of what is there."""
    admin, pat, ended, running = house.admin, house.pat, *house.sessions
    me = {"person_id": pat.id}

    def invited() -> dict[str, Any]:
        assert admin.post(f"/api/v1/people/{house.otto.id}/invitation").status_code == 201
        return {"path_parameters": {"person_id": house.otto.id}}

    def message() -> dict[str, Any]:
        made = house.phil.post(f"/api/v1/patients/{pat.id}/notes", json={"text": "Slowly.", "to_patient": True}).json()
        return {"path_parameters": me | {"note_id": made["id"]}}

    def paired() -> dict[str, Any]:
        return {"path_parameters": me | {"device_id": pat.pair().id}}

    def code() -> dict[str, Any]:
        return {"body": {"code": pat.post(f"/api/v1/patients/{pat.id}/pairing").json()["code"], "name": "laptop"}}

    def agrees() -> dict[str, Any]:
        return {"path_parameters": me, "body": {"version": pat.get(f"/api/v1/patients/{pat.id}/consent").json()["version"]}}

    looked_after = {"path_parameters": me | {"staff_id": house.phil.id}}
    plan = {"starts_on": "2026-01-01", "items": [{"exercise": "hip_abduction", "side": "left"}]}
    answers = {"questionnaire": "knee_week", "version": "1", "given": [0, 0, 0]}
    said = {"action": "add", "at_s": 0.1, "end_s": 0.2, "label": "good", "reason": "seen"}
    made: dict[str, Callable[[], dict[str, Any]]] = {
        "POST /api/v1/devices": code,
        "POST /api/v1/sessions/{session_id}/packets": lambda: {"path_parameters": {"session_id": running}, "body": house.frame, "media_type": "application/octet-stream"},
        "POST /api/v1/sessions/{session_id}/corrections": lambda: {"path_parameters": {"session_id": ended}, "body": said},
        "POST /api/v1/patients/{person_id}/programme": lambda: {"path_parameters": me, "body": plan},
        "POST /api/v1/patients/{person_id}/answers": lambda: {"path_parameters": me, "body": answers},
        "POST /api/v1/patients/{person_id}/consent": agrees,
        "POST /api/v1/patients/{person_id}/notes/{note_id}/take-back": message,
        "PUT /api/v1/patients/{person_id}/staff/{staff_id}": lambda: looked_after,
        "DELETE /api/v1/patients/{person_id}/staff/{staff_id}": lambda: looked_after,
        "DELETE /api/v1/patients/{person_id}/devices/{device_id}": paired,
        "DELETE /api/v1/people/{person_id}/invitation": invited,
    }
    return made[label]() if label in made else None


def of(house: House, path: str) -> requests.Session:
    """Whoever may do it."""
    last = path.rpartition("/")[2]
    who = house.phil if last in STAFF or path.endswith("/patients") else house.admin if any(word in path for word in ADMINS) else house.pat
    session = requests.Session()
    session.cookies.update(dict(who.cookies))
    session.headers["origin"] = house.url
    return session


def last(operation) -> tuple[bool, ...]:
    """What leaves nothing for the others."""
    erases, ends = operation.label == "DELETE /api/v1/people/{person_id}", operation.path.endswith(("/end", "/disable"))
    return erases, operation.method == "delete", ends, operation.method != "get"


def test_every_operation_does_what_is_described(described, house) -> None:
    done: dict[str, set[int]] = {}
    operations = [found.ok() for found in described.get_all_operations()]
    for operation in sorted(operations, key=last):
        session, statuses = of(house, operation.path), done.setdefault(operation.label, set())
        names = {parameter.name for parameter in operation.path_parameters} & {"session_id", "person_id", "version"}

        def there(mode: GenerationMode, session: str):
            """Asking for what there is."""
            ids = {"session_id": session, "person_id": (house.otto if "/people/" in operation.path else house.pat).id, "version": VERSION}
            return operation.as_strategy(mode, path_parameters={name: ids[name] for name in names})

        def send(case, **more: Any) -> None:
            answer = case.call(base_url=house.url, session=session, **more)
            statuses.add(answer.status_code)
            case.validate_response(answer)

        def ask(case) -> None:
            send(case)

        if operation.path.endswith("/recordings"):
            send(operation.Case(), files={"recording": RECORDING.open("rb")})
        elif (told := real(house, operation.label)) is not None:
            send(operation.Case(**{"media_type": "application/json"} | told if "body" in told else told))
        kinds = [*operation.get_strategies_from_examples(), *(there(GenerationMode.POSITIVE, one) for one in house.sessions)]
        if any(operation.iter_parameters()) or operation.body:
            kinds.append(there(GenerationMode.NEGATIVE, house.sessions[0]) | operation.as_strategy(GenerationMode.NEGATIVE))
        for number, kind in enumerate(kinds):
            limits = settings(max_examples=EACH, suppress_health_check=list(HealthCheck))
            limits(given(kind)(ask))()
    never = {label for label, statuses in done.items() if not any(status < 300 for status in statuses)}
    assert never == set()
