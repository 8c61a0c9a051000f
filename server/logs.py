"""What the server says of itself: a line each, JSON where no person reads along. No health data, no secret: routes instead
of addresses, ids instead of names, and of what went wrong where it did and not with which values."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from typing import TextIO

from server.times import iso

FIELDS = ("method", "route", "status", "ms", "code")  # of a request or socket, as `extra`


class Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {"at": iso(record.created), "level": record.levelname.lower(), "logger": record.name, "message": record.getMessage()}
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info and record.exc_info[1] is not None:
            line |= _where(record.exc_info[1])
        return json.dumps(line, ensure_ascii=True)


class Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        where = _where(record.exc_info[1]) if record.exc_info and record.exc_info[1] is not None else {}
        return f"hiprep: {record.levelname.lower()}: {record.getMessage()}{''.join(f' {value}' for value in where.values())}"


def _where(error: BaseException) -> dict[str, object]:
    """An exception's own words may hold what somebody sent."""
    frames = traceback.extract_tb(error.__traceback__)
    return {"error": type(error).__name__, "stack": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]}


def handler(stream: TextIO) -> logging.Handler:
    made = logging.StreamHandler(stream)
    made.setFormatter(Text() if stream.isatty() else Json())
    return made


def install(stream: TextIO = sys.stderr) -> None:
    """Every logger's, of a process that is a server. A person at a terminal is told of trouble only."""
    logging.basicConfig(handlers=[handler(stream)], level=logging.WARNING, force=True)
    logging.getLogger("hiprep").setLevel(logging.WARNING if stream.isatty() else logging.INFO)
