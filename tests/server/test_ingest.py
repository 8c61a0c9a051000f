"""What only shows below HTTP: turns, and ends that were cut short."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from sensor.recording import read_recording
from server import ingest, resident
from server.counting import Counting
from server.ingest import Ended
from server.rows import Session
from server.service import Service
from server.store import journal, sessions

pytestmark = pytest.mark.both_stores


@pytest.fixture
async def service(tmp_path: Path, settings_of) -> AsyncIterator[Service]:
    service = Service.open(settings_of(tmp_path))
    yield service
    await service.stop()


@pytest.fixture
async def session(service: Service, body: dict) -> Session:
    session, _ = await service.ingest.create(body | {"info": bytes.fromhex(body["info"])})
    return session


async def test_many_packets_are_counted_in_short_steps(service, session, entries) -> None:
    """400 that waited for the first one."""
    await service.ingest.put(session.id, entries[1:400])
    found = await service.ingest.opened(session.id)
    samples = [found.samples]

    async def look() -> None:
        while samples[-1] < 3990:
            await asyncio.sleep(0)
            samples.append(found.samples)

    looking = asyncio.ensure_future(look())
    await service.ingest.put(session.id, entries[:1])
    await looking
    assert max(np.diff(samples)) == 10 * resident.STEP


async def test_ending_again_makes_the_recording_that_is_missing(service, session, entries, expected) -> None:
    await service.ingest.put(session.id, entries)
    blocker = service.data.recordings / f"{session.id}.parquet"
    (blocker / "in the way").mkdir(parents=True)
    await service.ingest.end(session.id)
    await service.ingest.settle()
    assert await service.store.fetch(journal.count, session.number) == len(entries)

    (blocker / "in the way").rmdir()
    blocker.rmdir()
    for _ in range(3):  # at the same time, and one of them writes
        await service.ingest.end(session.id)
    await service.ingest.settle()
    assert await service.store.fetch(journal.count, session.number) == 0
    assert len(read_recording(blocker).samples) == expected["samples"]


AT, IDLE = 1_767_225_600.0, 48 * 3600.0


async def test_who_asks_while_the_end_is_stored_hears_of_the_end(service, session, entries) -> None:
    """Who lists sessions may have read already that it has ended."""
    await service.ingest.put(session.id, entries[:50])
    found, stored = await service.ingest.opened(session.id), threading.Event()
    writing = asyncio.ensure_future(service.store.write(lambda connection: stored.wait()))
    ending = asyncio.ensure_future(service.ingest.end(session.id))
    while not found.ending:
        await asyncio.sleep(0)
    asking = asyncio.ensure_future(service.ingest.ask(session.id, Counting.document))
    for _ in range(10):
        await asyncio.sleep(0)
    stored.set()
    with pytest.raises(Ended):
        await asking
    await asyncio.gather(writing, ending)


async def test_a_session_without_packets_costs_no_memory_and_goes_on_exactly(service, session, entries, expected) -> None:
    await service.ingest.put(session.id, entries[:300])
    await service.ingest.sweep(AT, IDLE)  # packets have just come
    assert service.ingest.resident(session.id)
    await service.ingest.sweep(AT, IDLE, quiet_s=0)
    assert service.ingest.resident(session.id) is None
    assert service.store.read(sessions.find, session.id).idle_since == "2026-01-01T00:00:00.000Z"
    await service.ingest.put(session.id, entries[300:])
    assert service.store.read(sessions.find, session.id).idle_since is None
    await service.ingest.sweep(AT + IDLE, IDLE, quiet_s=0)  # it is idle since now only
    await service.ingest.end(session.id)
    assert service.store.read(sessions.result, session.number).document == json.dumps(expected, separators=(",", ":"))


async def test_a_session_that_nobody_ends_is_ended(tmp_path, settings_of, session, service, entries) -> None:
    """Also when servers come and go in between: since when it is idle is on disk."""
    await service.ingest.put(session.id, entries)
    await service.ingest.sweep(AT, IDLE, quiet_s=0)
    await service.ingest.sweep(AT + IDLE - 1, IDLE, quiet_s=0)
    assert service.store.read(sessions.find, session.id).ended_at is None
    await service.stop()
    again = Service.open(settings_of(tmp_path))
    await again.ingest.sweep(AT + IDLE, IDLE)
    await again.ingest.settle()
    found = again.store.read(sessions.find, session.id)
    assert found.ended_at and found.recording
    assert again.store.read(sessions.result, session.number).counted == 8
    await again.ingest.sweep(AT + 2 * IDLE, IDLE)
    await again.stop()


async def test_a_session_that_never_ends_is_ended(service, session, entries, monkeypatch) -> None:
    """Of a band that was forgotten on the table. What came is kept, and its client is told that it is over."""
    await service.ingest.put(session.id, entries[:300])
    await service.ingest.sweep(AT, IDLE)
    assert service.store.read(sessions.find, session.id).ended_at is None
    monkeypatch.setattr(ingest, "MOST_SAMPLES", 3000)
    await service.ingest.resident(session.id).counted()
    await service.ingest.sweep(AT, IDLE)
    await service.ingest.settle()
    found = service.store.read(sessions.find, session.id)
    assert found.ended_at and len(read_recording(service.data.recordings / found.recording).samples) == 3000
    with pytest.raises(Ended):
        await service.ingest.put(session.id, entries[300:])


async def test_a_session_that_a_page_watches_stays_in_memory(service, session, entries) -> None:
    await service.ingest.put(session.id, entries[:50])
    found = await service.ingest.opened(session.id)
    watcher = found.channel.join()
    await service.ingest.sweep(AT, IDLE, quiet_s=0)
    assert service.ingest.resident(session.id) is found and not watcher.dropped
    await service.ingest.put(session.id, entries[50:60])
    assert service.store.read(sessions.find, session.id).idle_since is None


async def test_a_session_that_turns_out_to_be_over_is_not_in_memory(service, session, entries) -> None:
    """Who asks between the moment it is known and the moment it is forgotten is told the same as everybody."""
    await service.ingest.put(session.id, entries[:10])
    await service.ingest.end(session.id)
    looked = asyncio.ensure_future(service.ingest.opened(session.id))
    while not (found := service.ingest._open.get(session.id)):
        await asyncio.sleep(0)
    while not found.done():
        await asyncio.sleep(0)
    assert service.ingest.resident(session.id) is None  # the callback that forgets it has not run yet
    with pytest.raises(Ended):
        await looked
