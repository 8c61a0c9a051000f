"""A clinic to look through: simulated people (motion.py), six weeks of their sessions, counted by the real code."""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from processing.exercises import EXERCISES
from server.devices import hash_of
from server.errors import ServerError
from server.importing import Upload
from server.problems import Problem
from server.programme import PAIN_STOP, Item, Programme
from server.store import consents, keys, people, programmes
from server.store.people import Person

if TYPE_CHECKING:
    from server.service import Service

CLINIC, ZONE = "Demo clinic (everybody simulated)", "Europe/Berlin"
PHYSIO = "Robin Falk"
WEEKS = 6
RATE_HZ, REST_S = 50.0, 12.0  # enough to be counted, and soon simulated
THREE = ("hip_external_rotation", "hip_internal_rotation", "hip_abduction")

log = logging.getLogger("hiprep.server")


@dataclass(frozen=True, slots=True)
class Story:
    """How somebody's weeks went, from the first to the last: values at both ends. rom: times the exercise's own;
    helps: chance that the pelvis does; pain: the worst of a session, 0 to 10. days: of the week, Monday 0; quiet: days
    without a session up to today. last: the last session's pain, where it breaks with the weeks before."""

    name: str
    exercises: tuple[str, ...]
    side: str
    begun: int  # days ago
    rom: tuple[float, float] = (0.9, 1.0)
    helps: tuple[float, float] = (0.2, 0.05)
    pain: tuple[float, float] = (3, 2)
    days: tuple[int, ...] = (0, 2, 4)
    quiet: int = 0
    last: int | None = None
    note: str = ""


# The first is whose band plays in the demo.
STORIES = (
    Story("Anna Keller", THREE, "right", 40, (0.8, 1.05), (0.3, 0.05), (4, 1), note="Slowly down; the foot turns up at the top."),
    Story("Ben Okafor", ("hip_abduction",), "left", 33, pain=(3, 3), last=6, days=(1, 3, 5)),
    Story("Clara Moreau", ("hip_external_rotation",), "right", 40, (1.0, 0.95), (0.05, 0.5), (2, 2)),
    Story("David Lind", ("hip_abduction",), "right", 36, (0.9, 1.0), quiet=9, days=(0, 3)),
    Story("Eva Brandt", THREE, "left", 0),
)


@dataclass(frozen=True, slots=True)
class Session:
    """One of a story's: at UTC."""

    story: Story
    at: datetime
    rom: float
    helps: float
    pain: int
    seed: int
    last: bool


async def furnish(service: Service) -> None:
    """The people and their programmes, in a store that has none."""
    await service.store.write(_furnish, service)


async def fill(service: Service) -> None:
    """Their sessions, one person after the other. The physio sees the first from the beginning, because of the band that
    plays now, the others once their weeks are whole."""
    todo = [one for story in STORIES for one in sessions(story, _today(service))]
    pool = ProcessPoolExecutor(1, get_context("spawn"), _end_with_the_server)  # simulating beside it, which goes on counting
    loop = asyncio.get_running_loop()
    try:
        with tempfile.TemporaryDirectory(prefix="hiprep-demo-", ignore_cleanup_errors=True) as folder:
            made = [loop.run_in_executor(pool, simulate, one, Path(folder) / f"{one.seed}.parquet") for one in todo]
            for one, path in zip(todo, made, strict=True):
                await _bring(service, one, await path, Path(folder))
                if one.last:
                    await service.store.write(_assign, one.story)
    except (ServerError, Problem, OSError) as error:
        log.error("the demo's sessions: %s", error)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _end_with_the_server() -> None:
    """Where it is killed too, which tells its pool nothing."""
    Thread(target=lambda: (parent_process().join(), os._exit(1)), daemon=True).start()


def sessions(story: Story, today: date) -> Iterator[Session]:
    """Oldest first, none today."""
    days = [today - timedelta(ago) for ago in range(story.begun, max(story.quiet, 1) - 1, -1)]
    days = [day for day in days if day.weekday() in story.days]
    for number, day in enumerate(days):
        part = number / max(len(days) - 1, 1)
        rom, helps, pain = (first + part * (last - first) for first, last in (story.rom, story.helps, story.pain))
        if story.last is not None and number == len(days) - 1:
            pain = story.last
        at = datetime.combine(day, time(17, 5 + 7 * number % 50), ZoneInfo(ZONE)).astimezone(UTC)
        yield Session(story, at, rom, helps, round(pain), 100 * STORIES.index(story) + number + 1, number == len(days) - 1)


def simulate(one: Session, path: Path) -> Path:
    from sensor.motion import GOOD
    from sensor.motion import session as simulated
    from sensor.recording import write_recording

    story = one.story
    tracks = {name: EXERCISES[name].track for name in story.exercises}
    made = simulated(
        tracks, story.exercises, sets=3, rest_s=REST_S, rom=one.rom, compensations=one.helps, seed=one.seed,
        side=story.side, placement="ankle", rate_hz=RATE_HZ, faults=GOOD,
    )  # fmt: skip
    meta = replace(made.recording.meta, started_at=one.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"))
    write_recording(path, replace(made.recording, meta=meta))
    return path


def person(connection: Connection, name: str) -> Person:
    return next(one for one in people.of_clinic(connection, 1) if one.name == name)


def _furnish(connection: Connection, service: Service) -> None:
    at = service.iso()
    clinic = people.add_clinic(connection, CLINIC, ZONE, at)
    physio = people.add(connection, clinic.number, "staff", True, PHYSIO, at)
    for story in STORIES:
        patient = people.add(connection, clinic.number, "patient", False, story.name, at)
        if story is STORIES[0] or not list(sessions(story, _today(service))):
            people.assign(connection, physio, patient, True)
        consents.give(connection, patient.number, service.consent.version, service.consent.words, None, at)
        starts = _today(service) - timedelta(story.begun)
        items = tuple(_item(name, story) for name in story.exercises)
        programmes.add(connection, patient.number, physio.number, at, Programme(1, starts, 5, PAIN_STOP, story.note, at, items))
        if story is STORIES[0]:
            keys.add_device(connection, hash_of(service.settings.demo), patient.number, "the demo's band", at)


def _assign(connection: Connection, story: Story) -> None:
    people.assign(connection, person(connection, PHYSIO), person(connection, story.name), True)


def _item(name: str, story: Story) -> Item:
    return Item(name, story.side, 3, 10, len(story.days), WEEKS, 2.0, 1.0, 2.0, None, "red")


def _today(service: Service) -> date:
    return programmes.today(service.settings.clock(), ZoneInfo(ZONE))


async def _bring(service: Service, one: Session, path: Path, folder: Path) -> None:
    at = (one.at + timedelta(hours=1)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    patient = await service.store.fetch(person, one.story.name)
    kept, _ = await service.importing.take([Upload(path.name, path)], folder, patient, at)
    said = {"pain_before": max(one.pain - 1, 0), "pain_worst": one.pain, "pain_after": max(one.pain - 1, 0)}
    said |= {"exertion": 5, "stopped": None, "note": ""}
    await service.store.write(lambda connection: programmes.put_report(connection, kept.number, patient.number, at, **said))
