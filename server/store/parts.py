"""What was done of each exercise in a session: derived from its newest result and what was corrected by hand."""

from __future__ import annotations

import json
from statistics import median
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from processing.exercises import EXERCISES
from server.corrections import corrected
from server.store.schema import corrections, overviews, parts, results, sessions


def renew(connection: Connection, session: int) -> None:
    """In the transaction of whatever changed."""
    newest = select(results.c.document).where(results.c.session == session).order_by(results.c.number.desc()).limit(1)
    by_hand = select(corrections).where(corrections.c.session == session).order_by(corrections.c.number)
    document = json.loads(connection.execute(newest).scalar_one())
    connection.execute(delete(parts).where(parts.c.session == session))
    for row in _of(document, connection.execute(by_hand).all()):
        connection.execute(insert(parts).values(session=session, **row))
    patient = select(sessions.c.patient).where(sessions.c.number == session).scalar_subquery()
    connection.execute(delete(overviews).where(overviews.c.patient == patient))


def _of(document: dict[str, Any], by_hand: list) -> list[dict[str, Any]]:
    """Rows of the table. What was added by hand has no angles, and nobody saw its pelvis."""
    reps = corrected(document, by_hand)["reps"] if document else []
    counted = [rep for rep in reps if rep["counted"] and not rep["removed"] and rep["exercise"] in EXERCISES]
    rows = []
    for name in dict.fromkeys(rep["exercise"] for rep in counted):
        mine = [rep for rep in counted if rep["exercise"] == name]
        watched = [rep for rep in mine if EXERCISES[name].pelvis_shows or rep.get("pelvis_deg") is not None]
        roms = [rep["rom_deg"] for rep in mine if "rom_deg" in rep]
        rows.append({
            "exercise": name, "side": document["side"], "reps": len(mine), "watched": len(watched),
            "compensated": sum(rep["compensated"] for rep in watched), "rom_deg": median(roms) if roms else None,
        })  # fmt: skip
    return rows
