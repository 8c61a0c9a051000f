"""S3: schemathesis asks a real server for everything that the description promises, good and bad.

By its Python interface: its pytest plugin does not know our pytest. Deterministic, as all of hypothesis here.
"""

from __future__ import annotations

from collections.abc import Iterator

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

EACH = 2  # requests of each kind, good and bad, to each operation, about each session
STAFF = ("programme", "message", "notes", "take-back")
ADMINS = ("audit", "people")
# Good by its schema and refused all the same: what a schema cannot say (an exercise that is known, a range that is free),
# and If-Match.
REFUSED = [400, 401, 403, 404, 409, 412, 413, 422]
# What no schema makes: a code that works, bytes of a band, a file, exercises that are known from today on, a free place in
# a session, ids of others.
GUESSED = {
    *(f"POST /api/v1/{path}" for path in ("devices", "sessions/{session_id}/packets", "sessions/{session_id}/corrections", "recordings")),
    *(f"POST /api/v1/patients/{{person_id}}/{path}" for path in ("programme", "consent", "notes/{note_id}/take-back")),
}
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
        yield house


def of(house: House, path: str) -> requests.Session:
    """Whoever may do it."""
    last = path.rpartition("/")[2]
    who = house.phil if last in STAFF or path.endswith("/patients") else house.admin if any(word in path for word in ADMINS) else house.pat
    session = requests.Session()
    session.cookies.update(dict(who.cookies))
    session.headers["origin"] = house.url
    return session


def test_every_operation_does_what_is_described(described, house) -> None:
    done: dict[str, set[int]] = {}
    operations = [found.ok() for found in described.get_all_operations()]
    for operation in sorted(operations, key=lambda one: (one.method == "delete", one.path.endswith("/end"), one.method != "get")):
        session, statuses = of(house, operation.path), done.setdefault(operation.label, set())
        names = {parameter.name for parameter in operation.path_parameters} & {"session_id", "person_id", "version"}

        def there(mode: GenerationMode, session: str):
            """Asking for what there is."""
            ids = {"session_id": session, "person_id": house.pat.id, "version": VERSION}
            return operation.as_strategy(mode, path_parameters={name: ids[name] for name in names})

        def ask(case) -> None:
            answer = case.call(base_url=house.url, session=session)
            statuses.add(answer.status_code)
            case.validate_response(answer)

        kinds = [*operation.get_strategies_from_examples(), *(there(GenerationMode.POSITIVE, one) for one in house.sessions)]
        if any(operation.iter_parameters()) or operation.body:
            kinds.append(there(GenerationMode.NEGATIVE, house.sessions[0]) | operation.as_strategy(GenerationMode.NEGATIVE))
        for number, kind in enumerate(kinds):
            limits = settings(max_examples=EACH, suppress_health_check=list(HealthCheck))
            limits(given(kind)(ask))()
    never = {label for label, statuses in done.items() if not any(status < 300 for status in statuses)}
    assert never <= GUESSED, never
