"""What was asked with an Idempotency-Key, and what was answered: asked again within a day, it is answered again and not
done again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, insert, select

from server.errors import KeyReused
from server.store.schema import once as table


class Key(NamedTuple):
    """hash: of who asks, where, and the client's word for it; asked: of the body. patient: whose data it is about."""

    hash: str
    asked: str
    patient: int | None
    at: str


def once(connection: Connection, key: Key | None, job: Callable[[Connection], dict[str, Any]]) -> dict[str, Any]:
    """The job's answer, in the transaction of what it does. Raises KeyReused."""
    if key is None:
        return job(connection)
    row = connection.execute(select(table).where(table.c.hash == key.hash)).one_or_none()
    if row is not None:
        if row.asked != key.asked:
            raise KeyReused()
        return json.loads(row.answer)
    made = job(connection)
    values = {"hash": key.hash, "asked": key.asked, "patient": key.patient, "made_at": key.at, "answer": json.dumps(made)}
    connection.execute(insert(table).values(**values))
    return made


def forget(connection: Connection, before: str) -> None:
    connection.execute(delete(table).where(table.c.made_at < before))
