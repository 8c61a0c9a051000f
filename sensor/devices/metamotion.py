"""MbientLab MetaMotion R and RL (BMI160): acceleration and angular velocity in notifications of their own, without time.

Sources: mbientlab/MetaWear-SDK-Cpp @f67699e test/test_accelerometer_bmi160.py, test_gyro_bmi160.py and
src/metawear/impl/cpp/metawearboard.cpp, read for their facts only. What the module info of the gyroscope says is from
memory of the same SDK. Axes: as printed on the housing, right-handed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np

from sensor.conversation import Ask, Conversation, Declined, Pause, Write
from sensor.driver import Driver, Info
from sensor.errors import PacketError
from sensor.peripheral import NOTIFY, READ, Peripheral, blocks
from sensor.samples import STANDARD_GRAVITY, Samples
from sensor.stream import Part, counts_of, decode_info, encode_info, streamed

SERVICE, CONTROL, DATA = (f"326a{n}-85cb-9195-d9dd-464cfbbae75a" for n in ("9000", "9001", "9006"))
ACC, GYR = 0x03, 0x13
ONE, PACKED = {(ACC, 0x04), (GYR, 0x05)}, {(ACC, 0x1C), (GYR, 0x07)}
MODULE_INFO = 0x80
BMI160 = 0
RATE_HZ = 100
LSB_PER_G, LSB_PER_DPS = {2: 16384, 4: 8192, 8: 4096, 16: 2048}, {2000: 16.4, 1000: 32.8, 500: 65.6, 250: 131.2, 125: 262.4}
PAIR_NS = 1_000_000_000  # a link that stands loses nothing, it is only late; no source
SIZES = dict.fromkeys(ONE, 8) | dict.fromkeys(PACKED, 20)
START = tuple(map(bytes.fromhex, ("03032808", "13032800", "031c01", "130701", "03020100", "13020100", "030101", "130101")))
STOP = tuple(map(bytes.fromhex, ("030100", "130100", "03020001", "13020001", "031c00", "130700")))


def info_of(acc_range_g: int = 8, gyr_range_dps: int = 2000) -> Info:
    acc, gyr = STANDARD_GRAVITY / LSB_PER_G[acc_range_g], math.radians(1 / LSB_PER_DPS[gyr_range_dps])
    return Info(RATE_HZ, acc_range_g, gyr_range_dps, acc, gyr, 0)


def decode_counts(data: bytes) -> tuple[int, np.ndarray]:
    """Module, (n, 3)."""
    size = SIZES.get((data[0], data[1])) if len(data) > 1 else None
    if size is None:
        raise PacketError(f"unknown notification (wanted acceleration or angular velocity, got {data[:2].hex() or 'nothing'})")
    if len(data) != size:
        raise PacketError(f"wrong length of a packet (wanted {size} bytes, got {len(data)})")
    return data[0], np.frombuffer(data, "<i2", offset=2).reshape(-1, 3)


def check_packet(data: bytes) -> None:
    """An answer that comes late is no error."""
    if not is_module_info(data):
        decode_counts(data)


def is_module_info(data: bytes) -> bool:
    return len(data) > 2 and data[1] == MODULE_INFO


def encode_counts(module: int, counts: np.ndarray) -> bytes:
    registers = ONE if len(counts) == 1 else PACKED
    return bytes(next(register for register in registers if register[0] == module)) + counts.astype("<i2").tobytes()


class Reader:
    """An acceleration belongs to the angular velocity that follows it: both tick together, so that they alternate. (That
    the acceleration comes first is how the maker's code starts them; not seen on a device.) Where one is lost, both are."""

    def __init__(self, _: Info) -> None:
        self.dropped = 0
        self._acc: np.ndarray | None = None
        self._acc_ns = 0

    def read(self, packet: bytes, host_ns: int) -> list[Part]:
        if is_module_info(packet):
            return []
        module, counts = decode_counts(packet)
        acc, self._acc = self._acc, counts if module == ACC else None
        late, self._acc_ns = host_ns - self._acc_ns > PAIR_NS, host_ns
        if module == GYR and acc is not None and len(acc) == len(counts) and not late:
            return [Part(np.hstack((acc, counts)))]
        self.dropped += module == GYR or acc is not None
        return []


def hello() -> Conversation[bytes]:
    answer = yield Ask(CONTROL, bytes([GYR, MODULE_INFO]), lambda data: data[:2] == bytes([GYR, MODULE_INFO]))
    if len(answer) < 3 or answer[2] != BMI160:
        raise Declined(f"another gyroscope than the BMI160 (got module info {answer.hex()})")
    return encode_info(info_of())


def start(info: Info) -> Conversation[None]:
    for command in START:
        yield Write(CONTROL, command)
        yield Pause(0.02)  # written without response


def stop() -> Conversation[None]:
    for command in STOP:
        yield Write(CONTROL, command)
    # Written without response: an answer comes after them, and after what was on its way.
    yield Ask(CONTROL, bytes([ACC, MODULE_INFO]), lambda data: data[:2] == bytes([ACC, MODULE_INFO]))


class Virtual(Peripheral):
    name, model, firmware = "MetaWear", "5", "1.5.0"
    table = {SERVICE: {CONTROL: ("write-without-response",), DATA: (NOTIFY, READ)}}

    def __init__(self) -> None:
        super().__init__()
        self._done: set[bytes] = set()

    def write(self, uuid: str, data: bytes) -> Iterable[tuple[str, bytes]]:
        if data[1:] == bytes([MODULE_INFO]):
            return [(DATA, data + bytes([BMI160, 0]))]
        self._done = self._done | {data} if data in START else set() if data in STOP else self._done
        self.streaming = self._done == set(START)
        return ()

    def play(self, samples: Samples) -> Iterator[tuple[float, str, bytes]]:
        for t, values in blocks(samples, RATE_HZ, 3):
            counts, _ = counts_of(values, info_of())
            for one in [counts] if len(counts) == 3 else counts[:, None]:
                yield t[-1], DATA, encode_counts(ACC, one[:, :3])
                yield t[-1], DATA, encode_counts(GYR, one[:, 3:])


DRIVER = Driver(
    name="metamotion",
    title="MbientLab MetaMotion R, RL",
    tier="virtual band; bytes from the maker's tests; no hardware yet",
    clock="none: rebuilt from arrival, losses up to 60 ms unseen",
    rate_hz=RATE_HZ,
    advertises=(SERVICE,),  # the maker's guide to its Python SDK (scanner.rst) looks for it; the name is the user's
    names=("MetaWear",),
    service_uuid=SERVICE,
    data_uuid=DATA,
    control_uuid=CONTROL,
    answer_uuid=DATA,
    packet_bytes=20,
    packet_samples=3,
    decode_info=decode_info,
    encode_info=encode_info,
    check_packet=check_packet,
    talk={"hello": hello, "start": start, "stop": stop},
    new_decoder=streamed(Reader, None),
    peripheral=Virtual,
)
