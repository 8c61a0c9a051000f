from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sensor.uplink import Uplink
from server.run import running

pytestmark = pytest.mark.both_stores


def uplink(url: str, body: dict) -> Uplink:
    return Uplink(url, **body | {"info": bytes.fromhex(body["info"])})


async def test_a_session_through_the_uplink(client, body, entries, expected) -> None:
    async with uplink(str(client.base_url), body) as up:
        for entry in entries:
            up.put(entry.packet, entry.host_ns)
        stored = await up.finish()
    assert stored["result"] == expected
    assert client.get(urlsplit(up.page_url).path).status_code == 200


async def test_a_server_that_is_away_for_a_while_misses_nothing(tmp_path: Path, settings_of, body, entries, expected) -> None:
    config = settings_of(tmp_path)
    first = contextlib.ExitStack()
    url = first.enter_context(running(config))
    up = await uplink(url, body).__aenter__()
    for entry in entries[:200]:
        up.put(entry.packet, entry.host_ns)
    async with asyncio.timeout(20):
        while up.acknowledged < 100:
            await asyncio.sleep(0.001)
    await asyncio.to_thread(first.close)
    for entry in entries[200:]:
        up.put(entry.packet, entry.host_ns)
    assert up.waiting
    with running(settings_of(tmp_path, port=urlsplit(url).port)):
        stored = await up.finish()
    await up.__aexit__(None, None, None)
    assert stored["result"] == expected
