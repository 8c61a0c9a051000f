"""What only shows below HTTP: turns, and ends that were cut short."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sensor.recording import read_recording
from server.counting import STEP, Counting
from server.service import Service
from server.store import journal
from server.store.sessions import Session

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


async def test_many_packets_are_counted_in_short_steps(session, entries) -> None:
    counting = Counting(session)
    assert not list(counting.feeding(entries[1:400] + entries[401:]))  # all behind the first
    for steps in (counting.feeding(entries[:1]), counting.finishing()):
        before = counting.packets
        for _ in steps:
            assert counting.packets - before <= STEP
            before = counting.packets
    assert counting.packets == len(entries) - 1

    at_once = Counting(session)
    at_once.feed(entries[:400])
    at_once.feed(entries[401:])
    list(at_once.finishing())
    assert counting.document() == at_once.document()
    assert counting.curve() == at_once.curve()


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
