"""Attacks on every door at once: S2 (more than is asked for), S6 (from another site), S8 (words that are code), S10 (bombs),
S12 (injection and traversal). The doors are taken from the app, so that a new one is attacked as well."""

from __future__ import annotations

import html
import importlib
import inspect
import io
import json
import os
import pkgutil
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import beginning
from house import Browser, House, housing
from pydantic import BaseModel
from test_matrix import routes
from websockets.asyncio.client import connect as open_socket
from websockets.exceptions import InvalidStatus

from sensor.frames import encode_frame
from sensor.parquet import ROW_LIMIT
from server import api, pages
from server.app import create_app
from server.importing import FILE_LIMIT
from server.settings import Settings

TAG = '"><img src=x onerror=alert(1)>'
NOTHING = "00000000-0000-7000-8000-000000000000"
EVIL = ("'; DROP TABLE sessions; --", "1' OR '1'='1", "../../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "%00", "{{7*7}}\u202e")
QUERIES = ("before", "after", "limit", "since", "q", "show", "lines", "a", "b", "next", "subject")
HEAD = b"time,acc_x,acc_y,acc_z,gyr_x,gyr_y,gyr_z\n"
SIDECAR = json.dumps({
    "device": None, "sample_rate_hz": 100, "placement": "ankle", "side": "left", "exercise": None, "started_at": "2026-01-01T00:00:00Z",
    "units": {"time": "s", "acc": "m/s^2", "gyr": "rad/s"},
})  # fmt: skip
GOLDEN = Path(__file__).parents[1] / "recordings" / "internal_rotation.parquet"


@pytest.fixture(scope="module")
def house(tmp_path_factory, entries) -> Iterator[House]:
    """Whatever a person may type holds the tag."""
    with housing(tmp_path_factory.mktemp("house")) as house:
        house.admin = house.found(f"Clinic {TAG}", "Ada Admin")
        house.phil, house.pat = house.admin.add("Phil Physio", "staff"), house.admin.add("Pat Patient", "patient")
        house.admin.link_for(f"Nora {TAG}", "patient")
        house.admin.assign(house.phil, house.pat)
        assert house.pat.post("/consent/withdraw").status_code == 303
        house.pat.agree(guardian=f"Gerda {TAG}")
        plan = {"starts_on": "2026-01-01", "items": [{"exercise": "hip_external_rotation", "side": "left"}], "note": f"Plan {TAG}"}
        assert house.phil.post(f"/api/v1/patients/{house.pat.id}/programme", json=plan).status_code == 201
        for to_patient in (False, True):
            assert house.phil.post(f"/api/v1/patients/{house.pat.id}/notes", json={"text": f"Note {TAG}", "to_patient": to_patient}).is_success
        house.device = house.pat.pair(f"Laptop {TAG}")
        house.sessions = []
        for key in ("ended-session", "running-session"):
            house.sessions.append(house.device.post("/api/v1/sessions", json=beginning(key) | {"band": f"Band {TAG}"}).json()["id"])
            assert house.device.post(f"/api/v1/sessions/{house.sessions[-1]}/packets", content=encode_frame(entries[:300])).is_success
        ended, running = house.sessions
        assert house.device.post(f"/api/v1/sessions/{ended}/end").is_success
        assert house.pat.put(f"/api/v1/sessions/{ended}/report", json={"pain_worst": 3, "note": f"Report {TAG}"}).is_success
        said = {"action": "add", "at_s": 0.0, "end_s": 0.5, "label": "good", "reason": f"Reason {TAG}"}
        assert house.phil.post(f"/api/v1/sessions/{ended}/corrections", json=said).status_code == 201
        assert house.phil.post(f"/api/v1/sessions/{running}/message", json={"text": f"Message {TAG}"}).status_code == 204
        yield house


@pytest.fixture(scope="module")
def doors(tmp_path_factory) -> set[tuple[str, str]]:
    app = create_app(Settings(tmp_path_factory.mktemp("app")))
    app.state.service.close()
    return routes(app)


def path_of(house: House, door: str, session: int = 0) -> str:
    there = {"session_id": house.sessions[session], "person_id": house.pat.id, "name": "knee_week", "version": "4"}
    return re.sub(r"{(\w+)}", lambda name: there.get(name[1], NOTHING), door)


# S2


def test_no_body_and_no_form_takes_a_field_that_it_does_not_name(tmp_path: Path) -> None:
    app = create_app(Settings(tmp_path))
    described = app.openapi()
    app.state.service.close()
    taken = set()
    for path in described["paths"].values():
        for operation in path.values():
            for media, body in operation.get("requestBody", {}).get("content", {}).items():
                if media == "application/json":
                    taken.add(body["schema"]["$ref"].rpartition("/")[2])
    assert len(taken) >= 9
    for name in taken:
        assert described["components"]["schemas"][name]["additionalProperties"] is False, name
    for package in (api, pages):
        for module in pkgutil.iter_modules(package.__path__):
            source = importlib.import_module(f"{package.__name__}.{module.name}")
            forms = re.findall(r"(?:form\(request, |checked\()([A-Z]\w+)", inspect.getsource(source))
            for kind in (getattr(source, name) for name in forms):
                assert issubclass(kind, BaseModel) and kind.model_config["extra"] == "forbid", kind


# S6


async def test_no_door_does_anything_for_another_site(house: House, doors) -> None:
    """With the cookies of somebody who may, and whatever a browser says of who sent it."""
    tried = 0
    with httpx.Client(base_url=house.url, verify=False, cookies=dict(house.admin.cookies)) as admin:
        for method, door in sorted(doors):
            if method in ("GET", "MOUNT", "WS"):
                continue
            for said in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {}):
                answer = admin.request(method, path_of(house, door), headers=said)
                assert answer.status_code == 403 and answer.json()["where"].startswith("header."), (method, door, said)
                tried += 1
    assert tried > 90
    cookie = "; ".join(f"{name}={value}" for name, value in house.phil.cookies.items())
    for method, door in sorted(doors):
        if method == "WS":
            with pytest.raises(InvalidStatus) as refused:
                await open_socket(house.url.replace("http", "ws", 1) + path_of(house, door), additional_headers={"cookie": cookie}, origin="https://evil.example")
            assert refused.value.response.status_code == 403


# S8


def test_what_people_type_stays_words_on_every_page(house: House, doors) -> None:
    seen: dict[str, str] = {}
    for who in (house.admin, house.phil, house.pat):
        for method, door in sorted(doors):
            if method != "GET" or door.startswith("/api/"):
                continue
            for session in (0, 1):
                answer = who.get(path_of(house, door, session), params={"a": house.sessions[0], "b": house.sessions[0]} if door == "/compare" else {})
                if "html" in answer.headers.get("content-type", ""):
                    assert TAG not in answer.text and "<img src=x" not in answer.text, (who.name, door)
                    seen[door] = seen.get(door, "") + answer.text
    assert len(seen) > 20
    everything = html.unescape(" ".join(seen.values()))
    for field in ("Clinic", "Nora", "Gerda", "Plan", "Note", "Laptop", "Band", "Report", "Reason"):
        assert f"{field} {TAG}" in everything, f"{field} is on no page"


# S12


def lasting(house: House) -> list[dict]:
    """Of the sessions, what time alone does not change."""
    sessions = house.phil.get("/api/v1/sessions").json()["sessions"]
    return [{name: value for name, value in one.items() if name not in ("state", "tally")} for one in sessions]


def test_injection_and_traversal_reach_nothing(house: House, doors) -> None:
    before = lasting(house)
    asked = 0
    for method, door in sorted(doors):
        if method in ("MOUNT", "WS"):
            continue
        for evil in EVIL:
            quoted = evil if "%" in evil else quote(evil)
            paths = [re.sub(r"{\w+}", lambda _, to=quoted: to, door, count=1)] if "{" in door else []
            if method == "GET" and "export" not in door and "." not in door:
                paths.append(f"{path_of(house, door)}?" + "&".join(f"{name}={quoted}" for name in QUERIES))
            for path in paths:
                answer = house.phil.request(method, path)
                asked += 1
                assert answer.status_code < 500, (method, path, answer.text[:300])
                assert "root:" not in answer.text and "49\u202e" not in answer.text, (method, path)
    assert asked > 400
    assert lasting(house) == before
    names = ["../../evil.parquet", "/etc/evil.parquet", "..\\evil.parquet", "x\0.parquet", "A" * 300 + ".parquet"]
    kept = set(house.settings.data_dir.rglob("*"))
    for name in names:
        assert house.pat.post("/api/v1/recordings", files={"recording": (name, b"PAR1")}).status_code in (400, 422), name
    assert not [path for path in set(house.settings.data_dir.rglob("*")) - kept if "evil" in path.name]


# S10


def zipped(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("x.csv", data)
        archive.writestr("x.json", SIDECAR)
    return out.getvalue()


def parquet(**columns: pa.Array) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def bombs() -> dict[str, tuple[str, dict, int]]:
    """where, what, status."""
    import gzip

    import numpy as np

    plain, upload = {"content-type": "application/json"}, "/api/v1/recordings"
    large, packed = zipped(bytes(FILE_LIMIT + 1)), gzip.compress(bytes(100 << 20), compresslevel=1)
    lying = large.replace((FILE_LIMIT + 1).to_bytes(4, "little"), (9).to_bytes(4, "little"))
    text = pa.DictionaryArray.from_arrays(pa.array(np.zeros(2_000_000, np.int32)), ["x" * 1000])
    return {
        "a large body": ("/api/v1/sessions", {"content": bytes(1 << 20), "headers": plain}, 413),
        "a large body of unknown length": ("/api/v1/sessions", {"content": (bytes(1 << 16) for _ in range(64)), "headers": plain}, 413),
        "deep JSON": ("/api/v1/sessions", {"content": b"[" * 500_000, "headers": plain}, 400),
        "deep objects": ("/api/v1/sessions", {"content": b'{"a":' * 100_000, "headers": plain}, 400),
        "a long number": ("/api/v1/sessions", {"content": b"1" * 500_000, "headers": plain}, 400),
        "packed JSON": ("/api/v1/sessions", {"content": packed, "headers": plain | {"content-encoding": "gzip"}}, 400),
        "a packed frame": ("/api/v1/sessions/{}/packets", {"content": packed, "headers": {"content-encoding": "gzip"}}, 400),
        "a zip": (upload, {"files": {"recording": ("x.zip", large)}}, 422),
        "a zip that lies": (upload, {"files": {"recording": ("x.zip", lying)}}, 422),
        "a zip of zeros": (upload, {"files": {"recording": ("x.zip", zipped(bytes(FILE_LIMIT - 1000)))}}, 422),
        "a zip of nonsense": (upload, {"files": {"recording": ("x.zip", zipped(HEAD + b"1,2,3\n" * 10_000_000))}}, 422),
        "a zip of one line": (upload, {"files": {"recording": ("x.zip", zipped(HEAD + b"1," * 30_000_000))}}, 422),
        "a zip of an open quote": (upload, {"files": {"recording": ("x.zip", zipped(HEAD + b'"' + b"1,2\n" * 15_000_000))}}, 422),
        "Parquet of too many rows": (upload, {"files": {"recording": ("x.parquet", parquet(acc_x=pa.array(np.zeros(ROW_LIMIT + 1, np.int16))))}}, 422),
        "Parquet of long words": (upload, {"files": {"recording": ("x.parquet", parquet(acc_x=text))}}, 422),
    }


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_bombs_are_refused_within_a_second_and_50_mb(tmp_path: Path, server_process, connect) -> None:
    """Of a server's own time and memory, as the kernel counts them; a good recording before, so that the readers are loaded."""
    made = bombs()
    with server_process(tmp_path) as (process, url), connect(url) as client:
        session = client.create()["id"]
        assert client.post("/api/v1/recordings", files={"recording": ("x.parquet", GOLDEN.read_bytes())}).status_code == 201
        proc = Path(f"/proc/{process.pid}")

        def spent() -> float:
            return sum(map(int, proc.joinpath("stat").read_text().rpartition(") ")[2].split()[11:13])) / os.sysconf("SC_CLK_TCK")

        def peak_mb(name: str) -> float:
            return int(re.search(rf"{name}:\s+(\d+) kB", proc.joinpath("status").read_text())[1]) / 1024

        assert spent() > 0.1 and peak_mb("VmHWM") > 50  # what a start and a good recording take, as this counts it
        for name, (path, what, status) in made.items():
            proc.joinpath("clear_refs").write_text("5")  # the peak begins anew
            before, began = peak_mb("VmRSS"), spent()
            answer = client.post(path.format(session), **what)
            assert answer.status_code == status and answer.headers["content-type"] == "application/problem+json", (name, answer.text[:200])
            assert spent() - began <= 1 and peak_mb("VmHWM") - before <= 50, name
        assert client.get("/readyz").is_success
