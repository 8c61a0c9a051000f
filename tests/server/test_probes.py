"""Seen from outside: probes that mean it, numbers of nobody, lines without secrets or health data (S13)."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from house import PASSWORD, House, housing
from websockets.asyncio.client import connect as open_socket
from websockets.exceptions import ConnectionClosed

from sensor.frames import encode_frame
from server import intake, logs, probes, totp
from server.service import Service

TOKEN = "t" * 40


@pytest.mark.both_stores
async def test_it_is_ready_while_packets_can_be_stored(client, monkeypatch) -> None:
    assert client.get("/healthz").text == "alive" and client.get("/readyz").text == "ready"
    free = shutil.disk_usage("/")._replace(free=probes.ROOM - 1)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda path: free)
        answer = client.get("/readyz")
        assert answer.status_code == 503 and "disk" in answer.json()["detail"]
    monkeypatch.setattr(intake, "LATE_S", -1.0)
    assert client.get("/readyz").status_code == 503 and client.get("/healthz").is_success


@pytest.mark.both_stores
async def test_without_a_database_it_is_alive_and_not_ready(tmp_path, settings_of) -> None:
    """The writer's thread is stopped, as if it had died."""
    service = Service.open(settings_of(tmp_path))
    assert service.store.alive
    service.close()
    request = SimpleNamespace(app=SimpleNamespace(state=SimpleNamespace(service=service)))
    for probe in (probes.alive, probes.ready):
        with pytest.raises(Exception, match="thread that writes|closed"):
            await probe(request)


def test_a_database_that_cannot_be_written_is_said(client, tmp_path) -> None:
    import sqlite3

    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "hiprep.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # somebody else writes, and does not end
        assert client.get("/readyz").status_code == 503
        other.execute("ROLLBACK")
    assert client.get("/readyz").is_success


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with housing(tmp_path, metrics_token=TOKEN) as house:
        yield house


def test_numbers_are_for_this_computer_or_for_the_token(house) -> None:
    for headers, status in (
        ({}, 200),
        ({"x-forwarded-for": "203.0.113.5"}, 404),  # through a proxy
        ({"host": "clinic.example"}, 404),  # a page that calls itself by another name
        ({"x-forwarded-for": "203.0.113.5", "authorization": f"Bearer {TOKEN}"}, 200),
        ({"x-forwarded-for": "203.0.113.5", "authorization": f"Bearer {TOKEN[1:]}"}, 404),
    ):
        answer = httpx.get(f"{house.url}/metrics", headers=headers, verify=False)
        assert answer.status_code == status, headers
        assert (b"hiprep_requests_total" in answer.content) == (status == 200)
    assert httpx.get(f"{house.url}/readyz", headers={"host": "10.0.0.7"}, verify=False).is_success


async def test_no_line_and_no_number_holds_a_secret_or_a_health_datum(house, new_session, entries) -> None:
    """S13. Everything is done, well and badly; then everything that was said is searched."""
    said = io.StringIO()
    handler, root = logs.handler(said), logging.getLogger()
    root.addHandler(handler)
    logging.getLogger("hiprep").setLevel(logging.INFO)
    try:
        admin = house.found("Hillside", "Ada Admin")
        phil, pat = admin.add("Phil Physio", "staff"), admin.add("Pat Patient", "patient")
        admin.assign(phil, pat)
        device = pat.pair("Pats secret laptop")
        session = device.post("/api/v1/sessions", json=new_session("a-secret-key-of-mine")).json()["id"]
        headers = {"authorization": device.headers["authorization"]}
        url = f"{house.url.replace('http', 'ws')}/api/v1/sessions/{session}/packets"
        async with open_socket(url, additional_headers=headers) as socket:
            await socket.send(encode_frame(entries[:300]))
            await socket.send(b"secret bytes")
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await socket.recv()
        device.post(f"/api/v1/sessions/{session}/end")
        told = {"pain_worst": 7, "note": "a burning groin at night"}
        assert pat.put(f"/api/v1/sessions/{session}/report", json=told).is_success
        answers = [
            pat.put(f"/api/v1/sessions/{session}/report", json=told | {"pain_worst": "a burning groin at night"}),
            pat.post("/login", data={"email": pat.email, "password": "wrong-horse-battery-staple"}),
            pat.post("/login/code", data={"code": "123456"}),
            pat.get("/api/v1/sessions/Pat%20Patient?secret=wrong-horse-battery-staple"),
            httpx.post(f"{house.url}/api/v1/sessions", json={}, headers={"authorization": "Bearer wrong-horse-battery-staple"}, verify=False),
            httpx.request("Pat", f"{house.url}/nowhere/Pat", verify=False),
        ]
        for export in ("report.pdf", "fhir.json", "repetitions.csv"):
            assert phil.get(f"/api/v1/patients/{pat.id}/exports/{export}").is_success
        service_error = RuntimeError("Pat Patient has a burning groin at night")
        try:
            raise service_error
        except RuntimeError:
            logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
        numbers = httpx.get(f"{house.url}/metrics", verify=False).text
    finally:
        root.removeHandler(handler)
        logging.getLogger("hiprep").setLevel(logging.NOTSET)
    lines = [json.loads(line) for line in said.getvalue().splitlines()]
    assert {line["route"] for line in lines if "route" in line} >= {"/login", "/api/v1/sessions/{session_id}/packets", "none"}
    assert any(line.get("error") == "RuntimeError" and line["stack"] for line in lines)
    assert 'hiprep_packets 300.0' in numbers and 'code="4022"' in numbers
    code = totp.code(phil.key, int(house.clock.now // totp.STEP_S))
    cookies = [value for browser in (admin, phil, pat) for value in browser.cookies.values()]
    secrets = [device.token, PASSWORD, admin.key, phil.key, code, TOKEN, house.link.partition("#")[2], "wrong-horse-battery-staple", "secret", *cookies]
    people = ["Pat", "Phil", "Ada", "Hillside", pat.email, phil.email, pat.id, phil.id, session, "groin", "Pats secret laptop"]
    exercise = [new_session("")["exercise"], new_session("")["band"]]
    for where, text in {"log": said.getvalue(), "metrics": numbers}.items():
        for word in (*secrets, *people, *exercise):
            assert not re.search(rf"(?<![\w/-]){re.escape(word)}(?![\w-])", text), (where, word)
    for answer in answers:
        for word in ("groin", "horse", PASSWORD):
            assert word not in answer.text, (answer.url, word)
