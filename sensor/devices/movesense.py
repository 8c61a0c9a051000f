"""Movesense with the GATT SensorData app: both sensors in one resource, floats, a counter of ms, two parts a packet.

Sources: sensein/movesense-py @800da2a docs/movesense-api.md and src/movesense/protocol.py (framing, units, resources);
movesense-device-lib meas/imu.yaml as quoted there (the time is that of the first sample). Axes: as in the maker's
drawing of the sensor, right-handed; acceleration includes gravity.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator

import numpy as np

from sensor.conversation import Ask, Conversation, Declined
from sensor.driver import Driver, Info, adopted
from sensor.errors import PacketError
from sensor.peripheral import NOTIFY, WRITE, Peripheral, blocks
from sensor.samples import STANDARD_GRAVITY, Samples
from sensor.stream import Part, counts_of, decode_info, encode_info, floats, streamed

SERVICE = "34802252-7185-4d5d-b431-630e7050e8f0"
CONTROL, DATA = (f"3480000{i}-7185-4d5d-b431-630e7050e8f0" for i in (1, 2))
HELLO, SUBSCRIBE, UNSUBSCRIBE = 0, 1, 2
RESULT, FIRST, SECOND = 1, 2, 3
HEAD = struct.Struct("<BB")  # kind, reference
TIME = struct.Struct("<I")  # ms
REFERENCE = 99  # ours; any number but 0
VECTOR = 12  # bytes
RATE_HZ, RESOURCE = 104, b"/Meas/IMU6/104"
ACC_RANGE_G, GYR_RANGE_DPS = 8, 2000  # no source: it says them in a resource of its own
# The wire has floats; a recording has counts of 2^-15 of 16 g and 2000 deg/s, whatever range was set.
INFO = Info(RATE_HZ, ACC_RANGE_G, GYR_RANGE_DPS, 16 * STANDARD_GRAVITY / 2**15, math.radians(2000) / 2**15, 0)


def check_packet(data: bytes) -> None:
    """What is no error may still be dropped, because its other part is missing."""
    if len(data) < HEAD.size:
        raise PacketError(f"packet is cut off (wanted at least {HEAD.size} bytes, got {len(data)})")
    if data[0] not in (RESULT, FIRST, SECOND):
        raise PacketError(f"unknown kind of a packet (wanted {RESULT} to {SECOND}, got {data[0]})")
    if data[0] == FIRST and len(data) < HEAD.size + TIME.size:
        raise PacketError(f"packet without its time (wanted at least {HEAD.size + TIME.size} bytes, got {len(data)})")


def decode_arrays(body: bytes) -> np.ndarray | None:
    """Behind the time: n accelerations, then n angular velocities -> (n, 6) in m/s² and rad/s; None: not all is there."""
    if not body or len(body) % (2 * VECTOR):
        return None
    values = floats(np.frombuffer(body, "<f4").reshape(2, -1, 3))
    if values is None:
        return None
    return np.hstack((values[0], np.radians(values[1])))


def encode_arrays(ms: int, si: np.ndarray, reference: int = REFERENCE, room: int | None = None) -> list[bytes]:
    """One packet, or two where it does not find room."""
    values = np.concatenate((si[:, :3], np.degrees(si[:, 3:]))).astype("<f4").tobytes()
    body = TIME.pack(ms % 2**32) + values
    first = len(body) if room is None else room - HEAD.size
    parts = (FIRST, body[:first]), (SECOND, body[first:])
    return [HEAD.pack(kind, reference) + part for kind, part in parts if part]


class Reader:
    """Whether packets come in two parts the second notification tells; the first waits for it."""

    def __init__(self, info: Info) -> None:
        self.dropped = 0
        self._info = info
        self._head = b""  # a first part that waits
        self._in_two: bool | None = None

    def read(self, packet: bytes, host_ns: int) -> list[Part]:
        check_packet(packet)
        head, self._head = self._head, b""
        if packet[0] == RESULT:
            self._head = head
            return []
        if packet[0] == SECOND:
            self._in_two = True
            return self._made(head + packet[HEAD.size :] if head[1:2] == packet[1:2] else b"")
        made = []
        if head:
            made = self._made(b"" if self._in_two else head)
            self._in_two = self._in_two or False
        if self._in_two is False:
            return made + self._made(packet)
        self._head = packet
        return made

    def _made(self, packet: bytes) -> list[Part]:
        si = decode_arrays(packet[HEAD.size + TIME.size :])
        if si is None:
            self.dropped += 1
            return []
        (ms,) = TIME.unpack_from(packet, HEAD.size)
        counts, flags = counts_of(si, self._info)
        return [Part(counts, ms * 1000, flags=flags)]


def is_result(data: bytes) -> bool:
    return data[:2] == bytes([RESULT, REFERENCE])


def hello() -> Conversation[bytes]:
    yield Ask(CONTROL, bytes([HELLO, REFERENCE]), is_result)
    return encode_info(INFO)


def start(info: Info) -> Conversation[None]:
    yield from stop()
    answer = yield Ask(CONTROL, bytes([SUBSCRIBE, REFERENCE]) + RESOURCE, is_result)
    status = int.from_bytes(answer[2:4], "little")
    if len(answer) >= 4 and not 200 <= status < 300:
        raise Declined(f"{RESOURCE.decode()}: status {status}")


def stop() -> Conversation[None]:
    yield Ask(CONTROL, bytes([UNSUBSCRIBE, REFERENCE]), is_result)


class Virtual(Peripheral):
    """Its clock wraps while it plays."""

    name, model, firmware = "Movesense 1234", "Movesense", "2.3.1"
    table = {SERVICE: {CONTROL: (WRITE,), DATA: (NOTIFY,)}}
    SAMPLES, ROOM, BEGAN_MS = 8, 160, 2**32 - 20_000

    def write(self, uuid: str, data: bytes) -> Iterable[tuple[str, bytes]]:
        kind, more = data[0], data[2:]
        status = 200
        if kind == SUBSCRIBE:
            status = 200 if more == RESOURCE else 404
            self.streaming = status == 200
        elif kind == UNSUBSCRIBE:
            self.streaming = False
        return [(DATA, bytes([RESULT, data[1]]) + struct.pack("<H", status))]

    def play(self, samples: Samples) -> Iterator[tuple[float, str, bytes]]:
        for t, values in blocks(samples, RATE_HZ, self.SAMPLES):
            for part in encode_arrays(self.BEGAN_MS + int(t[0] * 1000), values, room=self.ROOM):
                yield t[-1], DATA, part


DRIVER = Driver(
    name="movesense",
    title="Movesense with the GATT SensorData app",
    tier="virtual band; bytes from others' open code; no hardware yet",
    clock="device clock, 1 ms, u32, wraps after 49.7 days",
    rate_hz=RATE_HZ,
    # Not its own service, which has no room there; Suunto's 0xFDF3 and Heart Rate, as others report of a real one.
    advertises_too=(adopted("fdf3"), adopted("180d")),
    names=("Movesense",),
    service_uuid=SERVICE,
    data_uuid=DATA,
    control_uuid=CONTROL,
    answer_uuid=DATA,
    packet_bytes=160,
    packet_samples=8,
    decode_info=decode_info,
    encode_info=encode_info,
    check_packet=check_packet,
    talk={"hello": hello, "start": start, "stop": stop},
    new_decoder=streamed(Reader, 1000 << 32),
    peripheral=Virtual,
)
