"""Spool and uplink against a real server."""

from __future__ import annotations

import asyncio
import contextlib
import random
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import true

from sensor.spool import Spool
from sensor.uplink import Uplink
from server.run import running
from server.store import journal, sessions

both_stores = pytest.mark.both_stores


@pytest.fixture
def spool(tmp_path: Path, body) -> Spool:
    return Spool(tmp_path / "spool", body)


async def until(condition) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.001)


@both_stores
async def test_a_session_through_the_uplink(client, spool, entries, expected) -> None:
    async with Uplink(spool, str(client.base_url)) as up:
        for entry in entries:
            spool.put(entry.packet, entry.host_ns)
        stored = await up.finish()
    assert stored.result == expected
    assert client.get(urlsplit(up.page_url).path).status_code == 200


@both_stores
async def test_a_server_that_is_away_for_a_while_misses_nothing(tmp_path: Path, settings_of, spool, entries, expected) -> None:
    config = settings_of(tmp_path / "server")
    first = contextlib.ExitStack()
    url = first.enter_context(running(config))
    async with Uplink(spool, url) as up:
        for entry in entries[:200]:
            spool.put(entry.packet, entry.host_ns)
        await until(lambda: up.acknowledged >= 100)
        await asyncio.to_thread(first.close)
        for entry in entries[200:]:
            spool.put(entry.packet, entry.host_ns)
        assert up.waiting
        with running(settings_of(tmp_path / "server", port=urlsplit(url).port)):
            stored = await up.finish()
    assert stored.result == expected


@both_stores
async def test_a_session_that_was_ended_while_its_client_was_away(client, spool, entries, expected) -> None:
    """By hand, or because it was silent for days: nothing of it is lost, and what was stored stays."""
    session = client.create(spool.told["key"], started_at=spool.told["started_at"])
    client.send_all(session["id"], entries[:100])
    first = client.end(session["id"])
    for entry in entries:
        spool.put(entry.packet, entry.host_ns)
    async with Uplink(spool, str(client.base_url), again=True) as up:
        stored = await up.finish()
    assert stored.result == expected and up.session_id != session["id"]
    assert client.get(f"/api/v1/sessions/{session['id']}").json()["result"] == first["result"]


class Line:
    """The wire between: a relay that takes the server's answer and hangs up, when it is told to.

    So the server has committed, and nobody knows: the worst moment (R3).
    """

    def __init__(self, url: str) -> None:
        self._host, self._port = urlsplit(url).hostname, urlsplit(url).port
        self.cut = lambda answer: False
        self.cuts = 0

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, to_there = await asyncio.open_connection(self._host, self._port)
        there_to_here = asyncio.create_task(self._copy(there, writer, True))
        here_to_there = asyncio.create_task(self._copy(reader, to_there, False))
        await asyncio.wait({there_to_here, here_to_there}, return_when="FIRST_COMPLETED")
        for task in (there_to_here, here_to_there):
            task.cancel()
        writer.close(), to_there.close()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: bool) -> None:
        while data := await reader.read(65_536):
            if answers and self.cut(data):
                self.cuts += 1
                return
            writer.write(data)
            await writer.drain()


async def test_an_answer_that_is_lost_after_the_commit(client, spool, store_of, entries, expected, tmp_path: Path) -> None:
    """R3: every third answer, that to the end included. One copy of each packet, and one session."""
    rng, line = random.Random(3), Line(str(client.base_url))
    line.cut = lambda answer: rng.random() < 0.34 or (b'"final":true' in answer and not rng.randrange(2))
    async with line as url, Uplink(spool, url) as up:
        for i in range(0, len(entries), 20):
            for entry in entries[i : i + 20]:
                spool.put(entry.packet, entry.host_ns)
            await until(lambda i=i: up.acknowledged > i)
        store = store_of(tmp_path / "data")  # the server's, which still runs
        [session] = store.read(sessions.unfinished, true())
        assert list(store.read(lambda c: list(journal.read(c, session.number)))) == entries
        store.close()
        stored = await up.finish()
    assert line.cuts > 10 and stored.result == expected
