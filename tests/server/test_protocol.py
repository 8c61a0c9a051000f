"""server/PROTOCOL.md is run as it stands; and what a socket that takes packets does when things go wrong."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from house import housing
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_socket
from websockets.exceptions import ConnectionClosed

import server
from sensor.frames import MAX_ENTRIES, MAX_PACKET, encode_frame
from server import intake, waiting
from server.run import MAX_MESSAGE

PAGE = (Path(server.__file__).parent / "PROTOCOL.md").read_text()
BLOCK = re.compile(r"^```(http|socket)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def address(client, session_id: str, what: str = "/packets") -> str:
    return f"{str(client.base_url).rstrip('/').replace('http', 'ws', 1)}/api/v1/sessions/{session_id}{what}"


async def until_closed(socket: ClientConnection) -> tuple[list[dict], int]:
    messages = []
    with contextlib.suppress(ConnectionClosed):
        while True:
            messages.append(json.loads(await socket.recv()))
    return messages, socket.close_code


def test_the_table_of_bytes_is_the_frame_that_is_sent() -> None:
    told = bytes.fromhex("".join(re.findall(r"^\| `((?:[0-9a-f]{2} ?)+)` \|", PAGE, re.MULTILINE)))
    sent = re.search(r"^> (48504632.*?)\n<", PAGE, re.MULTILINE | re.DOTALL)[1]
    assert told == bytes.fromhex("".join(sent.split()))
    for number in (MAX_ENTRIES, MAX_PACKET):
        assert f"1 to {number}" in PAGE
    assert f"{MAX_MESSAGE:,}".replace(",", " ") in PAGE


@pytest.mark.both_stores
async def test_the_page_is_what_the_server_does(client) -> None:
    session_id, blocks = "", BLOCK.findall(PAGE)
    assert [kind for kind, _, _ in blocks] == ["http", *["socket"] * 5, "http"]
    for kind, where, text in blocks:
        if kind == "http":
            method, path, body, status = re.fullmatch(r"> (\S+) (\S+)\n(.*)< (\d+)\n", text, re.DOTALL).groups()
            answer = client.request(method, path.replace("{id}", session_id), content=body, headers={"content-type": "application/json"})
            assert answer.status_code == int(status), answer.text
            session_id = answer.json()["id"]
            continue
        steps = re.findall(r"^(<|>|close) (.*(?:\n  .*)*)$", text, re.MULTILINE)
        async with open_socket(address(client, session_id, where)) as socket:
            for step, said in steps:
                if step == ">":
                    await socket.send(said if said.startswith("{") else bytes.fromhex("".join(said.split())))
                elif step == "<":
                    got, wanted = json.loads(await socket.recv()), json.loads(said)
                    if wanted["type"] == "state":
                        fields = re.findall(r"^\| `(\w+)` \|", PAGE.partition("| field of a state")[2], re.MULTILINE)
                        assert list(got) and set(got) == set(fields)
                        got = {name: got[name] for name in wanted}
                    assert got == wanted
                else:
                    assert await until_closed(socket) == ([], int(said))


@pytest.mark.both_stores
async def test_what_comes_over_the_socket_is_counted_as_what_is_posted(client, entries, expected) -> None:
    session = client.create()
    async with open_socket(address(client, session["id"])) as socket:
        for i in range(0, len(entries), 7):  # none waits for an acknowledgement
            await socket.send(encode_frame(entries[i : i + 7]))
        await socket.send(encode_frame(entries[-7:]))  # stored already
        await socket.send('{"type": "end"}')
        messages, code = await until_closed(socket)
    assert code == 4000 and messages.pop() == {"type": "ended"}
    there = [message["acknowledged"] for message in messages]
    assert there[0] is None and there[1:] == sorted(there[1:]) and there[-1] == len(entries) - 1
    assert client.get(f"/api/v1/sessions/{session['id']}").json()["result"] == expected


async def test_what_a_watcher_hears_is_as_the_page_spells_it(client, entries) -> None:
    spelt = dict(re.findall(r'`\{"type": "(rep|set|other)", (.*?)\}`', PAGE))
    session = client.create()
    async with open_socket(address(client, session["id"], "/live")) as watching:
        for i in range(0, len(entries), 50):
            await asyncio.to_thread(client.put_packets, session["id"], entries[i : i + 50])
        await asyncio.to_thread(client.end, session["id"])
        messages, code = await until_closed(watching)
    heard = {message["type"]: message for message in messages}
    assert code == 4000 and messages[-1] == {"type": "ended"} and {"state", "rep", "set"} <= set(heard)
    for kind in {"rep", "set"}:
        assert ["type", *re.findall(r'"(\w+)": ', spelt[kind])] == list(heard[kind])
    events = re.findall(r'"(\w+)"', re.search(r'"event": (.*?), "number"', spelt["rep"])[1])
    assert {message["event"] for message in messages if message["type"] == "rep"} <= set(events)
    number = [message["number"] for message in messages if message["type"] == "rep" and message["event"] == "counted"]
    assert number == sorted(number) and len(number) == 8


async def test_a_server_that_stops_says_so_and_keeps_what_it_acknowledged(tmp_path, server_process, connect, entries, expected) -> None:
    """A client that never waits is told to come again (1012); so is a page. Nothing is sent that was acknowledged."""
    with server_process(tmp_path) as (process, url), connect(url) as client:
        session = client.create()
        async with open_socket(address(client, session["id"])) as sending, open_socket(address(client, session["id"], "/live")) as watching:
            said = [json.loads(await sending.recv())]
            for entry in entries[:200]:
                await sending.send(encode_frame([entry]))
            process.terminate()
            messages, code = await until_closed(sending)
            _, page_code = await until_closed(watching)
        assert (code, page_code) == (1012, 1012)
        assert await asyncio.to_thread(process.wait, 30) == 0
        told = max((message["acknowledged"] for message in (*said, *messages) if message.get("acknowledged") is not None), default=-1)
    with server_process(tmp_path) as (_, url), connect(url) as client:
        async with open_socket(address(client, session["id"])) as sending:
            there = json.loads(await sending.recv())["acknowledged"]
            assert (-1 if there is None else there) >= told
            for i in range(0 if there is None else there + 1, len(entries), 50):
                await sending.send(encode_frame(entries[i : i + 50]))
            await sending.send('{"type": "end"}')
            assert (await until_closed(sending))[1] == 4000
        assert client.get(f"/api/v1/sessions/{session['id']}").json()["result"] == expected


@pytest.fixture
async def socket(client, entries) -> AsyncIterator[ClientConnection]:
    """Of a session that has its first two packets."""
    session = client.create()
    async with open_socket(address(client, session["id"])) as socket:
        await socket.send(encode_frame(entries[:2]))
        assert [json.loads(await socket.recv())["acknowledged"] for _ in range(2)] == [None, 1]
        yield socket


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        ("[" * 60_000, 400, 4022),
        ("{}", 400, 4022),
        (b"", 400, 4022),
        (lambda entries: encode_frame([entries[1]._replace(packet=b"other")]), 422, 4022),
        (lambda entries: encode_frame([entries[1]._replace(packet=entries[0].packet)]), 409, 4009),
        (lambda entries: encode_frame([entries[2]._replace(index=1_000_000)]), 422, 4022),
    ],
)
async def test_what_is_wrong_is_said_and_stores_nothing(socket, entries, said, status, code) -> None:
    await socket.send(said(entries) if callable(said) else said)
    messages, closed = await until_closed(socket)
    assert [message["status"] for message in messages] == [status] and closed == code


async def test_a_message_that_is_too_large_ends_the_socket(socket) -> None:
    await socket.send(bytes(MAX_MESSAGE + 1))
    assert (await until_closed(socket))[1] == 1009


async def test_who_never_finishes_asking_is_sent_away_and_nobody_else(client, entries, monkeypatch) -> None:
    monkeypatch.setattr(waiting, "HEAD_S", 1.0)
    monkeypatch.setattr(waiting, "BODY_S", 1.0)

    async def asks(said: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
        writer.write(said)
        with contextlib.suppress(ConnectionResetError), contextlib.closing(writer):
            return await reader.read()  # until it is sent away

    async with open_socket(address(client, client.create()["id"])) as socket:
        await socket.recv()
        head = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
        body = b"POST /api/v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
        assert not any(await asyncio.gather(asks(b""), asks(head), asks(body)))
        await socket.send(encode_frame(entries[:1]))
        assert json.loads(await socket.recv())["acknowledged"] == 0


async def test_frames_that_wait_are_bounded_and_none_is_lost(client, entries, expected) -> None:
    """As fast as a client can: the server stops reading while as much waits as a frame may hold."""
    session = client.create()
    async with open_socket(address(client, session["id"])) as socket:
        for _ in range(20):
            for entry in entries:
                await socket.send(encode_frame([entry]))
        await socket.send('{"type":"end"}')
        _, code = await until_closed(socket)
    assert code == 4000 and client.get(f"/api/v1/sessions/{session['id']}").json()["result"]["samples"] == expected["samples"]


async def test_who_comes_beyond_the_knee_is_sent_away_and_loses_nothing(client, entries, expected, monkeypatch) -> None:
    session = client.create()
    async with open_socket(address(client, session["id"])) as socket:
        monkeypatch.setattr(intake, "LATE_S", -1.0)  # every round is late
        for entry in entries[:50]:
            await socket.send(encode_frame([entry]))
        messages, code = await until_closed(socket)
    assert code == 1013 and messages[-1]["status"] == 503
    async with open_socket(address(client, session["id"])) as socket:
        assert (await until_closed(socket))[1] == 1013
    monkeypatch.undo()
    async with open_socket(address(client, session["id"])) as socket:
        there = json.loads(await socket.recv())["acknowledged"]
        said = [message["acknowledged"] for message in messages if message["type"] == "ack"]
        assert (-1 if there is None else there) >= max((n for n in said if n is not None), default=-1)
    client.send_all(session["id"], entries)
    assert client.end(session["id"])["result"] == expected


async def test_a_revoked_device_is_cut_off_from_its_session(tmp_path, new_session, entries) -> None:
    with housing(tmp_path) as house:
        admin = house.found("Hillside", "Ada Admin")
        patient, physio = admin.add("Pat Patient", "patient"), admin.add("Phil Physio", "staff")
        admin.assign(physio, patient)
        device = patient.pair()
        session = device.post("/api/v1/sessions", json=new_session("a-session")).json()
        header = {"authorization": device.headers["authorization"]}
        async with open_socket(address(device, session["id"]), additional_headers=header) as socket:
            await socket.send(encode_frame(entries[:2]))
            assert [json.loads(await socket.recv())["acknowledged"] for _ in range(2)] == [None, 1]
            answer = await asyncio.to_thread(patient.post, f"/patients/{patient.id}/devices/{device.id}/revoke")
            assert answer.status_code == 303
            async with asyncio.timeout(5):
                assert (await until_closed(socket))[1] == 4001
        cookie = {"cookie": "; ".join(f"{name}={value}" for name, value in physio.cookies.items())}
        async with open_socket(address(device, session["id"]), additional_headers=cookie, origin=house.url) as socket:
            assert (await until_closed(socket))[1] == 4003
