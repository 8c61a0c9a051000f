"""WitMotion WT901BLE, BWT901BLE, WT9011DCL: frames without time or number, alone, joined or split over notifications.

Sources: WITMOTION/WitBluetooth_BWT901BLE5_0 @9efaab0 Python/BWT901BLE5.0_python_sdk/device_model.py (20-byte frames,
registers, UUIDs); WT901BLECL manual 6.1 (11-byte frames with checksum, rate codes). Axes: as printed on the housing,
right-handed; acceleration is specific force (the manual: +1 g upward at rest).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from sensor.conversation import Ask, Conversation, Declined, Pause, Write
from sensor.driver import ACC_CLIP, GYR_CLIP, Driver, Info, adopted
from sensor.errors import PacketError
from sensor.peripheral import NOTIFY, WRITE, Peripheral, blocks
from sensor.samples import STANDARD_GRAVITY, Samples
from sensor.stream import FULL, Part, counts_of, decode_info, encode_info, streamed

# The makers' own base: it ends in 9a34fb, not in the adopted 9b34fb. Some units have FFF0 in the adopted base instead.
SERVICE, DATA, CONTROL = (f"0000{n}-0000-1000-8000-00805f9a34fb" for n in ("ffe5", "ffe4", "ffe9"))
OTHER = adopted("fff0"), adopted("fff1"), adopted("fff2")

ACC_RANGE_G, GYR_RANGE_DPS = 16, 2000
RATE_HZ, RATE_CODES = 50, {0x03: 1, 0x06: 10, 0x07: 20, 0x08: 50, 0x09: 100, 0x0B: 200}
INFO = Info(RATE_HZ, ACC_RANGE_G, GYR_RANGE_DPS, ACC_RANGE_G * STANDARD_GRAVITY / 2**15, math.radians(GYR_RANGE_DPS) / 2**15, 0)

WHOLE, REGISTER, ACC, GYR, ANGLE = 0x61, 0x71, 0x51, 0x52, 0x53
SIZES = {WHOLE: 20, REGISTER: 20} | dict.fromkeys(range(0x50, 0x60), 11)
RATE_REGISTER, UNLOCK_REGISTER, UNLOCK = 0x03, 0x69, 0xB588
PAUSE_S = 0.1  # between commands, the SDK's
STALE_NS = 250_000_000  # the rest of a frame comes at once or never; no source


def command(register: int, value: int) -> bytes:
    return bytes([0xFF, 0xAA, register, value & 0xFF, value >> 8])


READ_RATE = command(0x27, RATE_REGISTER)


def check_packet(data: bytes) -> None:
    """Any bytes may be part of a stream."""
    if not data:
        raise PacketError("empty notification (wanted bytes of a stream, got none)")


class Reader:
    """Finds the frames in a stream of bytes; what is between them is dropped."""

    def __init__(self, _: Info) -> None:
        self.dropped = 0
        self._rest, self._rest_ns = b"", 0  # of the last notification: the beginning of a frame
        self._acc: np.ndarray | None = None  # of an 11-byte frame, until its angular velocity comes

    def read(self, packet: bytes, host_ns: int) -> list[Part]:
        check_packet(packet)
        if self._rest and host_ns - self._rest_ns > STALE_NS:
            self._rest, self._acc = b"", None
            self.dropped += 1
        rows = list(self._rows(self._rest + packet))
        self._rest_ns = host_ns
        if not rows:
            return []
        counts = np.array(rows, np.int16)
        clipped = np.abs(counts.astype(np.int32)) >= FULL
        return [Part(counts, flags=(ACC_CLIP if clipped[:, :3].any() else 0) | (GYR_CLIP if clipped[:, 3:].any() else 0))]

    def _rows(self, data: bytes) -> Iterator[np.ndarray]:
        at = 0
        while (found := data.find(0x55, at)) >= 0:
            self.dropped += found > at
            at = found
            size = SIZES.get(data[at + 1], 0) if at + 1 < len(data) else 2
            if at + size > len(data):
                break
            frame = data[at : at + size]
            if not size or not _whole(frame, data[at + size : at + size + 1]):
                self.dropped += 1
                at += 1
                continue
            at += size
            if frame[1] == WHOLE:
                yield np.frombuffer(frame, "<i2", 6, 2)
            elif frame[1] == ACC:
                self.dropped += self._acc is not None
                self._acc = np.frombuffer(frame, "<i2", 3, 2)
            elif frame[1] == GYR and self._acc is not None:
                yield np.concatenate((self._acc, np.frombuffer(frame, "<i2", 3, 2)))
                self._acc = None
        self._rest = data[at:] if found >= 0 else b""
        self.dropped += found < 0 and at < len(data)


def _whole(frame: bytes, following: bytes) -> bool:
    """Short frames have a checksum; a long one is believed when nothing follows it, or the head of another."""
    if len(frame) == 11:
        return sum(frame[:10]) & 0xFF == frame[10]
    return following in (b"", b"\x55")


def rate_told(data: bytes) -> int | None:
    """The rate's code in the answer to READ_RATE, in the long frames' spelling or the short ones'."""
    for head, size in ((bytes([0x55, REGISTER, RATE_REGISTER, 0]), 20), (b"\x55\x5f", 11)):
        at = data.find(head)
        if at >= 0 and len(data) >= at + size:
            return data[at + len(head)]
    return None


def conversations(control: str) -> dict:
    def ask_rate() -> Conversation[int | None]:
        return rate_told((yield Ask(control, READ_RATE, lambda data: rate_told(data) is not None)))

    def hello() -> Conversation[bytes]:
        yield from ask_rate()
        return encode_info(INFO)

    def start(info: Info) -> Conversation[None]:
        """Not saved: the band is at its own rate again when it is switched on the next time."""
        code = next(code for code, rate in RATE_CODES.items() if rate == info.rate_hz)
        for data in (command(UNLOCK_REGISTER, UNLOCK), command(RATE_REGISTER, code)):
            yield Write(control, data)
            yield Pause(PAUSE_S)
        told = yield from ask_rate()
        if told != code:
            raise Declined(f"it does not take the rate (wanted {info.rate_hz} Hz, got {RATE_CODES.get(told, told)})")

    def stop() -> Conversation[None]:
        """It streams as long as somebody listens; its answer comes after what was on its way."""
        yield from ask_rate()

    return {"hello": hello, "start": start, "stop": stop}


def encode_frame(row: np.ndarray) -> bytes:
    """The long spelling, angles 0."""
    return bytes([0x55, WHOLE]) + row.astype("<i2").tobytes() + bytes(6)


def encode_short_frames(row: np.ndarray) -> bytes:
    """Acceleration, angular velocity and angle as they follow each other."""
    parts = ((ACC, row[:3]), (GYR, row[3:]), (ANGLE, np.zeros(3)))
    return b"".join(short_frame(kind, values.astype("<i2").tobytes() + bytes(2)) for kind, values in parts)


def short_frame(kind: int, body: bytes) -> bytes:
    frame = bytes([0x55, kind]) + body
    return frame + bytes([sum(frame) & 0xFF])


class Virtual(Peripheral):
    def __init__(self, short: bool = False) -> None:
        super().__init__()
        self._short, self._code, self._unlocked = short, 0x06, False
        service, self._data, self._control = OTHER if short else (SERVICE, DATA, CONTROL)
        self.name = "WT901BLE"
        self.table = {service: {self._data: (NOTIFY,), self._control: (WRITE,)}}

    def write(self, uuid: str, data: bytes) -> Iterable[tuple[str, bytes]]:
        if data == READ_RATE:
            value = bytes([self._code, 0])
            if self._short:
                return [(self._data, short_frame(0x5F, value + bytes(6)))]
            return [(self._data, (bytes([0x55, REGISTER, RATE_REGISTER, 0]) + value).ljust(20, b"\0"))]
        if data == command(UNLOCK_REGISTER, UNLOCK):
            self._unlocked = True
        elif self._unlocked and data[:3] == command(RATE_REGISTER, 0)[:3] and data[3] in RATE_CODES:
            self._code, self.streaming = data[3], True
        return []

    def play(self, samples: Samples) -> Iterator[tuple[float, str, bytes]]:
        encode = encode_short_frames if self._short else encode_frame
        for t, values in blocks(samples, RATE_CODES[self._code], 1):
            data = encode(counts_of(values, INFO)[0][0])
            for i in range(0, len(data), 20):  # what the smallest MTU lets through: frames are split
                yield t[0], self._data, data[i : i + 20]


DRIVER = Driver(
    name="witmotion",
    title="WitMotion WT901BLE, BWT901BLE5.0, WT9011DCL-BT50",
    tier="virtual band; bytes from the maker's SDK; no hardware yet",
    clock="none: rebuilt from arrival, losses up to 60 ms unseen",
    rate_hz=RATE_HZ,
    # Which services it advertises is unknown: no source says it, and the maker's SDK looks for names.
    names=("WT901",),
    service_uuid=SERVICE,
    data_uuid=DATA,
    control_uuid=CONTROL,
    answer_uuid=DATA,
    packet_bytes=20,
    packet_samples=1,
    decode_info=decode_info,
    encode_info=encode_info,
    check_packet=check_packet,
    talk=conversations(CONTROL),
    new_decoder=streamed(Reader, None),
    peripheral=Virtual,
)
SHORT = replace(
    DRIVER,
    name="witmotion-fff0",
    title="WitMotion units with service FFF0 and 11-byte frames",
    tier="virtual band; bytes from a manual; no hardware yet",
    service_uuid=OTHER[0],
    data_uuid=OTHER[1],
    control_uuid=OTHER[2],
    answer_uuid=OTHER[1],
    talk=conversations(OTHER[2]),
    peripheral=lambda: Virtual(short=True),
)
DRIVERS = (DRIVER, SHORT)
