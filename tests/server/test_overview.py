"""The list of patients is made before somebody asks, for the day that has begun where the clinic is."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from house import START, housing

from server.overview import overviews, prepare
from server.store import people, programmes


@pytest.mark.both_stores
async def test_overviews_are_made_when_the_clinics_day_begins(tmp_path: Path, settings_of, store_of, database) -> None:
    with housing(tmp_path / "data", database=database) as house:
        admin = house.found("Hillside", "Ada Admin", zone="Pacific/Kiritimati")  # UTC+14: 2 January begins there at 10:00 UTC
        phil, pat = admin.add("Phil Physio", "staff"), admin.add("Pat Patient", "patient")
        admin.add("Nobody Cares", "patient")
        admin.assign(phil, pat)
    store = store_of(tmp_path / "data")
    try:
        clinic, = store.read(people.all_clinics)
        number = store.read(people.in_clinic, pat.id, clinic.number).number
        for now_s, day in ((START, date(2026, 1, 1)), (START + 9.9 * 3600, date(2026, 1, 1)), (START + 10 * 3600, date(2026, 1, 2))):
            await prepare(store, now_s)
            assert list(store.read(programmes.overviews_of, [number], day)) == [number]
            assert store.read(programmes.stale, clinic.number, day) == []
        assert store.read(programmes.stale, clinic.number, date(2026, 1, 3)) == [number]
        found = await overviews(store, [number], ZoneInfo(clinic.time_zone), date(2026, 1, 2))
        assert found[number]["reasons"] == [] and found[number]["last"] is None
    finally:
        store.close()
