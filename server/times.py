"""Times as the tables hold them and everybody else is told: ISO 8601, UTC, milliseconds; they sort as text."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> str:
    return iso(time.time())


def iso(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
