"""A server's sessions and people as one file, from either database into either.

A tar of tables/NAME.jsonl (store/copy.py), recordings/NAME, the clinic's own words (consent.txt, questionnaires/NAME.json)
and, at its end, manifest.json: the revision of the tables, their columns, and the SHA-256 of every other member. The same
content is the same bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from sensor.files import replacing
from server.data_dir import DataDir
from server.errors import BackupError
from server.settings import Settings
from server.store import copy
from server.store.backend import backend_of
from server.store.writer import Writer

FORMAT = "hiprep.backup/1"
MANIFEST = "manifest.json"
MEMBER = re.compile(r"tables/[a-z_]+\.jsonl|recordings/[0-9a-f-]{36}\.parquet|consent\.txt|questionnaires/[^/\\\0]{1,100}\.json|manifest\.json")


def back_up(settings: Settings, out: Path) -> int:
    """One moment of the tables, also of a server that runs; how many recordings it holds. Raises BackupError."""
    database, recordings = DataDir.places(settings.data_dir)
    if settings.database is None and not database.is_file():
        raise BackupError(f"nothing to back up in {settings.data_dir} (wanted {database.name}, got none)")
    backend = backend_of(settings.database or database)
    engine = backend.reading_engine()
    try:
        with replacing(out) as [new], new.open("wb") as file, tarfile.open(fileobj=file, mode="w") as tar:
            os.chmod(new, 0o600)  # health data, and hashes of passwords
            with engine.connect() as connection:
                return _write(connection, settings.data_dir, recordings, tar)
    except SQLAlchemyError as error:
        raise BackupError(f"database {backend.where} cannot be read ({' '.join(str(error).split())})") from error
    finally:
        engine.dispose()


def _write(connection: Connection, data: Path, recordings: Path, tar: tarfile.TarFile) -> int:
    tables, sums, named = copy.tables(connection), {}, []
    for table, columns in tables.items():
        with tempfile.TemporaryFile() as file:
            for line in copy.lines(connection, table):
                file.write(line)
                if table == "sessions":
                    named.append(dict(zip(dict(columns), json.loads(line), strict=True))["recording"])
            sums[f"tables/{table}.jsonl"] = _add(tar, f"tables/{table}.jsonl", file)
    names = sorted(name for name in named if name)
    for name in names:  # each was there before its row named it
        try:
            file = (recordings / name).open("rb")
        except FileNotFoundError as error:
            raise BackupError(f"a recording is missing in {recordings} (wanted {name})") from error
        with file:
            sums[f"recordings/{name}"] = _add(tar, f"recordings/{name}", file)
    for path in DataDir.words(data):
        name = path.relative_to(data).as_posix()
        with path.open("rb") as file:
            sums[name] = _add(tar, name, file)
    manifest = {"format": FORMAT, "revision": copy.revision(connection), "tables": tables, "sha256": sums}
    _add(tar, MANIFEST, io.BytesIO(json.dumps(manifest, indent=1).encode()))
    return len(names)


def _add(tar: tarfile.TarFile, name: str, file: BinaryIO) -> str:
    """Its SHA-256."""
    file.seek(0)
    found = hashlib.file_digest(file, "sha256").hexdigest()
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = file.seek(0, io.SEEK_END), 0o600
    file.seek(0)
    tar.addfile(entry, file)
    return found


def restore(settings: Settings, backup: Path) -> int:
    """Into a data directory and a database that are empty; how many recordings came. Raises BackupError, StartError."""
    manifest = _checked(backup)
    data = DataDir(settings.data_dir)
    made: list[Path] = []
    try:
        for path in (data.database, *data.recordings.iterdir()):
            if path.exists():
                raise BackupError(f"{data.path} is not empty (wanted no sessions, got {path.name})")
        for path in DataDir.words(data.path):
            if hashlib.sha256(path.read_bytes()).hexdigest() != manifest["sha256"].get(path.relative_to(data.path).as_posix()):
                raise BackupError(f"{data.path} has other words (wanted none, or those of the backup, got {path.name})")
        with tarfile.open(backup) as tar, _undone(made):
            for name in manifest["sha256"]:
                if not name.startswith("tables/") and not (data.path / name).exists():
                    made.append(data.path / name)
                    made[-1].parent.mkdir(exist_ok=True)
                    with replacing(made[-1]) as [new]:
                        new.write_bytes(tar.extractfile(name).read())
            made += [data.database.with_name(data.database.name + end) for end in ("", "-wal", "-shm")]
            writer = Writer(backend_of(settings.database or data.database))
            try:
                writer.submit(lambda connection: _fill(connection, tar, manifest)).result()
            finally:
                writer.close()
    finally:
        data.close()
    return sum(name.startswith("recordings/") for name in manifest["sha256"])


@contextlib.contextmanager
def _undone(made: list[Path]) -> Iterator[None]:
    """Unless all of it goes well."""
    try:
        yield
    except BaseException:
        for path in made:
            path.unlink(missing_ok=True)
        raise


def _fill(connection: Connection, tar: tarfile.TarFile, manifest: dict[str, Any]) -> None:
    copy.fill(connection, manifest["revision"], manifest["tables"], lambda name: tar.extractfile(f"tables/{name}.jsonl"))


def _checked(backup: Path) -> dict[str, Any]:
    """The manifest of a backup whose every byte is as it was written."""
    sums = {}
    try:
        with tarfile.open(backup, "r:") as tar:
            for entry in tar:
                if not entry.isreg() or not MEMBER.fullmatch(entry.name) or entry.name in sums:
                    raise BackupError(f"{backup} is not a backup (wanted {FORMAT}, got a member {entry.name[:60]!r})")
                sums[entry.name] = hashlib.file_digest(tar.extractfile(entry), "sha256").hexdigest()
            if MANIFEST not in sums:
                raise BackupError(f"{backup} is cut short (wanted {MANIFEST} at its end, got none)")
            manifest = json.loads(tar.extractfile(MANIFEST).read())
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise BackupError(f"{backup} is not a backup, or cut short (wanted {FORMAT}, got: {error})") from error
    except OSError as error:
        raise BackupError(f"cannot read {backup} (wanted a readable file, got: {error.strerror or error})") from error
    del sums[MANIFEST]
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise BackupError(f"{backup} is not a backup (wanted {FORMAT}, got another format)")
    for name in sorted(sums.keys() | manifest["sha256"].keys()):
        if sums.get(name) != manifest["sha256"].get(name):
            raise BackupError(f"{backup} is damaged (wanted {name} with the SHA-256 of its manifest, got another)")
    return manifest
