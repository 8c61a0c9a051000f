"""If-None-Match, If-Match, Idempotency-Key, paging; the trail that admins read; the description of it all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from house import Browser, House, housing
from jsonschema_rs import validator_for

from server.app import create_app
from server.settings import Settings
from server.store import Store, belongings, once, people
from server.store.times import iso

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


def test_the_description_is_complete_and_its_examples_fit(tmp_path: Path) -> None:
    """Each operation has words, a summary, problems, and examples of what goes in and out that its schema takes."""
    app = create_app(Settings(tmp_path))
    try:
        described = app.openapi()
        assert app.openapi() is described
    finally:
        app.state.service.close()
    schemas = described["components"]["schemas"]
    binary = {"type": "string", "format": "binary"}

    def check(where: str, content: dict) -> None:
        for media, told in content.items():
            if media == "application/json" and told["schema"] != binary:
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
