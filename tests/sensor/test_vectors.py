"""Bytes that makers, their tests and public captures give, and what they mean. Round trips of each model's encoder."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sensor.conversation import Declined
from sensor.devices import metamotion, movella_dot, movesense, thingy52, witmotion
from sensor.devices import polar_verity_sense as polar
from sensor.samples import STANDARD_GRAVITY
from sensor.stream import counts_of

MG = 1e-3 * STANDARD_GRAVITY
rows = arrays(np.int16, st.tuples(st.integers(1, 60), st.just(3)))
six = arrays(np.int16, 6, elements=st.integers(-(2**15) + 1, 2**15 - 1))


def h(text: str) -> bytes:
    return bytes.fromhex(text)


# Polar: vectors of the SDK's own tests (AccDataTest, GyrDataTest, PmdSettingTest)


def test_polar_gyro_of_differences():
    stream, ns, values = polar.decode_frame(h("05ffffffffffffff7f80 eaff08000d000301df00"), None)
    assert (stream, ns) == (polar.GYR, 2**63 - 1)
    np.testing.assert_allclose(np.degrees(values), [(-22, 8, 13), (-23, 11, 16)])


def test_polar_raw_acceleration():
    stream, ns, values = polar.decode_frame(h("02009435770000000001 f7ffffffe703f8fffeffe503"), None)
    assert (stream, ns) == (polar.ACC, 2_000_000_000)
    np.testing.assert_allclose(values / MG, [(-9, -1, 999), (-8, -2, 997)])


def test_polar_acceleration_of_differences():
    content = h("7107f06a9e8d 0a01 be5cbeba")
    np.testing.assert_array_equal(polar.deltas(content, 16), [(1905, 27376, -29282), (2095, 27271, -29367)])
    info = polar.info_of(52, 2.44140625e-4, 1.0)
    for frame, unit in ((0x80, info.acc_factor * STANDARD_GRAVITY), (0x81, info.acc_factor * MG)):
        _, _, values = polar.decode_frame(polar.HEAD.pack(2, 1, frame) + content, info)
        np.testing.assert_allclose(values[0], np.array([1905, 27376, -29282]) * unit)


def test_polar_settings():
    data = h("00013400 01011000 0204f500f401e803d007 040103")
    assert polar.decode_settings(data) == {0: [52], 1: [16], 2: [245, 500, 1000, 2000], 4: [3]}
    assert polar.encode_settings(polar.decode_settings(data)) == data
    assert polar.encode_settings({polar.FACTOR: [0.25]}) == h("0501 0000803e")


def test_polar_start_is_what_the_sdk_would_send():
    for stream, wanted in ((2, "02020001340001011000020108000401 03"), (5, "02050001340001011000 0201d007 040103")):
        assert bytes([polar.START, stream]) + polar.encode_settings(polar.chosen(stream)) == h(wanted)


def test_polar_angular_velocity_as_floats():
    values = np.array([[1.5, -2.25, 3.0], [1.75, -2.0, 3.5], [-1e-3, 250.0, 0.0]], np.float32)
    frame = polar.HEAD.pack(5, 7, 0x81) + polar.encode_deltas(values.view(np.int32), 32)
    np.testing.assert_allclose(np.degrees(polar.decode_frame(frame, None)[2]), values, rtol=1e-6)


@given(rows, st.integers(1, 255))
def test_polar_differences_round_trip(values, block):
    np.testing.assert_array_equal(polar.deltas(polar.encode_deltas(values, block=block), 16), values)


# Movella


def test_dot_counter_and_angles():
    """A capture of the short Euler payload: the same counter and floats as in the medium payload that is used."""
    capture = h("d8052244 af964040 6b2aa740 5add14c0 00000000")
    t_us, values = movella_dot.decode_sample(capture + bytes(20))
    assert t_us == 1_143_080_408
    np.testing.assert_allclose(values[:3], [3.01, 5.22, -2.33], atol=0.005)


@given(st.integers(0, 2**32 - 1), six)
def test_dot_round_trips(t_us, counts):
    si = counts * np.repeat((movella_dot.INFO.acc_mps2_per_lsb, movella_dot.INFO.gyr_rads_per_lsb), 3)
    back_us, back = movella_dot.decode_sample(movella_dot.encode_sample(t_us, si))
    assert back_us == t_us
    np.testing.assert_array_equal(counts_of(back.reshape(1, 6), movella_dot.INFO)[0][0], counts)


def test_dot_stop_start_and_firmware():
    assert [step.data for step in movella_dot.stop()] == [h("010015")]
    assert movella_dot.firmware_of(h("d422cd00000103000000")) == "3.0.0"
    assert movella_dot.firmware_of(b"") is None


# Movesense


def test_movesense_arrays_are_one_after_the_other():
    values = struct.pack("<12f", 1, 2, 3, 4, 5, 6, 90, 180, 0, -90, 0, 45)
    si = movesense.decode_arrays(values)
    np.testing.assert_allclose(si[:, :3], [(1, 2, 3), (4, 5, 6)])
    np.testing.assert_allclose(np.degrees(si[:, 3:]), [(90, 180, 0), (-90, 0, 45)], rtol=1e-6)


@given(st.integers(0, 2**32 - 1), arrays(np.int8, st.tuples(st.integers(1, 8), st.just(6))), st.integers(7, 160))
def test_movesense_round_trips_in_one_part_or_two(ms, quarters, room):
    """Even where the first part is as long as a whole packet."""
    si = quarters / 4
    parts = movesense.encode_arrays(ms, si, room=room)
    if len(parts) == 2 and len(parts[0]) > movesense.HEAD.size + movesense.TIME.size:
        reader = movesense.Reader(movesense.INFO)
        made = [part for packet in parts * 2 for part in reader.read(packet, 0)]
        assert [part.t_us for part in made] == [ms * 1000] * 2 and reader.dropped == 0
        np.testing.assert_array_equal(made[0].counts, counts_of(si, movesense.INFO)[0])
    whole = movesense.encode_arrays(ms, si)
    reader = movesense.Reader(movesense.INFO)
    made = [part for packet in whole * 3 for part in reader.read(packet, 0)]
    assert len(made) == 3 and reader.dropped == 0
    np.testing.assert_allclose(made[0].counts[:, 0] * movesense.INFO.acc_mps2_per_lsb, si[:, 0], atol=3e-3)


def test_movesense_subscription():
    conversation = movesense.start(movesense.INFO)
    stop = conversation.send(None)
    subscribe = conversation.send(h("0163c800"))
    assert (stop.data, subscribe.data) == (h("0263"), h("0163") + b"/Meas/IMU6/104")
    with pytest.raises(StopIteration):
        conversation.send(h("0163c800"))


# WitMotion


def test_witmotion_long_frame():
    """A public capture; 16 of its 20 bytes were shown."""
    (part,) = witmotion.Reader(witmotion.INFO).read(h("5561 35ff59ff0a08 0000 0000 0000 0000 0000 0000"), 0)
    np.testing.assert_allclose(part.counts[0, :3] / 2048, [-0.099, -0.082, 1.005], atol=5e-4)


def test_witmotion_commands():
    assert witmotion.command(witmotion.UNLOCK_REGISTER, witmotion.UNLOCK) == h("ffaa6988b5")
    assert witmotion.command(witmotion.RATE_REGISTER, 8) == h("ffaa030800")
    assert witmotion.READ_RATE == h("ffaa270300")
    assert witmotion.rate_told(h("5561") + bytes(18) + h("5571 0300 0800").ljust(20, b"\0")) == 8
    assert witmotion.rate_told(witmotion.short_frame(0x5F, h("0900000000000000"))) == 9


@given(st.lists(six, min_size=1, max_size=30), st.lists(st.integers(1, 60), min_size=1, max_size=40), st.booleans(), st.binary(max_size=19))
def test_witmotion_frames_split_and_joined(counts, cuts, short, junk):
    """In any pieces, behind any junk: all of them from the first head that is not in the junk."""
    junk = junk.replace(b"\x55", b"\x54")
    encode = witmotion.encode_short_frames if short else witmotion.encode_frame
    data, reader, got = junk + b"".join(map(encode, counts)), witmotion.Reader(witmotion.INFO), []
    while data:
        cut = cuts.pop(0) if cuts else 60
        got += [part.counts for part in reader.read(data[:cut], 0)]
        data = data[cut:]
    np.testing.assert_array_equal(np.concatenate(got), counts)


def test_witmotion_a_damaged_short_frame_is_dropped():
    counts = np.arange(6, dtype=np.int16)
    data = bytearray(witmotion.encode_short_frames(counts) * 3)
    data[33 + 4] ^= 1
    reader = witmotion.Reader(witmotion.INFO)
    (part,) = reader.read(bytes(data), 0)
    assert len(part.counts) == 2 and reader.dropped > 0


def test_witmotion_a_lost_piece_costs_its_frames_only():
    counts = [np.full(6, i, np.int16) for i in range(1, 9)]
    data = b"".join(map(witmotion.encode_frame, counts))
    reader, got = witmotion.Reader(witmotion.INFO), []
    for i in range(0, len(data), 32):
        if i != 64:
            got += [row[0] for part in reader.read(data[i : i + 32], 0) for row in part.counts]
    assert got == [1, 2, 3, 6, 7, 8]


# Nordic and MbientLab


@given(six)
def test_thingy_round_trips(counts):
    data = thingy52.encode_counts(counts)
    np.testing.assert_array_equal(thingy52.decode_counts(data)[0], counts)
    assert len(data) == 18


def test_thingy_units():
    acc, gyr = thingy52.INFO.acc_mps2_per_lsb * 1024, thingy52.INFO.gyr_rads_per_lsb * 32
    assert acc == pytest.approx(STANDARD_GRAVITY) and np.degrees(gyr) == pytest.approx(1)


@pytest.mark.parametrize(
    ("data", "info", "wanted"),
    [
        ("030416c494a22ad0", metamotion.info_of(4, 2000), (-1.872, -2.919, -1.495)),
        ("13053e43ff7f0080", metamotion.info_of(8, 500), (262.409, 499.497, -499.512)),
    ],
)
def test_metamotion_units(data, info, wanted):
    module, counts = metamotion.decode_counts(h(data))
    scale = info.acc_mps2_per_lsb / STANDARD_GRAVITY if module == metamotion.ACC else np.degrees(info.gyr_rads_per_lsb)
    np.testing.assert_allclose(counts[0] * scale, wanted, atol=5e-4)


def test_metamotion_packed():
    _, counts = metamotion.decode_counts(h("031c62b7530de9fd16d04d0e57028affa1050a01"))
    scaled = counts * metamotion.info_of(8).acc_mps2_per_lsb / STANDARD_GRAVITY
    np.testing.assert_allclose(scaled[:2], [(-4.539, 0.833, -0.131), (-2.995, 0.894, 0.146)], atol=5e-4)
    assert metamotion.encode_counts(metamotion.ACC, counts) == h("031c62b7530de9fd16d04d0e57028affa1050a01")


@given(st.sets(st.integers(0, 79)))
def test_metamotion_pairs_only_what_belongs_together(lost):
    """Whichever notifications are lost: an acceleration has an angular velocity of within a second, or none."""
    reader, made = metamotion.Reader(metamotion.info_of()), []
    for i in set(range(80)) - lost:
        module = metamotion.GYR if i % 2 else metamotion.ACC
        made += reader.read(metamotion.encode_counts(module, np.full((3, 3), i // 2, np.int16)), i // 2 * 30_000_000)
    apart = [int(part.counts[0, 3]) - int(part.counts[0, 0]) for part in made]
    assert all(0 <= late <= 33 for late in apart)  # a second
    if not lost:
        assert len(made) == 40 and not any(apart)


# What is said to a band that does not do as it should


def told(conversation, *answers: bytes) -> str:
    """How it is turned down after these answers."""
    answer = None
    with pytest.raises(Declined) as no:
        for following in answers:
            conversation.send(answer)
            answer = following
        conversation.send(answer)
    return str(no.value)


def test_refusals_say_what():
    info = polar.info_of(52, 1.0, 0.25)
    stopped = h("f0030206")  # it was not running: no matter
    assert told(polar.start(info), stopped, h("f002020d")) == "acceleration: it is in the charger"
    assert "MTU" in told(polar.start(info), stopped, h("f002020a"))
    assert "status 99" in told(polar.start(info), stopped, h("f0020263"))
    started = h("f002020000 0501 0000803f")
    gyr = h("f003050000"), h("f002050000 0501 0000003f")
    assert "another factor than before (wanted 0.25, got 0.5)" in told(polar.start(info), stopped, started, *gyr)
    assert "no acceleration with angular velocity" in told(polar.hello(), h("0f0400"))
    offered = h("f001020000 0002 3400 d000 0101 1000 0201 0400 0401 03")
    assert told(polar.hello(), h("0f2400"), offered) == "acceleration: setting 2 (wanted 8, offered [4])"
    rate = h("5571 0300 0600").ljust(20, b"\0")
    assert "wanted 50 Hz, got 10" in told(witmotion.DRIVER.talk["start"](witmotion.INFO), b"", b"", b"", b"", rate)
    control = bytes(24) + h("1e00") + bytes(6)
    assert "wanted 60 Hz, got 30 Hz" in told(movella_dot.start(movella_dot.INFO), b"", control, b"", control)
    assert "status 404" in told(movesense.start(movesense.INFO), h("0163c800"), h("01639401"))
    assert "another gyroscope" in told(metamotion.hello(), h("13800100"))
    assert "configuration" in told(thingy52.hello(), b"\0")
