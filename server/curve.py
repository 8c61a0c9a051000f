"""The angle curve of a session as bytes: what the database keeps and how it comes back."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

HEAD = b"HPC1"


def encode_curve(t: Sequence[float], angle_deg: Sequence[float | None]) -> bytes:
    """t (n,) s as float64, then angle (n,) degrees as float32, NaN where unknown; little-endian, zlib.

    Rounded to 1 µs, which is a recording's own, and 0.001 degrees: counted from packets or from the recording, the same.
    """
    angles = np.array([np.nan if angle is None else round(angle, 3) for angle in angle_deg], "<f4")
    return HEAD + zlib.compress(np.round(np.asarray(t, "<f8"), 6).tobytes() + angles.tobytes(), 6)


def decode_curve(data: bytes) -> tuple[list[float], list[float | None]]:
    """Rounded to 1 ms and 0.01 degrees."""
    return plain(*arrays(data))


def arrays(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    """As it was encoded."""
    if data[: len(HEAD)] != HEAD:
        raise ValueError(f"not a curve (wanted {HEAD!r}, got {data[: len(HEAD)]!r})")
    raw = zlib.decompress(data[len(HEAD) :])
    n = len(raw) // 12
    return np.frombuffer(raw, "<f8", n), np.frombuffer(raw, "<f4", n, 8 * n)


def plain(t: Sequence[float], angle_deg: Sequence[float | None]) -> tuple[list[float], list[float | None]]:
    """As JSON can say it: None where the angle is unknown."""
    return [round(float(at), 3) for at in t], [
        None if angle is None or angle != angle else round(float(angle), 2) for angle in angle_deg
    ]
