"""Movella (Xsens) DOT: one sample a notification, rate quantities (mode 21), floats with a counter of µs.

Sources: "Xsens DOT BLE Services Specifications" (in adamkewley/xdc @5d19097), tables 13 to 17; the later revision C for
the rate at bytes 24 and 25 of the device control. Axes: as printed on the housing, right-handed; acceleration includes
gravity in this mode (the orientation modes take it away).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator

import numpy as np

from sensor.conversation import Conversation, Declined, Read, Write
from sensor.driver import Driver, Info
from sensor.errors import PacketError
from sensor.peripheral import BATTERY_PERCENT, NOTIFY, READ, WRITE, Peripheral, blocks
from sensor.samples import STANDARD_GRAVITY, Samples
from sensor.stream import Part, counts_of, decode_info, encode_info, streamed


def uuid(number: int) -> str:
    return f"1517{number:04x}-4947-11e9-8646-d663bd873d93"


DEVICE_INFO, DEVICE_CONTROL, MEASUREMENT, MEDIUM, BATTERY = map(uuid, (0x1001, 0x1002, 0x2001, 0x2003, 0x3001))

RATE_QUANTITIES = 21
SAMPLE = struct.Struct("<I6f")  # µs, m/s², deg/s; the notification is longer, its rest is 0
TO_SI = np.repeat((1.0, math.radians(1)), 3)
SIZE = 40  # of the medium payload
RATE_HZ = 60  # the most that it streams
ACC_RANGE_G, GYR_RANGE_DPS = 16, 2000
# The wire has floats; a recording has counts of 2^-15 of full scale, 4.8 mm/s² and 0.06 deg/s.
INFO = Info(RATE_HZ, ACC_RANGE_G, GYR_RANGE_DPS, ACC_RANGE_G * STANDARD_GRAVITY / 2**15, math.radians(GYR_RANGE_DPS) / 2**15, 0)
CONTROL_SIZE, VISIT_RATE, RATE_AT = 32, 0x10, 24


def decode_sample(data: bytes) -> tuple[int, np.ndarray]:
    """µs, and m/s² and rad/s (6,)."""
    if len(data) < SAMPLE.size:
        raise PacketError(f"packet is cut off (wanted at least {SAMPLE.size} bytes, got {len(data)})")
    t_us, *values = SAMPLE.unpack_from(data)
    values = np.array(values) * TO_SI
    if not np.abs(values).max() < 1e6:  # not a number is not below it either
        raise PacketError("impossible value in a packet (wanted m/s² and rad/s below 1e6)")
    return t_us, values


def encode_sample(t_us: int, values: np.ndarray) -> bytes:
    return SAMPLE.pack(t_us % 2**32, *values[:3], *np.degrees(values[3:])).ljust(SIZE, b"\0")


class Reader:
    dropped = 0

    def __init__(self, info: Info) -> None:
        self._info = info

    def read(self, packet: bytes, host_ns: int) -> list[Part]:
        t_us, values = decode_sample(packet)
        counts, flags = counts_of(values.reshape(1, 6), self._info)
        return [Part(counts, t_us, flags=flags)]


def firmware_of(device_info: bytes) -> str | None:
    return ".".join(map(str, device_info[6:9])) if len(device_info) >= 9 else None


def device_control() -> Conversation[bytes]:
    told = yield Read(DEVICE_CONTROL)
    if len(told) != CONTROL_SIZE:
        raise Declined(f"wrong length of the device control (wanted {CONTROL_SIZE} bytes, got {len(told)})")
    return told


def hello() -> Conversation[bytes]:
    yield from device_control()
    return encode_info(INFO)


def start(info: Info) -> Conversation[None]:
    yield Write(MEASUREMENT, bytes([1, 0, RATE_QUANTITIES]))
    wanted = struct.pack("<H", round(info.rate_hz))
    told = yield from device_control()
    yield Write(DEVICE_CONTROL, bytes([VISIT_RATE]) + told[1:RATE_AT] + wanted + told[RATE_AT + 2 :])
    (rate,) = struct.unpack_from("<H", (yield from device_control()), RATE_AT)
    if rate != info.rate_hz:
        raise Declined(f"it does not take the rate (wanted {info.rate_hz:g} Hz, got {rate} Hz)")
    yield Write(MEASUREMENT, bytes([1, 1, RATE_QUANTITIES]))


def stop() -> Conversation[None]:
    yield Write(MEASUREMENT, bytes([1, 0, RATE_QUANTITIES]))


class Virtual(Peripheral):
    name, adopted_battery = "Movella DOT", False
    table = {
        uuid(0x1000): {DEVICE_INFO: (READ,), DEVICE_CONTROL: (READ, WRITE)},
        uuid(0x2000): {MEASUREMENT: (READ, WRITE), MEDIUM: (NOTIFY,)},
        uuid(0x3000): {BATTERY: (READ, NOTIFY)},
    }
    BEGAN_US = 2**32 - 20_000_000  # its counter begins anew after 20 s

    def __init__(self) -> None:
        super().__init__()
        self._rate = 30

    def read(self, uuid: str) -> bytes:
        if uuid == BATTERY:
            return bytes([BATTERY_PERCENT, 0])
        if uuid == DEVICE_CONTROL:
            return (bytes(RATE_AT) + struct.pack("<H", self._rate)).ljust(CONTROL_SIZE, b"\0")
        return bytes([0xD4, 0x22, 0xCD, 0, 0, 1, 3, 0, 0]).ljust(34, b"\0") if uuid == DEVICE_INFO else bytes(3)

    def write(self, uuid: str, data: bytes) -> Iterable[tuple[str, bytes]]:
        if uuid == DEVICE_CONTROL and len(data) == CONTROL_SIZE and data[0] & VISIT_RATE:
            (self._rate,) = struct.unpack_from("<H", data, RATE_AT)
        elif uuid == MEASUREMENT and len(data) == 3 and data[2] == RATE_QUANTITIES:
            self.streaming = data[1] == 1
        return ()

    def play(self, samples: Samples) -> Iterator[tuple[float, str, bytes]]:
        for t, values in blocks(samples, self._rate, 1):
            yield t[0], MEDIUM, encode_sample(self.BEGAN_US + round(t[0] * 1e6), values[0])


DRIVER = Driver(
    name="movella-dot",
    title="Movella (Xsens) DOT",
    tier="virtual band; bytes from the maker's specification; no hardware yet",
    clock="device clock, 1 µs, u32, wraps after 71.6 min",
    rate_hz=RATE_HZ,
    # No service: the specification (revision C, 1.2) has them found by company number 2182 and name.
    names=("Movella DOT", "Xsens DOT"),
    service_uuid=uuid(0x2000),
    data_uuid=MEDIUM,
    control_uuid=MEASUREMENT,
    battery_uuid=BATTERY,
    firmware=(DEVICE_INFO, firmware_of),
    packet_bytes=SIZE,
    packet_samples=1,
    decode_info=decode_info,
    encode_info=encode_info,
    check_packet=decode_sample,
    talk={"hello": hello, "start": start, "stop": stop},
    new_decoder=streamed(Reader, 1 << 32),
    peripheral=Virtual,
)
