from __future__ import annotations

import itertools
import random

import pytest
from httpx import ASGITransport, AsyncClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from processing.results import SessionResult
from sensor.frames import MAX_FRAME, Entry, encode_frame
from sensor.recording import read_recording
from server.api.shapes import Curve, SessionFull, SessionHead, SessionList
from server.app import create_app
from server.guard import HEADERS
from server.run import running
from server.settings import Settings
from server.store import journal, sessions

pytestmark = pytest.mark.both_stores

NOBODY = "00000000-0000-7000-8000-000000000000"


def problem(answer, status: int, where: str | None = None) -> str:
    """Holds that the answer is a complete problem+json; returns its detail."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert set(body) == {"type", "title", "status", "detail", "where"}
    assert body["status"] == status and body["title"] and "\n" not in body["detail"]
    if where is not None:
        assert body["where"] == where
    return body["detail"]


def test_a_session_from_beginning_to_end(client, entries, expected) -> None:
    session = client.create()
    client.send_all(session["id"], entries[:300])
    running_ = client.get(f"/api/v1/sessions/{session['id']}").json()
    assert running_["state"] == "receiving" and not running_["final"]
    assert running_["result"]["samples"] > 2500

    client.send_all(session["id"], entries[300:])
    ended = client.end(session["id"])
    assert ended["result"] == expected
    assert ended["final"] and ended["state"] == "ended"
    assert ended["tally"]["counted"] == 8
    assert client.end(session["id"]) == ended == client.get(f"/api/v1/sessions/{session['id']}").json()
    assert client.get("/api/v1/sessions").json()["sessions"][0]["id"] == session["id"]


def test_answers_are_what_the_description_says(client, entries) -> None:
    session = client.create()
    TypeAdapter(SessionHead).validate_python(session)
    client.send_all(session["id"], entries)
    for full in (client.get(f"/api/v1/sessions/{session['id']}").json(), client.end(session["id"])):
        TypeAdapter(SessionFull).validate_python(full)
        TypeAdapter(SessionResult).validate_python(full["result"])
    TypeAdapter(SessionList).validate_python(client.get("/api/v1/sessions").json())
    TypeAdapter(Curve).validate_python(client.get(f"/api/v1/sessions/{session['id']}/curve").json())


def test_every_route_describes_its_answers_and_errors(client) -> None:
    described = client.get("/api/v1/openapi.json").json()
    for path, methods in described["paths"].items():
        for method, route in methods.items():
            answers = route["responses"]
            assert route["description"], path
            assert any(status < "300" for status in answers), path
            assert {"421", "422"} <= set(answers), path
            for status, answer in answers.items():
                if status >= "400":
                    assert list(answer["content"]) == ["application/problem+json"], (path, method, status)


def test_creating_again_with_the_same_key_is_the_same_session(client, body) -> None:
    first = client.post("/api/v1/sessions", json=body)
    again = client.post("/api/v1/sessions", json=body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.headers["location"] == f"/api/v1/sessions/{first.json()['id']}"
    problem(client.post("/api/v1/sessions", json=body | {"side": "right"}), 409, "body.side")


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"key": "short"}, "body.key"),
        ({"key": "../../etc/passwd"}, "body.key"),
        ({"exercise": "juggling"}, "body.exercise"),
        ({"side": "middle"}, "body.side"),
        ({"placement": "head"}, "body.placement"),
        ({"driver": "toaster"}, "body.driver"),
        ({"band": ""}, "body.band"),
        ({"band": "a\0b"}, "body.band"),
        ({"band": "a\nb"}, "body.band"),
        ({"band": "a\u202eb"}, "body.band"),
        ({"info": "zz"}, "body.info"),
        ({"info": "00"}, "body.info"),
        ({"started_at": "yesterday"}, "body.started_at"),
        ({"started_at": "2026-01-01T00:00:00"}, "body.started_at"),
        ({"started_at": "0001-01-01T00:00:00+14:00"}, "body.started_at"),
        ({"started_at": "9999-12-31T23:59:59-14:00"}, "body.started_at"),
        ({"admin": True}, "body.admin"),
    ],
)
def test_a_session_that_cannot_be_is_refused(client, body, change, where) -> None:
    problem(client.post("/api/v1/sessions", json=body | change), 422, where)
    assert client.get("/api/v1/sessions").json()["sessions"] == []


@pytest.mark.parametrize("started_at", ["0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.000Z"])
def test_the_first_and_the_last_time_there_is(client, started_at) -> None:
    session = client.create(started_at=started_at, band="Band of Zoë")
    assert (session["started_at"], session["band"]) == (started_at, "Band of Zoë")
    client.end(session["id"])
    for path in ("/", f"/sessions/{session['id']}"):
        assert client.get(path).status_code == 200


def test_requests_that_make_no_sense(client, body) -> None:
    json = {"content-type": "application/json"}
    problem(client.post("/api/v1/sessions", content=b"{", headers=json), 400)
    problem(client.post("/api/v1/sessions", content=b"[" * 100_000, headers=json), 400)
    problem(client.post("/api/v1/sessions", json=[]), 422)
    problem(client.get("/api/v1/nothing"), 404)
    problem(client.delete("/api/v1/sessions"), 405)
    problem(client.get("/api/v1/sessions?limit=0"), 422, "query.limit")
    problem(client.get("/api/v1/sessions/../../etc"), 404)
    problem(client.get("/api/v1/sessions/not-an-id"), 422, "path.session_id")
    for path in ("", "/curve", "/recording.parquet", "/recording.csv"):
        problem(client.get(f"/api/v1/sessions/{NOBODY}{path}"), 404, "path.session_id")
    problem(client.post(f"/api/v1/sessions/{NOBODY}/end"), 404)
    problem(client.put_packets(NOBODY, [Entry(0, 0, 0, b"x")]), 404)


def test_a_bad_packet_refuses_its_frame_before_anything_is_stored(client, entries) -> None:
    session = client.create()
    bad = [entries[0], entries[1]._replace(packet=entries[1].packet[:-1]), entries[2]]
    assert "entries[1]" in problem(client.put_packets(session["id"], bad), 422, "entries[1].packet")
    ack = client.put_packets(session["id"], entries[:3]).json()
    assert ack == {"epoch": 0, "acknowledged": 2, "stored": 3, "duplicates": 0}


def test_bad_frames(client, entries) -> None:
    session = client.create()
    path = f"/api/v1/sessions/{session['id']}/packets"
    frame = encode_frame(entries[:3])
    for content in (b"", b"HPF2", frame[:-1], frame + b"x", b"x" * 500, frame[:5] + b"\xff" + frame[6:]):
        problem(client.post(path, content=content), 400, "body")
    problem(client.post(path, content=bytes(MAX_FRAME + 1)), 413, "body")
    problem(client.post(path, content=(bytes(4096) for _ in range(MAX_FRAME // 4096 + 1))), 413, "body")
    far = entries[0]._replace(index=10**9)
    problem(client.put_packets(session["id"], [far]), 422, "entries[0].index")
    assert client.get(f"/api/v1/sessions/{session['id']}").json()["result"]["samples"] == 0


def test_conflicts(client, entries) -> None:
    session = client.create()
    client.send_all(session["id"], entries[:10])
    other = entries[3]._replace(packet=entries[4].packet)
    assert "other bytes" in problem(client.put_packets(session["id"], [entries[10], other]), 409)
    assert client.put_packets(session["id"], [entries[10]]).json()["stored"] == 1
    client.end(session["id"])
    problem(client.put_packets(session["id"], entries[11:12]), 409, "path.session_id")


def test_repeated_and_reordered_packets_change_nothing(client, entries, expected) -> None:
    rng = random.Random(1)
    sent = entries + rng.sample(entries, 100)
    order = sorted(range(len(sent)), key=lambda i: i + rng.uniform(0, 60))
    session = client.create()
    client.send_all(session["id"], [sent[i] for i in order], size=37)
    assert client.end(session["id"])["result"] == expected


def test_a_later_epoch_goes_on_where_the_client_began_again(client, entries, expected) -> None:
    session = client.create()
    client.send_all(session["id"], entries[:200])
    again = [entry._replace(epoch=1, index=entry.index - 200) for entry in entries[200:]]
    client.send_all(session["id"], again)
    problem(client.put_packets(session["id"], [entries[200]]), 409)
    assert client.put_packets(session["id"], entries[:5]).json()["duplicates"] == 5
    assert client.end(session["id"])["result"] == expected


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, 400), min_size=1, max_size=6), st.integers(0, 10**9))
def test_how_packets_are_batched_changes_nothing(client, entries, expected, sizes, key) -> None:
    session = client.create(f"batches-{key}-{'-'.join(map(str, sizes))}"[:64])
    at = 0
    for size in [*sizes, 500, 500]:
        if at < len(entries):
            client.send_all(session["id"], entries[at : at + size], size)
            at += size
    assert client.end(session["id"])["result"] == expected


def test_lost_packets_are_gaps_and_said_so(client, entries) -> None:
    session = client.create()
    client.send_all(session["id"], entries[:50] + [e._replace(index=e.index - 30) for e in entries[80:]])
    result = client.end(session["id"])["result"]
    assert len(result["gaps"]) == 1
    assert result["gaps"][0]["end_s"] - result["gaps"][0]["start_s"] == pytest.approx(3.01, abs=0.02)
    assert result["coverage"] < 0.97


def test_a_session_without_packets_ends_too(client) -> None:
    session = client.create()
    ended = client.end(session["id"])
    assert ended["result"]["samples"] == 0 and ended["tally"]["counted"] == 0
    assert client.get(f"/api/v1/sessions/{session['id']}/curve").json()["t_s"] == []
    problem(client.get(f"/api/v1/sessions/{session['id']}/recording.parquet"), 409)


def test_a_restart_in_mid_session_goes_on_exactly(tmp_path, settings_of, connect, entries, expected) -> None:
    config = settings_of(tmp_path)
    with running(config) as url, connect(url) as client:
        session = client.create()
        client.send_all(session["id"], entries[:200] + entries[210:220])
        before = client.get(f"/api/v1/sessions/{session['id']}").json()
    with running(config) as url, connect(url) as client:
        assert client.get("/api/v1/sessions").json()["sessions"][0]["state"] == "waiting"
        assert client.get(f"/api/v1/sessions/{session['id']}").json() == before | {"state": "waiting"}
        assert client.put_packets(session["id"], entries[200:205]).json()["acknowledged"] == 204
        client.send_all(session["id"], entries[200:])
        assert client.end(session["id"])["result"] == expected
    with running(config) as url, connect(url) as client:
        assert client.get(f"/api/v1/sessions/{session['id']}").json()["result"] == expected


def test_the_journal_becomes_one_recording(tmp_path, settings_of, store_of, connect, entries, expected) -> None:
    config = settings_of(tmp_path)
    with running(config) as url, connect(url) as client:
        session = client.create()
        client.send_all(session["id"], entries)
        problem(client.get(f"/api/v1/sessions/{session['id']}/recording.parquet"), 409)
        client.end(session["id"])
        path = f"/api/v1/sessions/{session['id']}/recording"
        downloads = {suffix: client.get(f"{path}.{suffix}") for suffix in ("parquet", "csv", "json")}
        curve = client.get(f"/api/v1/sessions/{session['id']}/curve").json()
        part = client.get(f"/api/v1/sessions/{session['id']}/curve?since=100").json()
    assert (part["t_s"], part["next"]) == (curve["t_s"][100:], len(curve["t_s"]))

    for suffix, answer in downloads.items():
        assert answer.status_code == 200
        assert f'filename="hiprep-2026-01-01-{session["id"]}.{suffix}"' in answer.headers["content-disposition"]
        (tmp_path / f"got.{suffix}").write_bytes(answer.content)
    kept = read_recording(tmp_path / "recordings" / f"{session['id']}.parquet")
    assert len(kept.samples) == expected["samples"]
    assert len(read_recording(tmp_path / "got.parquet").samples) == len(kept.samples)
    assert len(read_recording(tmp_path / "got.csv").samples) == len(kept.samples)

    store = store_of(tmp_path)
    number = store.read(sessions.find, session["id"]).number
    assert store.read(journal.count, number) == 0
    store.close()


def test_a_recording_that_cannot_be_written_leaves_the_journal(tmp_path, settings_of, connect, entries) -> None:
    config = settings_of(tmp_path)
    with running(config) as url, connect(url) as client:
        session = client.create()
        client.send_all(session["id"], entries)
        blocker = tmp_path / "recordings" / f"{session['id']}.parquet"
        blocker.mkdir()
        (blocker / "in the way").touch()
        client.end(session["id"])
        assert client.get(f"/api/v1/sessions/{session['id']}/recording.csv").status_code == 200
    (blocker / "in the way").unlink()
    blocker.rmdir()
    with running(config):
        pass  # the next start tries again
    assert len(read_recording(blocker).samples) > 5000


def test_a_full_database_answers_507_acknowledges_nothing_and_goes_on(tmp_path, connect, entries, expected) -> None:
    with running(Settings(tmp_path, port=0, max_database_mb=1)) as url, connect(url) as client:
        answer, number = None, itertools.count()
        while answer is None or answer.status_code == 200:
            session, acknowledged = client.create(f"filling-{next(number)}"), 0
            for at in range(0, len(entries), 64):
                answer = client.put_packets(session["id"], entries[at : at + 64])
                if answer.status_code != 200:
                    break
                acknowledged = answer.json()["acknowledged"] + 1
        problem(answer, 507)
        assert answer.headers["retry-after"]
        assert client.get("/").status_code == 200
        known = client.get(f"/api/v1/sessions/{session['id']}").json()
        assert known["result"]["samples"] == 10 * acknowledged and not known["final"]
    with running(Settings(tmp_path, port=0)) as url, connect(url) as client:
        client.put_packets(session["id"], entries[acknowledged : acknowledged + 64])
        client.send_all(session["id"], entries)
        assert client.end(session["id"])["result"] == expected


def test_strangers_in_the_same_browser_are_kept_out(client, body) -> None:
    problem(client.get("/api/v1/sessions", headers={"host": "evil.example"}), 421, "header.host")
    problem(client.get("/api/v1/sessions", headers={"host": "[::1"}), 421, "header.host")
    for origin in ("https://evil.example", "http://[", "null", ""):
        answer = client.post("/api/v1/sessions", json=body, headers={"origin": origin})
        problem(answer, 403, "header.origin")
    own = {"origin": str(client.base_url).rstrip("/")}
    assert client.post("/api/v1/sessions", json=body, headers=own).status_code == 201


def test_every_answer_carries_the_strict_headers(client) -> None:
    for path in ("/", "/intended-use", "/live", "/static/style.css", "/api/v1/sessions", "/nothing"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "unsafe" not in policy and "default-src 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers


async def test_the_answer_to_an_unexpected_error_carries_them_too(tmp_path) -> None:
    app = create_app(Settings(tmp_path))
    app.add_api_route("/api/v1/broken", lambda: 1 // 0)
    transport = ASGITransport(app, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answer = await client.get("/api/v1/broken")
    await app.state.service.stop()
    problem(answer, 500)
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


def test_static_files_stay_in_their_directory(client) -> None:
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static//etc/passwd"):
        assert client.get(path).status_code == 404


def test_how_full_the_band_is_is_a_header_that_other_servers_may_not_know(client, body) -> None:
    answer = client.post("/api/v1/sessions", json=body, headers={"hiprep-battery": "87"})
    assert (answer.status_code, answer.json()["battery_percent"]) == (201, 87)
    again = client.post("/api/v1/sessions", json=body, headers={"hiprep-battery": "85"})  # it went on
    assert (again.status_code, again.json()["battery_percent"]) == (200, 87)
    assert client.create("another-session")["battery_percent"] is None
    for wrong in ("101", "-1", "full"):
        refused = client.post("/api/v1/sessions", json=body, headers={"hiprep-battery": wrong})
        assert (refused.status_code, refused.json()["where"]) == (422, "header.Hiprep-Battery")
