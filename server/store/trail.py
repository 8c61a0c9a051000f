"""The audit trail: who did what about whom, each row bound to the one before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from server.store.schema import audit

FIRST = "0" * 64  # what the first row follows


@dataclass(frozen=True, slots=True)
class Entry:
    """Ids and no content. actor None: the terminal, or somebody who is nobody yet."""

    at: str
    clinic: str | None
    actor: str | None
    device: str | None
    action: str
    subject: str | None = None
    object: str | None = None

    def hash(self, before: str) -> str:
        row = [before, *(getattr(self, name) for name in Entry.__slots__)]
        return hashlib.sha256(json.dumps(row, separators=(",", ":")).encode()).hexdigest()


def note(connection: Connection, entry: Entry) -> None:
    """In the transaction of what it tells about: both are stored or neither is."""
    last = select(audit.c.hash).order_by(audit.c.number.desc()).limit(1).with_for_update()
    before = connection.execute(last).scalar_one_or_none() or FIRST
    values = {name: getattr(entry, name) for name in Entry.__slots__}
    connection.execute(insert(audit).values(before=before, hash=entry.hash(before), **values))


def entries(connection: Connection, **where: str) -> Iterator[Entry]:
    """Oldest first; where: clinic, actor, subject, action."""
    columns = [audit.c[name] for name in Entry.__slots__]
    statement = select(*columns).where(*(audit.c[name] == value for name, value in where.items()))
    return (Entry(*row) for row in connection.execute(statement.order_by(audit.c.number)))


def page(connection: Connection, limit: int, before: int | None, **where: str) -> list[tuple[int, Entry]]:
    """With their numbers, newest first."""
    columns = [audit.c[name] for name in Entry.__slots__]
    statement = select(audit.c.number, *columns).where(*(audit.c[name] == value for name, value in where.items()))
    if before is not None:
        statement = statement.where(audit.c.number < before)
    rows = connection.execute(statement.order_by(audit.c.number.desc()).limit(limit))
    return [(number, Entry(*values)) for number, *values in rows]


def broken_at(connection: Connection) -> int | None:
    """The number of the first row that is not what was written, or does not follow the one before it; None: all do.

    A cut-off end shows only against a hash kept elsewhere (`head`).
    """
    before = FIRST
    columns = [audit.c[name] for name in Entry.__slots__]
    for number, stored_before, stored, *values in connection.execute(
        select(audit.c.number, audit.c.before, audit.c.hash, *columns).order_by(audit.c.number)
    ):
        if stored_before != before or stored != Entry(*values).hash(before):
            return number
        before = stored
    return None


def head(connection: Connection) -> str:
    """The hash that stands for the whole trail: to be kept elsewhere."""
    return connection.execute(select(audit.c.hash).order_by(audit.c.number.desc()).limit(1)).scalar_one_or_none() or FIRST
