from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor.errors import PacketError
from sensor.frames import CHECK, MAGIC, MAX_ENTRIES, MAX_FRAME, MAX_INDEX, MAX_PACKET, Entry, decode_frame, encode_frame

entries = st.lists(
    st.builds(
        Entry,
        epoch=st.integers(0, 2**32 - 1),
        index=st.integers(0, MAX_INDEX),
        host_ns=st.integers(-(2**63), 2**63 - 1),
        packet=st.binary(min_size=1, max_size=MAX_PACKET),
    ),
    min_size=1,
    max_size=20,
)


def checked(frame: bytes) -> bytes:
    return frame + CHECK.pack(zlib.crc32(frame))


@given(entries)
def test_round_trip(entries: list[Entry]) -> None:
    assert decode_frame(encode_frame(entries)) == entries


def test_bytes() -> None:
    frame = bytes.fromhex("48504632 0100 02000000 0300000000000000 40420f0000000000 0200 abcd f99f605b")
    assert decode_frame(frame) == [Entry(2, 3, 1_000_000, b"\xab\xcd")]


@given(entries, st.data())
def test_cut_off_anywhere_is_refused(entries: list[Entry], data: st.DataObject) -> None:
    frame = encode_frame(entries)
    with pytest.raises(PacketError):
        decode_frame(frame[: data.draw(st.integers(0, len(frame) - 1))])


@given(entries, st.data())
def test_a_flipped_bit_anywhere_is_refused(entries: list[Entry], data: st.DataObject) -> None:
    frame = bytearray(encode_frame(entries))
    frame[data.draw(st.integers(0, len(frame) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(PacketError):
        decode_frame(bytes(frame))


@given(st.binary(max_size=200))
def test_anything_else_is_refused_in_one_line(junk: bytes) -> None:
    with pytest.raises(PacketError) as caught:
        decode_frame(checked(MAGIC + junk))
        raise PacketError("was a frame by chance")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (b"", "truncated frame"),
        (checked(b"nope!!"), "not a frame"),
        (encode_frame([]), "wrong number of entries"),
        (encode_frame([Entry(0, 0, 0, b"x")] * (MAX_ENTRIES + 1)), "wrong number of entries"),
        (encode_frame([Entry(0, 0, 0, b"")]), "wrong packet length"),
        (encode_frame([Entry(0, 0, 0, b"x" * (MAX_PACKET + 1))]), "wrong packet length"),
        (encode_frame([Entry(0, MAX_INDEX + 1, 0, b"x")]), "index too large"),
        (checked(encode_frame([Entry(0, 0, 0, b"x")])[:-4] + b"!"), "bytes after"),
    ],
)
def test_refusals_say_what(frame: bytes, says: str) -> None:
    with pytest.raises(PacketError, match=says):
        decode_frame(frame)


def test_the_largest_frame_is_no_larger_than_its_limit() -> None:
    assert len(encode_frame([Entry(0, 0, 0, b"x" * MAX_PACKET)] * MAX_ENTRIES)) == MAX_FRAME
