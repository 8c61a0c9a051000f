"""A finished session as one file, `recording/1`: written from its journal, read back, compared."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import Connection

import processing
from sensor.devices import driver_named
from sensor.errors import RecordingError
from sensor.samples import RAW_FIELDS, Samples
from server.counting import Counting
from server.rows import Result, Session
from server.store import Store, journal, sessions

if TYPE_CHECKING:
    from sensor.recording import Recording

WRITTEN = 2e-6  # what CSV keeps, of s, m/s2 and rad/s
COMING = ".coming"  # a mark beside the file of a session that is not yet there
PACKET_SAMPLES = 10  # of a recording that does not say how it arrived: the reference band's packets, 0.1 s at 100 Hz


class Recordings:
    """Blocks: for worker threads. pyarrow is heavy and comes with the first use."""

    def __init__(self, store: Store, directory: Path) -> None:
        self._store, self._directory = store, directory

    def write(self, session: Session) -> str:
        """The file's name, once it is on disk and holds exactly what the journal holds."""
        from sensor.recording import read_recording, write_recording

        name = f"{session.id}.parquet"
        recording = self._store.read(_from_journal, session)
        write_recording(self._directory / name, recording)
        _compare(recording, read_recording(self._directory / name))
        return name

    def count(self, session: Session) -> Result:
        """What the present code makes of it, from wherever it is now."""
        from sensor.recording import read_recording

        counting = Counting(session)

        def fed(connection: Connection) -> str | None:
            name = sessions.find(connection, session.id).recording
            if name is None:  # in the same transaction: the journal may become a file at any moment
                counting.feed(journal.read(connection, session.number))
            return name

        if name := self._store.read(fed):
            try:
                recording = read_recording(self._directory / name)
            except RecordingError as error:  # who reads this need not know where the server keeps its files
                raise RecordingError(str(error).replace(f"{self._directory}{os.sep}", "")) from error
            counting.replay(_arrivals(recording.samples))
        counting.finish()
        return counting.stored()

    def bring(self, session: Session, recording: Recording) -> Result:
        """A recording from elsewhere: its file, and what is counted in that. Until `settled`, a start without the session
        removes the file."""
        from sensor.recording import read_recording, write_recording

        path = self._directory / f"{session.id}.parquet"
        (self._directory / f"{session.id}{COMING}").touch()
        try:
            meta = replace(recording.meta, extra=dict(recording.meta.extra) | {"session": session.id})  # as `exported` asks
            write_recording(path, replace(recording, meta=meta))
            counting = Counting(session)
            counting.replay(_arrivals(read_recording(path).samples))
            counting.finish()
            return counting.stored()
        except BaseException:
            self.drop(session.id)
            self.settled(session.id)
            raise

    def exported(self, session: Session, recording: Recording) -> bool:
        """Whether it is this session's own, as `export` gives it in either spelling."""
        from sensor.recording import read_recording

        meta, samples = recording.meta, recording.samples
        told = session.exercise, session.side, session.placement
        if session.recording is None or (meta.exercise, meta.side, meta.placement) != told:
            return False
        own = read_recording(self._directory / session.recording).samples
        return len(own) == len(samples) and all(
            np.allclose(getattr(own, name), getattr(samples, name), rtol=0, atol=WRITTEN) for name in ("t", "acc", "gyr")
        )

    def settled(self, session_id: str) -> None:
        (self._directory / f"{session_id}{COMING}").unlink(missing_ok=True)

    def drop(self, session_id: str) -> None:
        (self._directory / f"{session_id}.parquet").unlink(missing_ok=True)

    def tidy(self) -> None:
        """What was coming when the last server was killed: its file goes, unless its session is there."""
        for mark in self._directory.glob(f"*{COMING}"):
            if self._store.read(sessions.find, mark.stem) is None:
                self.drop(mark.stem)
            mark.unlink()

    def export(self, session: Session, target: Path) -> None:
        """The recording in the spelling of target's suffix, from wherever it is now."""
        from sensor.recording import read_recording, write_recording

        def find(connection: Connection) -> Path | Recording:
            # One transaction: the journal may become a file at any moment.
            now = sessions.find(connection, session.id)
            return self._directory / now.recording if now.recording else _from_journal(connection, now)

        found = self._store.read(find)
        if isinstance(found, Path) and target.suffix == found.suffix:
            shutil.copyfile(found, target)
        else:
            write_recording(target, read_recording(found) if isinstance(found, Path) else found)


def _from_journal(connection: Connection, session: Session) -> Recording:
    from sensor.recording import Meta, recording_from_packets

    driver = driver_named(session.driver)
    meta = Meta(
        device=driver.name,
        sample_rate_hz=driver.decode_info(session.info).rate_hz,
        placement=session.placement,
        side=session.side,
        exercise=session.exercise,
        started_at=session.started_at,
        extra={"session": session.id, "band": session.band, "software": f"hiprep {processing.VERSION}"},
    )
    packets = ((entry.host_ns, entry.packet) for entry in journal.read(connection, session.number))
    return recording_from_packets(driver, session.info, packets, meta)


def _arrivals(samples: Samples) -> Iterator[Samples]:
    """In the blocks in which they arrived: a packet's, or several that waited for an earlier one."""
    if samples.raw is None or samples.raw.t_host_ns.max() < 0:  # nobody knows: as `replay` does
        return iter(samples.blocks(PACKET_SAMPLES))
    arrived = np.maximum.accumulate(samples.raw.t_host_ns)
    cuts = [0, *(np.flatnonzero(np.diff(arrived)) + 1), len(samples)]
    samples = Samples(samples.t, samples.acc, samples.gyr)  # nobody counts what the wire said besides
    return (samples[first:last] for first, last in itertools.pairwise(cuts))


def _compare(wanted: Recording, got: Recording) -> None:
    """What the band said to the last bit; `t`, which a file keeps in whole microseconds, to one of them."""
    for name in RAW_FIELDS:
        _same(name, np.array_equal(getattr(wanted.samples.raw, name), getattr(got.samples.raw, name)))
    for name in ("acc", "gyr"):
        _same(name, np.array_equal(getattr(wanted.samples, name), getattr(got.samples, name)))
    _same("t", np.allclose(wanted.samples.t, got.samples.t, rtol=0, atol=1e-6))


def _same(name: str, same: bool) -> None:
    if not same:
        raise RecordingError(f"{name} read back from the recording is not what was written")
