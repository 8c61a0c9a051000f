"""A physio's list of a thousand patients."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from senders import EXERCISE, SIDE, beginning
from house import Browser, housing
from sqlalchemy import Connection, insert, select

from server.overview import prepare
from server.pages.patients import LINES
from server.programme import Item, Programme
from server.store import Store, programmes, schema

PATIENTS, DONE = 1000, 100


def patients(folder: Path) -> tuple[float, str, str]:
    """s of p95, and in words. A physio's list: PATIENTS with DONE sessions each, the first LINES shown, on a day that has begun, and the first time of it."""
    with housing(folder) as house:
        admin = house.found("Hillside", "Ada Admin")
        phil = admin.add("Phil Physio", "staff")
    store = Store(folder / "hiprep.sqlite3")
    asyncio.run(store.write(many, phil.email, house.clock.now))
    began, cpu_s = time.perf_counter(), time.process_time()
    asyncio.run(prepare(store, house.clock.now))
    prepared = f"made in {time.perf_counter() - began:.1f} s ({time.process_time() - cpu_s:.1f} s of a core), before it is asked for"
    store.close()
    with housing(folder, house.clock) as house:
        house.clock.now += 60
        browser, took = Browser(house).log_in(phil.email, key=phil.key), []
        cpu_s = time.process_time()
        for _ in range(100):
            began = time.perf_counter()
            assert browser.get("/patients").text.count("<tr") == LINES + 1
            took.append(time.perf_counter() - began)
        cpu_s = (time.process_time() - cpu_s) / len(took)
    late = float(np.percentile(took, 95))
    return late, f"p95 {1e3 * late:.0f} ms, {1e3 * cpu_s:.0f} ms of a core", prepared


def many(connection: Connection, email: str, now_s: float) -> None:
    who = connection.execute(select(schema.people).where(schema.people.c.email == email)).one()
    day, rows = programmes.today(now_s, ZoneInfo("UTC")), {name: [] for name in ("people", "assignments", "sessions", "parts", "reports")}
    for patient in range(1000, 1000 + PATIENTS):
        id, at = f"{patient:08d}-0000-7000-8000-000000000000", "2025-01-01T00:00:00.000Z"
        rows["people"].append({"number": patient, "id": id, "clinic": who.clinic, "role": "patient", "admin": False, "name": f"P {patient}", "created_at": at, "totp_step": 0})
        rows["assignments"].append({"staff": who.number, "patient": patient})
        for number in range(patient * DONE, (patient + 1) * DONE):
            at = f"{day - timedelta(number % DONE)}T{number % 24:02d}:00:00.000Z"
            told = beginning(f"session-{number}") | {"info": b"", "started_at": at, "created_at": at, "ended_at": at, "patient": patient}
            rows["sessions"].append({"number": number, "id": f"{number:08d}-0000-7000-8000-000000000001"} | told)
            rows["parts"].append({"session": number, "exercise": EXERCISE, "side": SIDE, "reps": 30, "watched": 30, "compensated": number % 5, "rom_deg": 30.0 + number % 7})
            rows["reports"].append({"session": number, "pain_before": 1, "pain_worst": number % 4, "pain_after": 1, "note": "", "made_at": at})
    for name, some in rows.items():
        connection.execute(insert(getattr(schema, name)), some)
    for patient in range(1000, 1000 + PATIENTS):
        item = Item(EXERCISE, SIDE, 3, 10, 3, 6, 2.0, 0.0, 2.0, None, None)
        programmes.add(connection, patient, who.number, "2025-12-01T00:00:00.000Z", Programme(0, day - timedelta(40), 5, 5, "", "", (item,)))
