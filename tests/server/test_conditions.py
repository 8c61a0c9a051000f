"""If-None-Match, If-Match, Idempotency-Key, paging; the trail that admins read; the description of it all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from house import PASSWORD, Browser, House, housing
from jsonschema_rs import validator_for

from server.app import create_app
from server.settings import Settings
from server.store import Store, belongings, once, people
from server.times import iso

PLAN = {"starts_on": "2026-01-01", "items": [{"exercise": "hip_abduction", "side": "left"}]}
ANSWER = {"questionnaire": "knee_week", "version": "1", "given": [1, 2, 3]}


@pytest.fixture
def house(tmp_path: Path, database) -> Iterator[House]:
    with housing(tmp_path, database=database) as house:
        house.admin = house.found("Hillside", "Ada Admin")
        house.phil, house.pat, house.otto = (house.admin.add(*who) for who in (("Phil Physio", "staff"), ("Pat Patient", "patient"), ("Otto Other", "patient")))
        house.admin.assign(house.phil, house.pat)
        yield house


def path(house: House, what: str) -> str:
    return f"/api/v1/patients/{house.pat.id}/{what}"


@pytest.mark.both_stores
def test_what_one_has_is_not_sent_again_and_what_has_changed_is_not_changed(house, new_session) -> None:
    first = house.phil.get(path(house, "programme"))
    tag = first.headers["etag"]
    for given in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        same = house.phil.get(path(house, "programme"), headers={"if-none-match": given})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    made = house.phil.post(path(house, "programme"), json=PLAN, headers={"if-match": tag})
    assert made.status_code == 201
    again = house.phil.post(path(house, "programme"), json=PLAN, headers={"if-match": tag})
    assert again.status_code == 412 and again.headers["content-type"] == "application/problem+json"
    changed = house.phil.get(path(house, "programme"), headers={"if-none-match": tag})
    assert changed.status_code == 200 and len(changed.json()["versions"]) == 1
    session = house.pat.post("/api/v1/sessions", json=new_session("a-session")).json()["id"]
    report = f"/api/v1/sessions/{session}/report"
    tags = [house.pat.get(report).headers["etag"]]
    assert house.pat.put(report, json={"pain_worst": 1}, headers={"if-match": tags[0]}).is_success
    assert house.pat.put(report, json={"pain_worst": 9}, headers={"if-match": tags[0]}).status_code == 412
    assert house.pat.get(report).json()["pain_worst"] == 1


@pytest.mark.both_stores
def test_a_request_with_a_key_is_done_once(house, new_session, entries) -> None:
    """And the answer is the first one, also after the data have changed."""
    session = house.pat.post("/api/v1/sessions", json=new_session("a-session")).json()["id"]
    house.pat.post(f"/api/v1/sessions/{session}/end")
    said = {"action": "add", "at_s": 0.0, "end_s": 0.5, "label": "good", "reason": "seen"}
    for who, where, body, other in (
        (house.phil, path(house, "programme"), PLAN, PLAN | {"note": "other"}),
        (house.pat, path(house, "answers"), ANSWER, ANSWER | {"given": [0, 0, 0]}),
    ):
        sent = [who.post(where, json=body, headers={"idempotency-key": "my-own-word"}) for _ in range(3)]
        assert [answer.status_code for answer in sent] == [201] * 3 and len({answer.text for answer in sent}) == 1
        assert who.post(where, json=other, headers={"idempotency-key": "my-own-word"}).status_code == 409
        assert who.post(where, json=body, headers={"idempotency-key": "short"}).status_code == 422
        assert who.post(where, json=body, headers={"idempotency-key": "another-word"}).status_code == 201
        found = next(iter(who.get(where).json()[name] for name in ("versions", "answers") if name in who.get(where).json()))
        assert len(found) == 2
    correct = f"/api/v1/sessions/{session}/corrections"
    refused = [house.pat.post(correct, json=said, headers={"idempotency-key": "my-own-word"}).status_code for _ in range(2)]
    assert refused == [422, 422]  # there is no such time: what failed was not done, and may be tried again


async def test_answers_are_kept_for_a_day_and_go_with_their_patient(house) -> None:
    house.pat.post(path(house, "answers"), json=ANSWER, headers={"idempotency-key": "my-own-word"})
    settings = house.settings
    everything = house.pat.get(path(house, "everything.zip"))
    assert everything.is_success
    store = Store(settings.data_dir / "hiprep.sqlite3")
    try:
        number = store.read(people.in_clinic, house.pat.id, 1).number
        assert len(store.read(belongings.rows, number)["once"]) == 1
        await store.write(once.forget, iso(house.clock.now + 1))
        assert store.read(belongings.rows, number)["once"] == []
    finally:
        store.close()


@pytest.mark.both_stores
def test_admins_read_their_clinics_trail_page_by_page(house) -> None:
    house.phil.get(path(house, "programme"))
    house.pat.get(path(house, "programme"))
    house.phil.get(path(house, "exports/fhir.json"))

    def pages(browser: Browser, **asked: object) -> list[dict]:
        found, before = [], None
        while True:
            answer = browser.get("/api/v1/audit", params=asked | ({"before": before} if before is not None else {}))
            assert answer.status_code == 200, answer.text
            found += answer.json()["entries"]
            before = answer.json()["next"]
            if before is None:
                return found

    about = [(one["actor"], one["action"]) for one in pages(house.admin, subject=house.pat.id, limit=2) if one["action"] != "read the trail"]
    assert about[:3] == [(house.phil.id, "exported"), (house.pat.id, "read"), (house.phil.id, "read")]
    mine = pages(house.admin, limit=3)
    numbers = [one["number"] for one in mine]
    assert numbers == sorted(numbers, reverse=True) and len(set(numbers)) == len(numbers)
    assert "Pat" not in str(mine) and "clinic" not in mine[0]
    assert house.phil.get("/api/v1/audit").status_code == 403


@pytest.mark.both_stores
def test_lists_that_grow_are_read_page_by_page(house) -> None:
    """Each as it grows: what comes meanwhile is on no page twice, and nothing is left out."""
    for number in range(5):
        assert house.pat.post(path(house, "answers"), json=ANSWER | {"given": [number % 3, 0, 0]}).status_code == 201
        assert house.phil.post(path(house, "programme"), json=PLAN | {"note": str(number)}).status_code == 201
        assert house.phil.post(path(house, "notes"), json={"text": str(number), "to_patient": number % 2 == 0}).status_code == 201

    def pages(what: str, name: str, cursor: str, grow) -> list[dict]:
        found, at = [], {}
        while True:
            answer = house.phil.get(path(house, what), params={"limit": 2} | at)
            assert answer.status_code == 200, answer.text
            found += answer.json()[name]
            grow()
            if answer.json()["next"] is None:
                return found
            at = {cursor: answer.json()["next"]}

    assert [one["given"][0] for one in pages("answers", "answers", "after", lambda: None)] == [0, 1, 2, 0, 1]
    versions = pages("programme/versions", "versions", "before", lambda: house.phil.post(path(house, "programme"), json=PLAN))
    assert [one["version"] for one in versions] == [5, 4, 3, 2, 1] and [one["note"] for one in versions] == list("43210")
    notes = pages("notes", "notes", "before", lambda: house.phil.post(path(house, "notes"), json={"text": "later"}))
    assert [one["text"] for one in notes] == list("43210") and [one["to_patient"] for one in notes] == [True, False] * 2 + [True]
    others = [house.admin.add(f"Otto Nr {number}", "patient") for number in range(3)]
    for one in others:
        house.admin.assign(house.phil, one)
    first = house.phil.get("/api/v1/patients", params={"limit": 3}).json()
    second = house.phil.get("/api/v1/patients", params={"limit": 3, "after": first["next"]}).json()
    assert [one["name"] for one in first["patients"] + second["patients"]] == ["Pat Patient", "Otto Nr 0", "Otto Nr 1", "Otto Nr 2"]
    assert second["next"] is None and first["patients"][0]["attention"] == []
    message = notes[0]
    assert message["text"] in house.pat.get("/", headers={"accept": "text/html"}).text
    assert house.phil.post(path(house, f"notes/{message['id']}/take-back")).status_code == 204
    assert house.phil.post(path(house, f"notes/{message['id']}/take-back")).status_code == 404
    assert house.phil.post(path(house, "notes"), json={"text": "x" * 2001, "to_patient": True}).status_code == 422


@pytest.mark.both_stores
def test_people_and_devices_without_a_page(house, new_session) -> None:
    """Added once, let in by the newest link only, looked after, paired; and each of that taken back."""

    def people() -> dict[str, dict]:
        found, after = [], "0" * 36
        while after:
            told = house.admin.get("/api/v1/people", params={"limit": 2, "after": after}).json()
            found, after = found + told["people"], told["next"]
        return {one["name"]: one for one in found}

    before = people()
    assert len(before) == 4 and before["Pat Patient"]["by"] == [house.phil.id] and before["Otto Other"]["by"] == []
    nina = {"name": "Nina New", "kind": "patient", "by": house.phil.id}
    made = [house.admin.post("/api/v1/people", json=nina, headers={"idempotency-key": "nina-once"}) for _ in range(2)]
    assert [one.status_code for one in made] == [201, 201] and made[0].json() == made[1].json() and len(people()) == 5
    nina = people()["Nina New"]
    assert nina | {"id": ""} == {"id": "", "name": "Nina New", "role": "patient", "admin": False, "email": None, "state": "invited", "by": [house.phil.id]}
    assert house.admin.post("/api/v1/people", json={"name": "N", "kind": "patient", "by": house.pat.id}).json()["where"] == "by"

    at = f"/api/v1/people/{nina['id']}"
    links = [house.admin.post(f"{at}/invitation").json()["link"]]
    assert house.admin.delete(f"{at}/invitation").status_code == 204 and house.admin.delete(f"{at}/invitation").status_code == 404
    links += [house.admin.post(f"{at}/invitation").json()["link"] for _ in range(2)]
    told = {"email": "nina@example.org", "password": PASSWORD}
    assert [Browser(house).post("/invitation", data=told | {"secret": link.partition("#")[2]}).status_code for link in links] == [404, 404, 303]
    browser = Browser(house).log_in("nina@example.org")

    code = browser.post(f"/api/v1/patients/{nina['id']}/pairing").json()["code"]
    token = browser.post("/api/v1/devices", json={"code": code, "name": "phone"}).json()["token"]
    device = house.phil.get(f"/api/v1/patients/{nina['id']}/devices").json()["devices"][0]
    assert device["name"] == "phone" and token not in str(device)
    sends = {"authorization": f"Bearer {token}"}
    assert browser.post("/api/v1/sessions", headers=sends, json=new_session("a-session")).status_code == 403  # has not agreed yet
    gone = f"/api/v1/patients/{nina['id']}/devices/{device['id']}"
    assert house.phil.delete(gone).status_code == 204 and house.phil.delete(gone).status_code == 404
    assert browser.post("/api/v1/sessions", headers=sends, json=new_session("a-session")).status_code == 401

    pair = f"/api/v1/patients/{nina['id']}/staff/{house.phil.id}"
    for method, seen in (("DELETE", 404), ("DELETE", 404), ("PUT", 200), ("PUT", 200)):
        assert house.admin.request(method, pair).status_code == 204
        assert house.phil.get(f"/api/v1/patients/{nina['id']}/programme").status_code == seen
    assert house.admin.put(f"/api/v1/patients/{nina['id']}/staff/{house.otto.id}").status_code == 422
    assert house.admin.post(f"/api/v1/people/{house.admin.id}/disable").status_code == 422
    assert house.admin.post(f"{at}/disable").status_code == 204 and people()["Nina New"]["state"] == "disabled"
    assert browser.get("/api/v1/sessions").status_code == 401
    about = [one["action"] for one in house.admin.get("/api/v1/audit", params={"subject": nina["id"], "limit": 500}).json()["entries"]]
    wanted = "added,assigned,invited,took back the invitation,invited,invited,took up the invitation,made a pairing code,paired,revoked"
    told = [one for one in about[::-1] if one not in ("read", "logged in", "read the trail")]
    assert told == [*wanted.split(","), "took away", "took away", "assigned", "assigned", "disabled"]


@pytest.mark.both_stores
def test_consent_and_erasure_without_a_page(house, new_session, entries) -> None:
    """A minor's guardian takes back and agrees anew; then the clinic's admin erases the child."""
    session = house.pat.post("/api/v1/sessions", json=new_session("a-session")).json()["id"]
    now = house.phil.get(path(house, "consent")).json()
    assert now["held"] and now["given"]["version"] == now["version"] and now["given"]["text"] == now["text"]
    assert house.pat.delete(path(house, "consent")).status_code == 204
    assert house.pat.get(f"/api/v1/sessions/{session}").json()["state"] == "ended"
    refused = house.pat.post("/api/v1/sessions", json=new_session("another-session"))
    assert refused.status_code == 403 and "has not agreed" in refused.json()["detail"]
    assert house.phil.get(path(house, "consent")).json()["given"]["withdrawn_at"]
    assert house.pat.post(path(house, "consent"), json={"version": "other words"}).status_code == 409
    agreed = house.pat.post(path(house, "consent"), json={"version": now["version"], "guardian": "Gerda Guardian"})
    assert agreed.status_code == 201 and agreed.json()["held"] and agreed.json()["given"]["guardian"] == "Gerda Guardian"
    assert house.pat.post("/api/v1/sessions", json=new_session("another-session")).status_code == 201
    assert house.admin.delete(f"/api/v1/people/{house.admin.id}").status_code == 422
    assert house.admin.delete(f"/api/v1/people/{house.pat.id}").status_code == 204
    assert house.admin.delete(f"/api/v1/people/{house.pat.id}").status_code == 404
    assert house.pat.get("/api/v1/sessions").status_code == 401 and house.phil.get(path(house, "consent")).status_code == 404
    about = house.admin.get("/api/v1/audit", params={"subject": house.pat.id}).json()["entries"]
    assert [one["action"] for one in about if one["action"] != "read the trail"][0] == "erased"
    assert house.otto.get("/api/v1/sessions").status_code == 200


def test_the_description_is_complete_and_its_examples_fit(tmp_path: Path) -> None:
    """Each operation has words, a summary, problems, and examples of what goes in and out that its schema takes."""
    app = create_app(Settings(tmp_path))
    try:
        described = app.openapi()
        assert app.openapi() is described
    finally:
        app.state.service.close()
    schemas = described["components"]["schemas"]
    a_file = {"type": "object"}  # such as recording.json

    def check(where: str, content: dict) -> None:
        for media, told in content.items():
            if media == "application/json" and told["schema"] != a_file:
                name = told["schema"]["$ref"].rpartition("/")[2]
                assert schemas[name].get("examples"), f"{where}: {name} has no example"
                validator = validator_for({"$ref": f"#/components/schemas/{name}", "components": described["components"]})
                for example in schemas[name]["examples"]:
                    validator.validate(example)

    seen = 0
    for address, path in described["paths"].items():
        for method, operation in path.items():
            where = f"{method} {address}"
            seen += 1
            assert operation["summary"] and operation["description"].strip(), where
            check(where, operation.get("requestBody", {}).get("content", {}))
            good = {status: answer for status, answer in operation["responses"].items() if status.startswith("2")}
            bad = {status: answer for status, answer in operation["responses"].items() if status[0] in "45"}
            assert good and {"421", "422"} <= set(bad), where
            for status, answer in operation["responses"].items():
                assert answer["description"], (where, status)
                check(where, answer.get("content", {}))
            for status, answer in bad.items():
                assert answer["content"]["application/problem+json"]["example"]["status"] == int(status), where
            if "requestBody" in operation:
                assert "413" in bad, where
    assert seen > 25 and "ProblemBody" in schemas
