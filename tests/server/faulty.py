"""A session through a server whose disk fails, for test_faults.py: run with faults.c preloaded.

    python faulty.py FRAME TEMPLATE WORK PLAN      PLAN: [[how, errno, first, step], ...]

Each run is a process of its own, on a copy of the data directory TEMPLATE; what it was told is written down as it
happens, so that a run that dies has told it too. Then another process looks at what is there, and finishes the session.
One JSON object a run comes out.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import logging
import os
import shutil
import sys
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import true

from sensor.frames import decode_frame
from sensor.recording import read_recording
from server.errors import ServerError
from server.service import Service
from server.settings import Settings
from server.store import journal, sessions

FRAME, TEMPLATE, WORK = map(Path, sys.argv[1:4])
NEW = json.loads(sys.argv[5]) | {"info": bytes.fromhex(json.loads(sys.argv[5])["info"])}
ENTRIES = decode_frame(FRAME.read_bytes())
PARTS = [ENTRIES[i : i + 40] for i in range(0, len(ENTRIES), 40)]
for heavy in ("alembic.config", "alembic.command", "numpy.fft", "numpy.ma", "pyarrow.compute", "sensor.parquet", "server.store.sqlite"):
    import_module(heavy)  # once, here, and not in every run
faults = ctypes.CDLL(None)
faults.hiprep_fired.restype = ctypes.c_char_p
Tell = Callable[..., None]


def arm(folder: Path, n: int, how: int, error: int) -> None:
    faults.hiprep_arm(bytes(folder), ctypes.c_long(n), how, error)


async def session(folder: Path, tell: Tell) -> None:
    """As a client sees it: what is refused is asked for again, the last time when the disk is well again."""

    async def again(what: str, ask: Callable[[], Awaitable[Any]]) -> Any:
        for attempt in range(3):
            if attempt == 2:
                arm(folder, 0, 0, 0)
            quiet = fired()
            try:
                answer = await ask()
                tell(what, fired() if not quiet else "")
                return answer
            except ServerError as error:
                tell("refused", type(error).__name__, fired() if not quiet else "")
        raise AssertionError(f"{what} was refused by a disk that is well")

    async def opened() -> Service:
        return Service.open(Settings(folder))

    service = await again("opened", opened)
    made, _ = await again("created", lambda: service.ingest.create(NEW))
    for part in PARTS:
        await again(f"acknowledged {part[-1].index}", lambda part=part: service.ingest.put(made.id, part))
    await again("ended", lambda: service.ingest.end(made.id))
    await service.stop()


def fired() -> str:
    return faults.hiprep_fired().decode()


async def look(folder: Path, tell: Tell) -> None:
    service = Service.open(Settings(folder))
    before = service.store.read(lambda c: [row[0] for row in sessions.newest(c, true(), 10)])
    for one in before:
        kept = service.store.read(lambda c, one=one: [entry.index for entry in journal.read(c, one.number)])
        tell("kept", kept, bool(one.ended_at), recorded(folder, one.recording))
    await service.start()
    made, _ = await service.ingest.create(NEW)
    if made.ended_at is None:
        for part in PARTS:
            await service.ingest.put(made.id, part)
    await service.ingest.end(made.id)
    await service.ingest.settle()
    one = service.store.read(sessions.find, made.id)
    left = service.store.read(journal.count, one.number)
    tell("finished", recorded(folder, one.recording), left, service.store.read(sessions.result, one.number).document)
    tell("files", sorted(path.name for path in (folder / "recordings").iterdir()) == [one.recording])
    await service.stop()


def recorded(folder: Path, name: str | None) -> int | None:
    return name and len(read_recording(folder / "recordings" / name).samples)


def told_by(work: Callable[[Tell], Awaitable[None]]) -> tuple[list[Any], int]:
    """What a process of its own says, and how it ended."""
    ours, theirs = os.pipe()
    if (pid := os.fork()) == 0:
        status = 1
        try:
            logging.disable()
            asyncio.run(work(lambda *said: os.write(theirs, json.dumps(said).encode() + b"\n") and None))
            status = 0
        finally:
            os._exit(status)
    os.close(theirs)
    with os.fdopen(ours) as lines:
        said = [json.loads(line) for line in lines]
    return said, os.waitpid(pid, 0)[1]


def run(n: int, how: int, error: int) -> dict[str, Any]:
    folder = WORK / "data"
    shutil.copytree(TEMPLATE, folder)

    async def under_fault(tell: Tell) -> None:
        arm(folder, n, how, error)
        await session(folder, tell)
        tell("fired", fired())

    told, status = told_by(under_fault)
    found, well = told_by(lambda tell: look(folder, tell))
    shutil.rmtree(folder)
    return {"n": n, "how": how, "error": error, "told": told, "status": status, "found": found, "well": well}


for how, error, n, step in json.loads(sys.argv[4]):
    while True:
        done = run(n, how, error)
        print(json.dumps(done), flush=True)
        if done["told"] and done["told"][-1] == ["fired", ""] and not any(said[0] == "refused" for said in done["told"]):
            break  # the whole session has fewer calls
        n += step
