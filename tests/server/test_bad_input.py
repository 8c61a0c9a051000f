"""What clients, clinics and other versions do that nobody planned for: each ends in a clear answer, and in nothing lost."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import EXERCISE, beginning
from house import Browser, Clock, House, housing
from websockets.asyncio.client import connect as open_socket
from websockets.exceptions import ConnectionClosed

from sensor.frames import encode_frame
from server.run import running
from server.settings import Settings
from server.times import epoch

YEAR_NS = 365 * 86400 * 10**9
PLAN = {"items": [{"exercise": EXERCISE, "side": "left", "sets": 1, "reps": 4, "per_week": 2, "weeks": 2}]}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with housing(tmp_path / "data") as house:
        house.admin = house.found("Hillside", "Ada Admin")
        house.phil, house.pat = house.admin.add("Phil Physio", "staff"), house.admin.add("Pat Patient", "patient")
        house.admin.assign(house.phil, house.pat)
        yield house


def trained(pat: Browser, entries: list, key: str, started_at: str) -> dict:
    """A session from beginning to end."""
    session = pat.post("/api/v1/sessions", json=beginning(key) | {"started_at": started_at}).json()["id"]
    for i in range(0, len(entries), 256):
        assert pat.post(f"/api/v1/sessions/{session}/packets", content=encode_frame(entries[i : i + 256])).status_code == 200
    ended = pat.post(f"/api/v1/sessions/{session}/end")
    assert ended.status_code == 200, ended.text
    return ended.json()


def programme(browser: Browser, pat: Browser) -> dict:
    answer = browser.get(f"/api/v1/patients/{pat.id}/programme")
    assert answer.status_code == 200, answer.text
    return answer.json()


# Clocks


@pytest.mark.parametrize("years", [-1, 1])
def test_a_client_whose_clock_is_a_year_off(house: House, entries, expected, years: int) -> None:
    """The count is the same, and the session is one of the day it came."""
    assert house.phil.post(f"/api/v1/patients/{house.pat.id}/programme", json=PLAN | {"starts_on": "2026-01-01"}).status_code == 201
    off = [entry._replace(host_ns=entry.host_ns + years * YEAR_NS) for entry in entries]
    ended = trained(house.pat, off, "a-year-off", f"{2026 + years}-01-01T00:00:00Z")
    assert ended["result"] == expected
    week = programme(house.phil, house.pat)["adherence"]["weeks"][0]
    assert (week["sessions"], week["reps"]) == (1, 8)
    for path in ("/patients", f"/patients/{house.pat.id}"):
        assert house.phil.get(path).status_code == 200
    for path in ("/", "/history", f"/sessions/{ended['id']}"):
        assert house.pat.get(path).status_code == 200


def test_a_clinic_in_another_zone_across_dst(tmp_path: Path, entries) -> None:
    """New York puts its clocks forward on Sunday, 8 March 2026, at 07:00 UTC. Half past eleven at night is the next day in
    UTC before and after it, and the week ends when the clinic's Sunday does."""
    clock = Clock()
    clock.now = epoch("2026-03-02T15:00:00.000Z")
    with housing(tmp_path, clock) as house:
        admin = house.found("Harbor", "Ada Admin", zone="America/New_York")
        phil, pat = admin.add("Phil Physio", "staff"), admin.add("Pat Patient", "patient")
        admin.assign(phil, pat)
        assert phil.post(f"/api/v1/patients/{pat.id}/programme", json=PLAN | {"starts_on": "2026-03-01"}).status_code == 422  # yesterday
        assert phil.post(f"/api/v1/patients/{pat.id}/programme", json=PLAN | {"starts_on": "2026-03-02"}).status_code == 201
        for number, at in enumerate(("2026-03-08T04:30:00Z", "2026-03-09T03:30:00Z")):  # 23:30 on the 7th and on the 8th
            house.clock.now = epoch(at.replace("Z", ".000Z")) + 600
            pat = pat.again()
            trained(pat, entries[:330], f"a-night-{number}", at)
        weeks = programme(pat, pat)["adherence"]["weeks"]
        assert [(week["begins"], week["sessions"], week["over"]) for week in weeks] == [("2026-03-02", 2, False)]
        house.clock.now = epoch("2026-03-09T04:00:00.000Z")  # Monday there
        kept = programme(pat, pat)["adherence"]
        assert kept["weeks"][0]["over"] and (kept["kept"], kept["streak"]) == (2, 1)
        assert "8 March" in pat.get("/sessions").text and "23:30" in pat.get("/sessions").text


# Sessions


async def test_two_clients_of_one_session(client, entries, expected) -> None:
    """The same packets from both are stored once. Other packets under the same numbers are refused, and the first client
    goes on."""
    session = client.create()["id"]
    url = f"{str(client.base_url).rstrip('/').replace('http', 'ws', 1)}/api/v1/sessions/{session}/packets"

    async def send(entries: list, until: int = -1) -> tuple[list[dict], int | None]:
        """Until that much is acknowledged, or the server closes."""
        said = []
        async with open_socket(url) as socket:
            try:
                said.append(json.loads(await socket.recv()))
                for i in range(0, len(entries), 20):
                    await socket.send(encode_frame(entries[i : i + 20]))
                while said[-1].get("acknowledged") != until:
                    said.append(json.loads(await socket.recv()))
            except ConnectionClosed:
                pass
        return said, socket.close_code

    both = await asyncio.gather(send(entries[:300], 299), send(entries[:300], 299))
    assert [said[-1]["acknowledged"] for said, _ in both] == [299, 299]
    foreign = [entry._replace(packet=entries[n + 1].packet) for n, entry in enumerate(entries[280:300], 280)]
    said, code = await send(foreign)
    assert code == 4009 and said[-1]["status"] == 409
    await send(entries, len(entries) - 1)
    assert (await asyncio.to_thread(client.end, session))["result"] == expected


def test_a_session_of_an_exercise_that_this_server_does_not_know(tmp_path: Path, connect, entries) -> None:
    """New ones are refused by name; those that another version has stored stand in the way of nothing else."""
    with running(Settings(tmp_path, port=0)) as url, connect(url) as client:
        refused = client.post("/api/v1/sessions", json=beginning() | {"exercise": "hip_flexion"})
        assert refused.status_code == 422 and EXERCISE in refused.json()["detail"] and refused.json()["where"] == "body.exercise"
        ids = [client.create(f"session-{number}")["id"] for number in range(3)]
        for id in ids:
            client.send_all(id, entries[:330])
        ended = client.end(ids[0])
    with sqlite3.connect(tmp_path / "hiprep.sqlite3") as other:
        other.execute("UPDATE sessions SET exercise = 'hip_flexion' WHERE id IN (?, ?)", ids[:2])
        changed = json.dumps(ended["result"]).replace(EXERCISE, "hip_flexion")
        other.execute("UPDATE results SET document = ?", (changed,))
        other.execute("UPDATE parts SET exercise = 'hip_flexion'")
    with running(Settings(tmp_path, port=0, idle_hours=1e-6)) as url, connect(url) as client:
        assert len(client.get("/api/v1/sessions").json()["sessions"]) == 3
        for path in ("/", "/sessions", f"/sessions/{ids[0]}", f"/api/v1/sessions/{ids[0]}"):
            assert client.get(path).status_code == 200, path
        for export in ("repetitions.csv", "report.pdf", "fhir.json"):
            assert client.get(f"/api/v1/sessions/{ids[0]}/exports/{export}").status_code == 200, export
        for answer in (client.get(f"/api/v1/sessions/{ids[1]}"), client.put_packets(ids[1], entries[330:340])):
            assert answer.status_code == 409 and "hip_flexion" in answer.json()["detail"], answer.text
        assert client.put_packets(ids[2], entries[330:340]).status_code == 200


def test_a_patient_without_a_programme(house: House, entries) -> None:
    """Trains all the same, is seen, and is stopped by pain as everybody."""
    pat, phil = house.pat, house.phil
    empty = programme(pat, pat)
    assert empty["present"] is None and empty["versions"] == [] and empty["adherence"]["due"] == 0
    ended = trained(pat, entries[:330], "no-programme", "2026-01-01T00:00:00Z")
    assert ended["tally"]["counted"] == 4
    running_one = pat.post("/api/v1/sessions", json=beginning("in-great-pain")).json()["id"]
    assert pat.put(f"/api/v1/sessions/{running_one}/report", json={"pain_worst": 6}).status_code == 200
    assert pat.get(f"/api/v1/sessions/{running_one}").json()["state"] == "ended"
    for path in ("/", "/sessions", "/history", f"/patients/{pat.id}", f"/patients/{pat.id}/sheet", f"/sessions/{ended['id']}/done"):
        assert pat.get(path).status_code == 200, path
    for path in ("/patients", f"/patients/{pat.id}", f"/patients/{pat.id}/prescribe", f"/sessions/{ended['id']}"):
        assert phil.get(path).status_code == 200, path
    assert "pain" in phil.get("/patients").text
    for export in ("repetitions.csv", "report.pdf", "fhir.json"):
        assert phil.get(f"/api/v1/patients/{pat.id}/exports/{export}").status_code == 200, export
