"""The reference band, as firmware_notes/ specifies it: every number here stands there too."""

from __future__ import annotations

import math
import struct

import numpy as np

from sensor.driver import (
    ACC_CLIP, GAP_BEFORE, GYR_CLIP, REPLAYED, Decoder, Info, Message, Packet, Replaying, talk_of,
)  # fmt: skip
from sensor.errors import PacketError
from sensor.samples import STANDARD_GRAVITY

VERSION_TYPE = 0x11  # high nibble: version 1 of the protocol; low nibble: type 1, acceleration and angular velocity
HEADER = struct.Struct("<BBHIHBB")  # version/type, flags, seq, t_first in µs, boot_id, n, rate code
SAMPLE = np.dtype("<i2")
MAX_SAMPLES = 19  # 12 + 19 x 12 = 240 bytes, what one notification carries at MTU 247
PACKET_SAMPLES = 10  # 132 bytes, ten notifications a second at 100 Hz
RATES_HZ = {1: 25, 2: 50, 3: 100, 4: 200}
RATE_CODES = {rate: code for code, rate in RATES_HZ.items()}
ACC_RANGES_G = (2, 4, 8, 16)
GYR_RANGES_DPS = (125, 250, 500, 1000, 2000)

# The largest: a foot put down reads 6 g, a dropped one more, and the finer counts of ±8 g and ±1000 deg/s
# change no measured repetition by more than 0.3 degrees (firmware_notes/hardware.md).
ACC_RANGE_G, GYR_RANGE_DPS = 16, 2000

# Bits of the flags byte -> flags of a sample. Bit 2: the band's FIFO overran, samples are missing before
# this packet. Bit 4, charging, says nothing about the samples; bits 5 to 7 are reserved.
WIRE_FLAGS = {1: ACC_CLIP, 2: GYR_CLIP, 4: GAP_BEFORE, 8: REPLAYED}
FLAGS = tuple(sum(flag for bit, flag in WIRE_FLAGS.items() if wire & bit) for wire in range(256))

INFO = struct.Struct("<BBBBHHff3bB")
AXES = (1, 2, 3)  # the wire's columns are x, y, z of the housing, right-handed
BUFFER_S = 60

COMMANDS = {0x01: "start", 0x02: "stop", 0x03: "replay", 0x04: "ping", 0x05: "identify"}
OPCODES = {name: code for code, name in COMMANDS.items()}
COMMAND_VALUES = {"start": struct.Struct("<BBH"), "replay": struct.Struct("<H")}
ANSWER, ENDED = 0xF0, 0xE0
ANSWER_VALUES = {"replay": struct.Struct("<H"), "ping": struct.Struct("<IH")}
PROBLEMS = {1: "unknown command", 2: "impossible value", 3: "MTU too small"}
STATUS = {None: 0} | {problem: code for code, problem in PROBLEMS.items()}


def decode_packet(data: bytes) -> Packet:
    if len(data) < HEADER.size:
        raise PacketError(f"packet is cut off (wanted at least {HEADER.size} bytes, got {len(data)})")
    kind, flags, seq, t_us, boot_id, n, code = HEADER.unpack_from(data)
    if kind != VERSION_TYPE:
        raise PacketError(f"unknown version or type of a packet (wanted 0x{VERSION_TYPE:02x}, got 0x{kind:02x})")
    if not 1 <= n <= MAX_SAMPLES:
        raise PacketError(f"impossible sample count at byte 10 of a packet (wanted 1 to {MAX_SAMPLES}, got {n})")
    if code not in RATES_HZ:
        raise PacketError(f"unknown rate code at byte 11 of a packet (wanted 1 to {len(RATES_HZ)}, got {code})")
    if len(data) != HEADER.size + 12 * n:
        size = HEADER.size + 12 * n
        raise PacketError(f"wrong length of a packet of {n} samples (wanted {size} bytes, got {len(data)})")
    return Packet(FLAGS[flags], seq, t_us, boot_id, RATES_HZ[code], np.ndarray((n, 6), SAMPLE, data, HEADER.size))


def encode_packet(packet: Packet) -> bytes:
    flags = sum(bit for bit, flag in WIRE_FLAGS.items() if packet.flags & flag)
    n, code = len(packet.counts), RATE_CODES[packet.rate_hz]
    header = HEADER.pack(VERSION_TYPE, flags, packet.seq, packet.t_us, packet.boot_id, n, code)
    return header + packet.counts.astype(SAMPLE).tobytes()


def info_of(
    boot_id: int, rate_hz: int = 100, acc_range_g: int = ACC_RANGE_G, gyr_range_dps: int = GYR_RANGE_DPS
) -> Info:
    """A band with exact scale factors: full scale is 2^15 counts."""
    acc, gyr = acc_range_g * STANDARD_GRAVITY / 2**15, math.radians(gyr_range_dps) / 2**15
    return Info(rate_hz, acc_range_g, gyr_range_dps, *map(_float32, (acc, gyr)), boot_id)


def _float32(value: float) -> float:
    return float(np.float32(value))


def encode_info(info: Info) -> bytes:
    return INFO.pack(
        VERSION_TYPE,
        RATE_CODES[info.rate_hz],
        info.acc_range_g,
        PACKET_SAMPLES,
        info.gyr_range_dps,
        info.boot_id,
        info.acc_mps2_per_lsb,
        info.gyr_rads_per_lsb,
        *AXES,
        BUFFER_S,
    )


def decode_info(data: bytes) -> Info:
    if len(data) != INFO.size:
        raise PacketError(f"wrong length of the info characteristic (wanted {INFO.size} bytes, got {len(data)})")
    kind, code, acc_g, _, gyr_dps, boot_id, acc, gyr, *axes, _ = INFO.unpack(data)
    if kind >> 4 != VERSION_TYPE >> 4:
        versions = f"(wanted version {VERSION_TYPE >> 4} of the protocol, got {kind >> 4})"
        raise PacketError(f"its firmware and this program do not go together, update the older one {versions}")
    if kind != VERSION_TYPE:
        raise PacketError(f"unknown version or type in the info (wanted 0x{VERSION_TYPE:02x}, got 0x{kind:02x})")
    if code not in RATES_HZ:
        raise PacketError(f"unknown rate code in the info characteristic (wanted 1 to {len(RATES_HZ)}, got {code})")
    if tuple(axes) != AXES:
        raise PacketError(f"unknown axes in the info characteristic (wanted {AXES}, got {tuple(axes)})")
    # One count is below 1 m/s² and 1 rad/s at any range.
    if not (0 < acc < 1 and 0 < gyr < 1):
        raise PacketError(f"impossible scale in the info characteristic (wanted 0 to 1 in SI units, got {acc}, {gyr})")
    return Info(RATES_HZ[code], acc_g, gyr_dps, acc, gyr, boot_id)


def start(info: Info) -> bytes:
    values = COMMAND_VALUES["start"].pack(RATE_CODES[info.rate_hz], info.acc_range_g, info.gyr_range_dps)
    return bytes([OPCODES["start"]]) + values


def replay(seq: int) -> bytes:
    return bytes([OPCODES["replay"]]) + COMMAND_VALUES["replay"].pack(seq)


def decode_command(data: bytes) -> Message:
    """Of the band: what a host wrote. `start`: rate in Hz, ranges in g and deg/s."""
    kind = COMMANDS.get(data[0]) if data else None
    if kind is None:
        return Message("unknown", (data[0] if data else 0,), PROBLEMS[1])
    layout = COMMAND_VALUES.get(kind)
    if len(data) - 1 != (layout.size if layout else 0):
        return Message(kind, problem=PROBLEMS[2])
    values = layout.unpack_from(data, 1) if layout else ()
    if kind == "start":
        code, acc_g, gyr_dps = values
        if code not in RATES_HZ or acc_g not in ACC_RANGES_G or gyr_dps not in GYR_RANGES_DPS:
            return Message(kind, problem=PROBLEMS[2])
        values = (RATES_HZ[code], acc_g, gyr_dps)
    return Message(kind, values)


def encode_message(message: Message) -> bytes:
    """Of the band: the answer to a command, or `ended` with the sequence number that would come next."""
    if message.kind == "ended":
        return struct.pack("<BH", ENDED, *message.values)
    opcode = message.values[0] if message.kind == "unknown" else OPCODES[message.kind]
    head = bytes([ANSWER, opcode, STATUS[message.problem]])
    if message.problem or message.kind not in ANSWER_VALUES:
        return head
    return head + ANSWER_VALUES[message.kind].pack(*message.values)


def decode_message(data: bytes) -> Message:
    if len(data) == 3 and data[0] == ENDED:
        return Message("ended", struct.unpack_from("<H", data, 1))
    if len(data) < 3 or data[0] != ANSWER:
        got = data[:20].hex() or "nothing"
        raise PacketError(f"neither answer nor event from the control point (wanted 0xf0 or 0xe0 first, got {got})")
    kind = COMMANDS.get(data[1], "unknown")
    problem = PROBLEMS.get(data[2], f"status {data[2]}") if data[2] else None
    layout = ANSWER_VALUES.get(kind) if problem is None else None
    size = 3 + (layout.size if layout else 0)
    if len(data) != size:
        raise PacketError(f"wrong length of the answer to {kind} (wanted {size} bytes, got {len(data)})")
    if kind == "unknown":
        return Message(kind, (data[1],), problem)
    return Message(kind, layout.unpack_from(data, 3) if layout else (), problem)


COMMANDS_TO_BAND = {
    "start": start,
    "stop": lambda: bytes([OPCODES["stop"]]),
    "replay": replay,
    "ping": lambda: bytes([OPCODES["ping"]]),
    "identify": lambda: bytes([OPCODES["identify"]]),
}
SERVICE_UUID, DATA_UUID, CONTROL_UUID, INFO_UUID = (f"c8e3118{i}-752d-40ac-9a9d-3d911210e4a0" for i in range(1, 5))

DRIVER = Replaying(
    name="hiprep-band",
    title="hiprep reference band",
    tier="reference: virtual band, no hardware yet",
    clock="device clock, 1 µs, u32, wraps after 71.6 min",
    rate_hz=100,
    advertises=(SERVICE_UUID,),
    service_uuid=SERVICE_UUID,
    data_uuid=DATA_UUID,
    control_uuid=CONTROL_UUID,
    answer_uuid=CONTROL_UUID,
    info_uuid=INFO_UUID,
    packet_bytes=HEADER.size + 12 * PACKET_SAMPLES,
    packet_samples=PACKET_SAMPLES,
    buffer_s=BUFFER_S,
    new_decoder=Decoder,
    decode_info=decode_info,
    encode_info=encode_info,
    check_packet=decode_packet,
    decode_packet=decode_packet,
    encode_packet=encode_packet,
    decode_message=decode_message,
    encode_message=encode_message,
    decode_command=decode_command,
    commands=COMMANDS_TO_BAND,
    talk=talk_of(CONTROL_UUID, INFO_UUID, COMMANDS_TO_BAND, decode_message),
)
