"""R16: SIGTERM drains; one server after the other, under load, loses nothing."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sensor.frames import Entry
from sensor.spool import Spool
from sensor.uplink import Uplink

BANDS = 3
STOPS = 2


@pytest.mark.both_stores
async def test_a_rolling_restart_under_load_loses_nothing(tmp_path: Path, server_process, body, entries, expected) -> None:
    """Bands send without a pause while the server is stopped and another one started."""
    port = 0
    async with contextlib.AsyncExitStack() as stack:
        uplinks: list[Uplink] = []
        for stop in range(STOPS + 1):
            with server_process(tmp_path / "server", port=port) as (process, url):
                port = urlsplit(url).port
                if not uplinks:
                    spools = [Spool(tmp_path / f"spool-{band}", body | {"key": f"session-{band}"}) for band in range(BANDS)]
                    uplinks = [await stack.enter_async_context(Uplink(spool, url)) for spool in spools]
                    sending = asyncio.gather(*map(send, spools, uplinks, [entries] * BANDS))
                if stop == STOPS:
                    await sending
                    results = await asyncio.gather(*(uplink.finish() for uplink in uplinks))
                else:
                    share = len(entries) * (stop + 1) // (STOPS + 1)
                    while min(uplink.acknowledged for uplink in uplinks) < share:
                        await asyncio.sleep(0.02)
                process.terminate()
                assert await asyncio.to_thread(process.wait, 30) == 0
                said = process.stderr.read()
                assert "Traceback" not in said, said
    assert [one.result for one in results] == [expected] * BANDS


async def send(spool: Spool, uplink: Uplink, entries: list[Entry]) -> None:
    """As fast as they are taken, two frames ahead."""
    for entry in entries:
        while uplink.waiting > 100:
            await asyncio.sleep(0.02)
        spool.put(entry.packet, entry.host_ns)
        await asyncio.sleep(0)
