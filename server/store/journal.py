"""The journal: a live session's packets, byte-exact, each under its key once."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, select

from sensor.frames import Entry
from server.errors import NotNew, PacketConflict
from server.store.schema import packets

BAND = 0  # a session has one band
READ_AT_ONCE = 1000  # rows; no source
MOST_ROWS = 256  # a statement: SQLite takes 32 766 values
COUNTED = {"preserve_rowcount": True}
_COLUMNS = ("session", "epoch", "position", "host_ns", "data")  # a session's number, and those of an Entry


class Append(NamedTuple):
    """Packets of a session, by its number; open_epoch: the newest of which anything has been counted."""

    session: int
    entries: Sequence[Entry]
    open_epoch: int


def append(connection: Connection, session: int, entries: Sequence[Entry], open_epoch: int) -> int:
    """Store what is new and return how many were; PacketConflict refuses all of them.

    A key that is stored already must have come with the same bytes; an epoch before `open_epoch` takes no
    packet that it does not hold, because what followed it has been counted.
    """
    fresh = [(session, *entry) for entry in entries if entry.epoch >= open_epoch]
    stored = INSERT[connection.dialect.name](connection, fresh) if fresh else 0
    if stored < len(entries):
        _compare(connection, session, entries)
    return stored


def append_new(connection: Connection, several: Sequence[Append]) -> None:
    """All of many sessions' packets in one statement, provided that none is stored already: NotNew otherwise."""
    rows = [(new.session, *entry) for new in several for entry in new.entries]
    closed = any(entry.epoch < new.open_epoch for new in several for entry in new.entries)
    if closed or INSERT[connection.dialect.name](connection, rows) < len(rows):
        raise NotNew("packets that are stored already, or whose epoch is closed")


def _insert_rows(connection: Connection, rows: Sequence[tuple]) -> int:
    """Many rows a statement: after each, the thread waits for Python's lock again, 5 ms and more while others are busy. A
    statement for each power of two, so that sqlite3 keeps them compiled."""
    stored = first = 0
    while left := len(rows) - first:
        size = min(MOST_ROWS, 1 << left.bit_length() - 1)
        values = [value for row in rows[first : first + size] for value in (BAND, *row)]
        stored += connection.exec_driver_sql(_insert(size), tuple(values), execution_options=COUNTED).rowcount
        first += size
    return stored


@functools.cache
def _insert(rows: int) -> str:
    row = f"({', '.join('?' * (1 + len(_COLUMNS)))})"
    return f"INSERT INTO {packets.name} (band, {', '.join(_COLUMNS)}) VALUES {', '.join([row] * rows)} ON CONFLICT DO NOTHING"


def _insert_arrays(connection: Connection, rows: Sequence[tuple]) -> int:
    """One statement however many they are, which also knows how many were new."""
    from server.store.arrays import BigInts, Bytes  # psycopg's: who has no PostgreSQL needs none of it

    *numbers, data = zip(*rows, strict=True)
    columns = (*map(BigInts, numbers), Bytes(data))
    return connection.exec_driver_sql(_FROM_ARRAYS, columns, execution_options=COUNTED).rowcount


INSERT = {"sqlite": _insert_rows, "postgresql": _insert_arrays}


_FROM_ARRAYS = (
    f"INSERT INTO {packets.name} (band, {', '.join(_COLUMNS)}) SELECT {BAND}, * FROM unnest(%b, %b, %b, %b, %b) ON CONFLICT DO NOTHING"
)


def _compare(connection: Connection, session: int, entries: Sequence[Entry]) -> None:
    for epoch in {entry.epoch for entry in entries}:
        sent = [entry for entry in entries if entry.epoch == epoch]
        rows = connection.execute(
            select(packets.c.position, packets.c.data).where(
                packets.c.session == session,
                packets.c.band == BAND,
                packets.c.epoch == epoch,
                packets.c.position.between(min(e.index for e in sent), max(e.index for e in sent)),
            )
        )
        there = {position: data for position, data in rows}
        for entry in sent:
            if entry.index not in there:
                raise PacketConflict(epoch, entry.index, "its epoch is closed: a later one has begun")
            if there[entry.index] != entry.packet:
                raise PacketConflict(epoch, entry.index, "stored already with other bytes")


def read(connection: Connection, session: int) -> Iterator[Entry]:
    """Everything, in the order of counting."""
    statement = (
        select(packets.c.epoch, packets.c.position, packets.c.host_ns, packets.c.data)
        .where(packets.c.session == session, packets.c.band == BAND)
        .order_by(packets.c.epoch, packets.c.position)
    )
    return (Entry(*row) for row in connection.execute(statement.execution_options(yield_per=READ_AT_ONCE)))


def count(connection: Connection, session: int) -> int:
    return connection.execute(select(func.count()).where(packets.c.session == session)).scalar_one()


def nothing(connection: Connection) -> None:
    """Takes what a write takes, and writes nothing: whether it can be done."""
    remove(connection, -1)


def remove(connection: Connection, session: int) -> None:
    connection.execute(delete(packets).where(packets.c.session == session))
