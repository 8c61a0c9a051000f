"""`hiprep live` and `hiprep sync`: what a band sent arrives once, whatever happens to client, server, link and disk."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest

import hiprep
from processing import words
from processing.tracker import Tracker
from sensor.band import BandClient, Patience, host_ns
from sensor.devices import driver_named
from sensor.devices.reference import encode_info, info_of
from sensor.driver import Packet
from sensor.frames import Entry
from sensor.recording import read_recording
from sensor.source import Source
from sensor.spool import Spool, spools
from sensor.virtual_adapter import virtual_adapter
from sensor.virtual_band import VirtualBand
from sensor.virtual_radio import VirtualRadio
from server.run import running
from server.settings import Settings
from verbs import live, sync

HIPREP = Path(sys.executable).with_name("hiprep")
LEG = ("--exercise", "auto", "--side", "left")
NOBODY = "http://127.0.0.1:9"
SPEED = 25


@contextlib.contextmanager
def started(*arguments: object, **options: object) -> Iterator[subprocess.Popen]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
    with subprocess.Popen([HIPREP, *map(str, arguments)], **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


@contextlib.contextmanager
def serving(data: Path, port: int = 0) -> Iterator[tuple[subprocess.Popen, str]]:
    with started("serve", "--port", port, "--data", data) as process:
        yield process, process.stdout.readline().split()[-1]


def counted(told: dict, entries: Sequence[Entry]) -> dict:
    """What decoder and Tracker make of them."""
    decoder = driver_named(told["driver"]).decoder(bytes.fromhex(told["info"]))
    tracker = Tracker(told["exercise"], told["side"], told["placement"])
    for entry in entries:
        tracker.update(decoder.feed(entry.packet, entry.host_ns))
    tracker.update(decoder.flush())
    tracker.finish()
    return tracker.result().as_json()


def left(folder: Path) -> tuple[dict, list[Entry]]:
    """What a session has left on this computer."""
    [path] = spools(folder / "spool")
    spool = Spool.existing(path)
    entries = spool.read(0, 1_000_000)
    spool.close()
    return spool.told, entries


def stored(url: str) -> list[dict]:
    """Sessions on a server with all of their repetitions, the oldest first."""
    heads = httpx.get(f"{url}/api/v1/sessions").json()["sessions"]
    return [httpx.get(f"{url}/api/v1/sessions/{head['id']}").json() for head in reversed(heads)]


# R2


def test_kill_9_of_the_client(tmp_path: Path, run) -> None:
    """At seeded moments: everything that was kept arrives once, and the session is ended."""
    rng, kept = random.Random(2), []
    with serving(tmp_path / "server") as (server, url):
        for number in range(3):
            data = tmp_path / f"client {number}"
            with started("live", "virtual:hip_abduction", *LEG, "--speed", 20, "--server", url, "--data", data) as process:
                for _ in range(rng.randrange(1, 6)):
                    process.stdout.readline()
                process.kill()
            told, entries = left(data)
            assert entries and [entry.index for entry in entries] == list(range(len(entries)))
            done = run("sync", "--data", data)
            assert (done.status, done.err) == (0, "") and f"{len(entries)} packets are on {url}" in done.out
            assert not list(spools(data / "spool"))
            kept.append((told, entries))
        sessions = stored(url)
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0
    for session, (told, entries) in zip(sessions, kept, strict=True):
        assert session["final"] and session["result"] == counted(told, entries)
        coverage = read_recording(tmp_path / "server" / "recordings" / f"{session['id']}.parquet").meta.extra["coverage"]
        assert (coverage["received"], coverage["duplicates"]) == (10 * len(entries), 0)


def test_sync_leaves_alone_what_is_being_recorded(tmp_path: Path, run) -> None:
    with started("live", "virtual:hip_abduction", *LEG, "--speed", 40, "--server", NOBODY, "--data", tmp_path) as process:
        process.stdout.readline()  # afterwards it waits for the server, and the session is still its own
        done = run("sync", "--data", tmp_path)
        assert (done.status, done.err) == (0, "") and "left alone" in done.out
        process.kill()
    with running(Settings(tmp_path / "server", port=0)) as url:
        told, entries = left(tmp_path)
        assert run("sync", "--data", tmp_path, "--server", url).status == 0
        assert [session["result"] for session in stored(url)] == [counted(told, entries)]


# The same result here and there


class Air:
    """A virtual band as a source, and the hands that disturb it."""

    def __init__(self, recording: Path) -> None:
        self.samples = read_recording(recording).samples
        self.source = Source(self._start)

    async def _start(self, source: Source, stack: AsyncExitStack):
        self.radio = VirtualRadio(SPEED)
        adapter = await virtual_adapter(self.radio)
        self.band = await stack.enter_async_context(VirtualBand(self.radio, self.samples, speed=SPEED))
        begin = host_ns()
        clock = lambda: begin + round((host_ns() - begin) * SPEED)  # noqa: E731
        patience = Patience(backoff=0.05, scan=5, answer=5)
        self.client = BandClient(self.band.address, backend=adapter, patience=patience, clock=clock)
        return await source.listen(self.client, stack)

    def goes(self) -> None:
        """The band, out of range."""
        self.radio.out_of_range(self.band.device)
        self.radio.break_links(self.band.device)

    async def back(self, times: int) -> None:
        """When the client has come back so many times."""
        async with asyncio.timeout(60):
            while self.client.reconnects < times:
                await asyncio.sleep(0.002)

    async def seen(self, share: float) -> None:
        """When so much of the session has reached the client."""
        async with asyncio.timeout(60):
            while self.source.client is None or self.client.decoder.received < share * len(self.samples) / 10:
                await asyncio.sleep(0.002)


@pytest.mark.parametrize("stopped", [False, True])
async def test_local_and_server_result_are_identical(person: Path, tmp_path: Path, capsys, stopped: bool) -> None:
    """Three breaks of the link and two of the server; to the end, or stopped by hand while both are down."""
    air, servers = Air(person / "person.parquet"), [contextlib.ExitStack() for _ in range(3)]
    url = servers[0].enter_context(running(Settings(tmp_path / "server", port=0)))

    async def another(server: contextlib.ExitStack) -> None:
        settings = Settings(tmp_path / "server", port=urlsplit(url).port)
        await asyncio.to_thread(server.enter_context, running(settings))

    leg = ["--exercise", "hip_abduction", "--side", "left"]
    told = hiprep._parser().parse_args(["live", "virtual:x", *leg, "--json", "--server", url, "--data", str(tmp_path)])
    session = asyncio.create_task(live.session(told, air.source))
    await air.seen(0.15)
    air.radio.break_links(air.band.device)
    await air.back(1)
    await air.seen(0.25)
    await asyncio.to_thread(servers[0].close)
    await air.seen(0.35)
    air.goes()  # so that the session is not over before the server is there
    await another(servers[1])
    air.radio.back_in_range(air.band.device)
    await air.back(2)
    await air.seen(0.5)
    air.goes()
    await asyncio.to_thread(servers[1].close)
    if stopped:
        session.cancel()
    air.radio.back_in_range(air.band.device)
    await another(servers[2])
    assert await session == 0
    [there] = await asyncio.to_thread(stored, url)
    await asyncio.to_thread(servers[2].close)
    here = json.loads(capsys.readouterr().out)
    assert there["final"] and here == there["result"]
    if not stopped:
        assert here["samples"] == 10 * (len(air.samples) // 10) + len(air.samples) % 10
        assert [one["reps"] for one in here["sets"]] == [4] and air.client.reconnects == 3
    assert not list(spools(tmp_path / "spool"))


# A full disk


def no_larger_than(size: int) -> Callable[[], None]:
    """Files of the process that is started."""
    most = (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1])
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, most)


def test_a_full_disk_while_the_server_is_there(tmp_path: Path) -> None:
    """Nothing is lost, and it is said once."""
    with running(Settings(tmp_path / "server", port=0)) as url:
        told = ["live", "virtual:hip_abduction", *LEG, "--json", "--speed", 40, "--server", url, "--data", tmp_path]
        with started(*told, preexec_fn=no_larger_than(100_000)) as process:
            out, err = process.communicate(timeout=60)
        [there] = stored(url)
    here = json.loads(out)
    assert process.returncode == 0 and here == there["result"] and "unspooled_packets" not in here["quality"]
    assert err.count("\n") == 1 and "cannot keep packets in" in err and "counting goes on" in err


def test_a_full_disk_and_no_server(tmp_path: Path, run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted to the end; what is not kept is said in the result and in words; what is kept is sent later."""
    monkeypatch.setattr(live, "AWAY_S", 0.1)
    told = ["live", "virtual:hip_abduction", *LEG, "--speed", 60, "--server", NOBODY, "--data", tmp_path]
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    no_larger_than(100_000)()
    try:
        status, out, err = run(*told, "--json")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    here, (_, entries) = json.loads(out), left(tmp_path)
    assert status == 1 and [one["reps"] for one in here["sets"]] == [10]
    lost = here["quality"]["unspooled_packets"]
    assert 0 < lost and 10 * (lost + len(entries)) >= here["samples"] > 10 * (lost + len(entries) - 1)
    *said, kept = err.splitlines()
    full, away = sorted(said)  # which of them comes first is a matter of speed
    assert "cannot keep packets in" in full and "cannot be reached" in away
    assert f"{len(entries)} packets are kept in" in kept and "hiprep sync" in kept
    assert f"{lost} packets could not be kept" in words.of_session(here)


# What sync says


def a_session(folder: Path, key: str, server: str | None, entries: int = 30) -> None:
    told = {
        "key": key, "exercise": None, "side": "left", "placement": "ankle", "driver": "hiprep-band", "band": "b",
        "info": encode_info(info_of(1)).hex(), "started_at": "2026-01-02T03:04:05+00:00",
    }  # fmt: skip
    spool = Spool(folder / "spool", told, server)
    for i in range(entries):
        packet = Packet(0, i, i * 100_000, 1, 100, np.full((10, 6), 1000, np.int16))
        spool.put(driver_named("hiprep-band").encode_packet(packet), i * 100_000_000)
    spool.close()


def test_sync_says_what_became_of_each_session(tmp_path: Path, run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "AWAY_S", 2.0)
    assert run("sync", "--data", tmp_path) == (0, "nothing to send\n", "")
    with running(Settings(tmp_path / "server", port=0)) as url:
        a_session(tmp_path, "session-1", None)
        a_session(tmp_path, "session-2", NOBODY)
        a_session(tmp_path, "session-3", NOBODY)
        a_session(tmp_path, "session-4", url)
        a_session(tmp_path, "session-5", url, entries=0)
        (tmp_path / "spool" / "session-6.sqlite3").write_bytes(b"nonsense" * 1000)
        (tmp_path / "spool" / "session-7.sqlite3").touch()
        done = run("sync", "--data", tmp_path)
        assert done.status == 1, done
        name = "2026-01-02T03:04 any exercise, left ankle: "
        assert done.out.splitlines() == [
            f"{name}{many} packets are on {url}, the session is ended, 0 repetitions counted" for many in (30, 0)
        ]
        assert done.err.count("\n") == 4 and done.err.count("wanted --server URL") == 1
        assert done.err.count("30 packets stay in") == 3 and done.err.count("cannot be reached") == 2
        assert "session-6.sqlite3 cannot be read" in done.err
        done = run("sync", "--data", tmp_path, "--server", url)
        assert (done.status, done.out.count("30 packets are on"), done.err.count("\n")) == (1, 3, 1)
        assert len(stored(url)) == 5
    assert {path.stem for path in spools(tmp_path / "spool")} == {"session-6", "session-7"}


def test_sync_remembers_the_server_that_it_was_told(tmp_path: Path, run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the session is begun there."""
    monkeypatch.setattr(sync, "AWAY_S", 2.0)
    a_session(tmp_path, "session-1", None)
    assert run("sync", "--data", tmp_path, "--server", NOBODY).status == 1
    [path] = spools(tmp_path / "spool")
    spool = Spool.existing(path)
    assert spool.server is None
    spool.close()


def test_a_session_that_is_ended_on_its_page_is_one_session(tmp_path: Path, run) -> None:
    """While the band sends: it ends here as well, with the server's result, and nothing is left to send."""
    with running(Settings(tmp_path / "server", port=0)) as url:
        told = ["live", "virtual:hip_abduction", *LEG, "--speed", 8, "--server", url, "--data", tmp_path]
        with started(*told) as process:
            process.stdout.readline()
            [head] = httpx.get(f"{url}/api/v1/sessions").json()["sessions"]
            there = httpx.post(f"{url}/api/v1/sessions/{head['id']}/end").json()
            out, err = process.communicate(timeout=60)
        assert there["final"] and (process.returncode, err) == (0, "hiprep: the session was ended on the server\n")
        assert words.of_session(there["result"]) in out
        assert run("sync", "--data", tmp_path) == (0, "nothing to send\n", "")
        assert len(stored(url)) == 1
