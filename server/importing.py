"""Recordings that come as files become ended sessions: looked at, counted, kept; whole or not at all."""

from __future__ import annotations

import asyncio
import hashlib
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from processing.errors import ProcessingError
from processing.tracker import Tracker
from sensor.errors import RecordingError
from server.counting import IMPORTED
from server.problems import Problem
from server.recordings import Recordings
from server.rows import Result, Session, new_id
from server.store import Store, people, sessions
from server.store.people import Person

if TYPE_CHECKING:
    from sensor.recording import Recording

FILE_LIMIT = 64 << 20  # bytes as they come, and of a zip's members together; the rest of SERVICE.md's limits is the readers'
CHUNK = 1 << 20
SUFFIXES = ((".parquet",), (".csv", ".json"))


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came: its name, as its sender says, and where it lies now."""

    name: str
    path: Path


class Importing:
    """One at a time: counting takes Python's lock, and live sessions go first."""

    def __init__(self, store: Store, recordings: Recordings) -> None:
        self._store, self._recordings, self.turn = store, recordings, asyncio.Lock()

    async def take(self, uploads: Sequence[Upload], folder: Path, patient: Person | None, at: str) -> tuple[Session, bool]:
        """The session, and whether it is new: the same recording again is the same one, and so is one that was taken from
        here. folder: for what is unpacked. Raises Problem."""
        async with self.turn:
            recording = await asyncio.to_thread(_read, uploads, folder)
            values = _values(recording, patient)
            there = await self._own(recording, patient) or await self._store.fetch(sessions.with_key, values["key"])
            if there is not None:
                return there, False
            session = Session(0, new_id(), created_at=at, ended_at=at, **values, recording=None, idle_since=None)
            made = await asyncio.to_thread(self._recordings.bring, session, recording)
            try:
                return await self._store.write(_keep, session, made, patient)
            except BaseException:
                self._recordings.drop(session.id)
                raise
            finally:
                self._recordings.settled(session.id)

    async def _own(self, recording: Recording, patient: Person | None) -> Session | None:
        """The session that this is an export of. Somebody else's stays theirs, and what was changed is another one."""
        named = recording.meta.extra.get("session")
        session = await self._store.fetch(sessions.find, named) if isinstance(named, str) else None
        if session is None or session.patient != (patient and patient.number):
            return None
        return session if await asyncio.to_thread(self._recordings.exported, session, recording) else None


def _keep(connection: Connection, session: Session, made: Result, patient: Person | None) -> tuple[Session, bool]:
    people.still_there(connection, patient)
    values = {name: getattr(session, name) for name in Session.__slots__ if name not in ("number", "created_at")}
    kept, new = sessions.create(connection, values | {"recording": f"{session.id}.parquet"}, session.created_at)
    if not new:  # another server's, or another process' of this one, was faster
        raise Problem(409, "this recording is just being brought in", "body")
    sessions.add_result(connection, kept.number, made)
    return kept, True


def _read(uploads: Sequence[Upload], folder: Path) -> Recording:
    from sensor.recording import read_recording

    files = {Path(upload.name).suffix.lower(): upload.path for upload in uploads}
    if list(files) == [".zip"] and len(uploads) == 1:
        files = _unpacked(files[".zip"], folder)
    if len(files) < len(uploads) or tuple(sorted(files)) not in SUFFIXES:
        got = ", ".join(sorted(files)) or "nothing"
        raise Problem(422, f"not a recording (wanted .parquet, or .csv and .json, or these two in a .zip, got {got})", "body")
    for suffix, path in files.items():  # the names that the readers know, and the messages show
        os.replace(path, folder / f"recording{suffix}")
    try:
        return read_recording(folder / f"recording{min(files, key=len) if '.csv' not in files else '.csv'}")
    except RecordingError as error:
        raise Problem(422, str(error).replace(f"{folder}{os.sep}", ""), "body") from error


def _unpacked(path: Path, folder: Path) -> dict[str, Path]:
    """What a zip holds, never more than is allowed, whatever it says of itself."""
    found: dict[str, Path] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            members = [one for one in archive.infolist() if not one.is_dir()]
            if len(members) != 2 or sum(one.file_size for one in members) > FILE_LIMIT:
                raise Problem(422, f"not a zip of a recording (wanted .csv and .json of {FILE_LIMIT} bytes at most)", "body")
            left = FILE_LIMIT
            for number, member in enumerate(members):
                target = folder / f"member{number}"
                with archive.open(member) as packed, target.open("wb") as out:
                    while part := packed.read(min(CHUNK, left + 1)):
                        left -= len(part)
                        if left < 0:
                            raise Problem(422, f"the zip unpacks to too much (wanted {FILE_LIMIT} bytes at most)", "body")
                        out.write(part)
                found[Path(member.filename).suffix.lower()] = target
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        if isinstance(error, Problem):
            raise
        raise Problem(422, f"not a zip that can be read (got: {str(error)[:100]})", "body") from error
    return found


def _values(recording: Recording, patient: Person | None) -> dict[str, Any]:
    """Session's fields. Nothing is guessed: what a session needs and the recording does not say is refused."""
    meta, samples = recording.meta, recording.samples
    if meta.started_at is None:
        raise Problem(422, "started_at is missing (wanted ISO 8601 in the sidecar or metadata, got none)", "body")
    try:
        Tracker(meta.exercise, meta.side, meta.placement)
        began = datetime.fromisoformat(meta.started_at)
        began = (began if began.tzinfo else began.replace(tzinfo=UTC)).astimezone(UTC)
    except (ProcessingError, OverflowError) as error:
        raise Problem(422, f"the recording cannot be counted: {error}", "body") from error
    if meta.exercise and len(meta.exercise) > 64:
        raise Problem(422, "the exercise's name is too long (wanted 64 letters at most)", "body")
    digest = hashlib.sha256(f"{patient and patient.id} {meta.exercise} {meta.side} {meta.placement} {meta.started_at}".encode())
    for column in (samples.t, samples.acc, samples.gyr):
        digest.update(column.tobytes())
    named = meta.extra.get("band") or meta.device or IMPORTED
    band = "".join(sign for sign in str(named)[:128] if sign.isprintable()) or IMPORTED
    return {
        "key": digest.hexdigest(),
        "exercise": meta.exercise,
        "side": meta.side,
        "placement": meta.placement,
        "driver": IMPORTED,
        "band": band,
        "info": b"",
        "started_at": began.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "patient": patient and patient.number,
    }
