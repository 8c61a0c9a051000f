"""Files on disk, with errors in one line and nothing half-written."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sensor.errors import RecordingError


def checked(path: str | Path) -> Path:
    """The path of a file that is there."""
    path = Path(path)
    try:
        if path.is_file():
            return path
        problem = "is a directory" if path.is_dir() else "is not a file" if path.exists() else "does not exist"
    except (OSError, ValueError) as error:  # name too long, a NUL in it
        problem = getattr(error, "strerror", None) or str(error)
    raise RecordingError(f"cannot read {path} (wanted a file, got: {problem})")


def check_target(path: str | Path) -> None:
    """Refuse early what `replacing` would refuse after the work."""
    target = Path(os.path.realpath(path))
    try:
        if target.exists() and not target.is_file():
            problem = "something that is not a file is there"
        elif not target.parent.is_dir():
            problem = f"{target.parent} is not a directory"
        elif not os.access(target.parent, os.W_OK | os.X_OK):
            problem = "no permission"
        else:
            return
    except (OSError, ValueError) as error:  # name too long, a NUL in it
        problem = getattr(error, "strerror", None) or str(error)
    raise RecordingError(f"cannot write {path} (wanted a writable place, got: {problem})")


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """What goes wrong while reading, said in one line."""
    try:
        yield
    except OSError as error:
        raise RecordingError(f"cannot read {path} (wanted a readable file, got: {error.strerror or error})") from error
    except MemoryError as error:
        raise RecordingError(f"cannot read {path} (wanted a file that fits in memory)") from error


def json_object(path: Path) -> dict[str, Any]:
    """What a JSON file holds."""
    try:
        with reading(path):
            said = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise RecordingError(f"{path} is not JSON (wanted an object, got: {error})") from error
    if not isinstance(said, dict):
        raise RecordingError(f"{path} is not as needed (wanted a JSON object, got {type(said).__name__})")
    return said


@contextlib.contextmanager
def replacing(*targets: str | Path) -> Iterator[list[Path]]:
    """New files to write beside the targets; they take the targets' names when all are safely on the disk."""
    named = [Path(os.path.realpath(target)) for target in targets]
    fresh = [target.with_name(f".{target.name}.{secrets.token_hex(4)}") for target in named]
    try:
        for target, new in zip(targets, fresh, strict=True):
            check_target(target)
            os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        yield fresh
        for new in fresh:
            _sync(new)
        for target, new in zip(named, fresh, strict=True):
            os.replace(new, target)
        for folder in {target.parent for target in named}:
            _sync(folder)
    except OSError as error:
        problem = error.strerror or error
        raise RecordingError(f"cannot write {targets[0]} (wanted a writable place, got: {problem})") from error
    finally:
        for new in fresh:
            with contextlib.suppress(OSError):
                new.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    try:
        handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    except PermissionError:
        if path.is_dir():  # Windows does not open folders, and needs no sync of them
            return
        raise
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
