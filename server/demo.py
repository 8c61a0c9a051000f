"""The main job without hardware: a virtual band, Bluetooth, the uplink and a server of its own that forgets."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sensor.recording import Recording
from sensor.source import open_source
from sensor.spool import spool_of
from sensor.uplink import Uplink
from server.run import running
from server.settings import Settings

Tell = Callable[[str], None]


@asynccontextmanager
async def playing(recording: Recording, *, speed: float, port: int, tell: Tell) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """The server's URL and what it stored, while it still runs; `tell` gets the live page's URL once there is one.

    Raises StartError where the port is taken.
    """
    meta = recording.meta
    with tempfile.TemporaryDirectory(prefix="hiprep-demo-", ignore_cleanup_errors=True) as data:
        with running(Settings(data_dir=Path(data), port=port)) as url:
            async with open_source("virtual:demo", virtual=lambda _: recording, speed=speed) as source:
                leg = {"exercise": meta.exercise, "side": meta.side, "placement": meta.placement}
                spool = spool_of(source, Path(data) / "spool", **leg, server=url)
                async with spool, Uplink(spool, url) as uplink:
                    await uplink.opened()
                    tell(f"{uplink.page_url}/live")
                    async for _ in source:
                        pass
                    stored = await uplink.finish()
            yield url, stored["result"]
