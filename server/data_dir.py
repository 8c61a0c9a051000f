"""The server's directory: one database, one file a finished session, one server at a time."""

from __future__ import annotations

import os
from pathlib import Path

from server.errors import StartError


class DataDir:
    """Made if missing, locked until `close` or the end of the process, however it ends."""

    def __init__(self, path: Path) -> None:
        self.path, (self.database, self.recordings) = path, self.places(path)
        try:
            self.recordings.mkdir(parents=True, exist_ok=True)
            self._lock = open(path / "lock", "a+b")
        except OSError as error:
            raise StartError(f"data directory {path} cannot be used ({error.strerror})") from error
        try:
            _lock(self._lock.fileno())
        except OSError as error:
            self._lock.close()
            raise StartError(f"data directory {path} is in use (wanted one server, got a second)") from error
        for unfinished in self.recordings.glob(".*.parquet.*"):  # by a server that was killed while it wrote
            unfinished.unlink(missing_ok=True)

    @staticmethod
    def places(path: Path) -> tuple[Path, Path]:
        """SQLite's file and the recordings."""
        return path / "hiprep.sqlite3", path / "recordings"

    @staticmethod
    def words(path: Path) -> list[Path]:
        """The clinic's own: of its consent, and questionnaires whose text does not come with hiprep."""
        return [one for one in (path / "consent.txt", *sorted((path / "questionnaires").glob("*.json"))) if one.is_file()]

    def close(self) -> None:
        self._lock.close()


def _lock(descriptor: int) -> None:
    if os.name == "nt":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
