"""A patient in one line: what the list of patients shows, made anew once a day and whenever something changes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from server.attention import Report, reasons
from server.programme import Done, Programme, adherence
from server.store import Store, programmes

AT_ONCE = 5  # patients a turn of the writer, so that others wait for tens of milliseconds; no source


def overview(versions: Sequence[Programme], done: Sequence[Done], reports: Sequence[Report], today: date) -> dict[str, Any]:
    kept = adherence(versions, done, today)
    week = kept.weeks[-1] if kept.weeks else None
    worst = [report.worst for report in reports if report.worst is not None]
    return {
        "reasons": [asdict(reason) for reason in reasons(versions, done, reports, today)],
        "week": week and {"sessions": week.sessions, "prescribed": week.prescribed},
        "share": kept.share,
        "streak": kept.streak,
        "last": max((one.day.isoformat() for one in done), default=None),
        "worst_pain": worst[-1] if worst else None,
    }


async def overviews(store: Store, patients: Sequence[int], zone: ZoneInfo, today: date) -> dict[int, dict[str, Any]]:
    """By the patient's number."""
    found = await store.fetch(programmes.overviews_of, patients, today)
    missing = [number for number in patients if number not in found]
    for first in range(0, len(missing), AT_ONCE):
        found |= await store.write(_make, missing[first : first + AT_ONCE], zone, today)
    return {number: json.loads(document) for number, document in found.items()}


def _make(connection: Connection, patients: list[int], zone: ZoneInfo, today: date) -> dict[int, str]:
    """In one transaction, so that what changes meanwhile is not taken for what was seen."""
    versions = programmes.of_patients(connection, patients)
    done = programmes.done_by(connection, patients, zone)
    reports = programmes.reports_of(connection, patients, zone)
    made = {
        number: json.dumps(overview(versions[number], done[number], reports[number], today), separators=(",", ":"))
        for number in patients
    }
    programmes.keep(connection, today, made)
    return made
