from __future__ import annotations

import json

import pytest
from websockets.asyncio.client import connect as open_socket
from websockets.exceptions import ConnectionClosed, InvalidStatus

from sensor.frames import encode_frame
from server import live
from server.live import MAX_WAITING, Channel
from server.run import MAX_MESSAGE


async def test_a_slow_page_gets_the_newest_state_and_every_repetition() -> None:
    channel, other = Channel(), None
    watcher, other = channel.join(), channel.join()
    for i in range(50):
        channel.tell({"n": i}, [{"rep": i}] if i % 10 == 0 else [])
    assert await watcher.news(1) == [{"rep": 0}, {"rep": 10}, {"rep": 20}, {"rep": 30}, {"rep": 40}, {"n": 49}]
    assert await watcher.news(0.001) == []
    channel.leave(watcher)
    channel.tell({"n": 50}, [])
    assert await watcher.news(0.001) == []
    assert (await other.news(1))[-1] == {"n": 50}


async def test_a_page_that_takes_nothing_holds_nothing() -> None:
    channel = Channel()
    watcher = channel.join()
    for i in range(100 * MAX_WAITING):
        channel.tell({"n": i}, [{"rep": i}])
    assert watcher.dropped
    assert len(await watcher.news(1)) <= MAX_WAITING + 1


def url_of(client, session_id: str) -> str:
    return str(client.base_url).replace("http", "ws") + f"/api/v1/sessions/{session_id}/live"


async def heard(socket) -> list[dict]:
    """Everything until the server closes."""
    messages = []
    try:
        while True:
            messages.append(json.loads(await socket.recv()))
    except ConnectionClosed:
        return messages


async def test_the_socket_tells_states_repetitions_and_the_end(client, entries, expected) -> None:
    session = client.create()
    async with open_socket(url_of(client, session["id"])) as socket:
        first = json.loads(await socket.recv())
        assert (first["connection"], first["counted"], first["angle_deg"]) == ("waiting", 0, None)
        client.send_all(session["id"], entries)
        client.end(session["id"])
        messages = await heard(socket)
    assert messages.pop() == {"type": "ended"}
    assert socket.close_code == 4000
    counted = [m["rep"] for m in messages if m["type"] == "rep" and m["event"] == "counted"]
    assert [(rep["set"], rep["rep"]) for rep in counted] == [
        (rep["set"], rep["rep"]) for rep in expected["reps"] if rep["counted"]
    ]
    states = [m for m in messages if m["type"] == "state"]
    assert states[-1]["total"]["counted"] == 8 and len(states[-1]["set_reps"]) == 4
    assert [s["packets"] for s in states] == sorted(s["packets"] for s in states)
    async with open_socket(url_of(client, session["id"])) as socket:
        assert await heard(socket) == [{"type": "ended"}]


async def test_silence_is_said_and_shows_no_angle(client, entries, monkeypatch) -> None:
    monkeypatch.setattr(live, "STALE_S", 0.0)  # every packet is old at once
    session = client.create()
    client.send_all(session["id"], entries[:100])
    async with open_socket(url_of(client, session["id"])) as socket:
        state = json.loads(await socket.recv())
    assert (state["connection"], state["angle_deg"], state["in_pose"]) == ("lost", None, False)
    assert state["silent_s"] >= 0 and state["packets"] == 100
    assert client.get("/api/v1/sessions").json()["sessions"][0]["state"] == "lost"


async def test_sockets_of_strangers_and_of_no_session(client) -> None:
    session = client.create()
    with pytest.raises(InvalidStatus):
        await open_socket(url_of(client, session["id"]), origin="https://evil.example")
    async with open_socket(url_of(client, session["id"]), origin=str(client.base_url).rstrip("/")) as socket:
        await socket.recv()
    async with open_socket(url_of(client, "00000000-0000-7000-8000-000000000000")) as socket:
        assert await heard(socket) == []
    assert socket.close_code == 4004


@pytest.mark.parametrize(("said", "code"), [("x", 1003), (b"x" * (MAX_MESSAGE + 1), 1009)])
async def test_a_page_that_talks_is_closed(client, entries, said, code) -> None:
    session = client.create()
    async with open_socket(url_of(client, session["id"])) as socket:
        await socket.send(said)
        await heard(socket)
    assert socket.close_code == code
    assert client.post(
        f"/api/v1/sessions/{session['id']}/packets", content=encode_frame(entries[:1])
    ).is_success
