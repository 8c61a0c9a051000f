"""A session's packets on this computer's disk, from the moment they arrive until a server has confirmed them all.

A session is one SQLite file, FOLDER/KEY.sqlite3, locked by the process that has it: nobody sends or ends what is
still being recorded, the lock ends with the process however that ends, and SQLite's corruption of versions up to
3.51.2 cannot happen, which takes a second connection.

kill -9: `put` returns when the packet is in the operating system's hands (WAL, synchronous=NORMAL: the write of a
page, 15 µs), and that survives the process. Power loss: the log is on disk once a second, so what can be lost is the
last second's packets: from the end, and never torn. FULL would be an fsync a packet in the event loop, ten a second
and 10 to 50 ms each on a cheap card, to save that second.

A full disk stops nothing: packets wait in memory, in order, and are written when there is room again.
Half an hour of the reference band takes 2.7 MB, and its log 1 MB at most.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sqlite3
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensor.devices import driver_named
from sensor.errors import SensorError, SourceError, SpoolError, SpoolInUse
from sensor.frames import Entry

if TYPE_CHECKING:
    from sensor.source import Source

EPOCH = 0  # the count of packets never begins again: a session has one spool, and a new process a new session
VERSION = 1  # of the tables
LOG_PAGES = 250  # of 4 KiB, before they are moved into the tables: every 25 s; took 2 to 40 ms
SYNC_S = 1.0  # what a power cut may take
LATE_MOST = 36_000  # packets in memory while the disk is full: an hour of the reference band, 10 MB
LATE_STEP = 1000  # of them written in a turn: 2 ms
LATE_AGAIN_NS = 1_000_000_000  # between attempts; no source
UNSENT_DAYS = 30  # a session that no server was named for is kept so long; no source

TABLES = (
    "create table session (told text not null, server text, sent integer not null)",
    "create table packets (position integer primary key, host_ns integer not null, data blob not null)",
    f"pragma user_version = {VERSION}",
)


class Spool:
    """`put` adds a packet and never fails; `read` is for an uplink. `async with` writes, syncs and closes.

    told: what a server is told of the session · server: its URL; None: none was named · problem: why packets are not
    written now · sent: everything was acknowledged, only the end is not confirmed · next_index: of the next packet · kept: packets in the file ·
    damaged: packets that are none of this band's, and have no samples; they are not kept.
    """

    def __init__(self, folder: Path, told: dict[str, Any], server: str | None = None) -> None:
        """A new session's. Where it cannot be written, `problem` says so."""
        self._set(folder / f"{told['key']}.sqlite3", told, server)
        self._write()

    @classmethod
    def existing(cls, path: Path) -> Spool | None:
        """What another process left; None: it ended before it had made anything. Raises SpoolError: in use, damaged."""
        db = None
        try:
            db = _connected(path, new=False)
            (version,) = db.execute("pragma user_version").fetchone()
            if version != VERSION:
                if not version and not db.execute("select 1 from sqlite_master").fetchone():
                    db.close()
                    return None
                raise SpoolError(f"{path} is no spool of ours (wanted version {VERSION}, got {version})")
            told, server, sent = db.execute("select told, server, sent from session").fetchone()
            kept, last = db.execute("select count(*), max(position) from packets").fetchone()
            spool = cls.__new__(cls)
            spool._set(path, json.loads(told), server)
        except (sqlite3.Error, SensorError, ValueError) as error:
            if db:
                db.close()
            raise _as_spool_error(error, path) from error
        spool._db, spool.sent, spool.kept, spool.next_index = db, bool(sent), kept, 0 if last is None else last + 1
        return spool

    def _set(self, path: Path, told: dict[str, Any], server: str | None) -> None:
        self.path, self.told, self.server = path, told, server
        self.problem: str | None = None
        self.sent = False
        self.next_index = self.kept = self.damaged = 0
        self.on_put: Callable[[], None] = lambda: None
        self._check = driver_named(told["driver"]).check_packet
        self._db: sqlite3.Connection | None = None
        self._late: deque[Entry] = deque()  # not written, the oldest first
        self._dropped = self._tried_ns = 0
        self._log: int | None = None  # the write-ahead log's descriptor
        self._unsynced = False
        self._syncing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Spool:
        self._syncing = asyncio.create_task(self._sync_often())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._syncing.cancel()
        await asyncio.wait({self._syncing})
        self.close()

    # Packets

    def put(self, packet: bytes, host_ns: int) -> None:
        try:
            self._check(packet)
        except Exception:  # the server takes no frame that holds one; whoever decodes it says what is wrong
            self.damaged += 1
            return
        if self._late and self._due(host_ns):
            self._write()
        if len(self._late) == LATE_MOST:
            self._dropped += 1
            return
        self._late.append(Entry(EPOCH, self.next_index, host_ns, bytes(packet)))
        self.next_index += 1
        if len(self._late) == 1 and self._due(host_ns):
            self._write()
        self.on_put()

    def _due(self, host_ns: int) -> bool:
        """Is it time to write? After a failure not with every packet."""
        if self.problem and abs(host_ns - self._tried_ns) < LATE_AGAIN_NS:
            return False
        self._tried_ns = host_ns
        return True

    def read(self, first: int, most: int) -> list[Entry]:
        """Entries from index `first` on, those that wait in memory included. Raises SpoolError."""
        entries: list[Entry] = []
        if self._db:
            statement = "select position, host_ns, data from packets where position >= ? order by position limit ?"
            try:
                entries = [Entry(EPOCH, *row) for row in self._db.execute(statement, (first, most))]
            except sqlite3.Error as error:
                raise _as_spool_error(error, self.path) from error
        if self._late and len(entries) < most:
            after = max(first - self._late[0].index, 0)
            entries += islice(self._late, after, after + most - len(entries))
        return entries

    def acknowledged(self, index: int) -> None:
        """A server holds everything up to this: what waits in memory need not wait."""
        while self._late and self._late[0].index <= index:
            self._late.popleft()

    @property
    def unspooled(self) -> int:
        """Packets that neither this disk nor a server holds."""
        return len(self._late) + self._dropped

    # The session

    def remember(self, server: str) -> None:
        """Where it is sent."""
        self.server = server
        self._note("update session set server = ?", server)

    def begin_again(self) -> None:
        """As another session: the one of its key has been ended."""
        self.told = self.told | {"key": f"{self.told['key']}-again"}
        self._note("update session set told = ?", json.dumps(self.told))

    def all_sent(self) -> None:
        """Before the end is asked for: a server takes no packets after it, not even those that it has."""
        self.sent = True
        self._note("update session set sent = ?", 1)

    def _note(self, statement: str, value: object) -> None:
        if self._db:
            with contextlib.suppress(sqlite3.Error):  # a full disk: `put` says so
                self._db.execute(statement, (value,))

    def close(self) -> None:
        """What waits is tried once more."""
        while self._late and self._write():
            pass
        if self._log is not None:
            os.close(self._log)
            self._log = None
        if self._db:
            with contextlib.suppress(sqlite3.Error):  # a full disk: the log stays, and the next one to open reads it
                self._db.close()
            self._db = None

    def remove(self) -> None:
        """A server has confirmed all of it."""
        self._late.clear()
        self.close()
        for suffix in ("", "-wal", "-journal"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    # Writing

    def _write(self) -> bool:
        """Did it go well? Some of what waits is written, and the tables made if there are none."""
        try:
            if self._db is None:
                self._db = self._made()
                self._log = os.open(f"{self.path}-wal", os.O_RDWR)
            some = list(islice(self._late, LATE_STEP))
            rows = [(entry.index, entry.host_ns, entry.packet) for entry in some]
            if len(rows) == 1:
                self._db.execute("insert into packets values (?, ?, ?)", rows[0])
            elif rows:
                with self._db:
                    self._db.execute("begin")
                    self._db.executemany("insert into packets values (?, ?, ?)", rows)
        except (sqlite3.Error, OSError) as error:
            self.problem = f"cannot keep packets in {self.path} ({getattr(error, 'strerror', None) or error})"
            return False
        for _ in some:
            self._late.popleft()
        self.kept += len(some)
        self._unsynced = True
        self.problem = None
        return True

    def _made(self) -> sqlite3.Connection:
        """Tables and session at once, and on disk; then packets go to the log."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # a patient's: nobody else's
        db = _connected(self.path, new=True)
        try:
            with db:
                db.execute("begin exclusive")
                for statement in TABLES:
                    db.execute(statement)
                db.execute("insert into session values (?, ?, ?)", (json.dumps(self.told), self.server, self.sent))
            db.execute("pragma journal_mode = wal")
            db.execute("pragma synchronous = normal")
            db.execute(f"pragma wal_autocheckpoint = {LOG_PAGES}")
            db.execute("update session set sent = sent")  # makes the log
        except BaseException:
            db.close()
            self.path.unlink(missing_ok=True)
            raise
        return db

    async def _sync_often(self) -> None:
        while True:
            await asyncio.sleep(SYNC_S)
            if self._unsynced and self._log is not None:
                self._unsynced = False
                try:
                    await asyncio.to_thread(os.fsync, self._log)
                except OSError as error:
                    self.problem = f"cannot keep packets in {self.path} ({error.strerror})"


def spool_of(source: Source, folder: Path, *, exercise: str | None, side: str, placement: str, server: str | None) -> Spool:
    """A spool that gets every packet of an entered band, before anything else does. Raises SourceError for a file."""
    if source.client is None:
        raise SourceError("a recording has no packets to send (wanted a source ble: or virtual:, got file:)")
    told = {
        "key": str(uuid.uuid4()),
        "exercise": exercise,
        "side": side,
        "placement": placement,
        "driver": source.driver.name,
        "band": source.client.found.address,
        "info": source.info.hex(),
        "started_at": datetime.now(UTC).isoformat(),
        "battery_percent": source.client.battery_percent,
    }
    spool = Spool(folder, told, server)
    source.on_packet = spool.put
    return spool


def spools(folder: Path) -> Iterator[Path]:
    """What is left in a folder, the oldest first."""
    yield from sorted(folder.glob("*.sqlite3"), key=lambda path: (path.stat().st_mtime_ns, path.name))


def forget_old(folder: Path) -> None:
    """Sessions that no server was named for are not kept for ever."""
    for path in spools(folder):
        if time.time() - path.stat().st_mtime > UNSENT_DAYS * 86_400:
            with contextlib.suppress(SpoolError):
                spool = Spool.existing(path)
                if spool is None:
                    path.unlink()
                elif spool.server is None:
                    spool.remove()
                else:
                    spool.close()


def _connected(path: Path, new: bool) -> sqlite3.Connection:
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode={'rwc' if new else 'rw'}", uri=True, isolation_level=None, timeout=0)
    db.execute("pragma locking_mode = exclusive")
    return db


def _as_spool_error(error: Exception, path: Path) -> SpoolError:
    if isinstance(error, SpoolError):
        return error
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
        return SpoolInUse(f"{path} is being recorded or sent by another process")
    return SpoolError(f"{path} cannot be read ({error})")
