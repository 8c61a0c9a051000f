"""A programme from the form to the list of patients; what patients say of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from house import Browser, House, housing

from server.errors import StartError
from server.questionnaires import SLOTS, load
from server.run import running
from server.settings import Settings

TODAY = date(2026, 1, 1)
JSON = {"accept": "application/json"}
ITEM = {"exercise": "hip_external_rotation", "side": "left"}
FORM = {
    "exercise_0": "hip_external_rotation", "side_0": "both", "sets_0": "3", "reps_0": "10", "per_week_0": "3", "weeks_0": "6",
    "tempo_0": "2-1-3", "left_deg_0": "35", "right_deg_0": "40", "band_0": "red",
    "starts_on": "2026-01-01", "quiet_days": "4", "pain_stop": "5", "note": "Slowly <b>down</b>.\nBreathe.",
}  # fmt: skip


@pytest.fixture
def house(tmp_path: Path, database: str | None) -> Iterator[House]:
    with housing(tmp_path / "data", database=database) as house:
        house.admin = house.found("Hillside", "Ada Admin", zone="Europe/Berlin")
        house.phil, house.pat = house.admin.add("Phil Physio", "staff"), house.admin.add("Pat Patient", "patient")
        house.admin.assign(house.phil, house.pat)
        yield house


def programme(browser: Browser, pat: Browser) -> dict:
    answer = browser.get(f"/api/v1/patients/{pat.id}/programme")
    assert answer.status_code == 200, answer.text
    return answer.json()


def prescribe(house: House, **changes: object):
    body = {"starts_on": TODAY.isoformat(), "items": [ITEM]} | changes
    return house.phil.post(f"/api/v1/patients/{house.pat.id}/programme", json=body)


def exercised(house: House, packets, new_session, day: int, key: str) -> dict:
    """A whole session of eight repetitions, on that day."""
    told = new_session(key) | {"started_at": f"{TODAY + timedelta(day)}T12:00:00Z"}
    session = house.pat.post("/api/v1/sessions", json=told).json()
    from sensor.frames import encode_frame

    for i in range(0, len(packets), 256):
        assert house.pat.post(f"/api/v1/sessions/{session['id']}/packets", content=encode_frame(packets[i : i + 256])).is_success
    return house.pat.post(f"/api/v1/sessions/{session['id']}/end").json()


def row_of(browser: Browser, name: str) -> str:
    page = browser.get("/patients").text
    return " ".join(page[page.index(f">{name}</a>") :].partition("</tr>")[0].split())


@pytest.mark.both_stores
def test_from_the_form_to_the_list_of_patients(house: House, entries, new_session) -> None:
    phil, pat = house.phil, house.pat
    assert "no programme" in row_of(phil, pat.name)
    answer = phil.post(f"/patients/{pat.id}/prescribe", data=FORM)
    assert answer.status_code == 303, answer.text
    now = programme(pat, pat)["present"]
    assert (now["version"], now["quiet_days"], now["note"]) == (1, 4, FORM["note"])
    assert [(one["side"], one["rom_target_deg"], one["eccentric_s"], one["band"]) for one in now["items"]] == [
        ("left", 35.0, 3.0, "red"), ("right", 40.0, 3.0, "red"),
    ]  # fmt: skip
    form = phil.get(f"/patients/{pat.id}/prescribe").text
    assert 'value="2-1-3"' in form and '<option value="both" selected>' in form and 'value="40"' in form
    assert "0 of 6" in row_of(phil, pat.name)

    session = exercised(house, entries, new_session, 0, "a-session")
    assert session["tally"]["counted"] == 8
    assert "1 of 6" in row_of(phil, pat.name) and "today" in row_of(phil, pat.name)
    kept = programme(phil, pat)["adherence"]
    assert (kept["weeks"][0]["sessions"], kept["weeks"][0]["reps"], kept["weeks"][0]["prescribed_reps"]) == (1, 8, 180)

    said = {"pain_before": 2, "pain_worst": 7, "pain_after": 3, "exertion": 6, "stopped": "pain", "note": "=cmd()|<script>"}
    assert pat.put(f"/api/v1/sessions/{session['id']}/report", json=said).status_code == 200
    assert "pain 7 of 10" in row_of(phil, pat.name)
    seen = phil.get(f"/sessions/{session['id']}").text
    assert "It hurt" in seen or "it hurt" in seen
    assert "<script>" not in seen.replace('<script src="/static', "").replace('<script type="module" src="/static', "")
    assert phil.get(f"/api/v1/sessions/{session['id']}/report").json() == said | {"made_at": "2026-01-01T00:00:00.000Z"}
    pat.put(f"/api/v1/sessions/{session['id']}/report", json={"pain_worst": 1})
    assert "of 10" not in row_of(phil, pat.name)

    first = session["result"]["reps"][0]
    by_hand = {"action": "remove", "at_s": first["peak_s"], "reason": "that was me scratching"}
    assert phil.post(f"/api/v1/sessions/{session['id']}/corrections", json=by_hand).is_success
    assert programme(phil, pat)["adherence"]["weeks"][0]["reps"] == 7

    house.clock.now += 5 * 86400
    phil = phil.again()
    assert "no session for 5 days" in row_of(phil, pat.name)
    later = {"starts_on": "2026-01-06", "items": [ITEM | {"per_week": 7}]}
    assert phil.post(f"/api/v1/patients/{pat.id}/programme", json=later).json()["version"] == 2
    told = programme(pat, pat)
    assert [one["version"] for one in told["versions"]] == [1, 2] and told["present"]["version"] == 2


def test_programmes_that_cannot_be_are_refused(house: House) -> None:
    for change, where in (
        ({"starts_on": "2025-12-31"}, "body.starts_on"),
        ({"starts_on": "someday"}, "body.starts_on"),
        ({"items": [ITEM, ITEM]}, "body.items"),
        ({"items": [ITEM | {"exercise": "juggling"}]}, "body.items.0.exercise"),
        ({"items": [ITEM | {"side": "both"}]}, "body.items.0.side"),
        ({"items": [ITEM | {"sets": 0}]}, "body.items.0.sets"),
        ({"items": [ITEM | {"rom_target_deg": 181}]}, "body.items.0.rom_target_deg"),
        ({"items": [ITEM | {"band": "pink"}]}, "body.items.0.band"),
        ({"items": [ITEM | {"hold_s": "NaN"}]}, "body.items.0.hold_s"),
        ({"note": "a\0b"}, "body.note"),
        ({"version": 7}, "body.version"),
        ({"patient": 1}, "body.patient"),
    ):
        answer = prescribe(house, **change)
        assert (answer.status_code, answer.json()["where"]) == (422, where)
    assert programme(house.phil, house.pat)["versions"] == []


def test_a_form_that_is_wrong_comes_back_as_it_was(house: House) -> None:
    for change in ({"sets_0": "many"}, {"tempo_0": "slow"}, {"side_0": "up"}, {"starts_on": ""}, {"extra": "1"}, {"made_by": "1"}):
        answer = house.phil.post(f"/patients/{house.pat.id}/prescribe", data=FORM | change)
        assert answer.status_code == 422 and 'role="alert"' in answer.text, change
        assert 'value="35"' in answer.text and "Slowly &lt;b&gt;down" in answer.text
    assert programme(house.phil, house.pat)["versions"] == []


def test_a_programme_that_ends_raises_no_attention(house: House) -> None:
    assert prescribe(house).status_code == 201
    house.clock.now += 20 * 86400
    phil = house.phil.again()
    assert "no session yet" in row_of(phil, house.pat.name)
    body = {"starts_on": "2026-01-21", "items": []}
    assert phil.post(f"/api/v1/patients/{house.pat.id}/programme", json=body).status_code == 201
    assert "no session" not in row_of(phil, house.pat.name)


def test_what_is_said_of_a_session_without_accounts_is_kept_too(client) -> None:
    session = client.create()
    path = f"/api/v1/sessions/{session['id']}/report"
    assert client.get(path).json()["made_at"] is None
    assert client.put(path, json={"pain_worst": 11}).status_code == 422
    assert client.put(path, json={"pain_worst": 4}).status_code == 200
    assert client.get(path).json()["pain_worst"] == 4


# Questionnaires


def test_a_patient_answers_and_the_score_is_kept(house: House) -> None:
    path = f"/api/v1/patients/{house.pat.id}/answers"
    good = {"questionnaire": "knee_week", "version": "1", "given": [3, 2, 10]}
    made = house.pat.post(path, json=good)
    assert made.status_code == 201 and made.json()["score"] == 15
    for bad in ({"given": [3, 2]}, {"given": [3, 2, 11]}, {"version": "2"}, {"questionnaire": "akps"}, {"score": 3}):
        assert house.pat.post(path, json=good | bad).status_code == 422
    assert house.phil.post(path, json=good).status_code == 403
    form = {"version": "1", "item_0": "1", "item_1": "1", "item_2": "1"}
    assert house.pat.post("/questionnaires/knee_week", data=form).status_code == 303
    assert house.pat.post("/questionnaires/knee_week", data={"version": "1", "item_0": "1"}).status_code == 422
    assert [one["score"] for one in house.phil.get(path).json()["answers"]] == [15, 3]


def akps(options: list[int]) -> dict:
    items = [{"text": f"item {n}", "options": [f"option {k}" for k in range(count)]} for n, count in enumerate(options)]
    return {"title": "Knee", "version": "1", "source": "the clinic's licence", "items": items}


def test_the_text_of_somebody_elses_questionnaire_is_the_clinics_to_bring(tmp_path: Path) -> None:
    assert set(load(tmp_path)) == {"knee_week"}
    shape = [len(scores) for scores in SLOTS["akps"]]
    (tmp_path / "akps.json").write_text(json.dumps(akps(shape)))
    found = load(tmp_path)["akps"]
    assert len(found.items) == 13 and found.most == 100
    assert found.score([0] * 13) == 100 and found.score([count - 1 for count in shape]) == 0
    assert found.score([1, *[0] * 12]) == 98
    for bad in (akps(shape[:-1]), akps([4, *shape[1:]]), {}, [], {"items": 3}):
        (tmp_path / "akps.json").write_text(json.dumps(bad))
        with pytest.raises(StartError, match="akps.json"):
            load(tmp_path)


def test_a_questionnaire_that_cannot_be_used_stops_the_start_and_frees_the_directory(tmp_path: Path) -> None:
    (tmp_path / "questionnaires").mkdir()
    (tmp_path / "questionnaires" / "own.json").write_text("{")
    with pytest.raises(StartError, match="own.json"), running(Settings(tmp_path, port=0)):
        pass
    (tmp_path / "questionnaires" / "own.json").unlink()
    with running(Settings(tmp_path, port=0)):
        pass
