"""The main job without hardware: a virtual band, Bluetooth, the uplink and a server of its own that forgets.

With a clinic of simulated people round it, unless nobody is going to look."""

from __future__ import annotations

import secrets
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
async def playing(recording: Recording, *, speed: float, port: int, clinic: bool, tell: Tell) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """The server's URL and what it stored, while it still runs; `tell` gets the URL to look at while it counts.
    clinic: of simulated people, of whom one wears the band.

    Raises StartError where the port is taken.
    """
    token = secrets.token_urlsafe(32) if clinic else None
    with tempfile.TemporaryDirectory(prefix="hiprep-demo-", ignore_cleanup_errors=True) as data:
        with running(Settings(data_dir=Path(data), port=port, demo=token)) as url:
            yield url, await played(recording, url, token, Path(data), speed, lambda page: tell(f"{url}/demo" if clinic else page))


async def played(recording: Recording, url: str, token: str | None, folder: Path, speed: float, tell: Tell) -> dict[str, Any]:
    """What the server at url made of it; `tell` gets the live page's URL once there is one."""
    meta = recording.meta
    async with open_source("virtual:demo", virtual=lambda _: recording, speed=speed) as source:
        leg = {"exercise": meta.exercise, "side": meta.side, "placement": meta.placement}
        spool = spool_of(source, folder / "spool", **leg, server=url)
        async with spool, Uplink(spool, url, token=token) as uplink:
            await uplink.opened()
            tell(f"{uplink.page_url}/live")
            async for _ in source:
                pass
            return (await uplink.finish()).result
