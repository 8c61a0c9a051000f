"""R3, R4, R5 on the second store: its answers do not arrive, its disk is full."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
from proxy import Proxy

from sensor.frames import Entry
from server.counting import Counting
from server.errors import StoreError
from server.run import running
from server.service import Service
from server.settings import Settings
from server.store import sessions


@pytest.fixture
def proxied(cluster) -> Iterator[tuple[Proxy, str, psycopg.Connection]]:
    """A proxy, the URL of a database behind it, and a straight way to that."""
    url = cluster.database()
    name = urlsplit(url).path[1:]
    folder = Path(tempfile.mkdtemp(prefix="hiprep-proxy-"))
    proxy = Proxy(folder, cluster.folder)
    with cluster.connect(name) as straight:
        yield proxy, cluster.url(name, folder), straight
    proxy.close()
    shutil.rmtree(folder)


def new(body: dict) -> dict:
    return body | {"info": bytes.fromhex(body["info"])}


def rows(straight: psycopg.Connection) -> int:
    return straight.execute("SELECT count(*) FROM packets").fetchone()[0]


@pytest.mark.parametrize("step", [9, pytest.param(1, marks=[pytest.mark.campaign, pytest.mark.timeout(3600)])])
async def test_an_answer_that_does_not_arrive_whichever_it_is(tmp_path: Path, proxied, body, entries, step: int) -> None:
    """R5: nothing is acknowledged that a straight look does not find; what was stored without an answer is there once."""
    proxy, url, straight = proxied
    few = entries[:120]
    parts = [few[i : i + 40] for i in range(0, len(few), 40)]
    service = Service.open(Settings(tmp_path, database=url))
    lost = 0

    async def again(ask):
        nonlocal lost
        for _ in range(3):
            try:
                return await ask()
            except StoreError:
                lost += 1
        raise AssertionError("refused by a database that answers")

    for n in itertools.count(1, step):
        answers = itertools.count(1)
        proxy.hold = lambda answer, answers=answers, n=n: next(answers) == n
        values = new(body) | {"key": f"session-{n}"}
        session, _ = await again(lambda: service.ingest.create(values))
        for part in parts:
            ack = await again(lambda part=part: service.ingest.put(session.id, part))
            assert rows(straight) == ack.acknowledged + 1 == part[-1].index + 1
        await again(lambda: service.ingest.end(session.id))
        await service.ingest.settle()
        if next(answers) <= n:  # the whole session has fewer
            break
        proxy.hold = lambda answer: False
        await service.ingest.end(session.id)  # the recording, if it was this that failed
        await service.ingest.settle()
        assert rows(straight) == 0
        stored = await service.store.fetch(sessions.result, session.number)
        counting = Counting(session)
        counting.feed(few)
        counting.finish()
        assert json.loads(stored.document) == counting.document()
    assert n > 40 and lost > n / step / 2
    await service.stop()


@pytest.mark.parametrize("commits", [1, 3])
def test_a_kill_between_a_commit_and_its_acknowledgement(
    tmp_path: Path, proxied, server_process, connect, entries: list[Entry], expected, commits: int
) -> None:
    """R3: the commit's answer kills the server that waits for it."""
    proxy, url, straight = proxied
    parts = [entries[i : i + 50] for i in range(0, len(entries), 50)]
    killed = threading.Event()
    with server_process(tmp_path, database=url) as (process, address), connect(address) as client:
        session = client.create()

        def hold(answer: bytes) -> bool:
            if b"COMMIT\0" not in answer or rows(straight) < 50 * commits:  # some commits are of other things
                return False
            process.kill()
            killed.set()
            return True

        proxy.hold = hold
        acknowledged = []
        with pytest.raises(httpx.TransportError):
            for part in parts:
                acknowledged.append(client.put_packets(session["id"], part).json()["acknowledged"])
        assert killed.is_set() and len(acknowledged) == commits - 1
        assert rows(straight) == 50 * commits
    proxy.hold = lambda answer: False
    with server_process(tmp_path, database=url) as (_, address), connect(address) as client:
        answer = client.put_packets(session["id"], parts[commits - 1]).json()
        assert (answer["stored"], answer["duplicates"]) == (0, 50)
        client.send_all(session["id"], entries)
        assert client.end(session["id"])["result"] == expected


@pytest.fixture
def small_disk(cluster) -> Iterator[Path]:
    """A file system of 24 MB that PostgreSQL may write to."""
    disk = cluster.folder / "small"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m,mode=0700,uid=postgres,gid=postgres", "hiprep-test", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs root that may mount")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_stores_nothing_and_goes_on(tmp_path: Path, cluster, small_disk: Path, connect, entries) -> None:
    with cluster.connect() as connection:
        connection.execute(f"CREATE TABLESPACE small LOCATION '{small_disk}'")
    url = cluster.database("TABLESPACE small")
    filler = small_disk / "filler"
    with running(Settings(tmp_path, port=0, database=url)) as address, connect(address) as client:
        session = client.create()
        client.send_all(session["id"], entries[:100])
        with filler.open("wb", buffering=0) as file, pytest.raises(OSError):
            while file.write(bytes(4096)) == 4096:
                pass
            raise OSError("the last piece did not fit")
        acknowledged = answer = None
        for at in range(100, 10_000, 64):
            # Far more than the session has: the same packets under later indexes.
            sent = [entries[i % len(entries)]._replace(index=i) for i in range(at, at + 64)]
            answer = client.put_packets(session["id"], sent)
            if answer.status_code != 200:
                break
            acknowledged = answer.json()["acknowledged"]
        assert answer.status_code == 507 and answer.headers["retry-after"], answer.text
        filler.unlink()
        with cluster.connect(urlsplit(url).path[1:]) as straight:
            kept = rows(straight)
        assert kept == (acknowledged or 99) + 1
        assert client.put_packets(session["id"], sent).json()["acknowledged"] == sent[-1].index
    with cluster.connect() as connection:
        connection.execute(f"DROP DATABASE {urlsplit(url).path[1:]} WITH (FORCE)")
        connection.execute("DROP TABLESPACE small")
