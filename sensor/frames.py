"""How a batch of a band's packets travels to the server: one binary frame, both directions here.

    frame   "HPF2"  u16 number of entries  entry ...  u32 CRC-32 (ISO-HDLC, zlib's) of all before it
    entry   u32 epoch  u64 index  i64 host_ns  u16 length  length bytes: the packet as the band sent it

Little-endian. A packet under a wrong key or with a wrong bit would be there for good: hence the check. `index` is the sender's own count of packets, from 0, without wrapping; `epoch` is one more
each time the sender had to begin that count again. The wire's own sequence number is data, not the key.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import NamedTuple

from sensor.errors import FrameDamaged, PacketError

MAGIC = b"HPF2"
HEAD = struct.Struct("<4sH")
ENTRY = struct.Struct("<IQqH")
CHECK = struct.Struct("<I")
MAX_ENTRIES = 1024  # 100 s of the reference band; no source
MAX_PACKET = 512  # bytes, the longest attribute value of Bluetooth (Core 5.4, Vol 3 Part F 3.2.9)
MAX_FRAME = HEAD.size + MAX_ENTRIES * (ENTRY.size + MAX_PACKET) + CHECK.size
MAX_INDEX = (1 << 63) - 1  # what a database's integer holds


class Entry(NamedTuple):
    """One packet with its key and its arrival at the host (ns since 1970)."""

    epoch: int
    index: int
    host_ns: int
    packet: bytes


def encode_frame(entries: Sequence[Entry]) -> bytes:
    parts = [HEAD.pack(MAGIC, len(entries))]
    for epoch, index, host_ns, packet in entries:
        parts += ENTRY.pack(epoch, index, host_ns, len(packet)), packet
    frame = b"".join(parts)
    return frame + CHECK.pack(zlib.crc32(frame))


def decode_frame(frame: bytes) -> list[Entry]:
    """The entries, or a PacketError that says which one is broken and how."""
    if len(frame) < HEAD.size + CHECK.size:
        raise FrameDamaged(f"truncated frame (wanted {HEAD.size + CHECK.size} bytes or more, got {len(frame)})")
    magic, count = HEAD.unpack_from(frame)
    if magic != MAGIC:
        raise PacketError(f"not a frame (wanted {MAGIC!r} at its start, got {magic!r})")
    frame, (check,) = frame[: -CHECK.size], CHECK.unpack(frame[-CHECK.size :])
    if (found := zlib.crc32(frame)) != check:
        raise FrameDamaged(f"frame damaged on its way (wanted CRC-32 {check:08x}, got {found:08x})")
    if not 0 < count <= MAX_ENTRIES:
        raise PacketError(f"wrong number of entries in the frame's head (wanted 1 to {MAX_ENTRIES}, got {count})")
    entries, at = [], HEAD.size
    for number in range(count):
        if len(frame) - at < ENTRY.size:
            raise PacketError(f"truncated frame at entries[{number}] (wanted {count} entries)")
        epoch, index, host_ns, length = ENTRY.unpack_from(frame, at)
        at += ENTRY.size
        packet = frame[at : at + length]
        if not 0 < length <= MAX_PACKET:
            raise PacketError(f"wrong packet length at entries[{number}] (wanted 1 to {MAX_PACKET}, got {length})")
        if len(packet) < length:
            raise PacketError(f"truncated frame at entries[{number}] (wanted {length} bytes, got {len(packet)})")
        if index > MAX_INDEX:
            raise PacketError(f"index too large at entries[{number}] (wanted {MAX_INDEX} at most, got {index})")
        entries.append(Entry(epoch, index, host_ns, packet))
        at += length
    if at != len(frame):
        raise PacketError(f"bytes after the last entry of the frame (wanted {at}, got {len(frame)})")
    return entries
