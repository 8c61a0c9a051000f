"""The way to samples for models that neither number their packets nor send them again: nearly all there are.

A model's reader takes packets apart; here its samples get their time, from the band's counter or, where there is none,
from the arrival of its packets.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import NamedTuple, Protocol

import numpy as np

from sensor.clock import ArrivalClock, Clock
from sensor.driver import ACC_CLIP, CLOCK_STEP, EMPTY, GAP_BEFORE, GYR_CLIP, AnyDecoder, Driver, Info, Scale
from sensor.errors import PacketError
from sensor.samples import Raw, Samples

FULL = 2**15 - 1  # counts

# A counter that says something else than the host's clock was set, or began anew at a reboot. None has a source:
# packets repeat within a second, a burst after a disturbance is some seconds long, a link that is deaf lasts less than
# a minute, and the two clocks drift apart by less than a thousandth.
BACK_S, AHEAD_S, BEHIND_S, DRIFT = 1.0, 2.0, 60.0, 1e-3


class Part(NamedTuple):
    """n samples in a row: counts (n, 6) int16; `t_us` the counter at the first, modulo its turn, None: there is none;
    `after_us` (n,) int64 from the first on, increasing by less than a gap, None: at the nominal rate."""

    counts: np.ndarray
    t_us: int | None = None
    after_us: np.ndarray | None = None
    flags: int = 0


class Reader(Protocol):
    """Takes packets apart. `dropped`: pieces that no sample was made of."""

    dropped: int

    def read(self, packet: bytes, host_ns: int) -> Iterable[Part]: ...


class StreamDecoder:
    """`received` counts packets, `duplicates` parts that came again, `lost` what the reader dropped."""

    next_seq = None
    held = None

    def __init__(
        self,
        driver: Driver,
        info: bytes,
        *,
        keep_raw: bool = False,
        reader: Callable[[Info], Reader],
        turn_us: int | None,
    ) -> None:
        self.info = driver.decode_info(info)
        self.scale = Scale(self.info.acc_mps2_per_lsb, self.info.gyr_rads_per_lsb)
        self.rate_hz = self.info.rate_hz
        self.received = self.duplicates = 0
        self._keep_raw = keep_raw
        self._reader = reader(self.info)
        self._period = 1 / self.rate_hz
        self._counter = Clock(turn_us) if turn_us else None
        self._arrival = None if turn_us else ArrivalClock(self._period)
        self._host_ns: int | None = None  # of the newest part
        self._span_us = 0  # from its first sample to its last
        self._ahead = 0.0  # s, how far the band's clock is before the host's, at most
        self._scales = np.array(self.scale).reshape(2, 1, 1)

    @property
    def lost(self) -> int:
        return self._reader.dropped

    @property
    def segment(self) -> int:
        return self._counter.segment if self._counter else 0

    @property
    def gaps(self) -> list[tuple[float, float]]:
        return (self._counter or self._arrival).gaps

    def feed(self, packet: bytes, host_ns: int) -> Samples:
        parts = self._reader.read(packet, host_ns)
        self.received += 1
        place = self._by_counter if self._counter else self._by_arrival
        made = [samples for part in parts for samples in place(part, host_ns)]
        return made[0] if len(made) == 1 else Samples.concat(made)

    def flush(self) -> Samples:
        """What waited for a packet in time: none will come."""
        return Samples.concat([self._at(*placed) for placed in self._arrival.flush()]) if self._arrival else EMPTY

    def _by_arrival(self, part: Part, host_ns: int) -> list[Samples]:
        return [self._at(*placed) for placed in self._arrival.put(len(part.counts), host_ns, part)]

    def _at(self, part: Part, host_ns: int, t: float, step: float, gap: bool) -> Samples:
        t_us = np.rint((t + step * np.arange(len(part.counts))) * 1e6).astype(np.int64)
        return self._samples(part, t_us, 0.0, t_us, host_ns, GAP_BEFORE if gap else 0)

    def _by_counter(self, part: Part, host_ns: int) -> list[Samples]:
        clock, n, after = self._counter, len(part.counts), part.after_us
        if after is None:
            after = np.rint(np.arange(n) * (self._period * 1e6)).astype(np.int64)
        span_us = int(after[-1])
        ticks, flags = clock.unwrap(part.t_us, host_ns), 0
        if self._host_ns is not None:
            stepped = self._stepped(clock.seconds(ticks), span_us, host_ns)
            if not stepped and clock.seconds(ticks) <= clock.last:
                self.duplicates += 1
                return []
            if stepped:  # a packet comes when its last sample is measured
                clock.reboot(host_ns - 1000 * (span_us - self._span_us), self._period)
                ticks, flags = part.t_us, CLOCK_STEP
        t, gap = clock.accept(ticks, host_ns, n, self._period)
        clock.last = t + span_us * 1e-6
        ahead = clock.last - host_ns * 1e-9
        if self._host_ns is not None and not flags:
            ahead = max(ahead, self._ahead - DRIFT * abs(host_ns - self._host_ns) * 1e-9)
        self._ahead, self._host_ns, self._span_us = ahead, host_ns, span_us
        return [self._samples(part, after, t, ticks + after, host_ns, flags | (GAP_BEFORE if gap else 0))]

    def _stepped(self, t: float, span_us: int, host_ns: int) -> bool:
        """Is it another count than the one before?"""
        ahead = t + span_us * 1e-6 - host_ns * 1e-9 - self._ahead
        back = self._counter.last - t
        return ahead > AHEAD_S or ahead < -BEHIND_S or (back > BACK_S and ahead < -BACK_S)

    def _samples(
        self, part: Part, after_us: np.ndarray, t: float, t_device_us: np.ndarray, host_ns: int, first: int
    ) -> Samples:
        acc, gyr = np.multiply(part.counts.reshape(-1, 2, 3).transpose(1, 0, 2), self._scales, order="C")
        raw = None
        if self._keep_raw:
            n = len(part.counts)
            flags = np.full(n, part.flags, np.uint8)
            flags[0] |= first
            raw = Raw(
                part.counts,
                np.full(n, -1, np.int32),
                t_device_us,
                np.full(n, host_ns, np.int64),
                np.full(n, self.segment, np.int16),
                flags,
            )
        return Samples(t + after_us * 1e-6, acc, gyr, raw)


def streamed(reader: Callable[[Info], Reader], turn_us: int | None) -> Callable[..., AnyDecoder]:
    """A driver's `new_decoder`. turn_us: after how many µs the band's counter begins anew; None: it has no counter."""
    return partial(StreamDecoder, reader=reader, turn_us=turn_us)


def floats(values: np.ndarray) -> np.ndarray | None:
    """Of the wire, as float64; None: some cannot be of this world, or are no numbers."""
    with np.errstate(invalid="ignore"):  # a signalling NaN warns of itself
        wide = values.astype(float)
    return wide if (np.abs(wide) < 1e6).all() else None


@lru_cache(maxsize=64)
def _scales(info: Info) -> np.ndarray:
    return np.repeat((info.acc_mps2_per_lsb, info.gyr_rads_per_lsb), 3)


def counts_of(si: np.ndarray, info: Info) -> tuple[np.ndarray, int]:
    """(n, 6) m/s² and rad/s -> counts of the recording, and flags."""
    scaled = np.rint(si / _scales(info))
    clipped = np.abs(scaled) > FULL
    if not clipped.any():
        return scaled.astype(np.int16), 0
    flags = (ACC_CLIP if clipped[:, :3].any() else 0) | (GYR_CLIP if clipped[:, 3:].any() else 0)
    return np.clip(scaled, -FULL, FULL).astype(np.int16), flags


# What stands for the info characteristic of a model that has none: what its conversation learnt.
MAGIC = b"HPI1"
INFO = struct.Struct("<4sdHHdd")  # magic, Hz, g, deg/s, m/s² of one count, rad/s of one count
RATES_HZ = (1, 2000)


def encode_info(info: Info) -> bytes:
    return INFO.pack(
        MAGIC, info.rate_hz, info.acc_range_g, info.gyr_range_dps, info.acc_mps2_per_lsb, info.gyr_rads_per_lsb
    )


def decode_info(data: bytes) -> Info:
    if len(data) != INFO.size:
        raise PacketError(f"wrong length of a stream's info (wanted {INFO.size} bytes, got {len(data)})")
    magic, rate, acc_g, gyr_dps, acc, gyr = INFO.unpack(data)
    if magic != MAGIC:
        raise PacketError(f"unknown kind of a stream's info (wanted {MAGIC!r} at its start, got {magic!r})")
    if not RATES_HZ[0] <= rate <= RATES_HZ[1]:
        raise PacketError(f"impossible rate in a stream's info (wanted {RATES_HZ[0]} to {RATES_HZ[1]} Hz, got {rate})")
    if not (1e-9 < acc < 1 and 1e-9 < gyr < 1):
        raise PacketError(f"impossible scale in a stream's info (wanted 0 to 1 in SI units, got {acc}, {gyr})")
    return Info(rate, acc_g, gyr_dps, acc, gyr, boot_id=0)
