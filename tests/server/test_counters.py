"""Sessions that are counted in a process beside the server's."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from server import ingest
from server.counters import Here
from server.counting import Counting
from server.problems import Problem
from server.rows import Session
from server.service import Service
from server.settings import Settings
from server.store import sessions

SERVE = (
    "import sys; from server import ingest; from server.run import serve; from server.settings import Settings;"
    "ingest.FEW = -1; serve(Settings(sys.argv[1], port=0))"
)


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    service = Service.open(Settings(tmp_path))
    yield service
    await service.stop()


async def begun(service: Service, body: dict, key: str = "a-session", **more: str) -> Session:
    session, _ = await service.ingest.create(body | {"key": key, "info": bytes.fromhex(body["info"])} | more)
    return session


def processes(parent: int) -> list[int]:
    """That count for it."""
    children = [int(pid) for task in Path(f"/proc/{parent}/task").iterdir() for pid in (task / "children").read_text().split()]
    return [pid for pid in children if b"server.beside" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def gone(pid: int) -> bool:
    """Or nobody has asked yet how it ended."""
    status = Path(f"/proc/{pid}/status")
    return not status.exists() or "State:\tZ" in status.read_text()


def kill_it() -> None:
    (pid,) = processes(os.getpid())
    os.kill(pid, signal.SIGKILL)


async def heard(service: Service, session: Session, entries: list) -> list[dict]:
    """All that a page is told of a session from beginning to end, but for how long nothing has come."""
    found = await service.ingest.opened(session.id)
    watcher, told = found.channel.join(), []
    for entry in entries:
        await service.ingest.put(session.id, [entry])
        await found.counted()
        told += await watcher.news(1)
    await service.ingest.end(session.id)
    return [{name: value for name, value in one.items() if name != "silent_s"} for one in told + await watcher.news(1)]


async def test_it_makes_no_difference_where_a_session_is_counted(service, body, entries, expected, monkeypatch) -> None:
    here = await begun(service, body)
    told = await heard(service, here, entries)
    monkeypatch.setattr(ingest, "FEW", -1)
    beside = await begun(service, body, "another")
    assert await heard(service, beside, entries) == told
    assert [one["at_s"] for one in told if one["type"] == "rep"]
    assert len(processes(os.getpid())) == 1
    results = [service.store.read(sessions.result, one.number) for one in (here, beside)]
    assert json.loads(results[1].document) == expected
    assert (results[0].document, results[0].curve) == (results[1].document, results[1].curve)


async def test_what_is_asked_of_it_is_of_all_that_is_stored(service, body, entries, monkeypatch) -> None:
    monkeypatch.setattr(ingest, "FEW", -1)
    counting = Counting(session := await begun(service, body))
    for at in range(0, 600, 150):
        await service.ingest.put(session.id, entries[at : at + 150])
        counting.feed(entries[at : at + 150])
        assert await service.ingest.ask(session.id, Counting.document) == (session, counting.document())
        assert (await service.ingest.ask(session.id, Counting.curve, 100))[1] == counting.curve(100)
    assert service.ingest.resident(session.id).tally == counting.tally()


async def test_only_what_comes_to_more_than_a_few_is_counted_beside(service, body, entries) -> None:
    many = [await begun(service, body, f"session-{number}") for number in range(ingest.FEW + 2)]
    for number, session in enumerate(many):
        await service.ingest.put(session.id, entries[:30])
        assert len(processes(os.getpid())) == (number >= ingest.FEW)
    assert {service.ingest.resident(session.id).samples for session in many} <= {0, 300}
    documents = [(await service.ingest.ask(session.id, Counting.document))[1] for session in many]
    assert documents[-1] == documents[0]


async def test_of_many_who_begin_at_the_same_moment_a_few_do_not_wait_for_it(service, body) -> None:
    many = [await begun(service, body, f"session-{number}") for number in range(ingest.FEW + 2)]
    found = await asyncio.gather(*(service.ingest.opened(session.id) for session in many))
    assert [isinstance(one.counter, Here) for one in found] == [True] * ingest.FEW + [False] * 2


async def test_if_it_is_killed_another_one_counts_again(service, body, entries, expected, monkeypatch) -> None:
    monkeypatch.setattr(ingest, "FEW", -1)
    one, other = [await begun(service, body, key) for key in ("a-session", "another")]
    found = await service.ingest.opened(one.id)
    watcher = found.channel.join()
    for at in range(0, len(entries), 100):
        for session in one, other:
            await service.ingest.put(session.id, entries[at : at + 100])
        if at in (100, 300):
            kill_it()
        if at == 500:  # only who asks can notice
            await (await service.ingest.opened(one.id)).counted()
            kill_it()
            assert (await service.ingest.ask(one.id, Counting.document))[1]["samples"] == 6000
    assert found.forgotten and watcher.dropped  # its page comes again
    kill_it()
    for session in one, other:
        await service.ingest.end(session.id)
        assert json.loads(service.store.read(sessions.result, session.number).document) == expected


async def test_what_cannot_be_counted_beside_is_refused_as_it_is_here(service, body, monkeypatch) -> None:
    monkeypatch.setattr(ingest, "FEW", -1)
    session = await begun(service, body)
    await service.store.write(lambda connection: connection.exec_driver_sql("UPDATE sessions SET exercise = 'juggling'"))
    with pytest.raises(Problem, match="juggling") as refused:
        await service.ingest.opened(session.id)
    assert refused.value.status_code == 409
    assert service.ingest.resident(session.id) is None


async def test_what_fails_for_one_session_is_nothing_to_the_others(service, body, entries, monkeypatch, caplog) -> None:
    monkeypatch.setattr(ingest, "FEW", -1)
    one, other = [await begun(service, body, key) for key in ("a-session", "another")]
    for session in one, other:
        await service.ingest.put(session.id, entries[:300])
    found = await service.ingest.opened(other.id)
    with pytest.raises(Problem, match="counted again") as failed:
        await service.ingest.ask(one.id, Counting.curve, "not a number")
    assert failed.value.status_code == 503
    await service.ingest.put(one.id, entries[300:310])
    assert (await service.ingest.ask(one.id, Counting.document))[1]["samples"] == 3100
    assert not found.forgotten and "is gone" not in caplog.text


@contextlib.contextmanager
def serving(data_dir: Path) -> Iterator[tuple[subprocess.Popen, str]]:
    """The head of a process group, as under a terminal or a service manager."""
    server = subprocess.Popen([sys.executable, "-c", SERVE, data_dir], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        yield server, server.stdout.readline().split()[-1]
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.communicate()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL"])
async def test_it_ends_with_the_server_and_not_before(tmp_path: Path, connect, entries, expected, name: str) -> None:
    with serving(tmp_path) as (server, url), connect(url) as client:
        session = client.create()["id"]
        client.send_all(session, entries)
        assert client.get(f"/api/v1/sessions/{session}").json()["tally"]["counted"] == 8
        (counts,) = processes(server.pid)
        os.kill(counts, signal.SIGINT)  # as at a terminal, where all processes hear of Control-C
        if name == "SIGKILL":
            server.kill()
        else:
            os.killpg(server.pid, signal.SIGTERM)
        _, said = server.communicate(timeout=30)  # once nobody holds the pipe any more
        assert server.returncode == (-signal.SIGKILL if name == "SIGKILL" else 0)
        assert "Traceback" not in said
        async with asyncio.timeout(30):  # it lets go of the pipe a moment before it is gone
            while not gone(counts):
                await asyncio.sleep(0.01)
    service = Service.open(Settings(tmp_path))
    await service.ingest.end(session)
    number = service.store.read(sessions.find, session).number
    assert json.loads(service.store.read(sessions.result, number).document) == expected
    await service.stop()
