"""A finished session as one file, `recording/1`: written from its journal, read back, compared."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import Connection

import processing
from sensor.devices import driver_named
from sensor.errors import RecordingError
from sensor.samples import RAW_FIELDS
from server.store import Store, journal, sessions
from server.store.sessions import Session

if TYPE_CHECKING:
    from sensor.recording import Recording


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
