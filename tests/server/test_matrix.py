"""Who may touch what: every route, socket and export, as each kind of asker. A route without a row fails."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from house import PASSWORD, Browser, House, housing
from starlette.routing import Mount
from websockets.asyncio.client import connect as open_socket
from websockets.exceptions import ConnectionClosed

import processing
from sensor.frames import encode_frame
from server import throttle
from server.app import create_app
from server.settings import Settings

ASKERS = (
    "nobody", "patient", "other patient", "colleague", "physio", "physio elsewhere", "admin", "admin elsewhere",
    "device", "revoked device",
)  # fmt: skip
JSON = {"accept": "application/json"}  # a browser would be sent to the login instead
NOTHING = "00000000-0000-7000-8000-000000000000"


@dataclass
class World:
    """The patient's sessions, one ended and one running; everybody who asks."""

    house: House
    clients: dict[str, httpx.Client]
    ended: str
    running: str
    frame: bytes
    body: Callable[[str], dict]

    @property
    def patient(self) -> Browser:
        return self.clients["patient"]


@pytest.fixture(scope="module")
def world(tmp_path_factory, new_session, entries) -> Iterator[World]:
    path, patch = tmp_path_factory.mktemp("world"), pytest.MonkeyPatch()
    generous = {action: {by: "100000/day" for by in limits} for action, limits in throttle.LIMITS.items()}
    patch.setattr(throttle, "LIMITS", generous)  # all askers have one address here
    with housing(path) as house:
        boss_elsewhere = house.found("Elsewhere", "Edda Elsewhere")
        elsewhere = boss_elsewhere.add("Emil Elsewhere", "staff")
    with housing(path, house.clock, port=urlsplit(house.url).port) as house:  # a new start, a new link
        admin = house.found("Hillside", "Ada Admin")
        physio, colleague = admin.add("Phil Physio", "staff"), admin.add("Cora Colleague", "staff")
        patient, other = admin.add("Pat Patient", "patient"), admin.add("Otto Other", "patient")
        admin.assign(physio, patient)
        admin.assign(colleague, other)
        device, revoked = patient.pair(), patient.pair("old laptop")
        frame = encode_frame(entries[:64])
        ids = []
        for key in ("ended-session", "running-session"):
            ids.append(device.post("/api/v1/sessions", json=new_session(key)).json()["id"])
            assert device.post(f"/api/v1/sessions/{ids[-1]}/packets", content=frame).status_code == 200
        assert device.post(f"/api/v1/sessions/{ids[0]}/end").status_code == 200
        assert other.post("/api/v1/sessions", json=new_session("other-session")).status_code == 201
        assert patient.post(f"/patients/{patient.id}/devices/{revoked.id}/revoke").status_code == 303
        nobody = httpx.Client(base_url=house.url, verify=False, headers={"origin": house.url})
        clients = [nobody, patient, other, colleague, physio, elsewhere, admin, boss_elsewhere, device, revoked]
        yield World(house, dict(zip(ASKERS, clients, strict=True)), *ids, frame, new_session)
    patch.undo()


def get(path: str) -> Callable:
    return lambda world, client: client.get(path.format(ended=world.ended, running=world.running, id=world.patient.id), headers=JSON)


def post(path: str, **body: object) -> Callable:
    return lambda world, client: client.post(path.format(ended=world.ended, running=world.running, id=world.patient.id), headers=JSON, **body)


def begins(world: World, client: httpx.Client) -> httpx.Response:
    return client.post("/api/v1/sessions", json=world.body(f"a-session-{id(client)}"))


def sends(world: World, client: httpx.Client) -> httpx.Response:
    return client.post(f"/api/v1/sessions/{world.running}/packets", content=world.frame)


def brings(path: str) -> Callable:
    return post(path, files={"recording": ("recording.parquet", b"PAR1")})


def leaves(world: World, client: httpx.Client) -> httpx.Response:
    """Another login of the same person: the one at hand is still needed."""
    return (client.again() if isinstance(client, Browser) else client).post("/logout", headers=JSON)


def disables(world: World, client: httpx.Client) -> httpx.Response:
    fresh, _ = world.clients["admin"].link_for(f"Fay {id(client)}", "patient")
    return client.post(f"/people/{fresh}/disable", headers=JSON)


def disables_by_api(world: World, client: httpx.Client) -> httpx.Response:
    fresh, _ = world.clients["admin"].link_for(f"Dan {id(client)}", "patient")
    return client.post(f"/api/v1/people/{fresh}/disable")


def uninvites(world: World, client: httpx.Client) -> httpx.Response:
    fresh, _ = world.clients["admin"].link_for(f"Ivy {id(client)}", "patient")
    return client.delete(f"/api/v1/people/{fresh}/invitation")


def assigns_by_api(method: str, whom: str) -> Callable:
    return lambda world, client: client.request(method, f"/api/v1/patients/{world.patient.id}/staff/{world.clients[whom].id}")


def revokes_by_api(world: World, client: httpx.Client) -> httpx.Response:
    return client.delete(f"/api/v1/patients/{world.patient.id}/devices/{world.patient.pair().id}")


def erases(world: World, client: httpx.Client) -> httpx.Response:
    fresh, _ = world.clients["admin"].link_for(f"Eve {id(client)}", "patient")
    return client.post(f"/people/{fresh}/erase", headers=JSON, data={"sure": "true"})


def erases_by_api(world: World, client: httpx.Client) -> httpx.Response:
    fresh, _ = world.clients["admin"].link_for(f"Ida {id(client)}", "patient")
    return client.delete(f"/api/v1/people/{fresh}")


def withdraws_by_api(world: World, client: httpx.Client) -> httpx.Response:
    """The patient does it as somebody else, as below; the others as themselves."""
    if client is world.clients["patient"]:
        client = world.clients["admin"].add(f"Wanda {id(client)}", "patient")
        return client.delete(f"/api/v1/patients/{client.id}/consent")
    return client.delete(f"/api/v1/patients/{world.patient.id}/consent")


def withdraws(world: World, client: httpx.Client) -> httpx.Response:
    """Patients who are asked do it as somebody else: what they hold is still needed."""
    if client in (world.clients["patient"], world.clients["other patient"]):
        client = world.clients["admin"].add(f"Wim {id(client)}", "patient")
    return client.post("/consent/withdraw", headers=JSON)


def revokes(world: World, client: httpx.Client) -> httpx.Response:
    return client.post(f"/patients/{world.patient.id}/devices/{world.patient.pair().id}/revoke", headers=JSON)


def prescribes(world: World, client: httpx.Client) -> httpx.Response:
    return client.post(f"/api/v1/patients/{world.patient.id}/programme", json={"starts_on": "2026-01-01", "items": []})


def takes_back(world: World, client: httpx.Client) -> httpx.Response:
    return client.post(_message(world), headers=JSON)


def takes_back_by_api(world: World, client: httpx.Client) -> httpx.Response:
    return client.post(f"/api/v1{_message(world)}")


def _message(world: World) -> str:
    """Where one is taken back that was written for it."""
    written = {"text": "Well done.", "to_patient": "true"}
    assert world.clients["physio"].post(f"/patients/{world.patient.id}/notes", data=written).status_code == 303
    page = world.clients["physio"].get(f"/patients/{world.patient.id}").text
    return re.search(r'action="(/patients/[^"]+/take-back)"', page)[1]


def reports(world: World, client: httpx.Client) -> httpx.Response:
    return client.put(f"/api/v1/sessions/{world.ended}/report", json={"pain_worst": 3})


def answers(world: World, client: httpx.Client) -> httpx.Response:
    told = {"questionnaire": "knee_week", "version": "1", "given": [0, 0, 0]}
    return client.post(f"/api/v1/patients/{world.patient.id}/answers", json=told)


def assigns(world: World, client: httpx.Client) -> httpx.Response:
    told = {"staff": world.clients["physio"].id, "to": "true"}
    return client.post(f"/people/{world.patient.id}/assignment", data=told, headers=JSON)


def corrects(page: bool) -> Callable:
    """Each asker says that there was a repetition in another place."""

    def ask(world: World, client: httpx.Client) -> httpx.Response:
        at_s = 0.5 * list(world.clients.values()).index(client) + (0.25 if page else 0)
        said = {"at_s": at_s, "end_s": at_s + 0.2, "reason": "seen"}
        if page:
            return client.post(f"/sessions/{world.ended}/corrections", data=said | {"what": "add:good"}, headers=JSON)
        return client.post(f"/api/v1/sessions/{world.ended}/corrections", json=said | {"action": "add", "label": "good"})

    return ask


def opens(what: str) -> Callable:
    """The code that the socket of the ended session is closed with."""
    return lambda world, client: _closed_with(world, client, what)


def _closed_with(world: World, client: httpx.Client, what: str) -> int:
    async def code() -> int:
        url = f"{world.house.url.replace('http', 'ws')}/api/v1/sessions/{world.ended}/{what}"
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in client.cookies.items())}
        headers |= {name: client.headers[name] for name in ("authorization",) if name in client.headers}
        async with open_socket(url, additional_headers=headers, origin=world.house.url) as socket:
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await socket.recv()
            return socket.close_code

    return asyncio.run(code())


EVERYBODY = (200,) * 10
OWN = (401, 200, 404, 404, 200, 404, 404, 404, 403, 401)  # the patient's own, and the physio's who looks after them
OWN_303 = tuple(303 if status == 200 else status for status in OWN)
WRITES = (401, 200, 404, 403, 403, 403, 403, 403, 200, 401)
ADMINS = (401, 403, 403, 403, 403, 403, 200, 404, 403, 401)
ADMINS_303 = tuple(303 if status == 200 else status for status in ADMINS)
ADMINS_204 = tuple(204 if status == 200 else status for status in ADMINS)
LISTS = (401, 200, 200, 200, 200, 200, 200, 200, 403, 401)
STAFF = (401, 403, 403, 200, 200, 200, 200, 200, 403, 401)
CLINICS = (401, 403, 403, 403, 403, 403, 200, 200, 403, 401)

ASKED = (401, 200, 200, 403, 403, 403, 403, 403, 403, 401)
FORM = (401, 403, 403, 404, 200, 404, 404, 404, 403, 401)
FORM_303 = tuple(303 if status == 200 else status for status in FORM)
FORM_REPORT = (401, 303, 404, 403, 403, 403, 403, 403, 403, 401)
PATIENTS = (401, 200, 200, 404, 404, 404, 404, 404, 403, 401)
PATIENTS_303 = (401, 303, 303, 403, 403, 403, 403, 403, 403, 401)
PLAN, ANSWERED = {"starts_on": "2026-01-02"}, {"version": "1", "item_0": "0", "item_1": "0", "item_2": "0"}
P = "/api/v1/patients/{person_id}/programme"
C, N = "/api/v1/patients/{person_id}/consent", "/api/v1/patients/{person_id}/notes"
S, A = "/api/v1/sessions/{session_id}", "/api/v1/patients/{person_id}/staff/{staff_id}"
EXPORTS = ("repetitions.csv", "report.pdf", "fhir.json")
ROWS: dict[tuple[str, str], tuple[Callable, tuple[int, ...]]] = {
    ("GET", "/api/v1/openapi.json"): (get("/api/v1/openapi.json"), EVERYBODY),
    ("POST", "/api/v1/sessions"): (begins, (401, 201, 201, 403, 403, 403, 403, 403, 201, 401)),
    ("GET", "/api/v1/sessions"): (get("/api/v1/sessions"), LISTS),
    ("GET", S): (get("/api/v1/sessions/{ended}"), OWN),
    ("POST", f"{S}/end"): (post("/api/v1/sessions/{ended}/end"), WRITES),
    ("GET", f"{S}/curve"): (get("/api/v1/sessions/{running}/curve"), OWN),
    ("POST", f"{S}/packets"): (sends, WRITES),
    ("GET", f"{S}/recording.parquet"): (get("/api/v1/sessions/{ended}/recording.parquet"), OWN),
    ("GET", f"{S}/recording.csv"): (get("/api/v1/sessions/{ended}/recording.csv"), OWN),
    ("GET", f"{S}/recording.json"): (get("/api/v1/sessions/{ended}/recording.json"), OWN),
    ("POST", f"{S}/reprocess"): (post("/api/v1/sessions/{ended}/reprocess"), tuple(202 if s == 200 else s for s in OWN)),
    ("POST", f"{S}/corrections"): (corrects(page=False), tuple(201 if s == 200 else s for s in OWN)),
    ("GET", f"{S}/results"): (get("/api/v1/sessions/{ended}/results"), OWN),
    ("GET", f"{S}/results/{{version}}"): (get("/api/v1/sessions/{ended}/results/" + processing.VERSION), OWN),
    ("POST", "/api/v1/recordings"): (brings("/api/v1/recordings"), (401, 422, 422, 403, 403, 403, 403, 403, 422, 401)),
    ("GET", "/api/v1/patients/{person_id}/everything.zip"): (get("/api/v1/patients/{id}/everything.zip"), OWN),
    ("POST", f"{S}/message"): (post("/api/v1/sessions/{running}/message", json={"text": "slowly"}), (401, 403, 403, 404, 204, 404, 404, 404, 403, 401)),
    ("GET", "/api/v1/patients"): (get("/api/v1/patients"), STAFF),
    ("GET", C): (get("/api/v1/patients/{id}/consent"), OWN),
    ("POST", C): (post("/api/v1/patients/{id}/consent", json={"version": "another"}), (401, 409, 404, 404, 403, 404, 404, 404, 403, 401)),
    ("DELETE", C): (withdraws_by_api, (401, 204, 404, 404, 403, 404, 404, 404, 403, 401)),
    ("DELETE", "/api/v1/people/{person_id}"): (erases_by_api, ADMINS_204),
    ("GET", "/api/v1/people"): (get("/api/v1/people"), CLINICS),
    ("POST", "/api/v1/people"): (post("/api/v1/people", json={"name": "New", "kind": "patient"}), tuple(201 if s == 200 else s for s in CLINICS)),
    ("POST", "/api/v1/people/{person_id}/invitation"): (post("/api/v1/people/{id}/invitation"), tuple(201 if s == 200 else s for s in ADMINS)),
    ("DELETE", "/api/v1/people/{person_id}/invitation"): (uninvites, ADMINS_204),
    ("POST", "/api/v1/people/{person_id}/disable"): (disables_by_api, ADMINS_204),
    ("PUT", A): (assigns_by_api("PUT", "physio"), ADMINS_204),
    ("DELETE", A): (assigns_by_api("DELETE", "colleague"), ADMINS_204),
    ("POST", "/api/v1/patients/{person_id}/pairing"): (post("/api/v1/patients/{id}/pairing"), tuple(201 if s == 200 else s for s in OWN)),
    ("GET", "/api/v1/patients/{person_id}/devices"): (get("/api/v1/patients/{id}/devices"), OWN),
    ("DELETE", "/api/v1/patients/{person_id}/devices/{device_id}"): (revokes_by_api, tuple(204 if s == 200 else s for s in OWN)),
    ("GET", N): (get("/api/v1/patients/{id}/notes"), FORM),
    ("POST", N): (post("/api/v1/patients/{id}/notes", json={"text": "Well done."}), tuple(201 if status == 200 else status for status in FORM)),
    ("POST", f"{N}/{{note_id}}/take-back"): (takes_back_by_api, tuple(204 if status == 200 else status for status in FORM)),
    ("GET", f"{P}/versions"): (get("/api/v1/patients/{id}/programme/versions"), OWN),
    ("GET", "/consent"): (get("/consent"), ASKED),
    ("POST", "/consent"): (post("/consent", data={"version": "another"}), tuple(409 if status == 200 else status for status in ASKED)),
    ("POST", "/consent/withdraw"): (withdraws, tuple(303 if status == 200 else status for status in ASKED)),
    ("GET", "/people/{person_id}/erase"): (get("/people/{id}/erase"), ADMINS),
    ("POST", "/people/{person_id}/erase"): (erases, ADMINS_303),
    ("GET", "/import"): (get("/import"), (401, 200, 200, 403, 403, 403, 403, 403, 200, 401)),
    ("POST", "/import"): (brings("/import"), (401, 422, 422, 403, 403, 403, 403, 403, 422, 401)),
    **{("GET", f"{S}/exports/{name}"): (get(f"/api/v1/sessions/{{ended}}/exports/{name}"), OWN) for name in EXPORTS},
    **{("GET", f"/api/v1/patients/{{person_id}}/exports/{name}"): (get(f"/api/v1/patients/{{id}}/exports/{name}"), OWN) for name in EXPORTS},
    ("WS", f"{S}/packets"): (opens("packets"), (4001, 4000, 4004, 4003, 4003, 4003, 4003, 4003, 4000, 4001)),
    ("WS", f"{S}/live"): (opens("live"), (4001, 4000, 4004, 4004, 4000, 4004, 4004, 4004, 4001, 4001)),
    ("POST", "/api/v1/devices"): (post("/api/v1/devices", json={"code": "0000-0000", "name": "x"}), (404,) * 10),
    ("GET", "/"): (get("/"), (401, 200, 200, 303, 303, 303, 303, 303, 403, 401)),
    ("GET", "/band"): (get("/band"), EVERYBODY),
    ("GET", "/sw.js"): (get("/sw.js"), EVERYBODY),
    ("GET", "/live"): (get("/live"), (401, 303, 303, 303, 303, 200, 200, 200, 403, 401)),
    ("GET", "/sessions/{session_id}/live"): (get("/sessions/{ended}/live"), OWN_303),
    ("GET", "/compare"): (get("/compare?a={ended}&b={ended}"), OWN),
    ("GET", "/sessions/{session_id}"): (get("/sessions/{ended}"), OWN),
    ("POST", "/sessions/{session_id}/reprocess"): (post("/sessions/{ended}/reprocess"), OWN_303),
    ("POST", "/sessions/{session_id}/corrections"): (corrects(page=True), OWN_303),
    ("GET", "/intended-use"): (get("/intended-use"), EVERYBODY),
    ("POST", "/language"): (post("/language", data={"language": "en"}), tuple(303 for _ in EVERYBODY)),
    ("GET", "/history"): (get("/history"), (401, 200, 200, 403, 403, 403, 403, 403, 404, 401)),
    ("GET", "/sessions"): (get("/sessions"), LISTS),
    ("GET", "/sessions/{session_id}/done"): (get("/sessions/{ended}/done"), (401, 200, 404, 404, 303, 404, 404, 404, 403, 401)),
    ("POST", "/sessions/{session_id}/done"): (post("/sessions/{ended}/done", data={}), FORM_REPORT),
    ("GET", "/login"): (get("/login"), EVERYBODY),
    ("POST", "/login"): (post("/login", data={"email": "a@b.example", "password": PASSWORD}), (401,) * 10),
    ("GET", "/login/code"): (get("/login/code"), (401,) * 10),
    ("POST", "/login/code"): (post("/login/code", data={"code": "000000"}), (401,) * 10),
    ("GET", "/account"): (get("/account"), LISTS),
    ("POST", "/logout"): (leaves, (401, 303, 303, 303, 303, 303, 303, 303, 403, 401)),
    ("GET", "/invitation"): (get("/invitation"), EVERYBODY),
    ("POST", "/invitation"): (post("/invitation", data={"secret": "x" * 43}), (404,) * 10),
    ("GET", "/people"): (get("/people"), CLINICS),
    ("POST", "/people"): (post("/people", data={"name": "New", "kind": "patient"}), CLINICS),
    ("POST", "/people/{person_id}/link"): (post("/people/{id}/link"), ADMINS),
    ("POST", "/people/{person_id}/disable"): (disables, ADMINS_303),
    ("POST", "/people/{person_id}/assignment"): (assigns, ADMINS_303),
    ("GET", "/patients"): (get("/patients"), STAFF),
    ("GET", "/patients/{person_id}"): (get("/patients/{id}"), OWN),
    ("POST", "/patients/{person_id}/pairing"): (post("/patients/{id}/pairing"), OWN),
    ("POST", "/patients/{person_id}/devices/{device_id}/revoke"): (revokes, OWN_303),
    ("GET", P): (get("/api/v1/patients/{id}/programme"), OWN),
    ("POST", P): (prescribes, (401, 403, 403, 404, 201, 404, 404, 404, 403, 401)),
    ("GET", f"{S}/report"): (get("/api/v1/sessions/{ended}/report"), OWN),
    ("PUT", f"{S}/report"): (reports, WRITES),
    ("GET", "/api/v1/audit"): (get("/api/v1/audit"), CLINICS),
    ("GET", "/api/v1/questionnaires"): (get("/api/v1/questionnaires"), LISTS),
    ("GET", "/api/v1/patients/{person_id}/answers"): (get("/api/v1/patients/{id}/answers"), OWN),
    ("POST", "/api/v1/patients/{person_id}/answers"): (answers, (401, 201, 404, 404, 403, 404, 404, 404, 403, 401)),
    ("GET", "/patients/{person_id}/prescribe"): (get("/patients/{id}/prescribe"), FORM),
    ("POST", "/patients/{person_id}/prescribe"): (post("/patients/{id}/prescribe", data=PLAN), FORM_303),
    ("POST", "/patients/{person_id}/prescribe/preview"): (post("/patients/{id}/prescribe/preview", data=PLAN), FORM),
    ("POST", "/patients/{person_id}/notes"): (post("/patients/{id}/notes", data={"text": "Well done."}), FORM_303),
    ("POST", "/patients/{person_id}/notes/{note_id}/take-back"): (takes_back, FORM_303),
    ("POST", "/sessions/{session_id}/report"): (post("/sessions/{ended}/report", data={}), FORM_REPORT),
    ("GET", "/questionnaires/{name}"): (get("/questionnaires/knee_week"), PATIENTS),
    ("POST", "/questionnaires/{name}"): (post("/questionnaires/knee_week", data=ANSWERED), PATIENTS_303),
    **{("GET", path): (get(path), EVERYBODY) for path in ("/healthz", "/readyz", "/metrics")},  # from this computer
    ("GET", "/demo"): (get("/demo"), (404,) * 10),  # nobody's door on a server that is no demo
    ("POST", "/demo/{role}"): (post("/demo/physio"), (404,) * 10),
    ("GET", "/patients/{person_id}/sheet"): (get("/patients/{id}/sheet"), OWN),
    ("GET", "/people/trail"): (get("/people/trail"), CLINICS),
    ("MOUNT", "/static"): (get("/static/style.css"), EVERYBODY),
}  # fmt: skip


def routes(app) -> set[tuple[str, str]]:
    """(method, path) of all there are."""
    found = set()
    for route in iter_route_contexts(app.routes):
        if route.methods:
            found |= {(method, route.path) for method in route.methods - {"HEAD"}}
        else:
            found.add(("MOUNT" if isinstance(route.original_route, Mount) else "WS", route.path))
    return found


def test_every_route_has_a_row_and_every_row_a_route(tmp_path) -> None:
    app = create_app(Settings(tmp_path))
    described = {(method.upper(), path) for path, methods in app.openapi()["paths"].items() for method in methods}
    app.state.service.close()
    assert routes(app) == set(ROWS)
    assert described <= set(ROWS)
    app.add_api_route("/api/v1/new", lambda: 1)
    assert routes(app) - set(ROWS) == {("GET", "/api/v1/new")}


@pytest.mark.parametrize("route", ROWS, ids=" ".join)
def test_each_asker_gets_what_is_theirs_and_nothing_else(world, route) -> None:
    call, wanted = ROWS[route]
    answers = {asker: call(world, client) for asker, client in world.clients.items()}
    got = {asker: answer if isinstance(answer, int) else answer.status_code for asker, answer in answers.items()}
    assert got == dict(zip(ASKERS, wanted, strict=True))
    for asker, answer in answers.items():
        if not isinstance(answer, int) and answer.status_code in (401, 403, 404):
            assert "Pat Patient" not in answer.text and "hip_external_rotation" not in answer.text, asker


def test_a_list_shows_only_what_its_reader_may_see(world) -> None:
    theirs = {world.ended, world.running}
    for asker, client in world.clients.items():
        if asker in ("nobody", "device", "revoked device"):
            continue
        listed = {session["id"] for session in client.get("/api/v1/sessions?limit=200").json()["sessions"]}
        assert theirs <= listed if asker in ("patient", "physio") else not theirs & listed, asker
        if asker not in ("patient", "other patient"):
            assert (world.patient.id in client.get("/api/v1/patients").text) == (asker == "physio"), asker
    assert world.patient.name in world.clients["physio"].get("/patients").text
    for asker in ("colleague", "admin", "physio elsewhere", "admin elsewhere"):
        assert world.patient.name not in world.clients[asker].get("/patients").text
    assert world.patient.name not in world.clients["admin elsewhere"].get("/people").text


def test_what_is_not_there_and_what_is_not_theirs_answer_alike(world) -> None:
    for asker in ("other patient", "colleague", "physio elsewhere", "admin"):
        client = world.clients[asker]
        for path in ("/api/v1/sessions/{}", "/api/v1/sessions/{}/curve", "/sessions/{}", "/patients/{}"):
            mine = world.patient.id if path.startswith("/patients") else world.ended
            foreign, nothing = (client.get(path.format(id), headers=JSON).json() for id in (mine, NOTHING))
            assert foreign | {"detail": ""} == nothing | {"detail": ""}, (asker, path)
            assert foreign["detail"].replace(mine, NOTHING) == nothing["detail"]


def test_the_same_key_of_two_patients_is_two_sessions(world) -> None:
    made = [world.clients[who].post("/api/v1/sessions", json=world.body("same-key")) for who in ("patient", "other patient")]
    assert [answer.status_code for answer in made] == [201, 201]
    assert made[0].json()["id"] != made[1].json()["id"]
    assert world.patient.post("/api/v1/sessions", json=world.body("same-key")).json()["id"] == made[0].json()["id"]
