"""Answers to questionnaires. They keep the version that was asked."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from server.store.schema import answers


def add(connection: Connection, patient: int, name: str, version: str, given: list[int], score: float, at: str) -> None:
    values = {"patient": patient, "questionnaire": name, "version": version, "score": score, "made_at": at}
    connection.execute(insert(answers).values(given=json.dumps(given), **values))


def of_patient(connection: Connection, patient: int) -> list[dict[str, Any]]:
    """Oldest first."""
    rows = connection.execute(select(answers).where(answers.c.patient == patient).order_by(answers.c.number))
    return [_answer(row) for row in rows]


def page(connection: Connection, patient: int, limit: int, after: int) -> tuple[list[dict[str, Any]], int | None]:
    """Oldest first, those after that number; and the number of the last if there may be more."""
    mine = select(answers).where(answers.c.patient == patient, answers.c.number > after).order_by(answers.c.number)
    rows = connection.execute(mine.limit(limit)).all()
    return [_answer(row) for row in rows], rows[-1].number if len(rows) == limit else None


def _answer(row: Row) -> dict[str, Any]:
    return {name: row._mapping[name] for name in ("questionnaire", "version", "score", "made_at")} | {"given": json.loads(row.given)}
