"""Polar Verity Sense: acceleration and angular velocity as two streams of delta frames with times in ns (PMD).

Source: polarofficial/polar-ble-sdk @8fb5311, sources/Android/.../gatt/client/pmd (PmdDataFrame, PmdSetting,
PmdControlPointResponse, PmdTimeStampUtils, model/AccData, model/GyrData), documentation/products/PolarVeritySense.md;
read for its facts only. Axes: Polar's own, right-handed; acceleration is specific force.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from sensor.conversation import Ask, Conversation, Declined, Read
from sensor.driver import Driver, Info, Message, adopted, silent
from sensor.errors import PacketError
from sensor.join import Join
from sensor.peripheral import NOTIFY, READ, WRITE, Peripheral, resampled
from sensor.samples import STANDARD_GRAVITY, Samples
from sensor.stream import Part, counts_of, decode_info, encode_info, floats, streamed
from sensor.stream import INFO as COMMON

SERVICE, CONTROL, DATA = (f"fb005c8{i}-02e7-f387-1cad-8acd2d8df0c8" for i in range(3))
ACC, GYR = 2, 5
STREAMS = {ACC: "acceleration", GYR: "angular velocity"}
SETTINGS, START, STOP = 1, 2, 3
ANSWER, STOPPED = 0xF0, 0x01
TYPE = 0x3F  # of the byte that says it
STATUS = {
    0: None, 1: "invalid command", 2: "invalid measurement", 3: "not supported", 4: "invalid length", 5: "invalid parameter",
    6: "already in that state", 7: "invalid resolution", 8: "invalid rate", 9: "invalid range", 10: "MTU too small",
    11: "invalid number of channels", 12: "invalid state", 13: "it is in the charger", 14: "its memory is full",
}  # fmt: skip
ALREADY = 6
RATE, RESOLUTION, RANGE, MILLIUNIT, CHANNELS, FACTOR, SECURITY = range(7)
WIDTHS = {RATE: 2, RESOLUTION: 2, RANGE: 2, MILLIUNIT: 4, CHANNELS: 1, FACTOR: 4, SECURITY: 16}
RATE_HZ, BITS, RANGES = 52, 16, {ACC: 8, GYR: 2000}

HEAD = struct.Struct("<BQB")  # type, ns since 2000 of the LAST sample, frame type
COMPRESSED = 0x80
MOST = 1024  # samples of a frame, far more than it has; no source
TURN_US = (1 << 64) // 1000


@dataclass(frozen=True, slots=True)
class PolarInfo(Info):
    """With the factors of the streams; the counts of a recording are scaled for the frames that go with them."""

    acc_factor: float
    gyr_factor: float


FACTORS = struct.Struct("<ff")


def info_of(rate_hz: float, acc_factor: float, gyr_factor: float) -> PolarInfo:
    """A factor of 1 means acceleration in mG, any other one g a count."""
    acc = STANDARD_GRAVITY * (1e-3 if acc_factor == 1 else acc_factor)
    return PolarInfo(rate_hz, RANGES[ACC], RANGES[GYR], acc, math.radians(gyr_factor), 0, acc_factor, gyr_factor)


def pack_info(info: PolarInfo) -> bytes:
    return encode_info(info) + FACTORS.pack(info.acc_factor, info.gyr_factor)


def unpack_info(data: bytes) -> PolarInfo:
    if len(data) != COMMON.size + FACTORS.size:
        raise PacketError(f"wrong length of the info (wanted {COMMON.size + FACTORS.size} bytes, got {len(data)})")
    common, factors = decode_info(data[: COMMON.size]), FACTORS.unpack_from(data, COMMON.size)
    if not all(1e-9 < factor < 1e3 for factor in factors):
        raise PacketError(f"impossible factor in the info (wanted 1e-9 to 1e3, got {factors})")
    return PolarInfo(
        common.rate_hz, common.acc_range_g, common.gyr_range_dps, common.acc_mps2_per_lsb, common.gyr_rads_per_lsb, 0, *factors
    )


# Settings


def decode_settings(data: bytes) -> dict[int, list[float]]:
    """What is offered or was chosen: kind -> values."""
    found: dict[int, list[float]] = {}
    at = 0
    while at < len(data):
        kind, count = data[at], data[at + 1] if at + 1 < len(data) else 0
        width = WIDTHS.get(kind)
        if width is None or not count or at + 2 + count * width > len(data):
            raise PacketError(f"broken settings at byte {at} (wanted type, count and values, got {data[at : at + 4].hex()})")
        raw = [data[at + 2 + i * width : at + 2 + (i + 1) * width] for i in range(count)]
        found[kind] = [struct.unpack("<f", v)[0] if kind == FACTOR else int.from_bytes(v, "little") for v in raw]
        at += 2 + count * width
    return found


def encode_settings(settings: dict[int, list[float]]) -> bytes:
    def value(kind: int, v: float) -> bytes:
        return struct.pack("<f", v) if kind == FACTOR else int(v).to_bytes(WIDTHS[kind], "little")

    return b"".join(bytes([k, len(vs)]) + b"".join(value(k, v) for v in vs) for k, vs in settings.items())


def chosen(stream: int) -> dict[int, list[float]]:
    return {RATE: [RATE_HZ], RESOLUTION: [BITS], RANGE: [RANGES[stream]], CHANNELS: [3]}


# Conversations


def ask(op: int, stream: int, more: bytes = b"", whatever: bool = False) -> Conversation[bytes]:
    """The parameters of the answer; `whatever` it says."""
    head = bytes([ANSWER, op, stream])
    answer = yield Ask(CONTROL, head[1:] + more, lambda data: len(data) > 3 and data[:3] == head)
    if answer[3] and not whatever:
        raise Declined(f"{STREAMS[stream]}: {STATUS.get(answer[3], f'status {answer[3]}')}")
    return answer[5:]  # byte 4: more to come, which none of these has


def begin(stream: int) -> Conversation[float]:
    """Start a stream, which another client may have left running; its factor."""
    yield from ask(STOP, stream, whatever=True)
    told = decode_settings((yield from ask(START, stream, encode_settings(chosen(stream)))))
    return told.get(FACTOR, [1.0])[0]


def hello() -> Conversation[bytes]:
    """The factors are told at a start only: so start, listen, and stop."""
    features = yield Read(CONTROL)
    if len(features) < 2 or not (features[1] >> ACC) & (features[1] >> GYR) & 1:
        old = "it offers no acceleration with angular velocity: update its firmware in its maker's app"
        raise Declined(f"{old} (got features {features.hex() or 'none'})")
    factors = {}
    for stream in STREAMS:
        offered = decode_settings((yield from ask(SETTINGS, stream)))
        for kind, (wanted,) in chosen(stream).items():
            if wanted not in offered.get(kind, [wanted]):
                raise Declined(f"{STREAMS[stream]}: setting {kind} (wanted {wanted}, offered {offered[kind]})")
        factors[stream] = yield from begin(stream)
        yield from ask(STOP, stream)
    info = pack_info(info_of(RATE_HZ, factors[ACC], factors[GYR]))
    unpack_info(info)
    return info


def start(info: PolarInfo) -> Conversation[None]:
    for stream, wanted in ((ACC, info.acc_factor), (GYR, info.gyr_factor)):
        factor = yield from begin(stream)
        if factor != wanted:
            raise Declined(f"{STREAMS[stream]}: another factor than before (wanted {wanted}, got {factor})")


def stop() -> Conversation[None]:
    for stream in STREAMS:
        yield from ask(STOP, stream, whatever=True)


def decode_message(data: bytes) -> Message:
    """Stopped by the band itself, as in the charger or by its button: one of our streams, or it does not say which."""
    if data[:1] == bytes([STOPPED]) and (len(data) == 1 or any(kind & TYPE in STREAMS for kind in data[1:])):
        return Message("stopped")
    return silent(data)


# Frames


def deltas(data: bytes, width: int) -> np.ndarray:
    """A reference sample of three `width`-bit numbers and blocks of differences -> (n, 3) int64."""
    size = width // 8
    if len(data) < 3 * size:
        raise PacketError(f"truncated frame (wanted {3 * size} bytes of a first sample, got {len(data)})")
    first = np.frombuffer(data, f"<i{size}", 3).astype(np.int64)
    rows, at, n = [first.reshape(1, 3)], 3 * size, 1
    while at < len(data):
        bits, count = data[at], data[at + 1] if at + 1 < len(data) else 0
        end = at + 2 + (3 * bits * count + 7) // 8
        n += count
        if not (0 < bits <= 32 and count) or end > len(data) or n > MOST:
            got = data[at : at + 2].hex()
            raise PacketError(f"broken block of differences at byte {at} (wanted 1 to 32 bits and a count, got {got})")
        told = np.unpackbits(np.frombuffer(data, np.uint8, end - at - 2, at + 2), bitorder="little")[: 3 * bits * count]
        values = told.reshape(-1, bits).astype(np.int64) @ (1 << np.arange(bits, dtype=np.int64))
        values -= (values >> (bits - 1)) << bits
        rows.append(rows[-1][-1] + np.cumsum(values.reshape(-1, 3), axis=0))
        at = end
    return np.concatenate(rows)


def encode_deltas(values: np.ndarray, width: int = BITS, block: int = 12) -> bytes:
    """(n, 3) whole numbers, `block` differences to a block."""
    values = values.astype(np.int64)
    parts = [values[0].astype(f"<i{width // 8}").tobytes()]
    for i in range(1, len(values), block):
        steps = np.diff(values[i - 1 : i + block], axis=0).ravel()
        if width == 32:
            steps = steps.astype(np.int32).astype(np.int64)  # round the circle
        bits = max(int(step if step >= 0 else ~step).bit_length() + 1 for step in steps)
        told = (steps[:, None] >> np.arange(bits)) & 1
        parts.append(bytes([bits, len(steps) // 3]) + np.packbits(told.astype(np.uint8), bitorder="little").tobytes())
    return b"".join(parts)


def decode_frame(packet: bytes, info: PolarInfo | None) -> tuple[int, int, np.ndarray]:
    """Stream, ns of the last sample, (n, 3) in m/s² or rad/s. Without info: whether it can be one."""
    if len(packet) <= HEAD.size:
        raise PacketError(f"packet is cut off (wanted more than {HEAD.size} bytes, got {len(packet)})")
    kind, ns, frame = HEAD.unpack_from(packet)
    stream, body = kind & TYPE, packet[HEAD.size :]
    acc_factor, gyr_factor = (info.acc_factor, info.gyr_factor) if info else (1.0, 1.0)
    if (stream, frame) == (ACC, 1):
        if len(body) % 6:
            raise PacketError(f"wrong length of a raw frame (wanted a multiple of 6 bytes, got {len(body)})")
        return stream, ns, np.frombuffer(body, "<i2").reshape(-1, 3) * (1e-3 * STANDARD_GRAVITY)
    if (stream, frame) == (ACC, COMPRESSED):
        return stream, ns, deltas(body, 16) * (acc_factor * STANDARD_GRAVITY)
    if (stream, frame) == (ACC, COMPRESSED | 1):
        return stream, ns, deltas(body, 16) * (acc_factor * 1e-3 * STANDARD_GRAVITY)
    if (stream, frame) == (GYR, COMPRESSED):
        return stream, ns, np.radians(deltas(body, 16) * gyr_factor)
    if (stream, frame) == (GYR, COMPRESSED | 1):
        values = floats((deltas(body, 32) & 0xFFFFFFFF).astype(np.uint32).view(np.float32))
        if values is None:
            raise PacketError("impossible angular velocity in a frame of floats (wanted less than 1e6 deg/s)")
        return stream, ns, np.radians(values * gyr_factor)
    raise PacketError(f"unknown frame (wanted stream {ACC} or {GYR}, got stream {stream}, frame type 0x{frame:02x})")


class Reader:
    """Gives each sample its time, evenly from the frame before as Polar does it, and joins the streams."""

    def __init__(self, info: PolarInfo) -> None:
        self._info, self._period = info, 1e6 / info.rate_hz
        self._join, self._again = Join(self._period), 0
        self._last: dict[int, int] = {}  # µs of a stream's newest sample

    @property
    def dropped(self) -> int:
        return self._join.dropped + self._again

    def read(self, packet: bytes, host_ns: int) -> list[Part]:
        stream, ns, values = decode_frame(packet, self._info)
        last_us, n = ns // 1000, len(values)
        before = self._last.get(stream)
        if before is not None and before - 1_000_000 < last_us <= before:
            self._again += 1
            return []
        if before is not None and last_us <= before:  # its clock was set, or begins anew
            self._join.clear()
            self._last.clear()
            before = None
        step = self._period
        if before is not None and abs((last_us - before) / n - step) < 0.5 * step:
            step = (last_us - before) / n
        times = last_us - np.rint(np.arange(n - 1, -1, -1) * step).astype(np.int64)
        times = np.maximum(times, (0 if before is None else before + 1) + np.arange(n))
        self._last[stream] = int(times[-1])
        parts = []
        for t_us, si in (self._join.put_acc if stream == ACC else self._join.put_gyr)(times, values):
            counts, flags = counts_of(si, self._info)
            parts.append(Part(counts, int(t_us[0]), t_us - t_us[0], flags))
        return parts


def check_packet(data: bytes) -> None:
    decode_frame(data, None)


class Virtual(Peripheral):
    """Acceleration in mG, angular velocity by a factor, half a sample apart, in frames of a second or so."""

    name, model, firmware = "Polar Sense A1B2C3D4", "Verity Sense", "2.1.0"
    table = {SERVICE: {CONTROL: (READ, WRITE, "indicate"), DATA: (NOTIFY,)}}
    FACTORS = {ACC: 1.0, GYR: 2000 / 2**15}
    SAMPLES = {ACC: 36, GYR: 40}
    BEGAN_NS = 599_616_000 * 10**9  # 2019-01-01: what its clock says after an empty battery

    def __init__(self) -> None:
        super().__init__()
        self._running: set[int] = set()

    def read(self, uuid: str) -> bytes:
        return bytes([0x0F, 1 << ACC | 1 << GYR, 0]) + bytes(14)

    def write(self, uuid: str, data: bytes) -> Iterable[tuple[str, bytes]]:
        op, stream = (data[0], data[1]) if len(data) > 1 else (0, 0)
        return [(CONTROL, bytes([ANSWER, op, stream]) + self._answer(op, stream, data[2:]))]

    def _answer(self, op: int, stream: int, more: bytes) -> bytes:
        if stream not in STREAMS:
            return bytes([2])
        if op == SETTINGS:
            return bytes([0, 0]) + encode_settings(chosen(stream))
        if op == STOP:
            known = stream in self._running
            self._running.discard(stream)
            self.streaming = bool(self._running)
            return bytes([0, 0]) if known else bytes([ALREADY])
        if op != START:
            return bytes([1])
        if more != encode_settings(chosen(stream)):
            return bytes([5])
        if stream in self._running:
            return bytes([ALREADY])
        self._running.add(stream)
        self.streaming = self._running == set(STREAMS)
        return bytes([0, 0]) + encode_settings({FACTOR: [self.FACTORS[stream]]})

    def play(self, samples: Samples) -> Iterator[tuple[float, str, bytes]]:
        frames = [*self._frames(ACC, samples, 0.0), *self._frames(GYR, samples, 0.5)]
        yield from sorted(frames, key=lambda frame: frame[0])

    def _frames(self, stream: int, samples: Samples, phase: float) -> Iterator[tuple[float, str, bytes]]:
        values = samples.acc / (1e-3 * STANDARD_GRAVITY) if stream == ACC else np.degrees(samples.gyr) / self.FACTORS[GYR]
        size, frame = self.SAMPLES[stream], COMPRESSED | (1 if stream == ACC else 0)
        for grid, row in resampled(samples.t, values, RATE_HZ, phase):
            for i in range(0, len(grid), size):
                whole = np.clip(np.rint(row[i : i + size]), -(2**15), 2**15 - 1)
                last = grid[i : i + size][-1] / RATE_HZ
                head = HEAD.pack(stream, self.BEGAN_NS + round(last * 1e9), frame)
                yield last, DATA, head + encode_deltas(whole)


DRIVER = Driver(
    name="polar-verity-sense",
    title="Polar Verity Sense",
    tier="virtual band; bytes from the maker's SDK and its tests; no hardware yet",
    clock="device clock, 1 ns, of the last sample of a frame",
    rate_hz=RATE_HZ,
    # Not its own service; Heart Rate (the profile wants it there) and Polar's 0xFEEE, like other sensors of Polar's.
    advertises_too=(adopted("180d"), adopted("feee")),
    names=("Polar Sense",),
    service_uuid=SERVICE,
    data_uuid=DATA,
    control_uuid=CONTROL,
    answer_uuid=CONTROL,
    packet_bytes=229,  # no source; too little is refused by the band itself, status 10
    packet_samples=36,
    decode_info=unpack_info,
    encode_info=pack_info,
    check_packet=check_packet,
    talk={"hello": hello, "start": start, "stop": stop},
    decode_message=decode_message,
    new_decoder=streamed(Reader, TURN_US),
    peripheral=Virtual,
)
