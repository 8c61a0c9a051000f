"""A session and its results as rows, for those as well who have nothing to do with a database."""

from __future__ import annotations

import secrets
import time
import uuid
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Session:
    """One row; times are ISO 8601, UTC. exercise None: recognise it. recording: file name, None: journal.
    patient: whose; None: of the one person of a server without accounts. idle_since, battery_percent: see store/schema.py."""

    number: int
    id: str
    key: str
    exercise: str | None
    side: str
    placement: str
    driver: str
    band: str
    info: bytes
    started_at: str
    created_at: str
    ended_at: str | None
    recording: str | None
    patient: int | None
    idle_since: str | None
    battery_percent: int | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What a version of the processing made of a session. document: JSON; curve: see curve.py."""

    version: str
    made_at: str
    counted: int
    good: int
    compensated: int
    partial: int
    document: str
    curve: bytes


@dataclass(frozen=True, slots=True)
class Tally:
    """The part of a result that a list shows."""

    counted: int
    good: int
    compensated: int
    partial: int


def new_id() -> str:
    """UUIDv7 (RFC 9562, 5.7): sorts by time."""
    value = (time.time_ns() // 1_000_000) << 80 | 0x7 << 76 | secrets.randbits(12) << 64
    return str(uuid.UUID(int=value | 0b10 << 62 | secrets.randbits(62)))
