"""A PostgreSQL server of the tests' own: a cluster in a temporary directory, on a Unix socket only."""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg


def binaries() -> Path | None:
    """Where initdb and postgres are: on the PATH, or where Debian puts them."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return places[-1].parent if places else None


def _not_alone() -> None:
    """In the child: end at once when the tests do, however they end."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGQUIT)  # PR_SET_PDEATHSIG


class Cluster:
    """Runs as `postgres` where we are root, which PostgreSQL refuses to be."""

    def __init__(self, bin: Path) -> None:
        self._bin, self._numbers = bin, itertools.count()
        self._empty: list[str] = []
        self.folder = Path(tempfile.mkdtemp(prefix="hiprep-pg-"))  # short: a socket's path has 107 bytes
        self._user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
        if self._user:
            shutil.chown(self.folder, "postgres", "postgres")
        self._data = self.folder / "data"
        self._run("initdb", "-D", self._data, "-U", "hiprep", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        self.start()

    def start(self) -> None:
        options = ["-k", self.folder, "-c", "listen_addresses=", "-c", "shared_buffers=32MB", "-c", "max_connections=50"]
        command = [self._bin / "postgres", "-D", self._data, *options]
        with (self.folder / "log").open("ab") as log:
            self._server = subprocess.Popen(
                command, cwd=self.folder, stdout=log, stderr=log, preexec_fn=_not_alone, **self._user
            )
        while True:
            try:
                return self.connect().close()
            except psycopg.OperationalError:  # not yet
                assert self._server.poll() is None, (self.folder / "log").read_text()
                time.sleep(0.02)

    def kill(self) -> None:
        """`kill -9` of every process of it."""
        with self.connect() as connection:
            children = [pid for (pid,) in connection.execute("SELECT pid FROM pg_stat_activity")]
        self._server.kill()
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._server.wait()

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(host=str(self.folder), user="hiprep", dbname=database, autocommit=True)

    def database(self, options: str = "") -> str:
        """The URL of an empty one."""
        if self._empty and not options:
            return self.url(self._empty.pop())
        name = f"test{next(self._numbers)}"
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE {name} {options}")
        return self.url(name)

    def empty(self, url: str) -> None:
        """For another test: making one costs a thousand files."""
        name = url.partition("?")[0].rpartition("/")[2]
        with self.connect(name) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()", [name]
            )
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        self._empty.append(name)

    def url(self, name: str, host: Path | None = None) -> str:
        return f"postgresql://hiprep@/{name}?host={host or self.folder}"

    def remove(self) -> None:
        self._server.send_signal(signal.SIGQUIT)  # at once: nothing of it is needed any more
        self._server.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, command: str, *arguments: object) -> None:
        done = subprocess.run(
            [self._bin / command, *map(str, arguments)], cwd=self.folder, capture_output=True, text=True, **self._user
        )
        assert done.returncode == 0, done.stderr
