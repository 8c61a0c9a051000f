"""What a band measured, in SI units: the one type that this package hands on.

The frame, once: right-handed sensor axes x, y, z, fixed in the band's housing. No mounting on the
leg is assumed. `acc` is specific force: a sensor at rest reads +9.81 m/s² along whatever axis points
up. `gyr` is positive for a counter-clockwise turn seen from the tip of the axis.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

STANDARD_GRAVITY = 9.80665  # m/s², CGPM 1901


@dataclass(frozen=True, slots=True, eq=False)
class Raw:
    """What the wire said of each of n samples, kept for recordings.

    counts (n, 6) int16: ax ay az gx gy gz · packet_seq (n,) int32 · t_device_us (n,) int64, unwrapped,
    or of a rebuilt clock where the band has none · t_host_ns (n,) int64, arrival · segment (n,) int16, +1 at a
    reboot of the band (after a reconnect the band's replay closes the hole) · flags (n,) uint8.
    """

    counts: np.ndarray
    packet_seq: np.ndarray
    t_device_us: np.ndarray
    t_host_ns: np.ndarray
    segment: np.ndarray
    flags: np.ndarray

    def __getitem__(self, rows: slice) -> Raw:
        return Raw(*(getattr(self, name)[rows] for name in RAW_FIELDS))


RAW_FIELDS = tuple(Raw.__dataclass_fields__)


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """n consecutive samples of one band.

    t (n,) s, the device's clock, strictly increasing; missing samples are missing rows.
    acc (n, 3) m/s², specific force. gyr (n, 3) rad/s, angular velocity. raw: see `Raw`.
    """

    t: np.ndarray
    acc: np.ndarray
    gyr: np.ndarray
    raw: Raw | None = None

    def __len__(self) -> int:
        return len(self.t)

    def __getitem__(self, rows: slice) -> Samples:
        return Samples(self.t[rows], self.acc[rows], self.gyr[rows], self.raw and self.raw[rows])

    def blocks(self, size: int) -> Iterable[Samples]:
        """The same samples in packets of `size`, the last one shorter."""
        return (self[i : i + size] for i in range(0, len(self), size))

    @staticmethod
    def empty() -> Samples:
        return Samples(np.empty(0), np.empty((0, 3)), np.empty((0, 3)))

    @staticmethod
    def concat(parts: Iterable[Samples]) -> Samples:
        """Join in order; `raw` is kept only where every part has it."""
        parts = [part for part in parts if len(part)]
        if not parts:
            return Samples.empty()
        raw = None
        if all(part.raw is not None for part in parts):
            raw = Raw(*(np.concatenate([getattr(part.raw, name) for part in parts]) for name in RAW_FIELDS))
        return Samples(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("t", "acc", "gyr")), raw)
