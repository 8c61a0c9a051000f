"""The journal: a live session's packets, byte-exact, each under its key once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from sensor.frames import Entry
from server.errors import PacketConflict
from server.store.schema import packets

INSERT = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
BAND = 0  # a session has one band


def append(connection: Connection, session: int, entries: Sequence[Entry], open_epoch: int) -> int:
    """Store what is new and return how many were; PacketConflict refuses all of them.

    A key that is stored already must have come with the same bytes; an epoch before `open_epoch` takes no
    packet that it does not hold, because what followed it has been counted.
    """
    fresh = [entry for entry in entries if entry.epoch >= open_epoch]
    stored = 0
    if fresh:
        statement = INSERT[connection.dialect.name](packets).on_conflict_do_nothing()
        stored = connection.execute(
            statement,
            [
                {
                    "session": session, "band": BAND, "epoch": entry.epoch, "position": entry.index,
                    "host_ns": entry.host_ns, "data": entry.packet,
                }
                for entry in fresh
            ],
        ).rowcount  # fmt: skip
    if stored < len(entries):
        _compare(connection, session, entries)
    return stored


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
    return (Entry(*row) for row in connection.execute(statement))


def count(connection: Connection, session: int) -> int:
    return connection.execute(select(func.count()).where(packets.c.session == session)).scalar_one()


def remove(connection: Connection, session: int) -> None:
    connection.execute(delete(packets).where(packets.c.session == session))
