"""Nordic Thingy:52 (no longer made): raw motion, one sample a notification, without time or number.

Source: NordicSemiconductor/Nordic-Thingy52-FW @6ada0a9 documentation/firmware_architecture.html and
include/ble_services/ble_tms.h. Axes: as printed on the housing, right-handed.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator

import numpy as np

from sensor.conversation import Conversation, Declined, Read, Write
from sensor.driver import Driver, Info
from sensor.errors import PacketError
from sensor.peripheral import NOTIFY, READ, WRITE, Peripheral, blocks
from sensor.samples import STANDARD_GRAVITY, Samples
from sensor.stream import Part, counts_of, decode_info, encode_info, streamed

SETUP, SERVICE, CONFIG, RAW = (f"ef68{n}-9b35-4933-9b10-52ffa9740042" for n in ("0100", "0400", "0401", "0406"))
CONFIG_SIZE, RATE_AT = 9, 6  # pedometer, temperature, compass in ms; motion in Hz u16; wake on motion
SIZE = 18  # acceleration 6Q10 g, angular velocity 11Q5 deg/s, magnetic field 12Q4 µT
RATE_HZ = 50  # of 5 to 200
INFO = Info(RATE_HZ, 32, 1024, STANDARD_GRAVITY / 2**10, math.radians(1) / 2**5, 0)


def decode_counts(data: bytes) -> np.ndarray:
    if len(data) != SIZE:
        raise PacketError(f"wrong length of a packet (wanted {SIZE} bytes, got {len(data)})")
    return np.frombuffer(data, "<i2", 6).reshape(1, 6)


def encode_counts(counts: np.ndarray) -> bytes:
    return counts.astype("<i2").tobytes().ljust(SIZE, b"\0")


class Reader:
    dropped = 0

    def __init__(self, _: Info) -> None:
        pass

    def read(self, packet: bytes, host_ns: int) -> list[Part]:
        return [Part(decode_counts(packet))]


def config() -> Conversation[bytes]:
    told = yield Read(CONFIG)
    if len(told) != CONFIG_SIZE:
        raise Declined(f"wrong length of its configuration (wanted {CONFIG_SIZE} bytes, got {len(told)})")
    return told


def hello() -> Conversation[bytes]:
    yield from config()
    return encode_info(INFO)


def start(info: Info) -> Conversation[None]:
    told = yield from config()
    yield Write(CONFIG, told[:RATE_AT] + struct.pack("<H", round(info.rate_hz)) + told[RATE_AT + 2 :])


def stop() -> Conversation[None]:
    """It streams as long as somebody listens; what it says comes after what was on its way."""
    yield from config()


class Virtual(Peripheral):
    name = "Thingy"
    table = {SERVICE: {CONFIG: (READ, WRITE), RAW: (NOTIFY,)}}

    def __init__(self) -> None:
        super().__init__()
        self._config = bytes.fromhex("f401 f401 f401 0a00 01")  # 10 Hz, as it is delivered

    def read(self, uuid: str) -> bytes:
        return self._config

    def write(self, uuid: str, data: bytes) -> Iterable[tuple[str, bytes]]:
        if len(data) == CONFIG_SIZE:
            self._config, self.streaming = data, True
        return ()

    def play(self, samples: Samples) -> Iterator[tuple[float, str, bytes]]:
        (rate,) = struct.unpack_from("<H", self._config, RATE_AT)
        for t, values in blocks(samples, rate, 1):
            yield t[0], RAW, encode_counts(counts_of(values, INFO)[0])


DRIVER = Driver(
    name="thingy52",
    title="Nordic Thingy:52",
    tier="virtual band; bytes from the maker's firmware; no hardware yet",
    clock="none: rebuilt from arrival, losses up to 60 ms unseen",
    rate_hz=RATE_HZ,
    advertises=(SETUP,),  # source/modules/m_ble.c; the name is the user's
    names=("Thingy",),
    service_uuid=SERVICE,
    data_uuid=RAW,
    control_uuid=CONFIG,
    packet_bytes=SIZE,
    packet_samples=1,
    decode_info=decode_info,
    encode_info=encode_info,
    check_packet=decode_counts,
    talk={"hello": hello, "start": start, "stop": stop},
    new_decoder=streamed(Reader, None),
    peripheral=Virtual,
)
