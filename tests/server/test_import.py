"""Recordings that come as files, good and bad."""

from __future__ import annotations

import http.client
import io
import json
import zipfile
from pathlib import Path

import pytest
from house import housing

from sensor.recording import read_recording, write_recording
from server.importing import FILE_LIMIT
from server.run import running
from server.settings import Settings

GOLDEN = Path(__file__).parents[1] / "recordings"
NAME = "internal_rotation"


@pytest.fixture(scope="module")
def spelt(tmp_path_factory) -> dict[str, bytes]:
    """The same recording in both spellings."""
    path = tmp_path_factory.mktemp("spelt") / "x.csv"
    write_recording(path, read_recording(GOLDEN / f"{NAME}.parquet"))
    return {
        ".parquet": (GOLDEN / f"{NAME}.parquet").read_bytes(),
        ".csv": path.read_bytes(),
        ".json": path.with_suffix(".json").read_bytes(),
    }


@pytest.fixture(scope="module")
def sidecar(spelt) -> dict:
    return json.loads(spelt[".json"])


@pytest.fixture(scope="module")
def open_server(tmp_path_factory):
    import httpx

    path = tmp_path_factory.mktemp("data")
    with running(Settings(path, port=0)) as url, httpx.Client(base_url=url, timeout=60) as client:
        client.path = path
        yield client


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("_", "."), data)
    return out.getvalue()


def send(client, *files: tuple[str, bytes], path: str = "/api/v1/recordings"):
    return client.post(path, files=[("recording", file) for file in files])


def recordings(client) -> list[str]:
    return sorted(path.name for path in (client.path / "recordings").iterdir())


def test_a_recording_becomes_a_session_in_each_spelling(open_server, spelt, run) -> None:
    replayed = json.loads(run("replay", GOLDEN / f"{NAME}.parquet", "--json").out)
    made = send(open_server, ("mine.PARQUET", spelt[".parquet"]))
    assert made.status_code == 201, made.text
    session = made.json()
    assert session["final"] and session["state"] == "ended" and session["driver"] == "recording"
    assert session["started_at"][:19] == json.loads(spelt[".json"])["started_at"][:19]
    assert session["result"]["reps"] == replayed["reps"]
    assert made.headers["location"] == f"/api/v1/sessions/{session['id']}"
    again = send(open_server, ("other-name.parquet", spelt[".parquet"]))
    assert (again.status_code, again.json()["id"]) == (200, session["id"])
    two = send(open_server, ("x.csv", spelt[".csv"]), ("x.json", spelt[".json"]))
    packed = send(open_server, ("x.zip", zipped(x_csv=spelt[".csv"], x_json=spelt[".json"])))
    assert (two.status_code, packed.status_code) == (201, 200) and two.json()["id"] == packed.json()["id"]
    counted = [[rep["counted"] for rep in one["result"]["reps"]] for one in (session, two.json())]
    assert counted[0] == counted[1]
    assert recordings(open_server) == sorted(f"{id}.parquet" for id in (session["id"], two.json()["id"]))
    back = open_server.get(f"/api/v1/sessions/{session['id']}/recording.parquet")
    assert back.status_code == 200
    job = open_server.post(f"/api/v1/sessions/{two.json()['id']}/reprocess")
    assert job.status_code == 202
    while (job := open_server.get(f"/api/v1/sessions/{two.json()['id']}").json()["history"]["job"])["state"] in ("queued", "running"):
        pass
    assert (job["state"], job["outcome"]) == ("done", "confirmed")
    assert "Any exercise" not in open_server.get(f"/sessions/{session['id']}").text


BAD = {
    "nothing": lambda f, s: [],
    "no name that says what": lambda f, s: [("recording", f[".parquet"])],
    "a picture": lambda f, s: [("x.png", b"\x89PNG")],
    "half a Parquet": lambda f, s: [("x.parquet", f[".parquet"][:-2000])],
    "a CSV alone": lambda f, s: [("x.csv", f[".csv"])],
    "a sidecar alone": lambda f, s: [("x.json", f[".json"])],
    "two of one kind": lambda f, s: [("x.parquet", f[".parquet"]), ("y.parquet", f[".parquet"])],
    "deep JSON": lambda f, s: [("x.csv", f[".csv"]), ("x.json", b"[" * 100_000)],
    "no time": lambda f, s: [("x.csv", f[".csv"]), ("x.json", json.dumps(s | {"started_at": None}).encode())],
    "a time beyond": lambda f, s: [("x.csv", f[".csv"]), ("x.json", json.dumps(s | {"started_at": "0001-01-01T00:00:00+14:00"}).encode())],
    "a pelvis": lambda f, s: [("x.csv", f[".csv"]), ("x.json", json.dumps(s | {"placement": "pelvis"}).encode())],
    "juggling": lambda f, s: [("x.csv", f[".csv"]), ("x.json", json.dumps(s | {"exercise": "juggling"}).encode())],
    "not a zip": lambda f, s: [("x.zip", b"PK\x03\x04" + bytes(50))],
    "a zip of one": lambda f, s: [("x.zip", zipped(x_csv=f[".csv"]))],
    "a zip of Parquet": lambda f, s: [("x.zip", zipped(x_parquet=f[".parquet"], x_json=f[".json"]))],
    "a zip that goes up": lambda f, s: [("x.zip", zipped(**{".._.._evil_sh": b"x", "x_json": f[".json"]}))],
    "a bomb": lambda f, s: [("x.zip", zipped(x_csv=b"0" * (FILE_LIMIT + 1), x_json=f[".json"]))],
    "a bomb that lies": lambda f, s: [("x.zip", lying(FILE_LIMIT + 1, f[".json"]))],
}


def lying(size: int, sidecar: bytes) -> bytes:
    """A zip whose directory says that the member is small."""
    data = bytearray(zipped(x_csv=b"0" * size, x_json=sidecar))
    real, small = size.to_bytes(4, "little"), (9).to_bytes(4, "little")
    assert data.count(real) == 2
    return bytes(data.replace(real, small))


@pytest.mark.parametrize("files", BAD.values(), ids=BAD)
def test_what_is_no_recording_leaves_nothing(open_server, spelt, sidecar, files) -> None:
    before = recordings(open_server), open_server.get("/api/v1/sessions").json()
    answer = send(open_server, *files(spelt, sidecar)) if files(spelt, sidecar) else open_server.post("/api/v1/recordings")
    assert answer.status_code == 422, answer.text
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json" and "\n" not in problem["detail"]
    assert "/" not in problem["detail"].replace("m/s", "").replace("rad/s", ""), problem  # of no path of the server
    assert (recordings(open_server), open_server.get("/api/v1/sessions").json()) == before


def test_too_large_is_refused_before_it_is_read(open_server) -> None:
    connection = http.client.HTTPConnection(open_server.base_url.host, open_server.base_url.port)
    connection.request("POST", "/api/v1/recordings", headers={"content-length": str(FILE_LIMIT * 2)})  # and nothing more
    assert connection.getresponse().status == 413
    connection.close()
    assert open_server.post("/api/v1/sessions", content=b"x" * (1 << 20)).status_code == 413  # the rest stays as small as it was
    too_many = open_server.post("/api/v1/recordings", files=[("recording", ("x", b"")) for _ in range(3)])
    assert too_many.status_code == 400
    assert open_server.post("/api/v1/recordings", content=b"x", headers={"content-type": "multipart/form-data"}).status_code == 400


def test_a_patients_recording_is_theirs(tmp_path, spelt) -> None:
    with housing(tmp_path) as house:
        admin = house.found("Hillside", "Ada Admin")
        physio, patient, other = admin.add("Phil Physio", "staff"), admin.add("Pat Patient", "patient"), admin.add("Otto Other", "patient")
        admin.assign(physio, patient)
        assert 'type="file"' in patient.get("/import").text
        made = send(patient, ("x.parquet", spelt[".parquet"]), path="/import")
        path = made.headers["location"]
        assert made.status_code == 303 and physio.get(path).status_code == 200 and other.get(path).status_code == 404
        theirs = send(other, ("x.parquet", spelt[".parquet"]), path="/import").headers["location"]
        assert theirs != path and other.get(theirs).status_code == 200
        refused = send(patient, ("x.parquet", b"PAR1"), path="/import")
        assert refused.status_code == 422 and "complaint" in refused.text


def test_a_start_removes_what_was_coming_in_and_nothing_else(tmp_path, connect, spelt) -> None:
    with running(Settings(tmp_path, port=0)) as url:
        kept = send(connect(url), ("x.parquet", spelt[".parquet"])).json()["id"]
    killed = "01900000-0000-7000-8000-000000000000"
    for id in (kept, killed):
        (tmp_path / "recordings" / f"{id}.coming").touch()
    (tmp_path / "recordings" / f"{killed}.parquet").write_bytes(spelt[".parquet"])
    with running(Settings(tmp_path, port=0)):
        assert [path.name for path in (tmp_path / "recordings").iterdir()] == [f"{kept}.parquet"]


def test_an_export_that_comes_back_is_the_session_it_was(tmp_path, connect, entries) -> None:
    """In each spelling, and the import's own export as well. What was changed on the way, or comes to another server, is new."""
    with running(Settings(tmp_path / "here", port=0)) as url, connect(url) as client:
        session = client.create()["id"]
        client.send_all(session, entries)
        before = client.end(session)
        found: dict[str, bytes] = {}
        while not found.get(".parquet"):  # its journal becomes a file meanwhile
            found = {suffix: client.get(f"/api/v1/sessions/{session}/recording{suffix}").content for suffix in (".parquet", ".csv", ".json")}
        sent = [send(client, ("x.parquet", found[".parquet"]))]
        sent.append(send(client, ("x.csv", found[".csv"]), ("x.json", found[".json"])))
        sent.append(send(client, ("x.zip", zipped(x_csv=found[".csv"], x_json=found[".json"]))))
        assert [(one.status_code, one.json()["id"]) for one in sent] == [(200, session)] * 3
        assert client.get(f"/api/v1/sessions/{session}").json()["result"] == before["result"]
        assert len(client.get("/api/v1/sessions").json()["sessions"]) == 1
        right = json.dumps(json.loads(found[".json"]) | {"side": "right"}).encode()
        other = send(client, ("x.csv", found[".csv"]), ("x.json", right))
        assert other.status_code == 201 and other.json()["side"] == "right"
        again = client.get(f"/api/v1/sessions/{other.json()['id']}/recording.parquet").content
        assert send(client, ("x.parquet", again)).json()["id"] == other.json()["id"]
    with running(Settings(tmp_path / "there", port=0)) as url, connect(url) as client:
        made = [send(client, ("x.parquet", found[".parquet"])) for _ in range(2)]
        assert [one.status_code for one in made] == [201, 200] and made[0].json()["id"] == made[1].json()["id"] != session
        counted = [[rep["counted"] for rep in one["result"]["reps"]] for one in (made[0].json(), before)]
        assert counted[0] == counted[1]
