"""The spool on real disks: full ones, broken ones, and under processes that are killed."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from sensor import spool as module
from sensor.devices.reference import DRIVER, encode_info, info_of
from sensor.driver import Packet
from sensor.errors import SpoolError, SpoolInUse
from sensor.frames import Entry
from sensor.spool import Spool, forget_old, spools

TENTH_NS = 100_000_000
TOLD = {
    "key": "a-session", "exercise": None, "side": "left", "placement": "ankle", "driver": DRIVER.name, "band": "b",
    "info": encode_info(info_of(1)).hex(), "started_at": "2026-01-01T00:00:00Z",
}  # fmt: skip


def entry(i: int) -> Entry:
    counts = np.full((10, 6), i % 1000, np.int16)
    return Entry(0, i, i * TENTH_NS, DRIVER.encode_packet(Packet(0, i % 2**16, i * 100_000 % 2**32, 1, 100, counts)))


def put(spool: Spool, first: int, last: int) -> None:
    for i in range(first, last):
        spool.put(entry(i).packet, entry(i).host_ns)


def left(folder: Path) -> list[Entry]:
    """What the next process finds."""
    [path] = spools(folder)
    spool = Spool.existing(path)
    assert spool.told == TOLD
    entries = spool.read(0, 1_000_000)
    assert spool.next_index == len(entries)
    spool.close()
    return entries


def test_the_next_process_finds_all_of_it(tmp_path: Path) -> None:
    spool = Spool(tmp_path, TOLD, "http://server.test")
    put(spool, 0, 700)
    assert spool.read(650, 30) == [entry(i) for i in range(650, 680)] and spool.read(700, 30) == []
    spool.close()
    assert left(tmp_path) == [entry(i) for i in range(700)]
    assert (tmp_path / "a-session.sqlite3").stat().st_mode & 0o077 == 0 or tmp_path.stat().st_mode & 0o077 == 0
    again = Spool.existing(tmp_path / "a-session.sqlite3")
    assert (again.server, again.sent, again.unspooled) == ("http://server.test", False, 0)
    again.remember("http://other.test"), again.all_sent(), again.close()
    again = Spool.existing(tmp_path / "a-session.sqlite3")
    assert (again.server, again.sent) == ("http://other.test", True)
    again.remove()
    assert not list(tmp_path.iterdir())


def test_a_damaged_packet_is_counted_and_nothing_else(tmp_path: Path) -> None:
    spool = Spool(tmp_path, TOLD)
    put(spool, 0, 1)
    for packet in (b"", b"nonsense", entry(1).packet[:-1], bytes(132)):
        spool.put(packet, 5)
    put(spool, 1, 2)
    spool.close()
    assert spool.damaged == 4 and left(tmp_path) == [entry(0), entry(1)]


def test_half_an_hour_takes_three_megabytes_and_its_log_one(tmp_path: Path) -> None:
    spool, log = Spool(tmp_path, TOLD), 0
    for i in range(18_000):
        put(spool, i, i + 1)
        if i % 100 == 0:
            log = max(log, (tmp_path / "a-session.sqlite3-wal").stat().st_size)
    spool.close()
    assert (tmp_path / "a-session.sqlite3").stat().st_size < 3e6 and log < 1.2e6


# Processes


WRITER = """
import sys; sys.path[:0] = sys.argv[2:]
import test_spool as t
from pathlib import Path
spool = t.Spool(Path(sys.argv[1]), t.TOLD)
for i in range(100_000):
    t.put(spool, i, i + 1)
    print(i, flush=True)
"""


@contextmanager
def writing(folder: Path):
    here = Path(__file__)
    command = [sys.executable, "-c", WRITER, folder, here.parent, here.parents[2]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_what_put_returned_for_survives_kill_9(tmp_path: Path) -> None:
    rng = random.Random(1)
    for number in range(3):
        folder = tmp_path / str(number)
        with writing(folder) as process:
            for _ in range(rng.randrange(1, 600)):
                last = int(process.stdout.readline())
            process.send_signal(signal.SIGKILL)
            last = max([last, *map(int, process.stdout.read().splitlines())])
        found = left(folder)
        assert len(found) in (last + 1, last + 2)  # killed between the packet and the word
        assert found == [entry(i) for i in range(len(found))]


def test_it_belongs_to_one_process(tmp_path: Path) -> None:
    with writing(tmp_path) as process:
        process.stdout.readline()
        [path] = spools(tmp_path)
        with pytest.raises(SpoolInUse, match="another process"):
            Spool.existing(path)
    assert left(tmp_path)


# Disks


@contextmanager
def files_end_at(size: int):
    """A disk that takes no more: files of this process have a largest size, as everybody can set it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [0, 30_000, 100_000, 400_000])
def test_a_full_disk_and_room_again(tmp_path: Path, size: int) -> None:
    spool = Spool(tmp_path, TOLD)
    put(spool, 0, 50)
    with files_end_at(size):
        put(spool, 50, 2500)
        assert "cannot keep packets in" in spool.problem and 0 < spool.unspooled <= 2450
        assert spool.read(0, 10_000) == [entry(i) for i in range(2500)]  # an uplink goes on
        assert spool.read(2490, 5) == [entry(i) for i in range(2490, 2495)]
    put(spool, 2500, 2520)  # the next attempt is a second later
    assert (spool.problem, spool.unspooled) == (None, 0)
    spool.close()
    assert left(tmp_path) == [entry(i) for i in range(2520)]


def test_a_small_disk_and_a_larger_one(tmp_path: Path) -> None:
    """No limit of a process but a disk without room, as SQLite sees it."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("needs root on Linux, to mount a small disk")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", tmp_path], capture_output=True).returncode:
        pytest.skip("needs the right to mount a small disk")
    try:
        spool = Spool(tmp_path, TOLD)
        put(spool, 0, 1500)
        assert "full" in spool.problem and spool.kept > 0 and spool.unspooled == 1500 - spool.kept
        subprocess.run(["mount", "-o", "remount,size=8m", tmp_path], check=True)
        put(spool, 1500, 1520)
        assert (spool.problem, spool.unspooled, spool.kept) == (None, 0, 1520)
        spool.close()
        assert left(tmp_path) == [entry(i) for i in range(1520)]
    finally:
        subprocess.run(["umount", "-l", tmp_path], check=True)


def test_a_disk_that_stays_full_keeps_what_it_has(tmp_path: Path) -> None:
    spool = Spool(tmp_path, TOLD)
    put(spool, 0, 50)
    with files_end_at(0):
        put(spool, 50, 300)
        spool.acknowledged(99)
        assert spool.unspooled == 200  # a server has the others
        spool.close()
    assert spool.unspooled == 200
    assert left(tmp_path) == [entry(i) for i in range(50)]


def test_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LATE_MOST", 100)
    spool = Spool(tmp_path, TOLD)
    with files_end_at(0):
        put(spool, 0, 500)
        assert len(spool.read(0, 1000)) == spool.next_index == 100 and spool.unspooled == 500
    spool.put(entry(500).packet, entry(500).host_ns)
    spool.put(entry(510).packet, entry(510).host_ns)
    assert spool.unspooled == 400 and spool.problem is None
    spool.close()
    [path] = spools(tmp_path)
    assert [e.packet for e in Spool.existing(path).read(0, 1000)] == [entry(i).packet for i in [*range(100), 500, 510]]


@pytest.mark.parametrize("repaired", [False, True])
def test_a_place_where_nothing_can_be_written(tmp_path: Path, repaired: bool) -> None:
    (tmp_path / "spool").touch()
    spool = Spool(tmp_path / "spool", TOLD)
    assert "cannot keep packets" in spool.problem
    put(spool, 0, 30)
    if repaired:
        (tmp_path / "spool").unlink()
        put(spool, 30, 60)
    assert spool.read(0, 100) == [entry(i) for i in range(spool.next_index)]
    spool.close()
    assert spool.unspooled == (0 if repaired else 30)
    if repaired:
        assert left(tmp_path / "spool") == [entry(i) for i in range(60)]


# What lies about


def test_files_that_are_no_spool(tmp_path: Path) -> None:
    def found(content: bytes):
        (tmp_path / "x.sqlite3").write_bytes(content)
        return Spool.existing(tmp_path / "x.sqlite3")

    assert found(b"") is None  # killed before its first packet
    spool = Spool(tmp_path, TOLD)
    put(spool, 0, 200)
    spool.close()
    good = spool.path.read_bytes()
    for content in (b"nonsense" * 1000, good[:100], good[:4096], bytes(8192)):
        with pytest.raises(SpoolError, match="x.sqlite3"):
            spool = found(content)
            spool.read(0, 1000)
    with pytest.raises(SpoolError):
        Spool.existing(tmp_path / "none.sqlite3")
    assert not (tmp_path / "none.sqlite3").exists()


def test_sessions_that_no_server_was_named_for_are_kept_for_a_month(tmp_path: Path) -> None:
    for key, server, days in (("new", None, 29), ("old", None, 31), ("owed", "http://server.test", 400)):
        spool = Spool(tmp_path, TOLD | {"key": key}, server)
        put(spool, 0, 10)
        spool.close()
        os.utime(spool.path, (time.time() - days * 86_400,) * 2)
    forget_old(tmp_path)
    assert [path.stem for path in spools(tmp_path)] == ["owed", "new"]
