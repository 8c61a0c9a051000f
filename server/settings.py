"""What an operator can set."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

from server.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Settings:
    """data_dir: database and recordings, made if missing. port 0: any that is free.

    max_database_mb: refuse to grow the database beyond it (None: as far as the disk goes).
    database: a PostgreSQL URL (None: SQLite in the data directory; recordings are there either way).
    """

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 8000
    max_database_mb: int | None = None
    database: str | None = field(default=None, repr=False)  # may hold a password

    def __post_init__(self) -> None:
        object.__setattr__(self, "data_dir", Path(self.data_dir))
        if not is_loopback(self.host):
            raise SettingsError(
                f"host {self.host!r} is refused: without accounts only this computer is served"
                f" (wanted 127.0.0.1, ::1 or localhost, got {self.host!r})"
            )
        if not isinstance(self.port, int) or not 0 <= self.port <= 65535:
            raise SettingsError(f"port is not a port (wanted 0 to 65535, got {self.port!r})")
        if self.max_database_mb is not None and self.max_database_mb < 1:
            raise SettingsError(f"max_database_mb is too small (wanted 1 or more, got {self.max_database_mb})")
        if self.database is not None:
            scheme = self.database.partition(":")[0]
            if scheme not in ("postgresql", "postgres"):
                raise SettingsError(f"unknown kind of database (wanted postgresql://USER@HOST/NAME, got {scheme[:20]!r})")
            if self.max_database_mb is not None:
                raise SettingsError("max_database_mb is for SQLite (wanted it or a database URL, got both)")
        if self.data_dir.exists() and not self.data_dir.is_dir():
            raise SettingsError(f"data directory {self.data_dir} is not a directory (wanted a directory, got a file)")


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
