"""A patient in one line: what the list of patients shows, made anew once a day and whenever something changes."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from server.attention import Report, reasons
from server.programme import WEEK, Done, Programme, adherence, present
from server.store import Store, people, programmes
from server.trend import shown, trends

POINTS = 12  # days of the small drawing of the range of motion
READ = 2000  # patients whose line is kept as it was read: a few MB; no source
AT_ONCE = 5  # patients a turn of the writer, so that others wait for tens of milliseconds; no source


def overview(versions: Sequence[Programme], done: Sequence[Done], reports: Sequence[Report], today: date) -> dict[str, Any]:
    kept = adherence(versions, done, today)
    week = kept.weeks[-1] if kept.weeks and not kept.weeks[-1].over else None
    worst = [report.worst for report in reports if report.worst is not None]
    now, found = present(versions, today), reasons(versions, done, reports, today)
    wanted = next((one.values["exercise"] for one in found if "exercise" in one.values), now and now.items and now.items[0].exercise)
    return {
        "reasons": [asdict(reason) for reason in found],
        "week": week and {"sessions": week.sessions, "prescribed": week.prescribed, "ticks": max(item.per_week for item in now.items)},
        "rom": [
            {"exercise": one.exercise, "side": one.side, "values": [round(value, 1) for value in one.values[-POINTS:]], "base": one.base, "mdc": one.mdc}
            for one in shown(trends(done), wanted or None)
        ],
        "compensated": _compensated(done),
        "share": kept.share,
        "streak": kept.streak,
        "last": max((one.day.isoformat() for one in done), default=None),
        "worst_pain": worst[-1] if worst else None,
    }


def _compensated(done: Sequence[Done]) -> float | None:
    """Share of the repetitions of the last week in which something was done and the pelvis could be seen."""
    last = max((one.day for one in done if one.watched), default=None)
    if last is None:
        return None
    mine = [one for one in done if one.day > last - timedelta(WEEK)]
    return sum(one.compensated for one in mine) / sum(one.watched for one in mine)


async def overviews(store: Store, patients: Sequence[int], zone: ZoneInfo, today: date) -> dict[int, dict[str, Any]]:
    """By the patient's number."""
    found = await store.fetch(programmes.overviews_of, patients, today)
    missing = [number for number in patients if number not in found]
    for first in range(0, len(missing), AT_ONCE):
        found |= await store.write(_make, missing[first : first + AT_ONCE], zone, today)
    return {number: _read(document) for number, document in found.items()}


@functools.lru_cache(READ)
def _read(document: str) -> dict[str, Any]:
    """Not to be changed: whoever looks next gets the same one."""
    return json.loads(document)


async def prepare(store: Store, now_s: float) -> None:
    """Those of every clinic whose day has begun, before somebody asks: of a thousand patients they take seconds."""
    for clinic in await store.fetch(people.all_clinics):
        zone = ZoneInfo(clinic.time_zone)
        today = programmes.today(now_s, zone)
        stale = await store.fetch(programmes.stale, clinic.number, today)
        for first in range(0, len(stale), AT_ONCE):
            await store.write(_make, stale[first : first + AT_ONCE], zone, today)


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
