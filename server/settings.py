"""What an operator can set."""

from __future__ import annotations

import ipaddress
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from server.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Settings:
    """data_dir: database and recordings, made if missing. port 0: any that is free.

    max_database_mb: refuse to grow the database beyond it (None: as far as the disk goes).
    keep_days: sessions and answers that are older are removed (None: never; how long records have to be kept is the law's).
    idle_hours: a session without packets for so long is ended; longer than any client is away with packets to send.
    database: a PostgreSQL URL (None: SQLite in the data directory; recordings are there either way).
    url: where people find it, https://NAME[:PORT]; wanted for everything but this computer, together with either a
    certificate (tls_cert, tls_key: files) or behind_proxy (the proxy before it speaks TLS and sets X-Forwarded-For).
    clinic: people log in, and a one-time link makes a clinic; beyond this computer, and once there is a clinic, they do
    anyway. demo: the token of its patient's band; a clinic of simulated people, whom everybody at this computer may look
    through (demo_clinic.py). metrics_token: lets others than this computer read
    /metrics. link_for: e-mail address of who lost password and second factor. password_cost: argon2's passes, KiB and lanes. clock: s since 1970; both for tests.
    """

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 8000
    max_database_mb: int | None = None
    idle_hours: float = 48.0  # twice the longest partition that nothing may be lost by (SERVICE.md, R8)
    database: str | None = field(default=None, repr=False)  # may hold a password
    url: str | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    behind_proxy: bool = False
    clinic: bool = False
    link_for: str | None = None
    keep_days: float | None = None
    demo: str | None = field(default=None, repr=False)
    metrics_token: str | None = field(default=None, repr=False)
    password_cost: tuple[int, int, int] = (3, 65536, 4)  # RFC 9106 section 4, the second recommended option
    clock: Callable[[], float] = time.time

    @property
    def secure(self) -> bool:
        """Beyond this computer, over TLS."""
        return self.url is not None

    def __post_init__(self) -> None:
        object.__setattr__(self, "data_dir", Path(self.data_dir))
        beyond = not is_loopback(self.host) or self.behind_proxy or self.tls_cert or self.tls_key or self.url is not None
        if beyond:
            self._check_beyond()
        if not isinstance(self.port, int) or not 0 <= self.port <= 65535:
            raise SettingsError(f"port is not a port (wanted 0 to 65535, got {self.port!r})")
        if self.max_database_mb is not None and self.max_database_mb < 1:
            raise SettingsError(f"max_database_mb is too small (wanted 1 or more, got {self.max_database_mb})")
        if not 0 < self.idle_hours < 1e6:
            raise SettingsError(f"idle_hours is not a time (wanted more than 0 hours, got {self.idle_hours})")
        if self.keep_days is not None and not 1 <= self.keep_days < 1e5:
            raise SettingsError(f"keep_days is not a time (wanted 1 day or more, got {self.keep_days})")
        if self.metrics_token is not None and len(self.metrics_token) < 32:
            raise SettingsError(f"metrics_token is too short (wanted 32 characters or more, got {len(self.metrics_token)})")
        if self.database is not None:
            scheme = self.database.partition(":")[0]
            if scheme not in ("postgresql", "postgres"):
                raise SettingsError(f"unknown kind of database (wanted postgresql://USER@HOST/NAME, got {scheme[:20]!r})")
            if self.max_database_mb is not None:
                raise SettingsError("max_database_mb is for SQLite (wanted it or a database URL, got both)")
        if self.demo is not None and (self.secure or not is_loopback(self.host)):
            raise SettingsError(f"a demo lets everybody in (wanted this computer only, got {self.url or self.host!r})")
        if self.data_dir.exists() and not self.data_dir.is_dir():
            raise SettingsError(f"data directory {self.data_dir} is not a directory (wanted a directory, got a file)")

    def _check_beyond(self) -> None:
        """Health data and passwords go over TLS, and an origin is what this server calls its own."""
        wanted = "wanted --url https://NAME with --tls-cert and --tls-key, or with --behind-proxy"
        parts = urlsplit(self.url or "")
        if parts.scheme != "https" or not parts.hostname or self.url != f"https://{parts.netloc}" or "@" in parts.netloc:
            raise SettingsError(
                f"host {self.host!r} is refused: without TLS only this computer is served ({wanted}, got url {self.url!r})"
            )
        if (self.tls_cert is None) != (self.tls_key is None) or (self.tls_cert is None) != self.behind_proxy:
            raise SettingsError(f"nobody is said to speak TLS for {self.url}, or more than one ({wanted})")
        if self.tls_cert is not None:
            try:
                ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.tls_cert, self.tls_key)
            except OSError as error:
                got = f"wanted a chain and its key, PEM, got: {error.strerror or error}"
                raise SettingsError(f"certificate {self.tls_cert} with {self.tls_key} is of no use ({got})") from error


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
