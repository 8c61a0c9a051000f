"""Bytes that makers, their tests and public captures give, and what they mean (vectors.json). Round trips of each model's encoder."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sensor.conversation import Ask, Declined, Read, Write
from sensor.devices import DRIVERS, metamotion, movella_dot, movesense, reference, thingy52, witmotion
from sensor.devices import polar_verity_sense as polar
from sensor.driver import GYR_CLIP, REPLAYED, Message
from sensor.errors import PacketError
from sensor.samples import STANDARD_GRAVITY
from sensor.stream import counts_of

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text(encoding="utf-8"))
# SI -> what a vector is written in.
UNITS = {"counts": 1.0, "m/s2": 1.0, "g": 1 / STANDARD_GRAVITY, "mg": 1e3 / STANDARD_GRAVITY, "deg/s": np.degrees(1)}
rows = arrays(np.int16, st.tuples(st.integers(1, 60), st.just(3)))
six = arrays(np.int16, 6, elements=st.integers(-(2**15) + 1, 2**15 - 1))


def h(text: str) -> bytes:
    return bytes.fromhex(text)


def vectors(model: str, kind: str) -> list:
    return VECTORS[model].get(kind, [])


# Frames: (what is said besides the values, values in SI or counts)


def of_reference(data: bytes, told: dict):
    packet = reference.decode_packet(data)
    assert reference.encode_packet(packet) == data
    said = {"seq": packet.seq, "us": packet.t_us, "boot_id": packet.boot_id, "rate_hz": packet.rate_hz}
    return said | {"gyr_clip": bool(packet.flags & GYR_CLIP), "replayed": bool(packet.flags & REPLAYED)}, packet.counts


def of_polar(data: bytes, told: dict):
    stream, ns, values = polar.decode_frame(data, None)
    return {"stream": stream, "ns": str(ns)}, values


def of_dot(data: bytes, told: dict):
    us, values = movella_dot.decode_sample(data)
    return {"us": us}, values.reshape(1, 6)


def of_movesense(data: bytes, told: dict):
    return {"us": 1000 * movesense.TIME.unpack_from(data, 2)[0]}, movesense.decode_arrays(data[6:])


def of_witmotion(data: bytes, told: dict):
    (part,) = witmotion.Reader(witmotion.INFO).read(data, 0)
    return {}, scaled(part.counts, witmotion.INFO)


def of_thingy(data: bytes, told: dict):
    return {}, scaled(thingy52.decode_counts(data), thingy52.INFO)


def of_metamotion(data: bytes, told: dict):
    stream, counts = metamotion.decode_counts(data)
    assert metamotion.encode_counts(stream, counts) == data
    info = metamotion.info_of(told.get("acc_range_g", 8), told.get("gyr_range_dps", 2000))
    return {"stream": stream}, counts * (info.acc_mps2_per_lsb if stream == metamotion.ACC else info.gyr_rads_per_lsb)


def scaled(counts: np.ndarray, info) -> np.ndarray:
    return counts * np.repeat((info.acc_mps2_per_lsb, info.gyr_rads_per_lsb), 3)


FRAMES = {
    "hiprep-band": of_reference, "witmotion": of_witmotion, "polar-verity-sense": of_polar, "movella-dot": of_dot,
    "movesense": of_movesense, "thingy52": of_thingy, "metamotion": of_metamotion,
}  # fmt: skip


@pytest.mark.parametrize(("model", "told"), [(model, told) for model in FRAMES for told in vectors(model, "frames")])
def test_a_frame_means_what_its_source_says(model, told):
    said, values = FRAMES[model](h(told["hex"]), told)
    assert said == {name: told[name] for name in said}
    units = [UNITS[unit] for unit in told["unit"].split(", ")]
    found = values[: len(told["values"])] * np.repeat(units, values.shape[1] // len(units))
    np.testing.assert_allclose(found, told["values"], rtol=1e-6, atol=told.get("within", 1e-9))


def test_every_model_has_a_frame():
    """witmotion-fff0 is the other spelling of witmotion, and its frames have a checksum."""
    assert FRAMES.keys() == VECTORS.keys() - {"what this is"} == DRIVERS.keys() - {"witmotion-fff0"}
    assert all(vectors(model, "frames") and vectors(model, "writes") for model in FRAMES)


def writes(conversation, *answers: bytes) -> list[bytes]:
    """What is written, with these answers to what is asked and read, the last of them again and again."""
    written, answer, given = [], None, list(answers)
    with pytest.raises((StopIteration, Declined)):
        while True:
            step, answer = conversation.send(answer), b""
            if isinstance(step, Write | Ask):
                written.append(step.data)
            if isinstance(step, Ask | Read):
                answer = given.pop(0) if len(given) > 1 else given[0]
    return written


def test_what_is_written_is_what_the_sources_say():
    wanted = {model: {what: [h(one)] for what, one in VECTORS[model]["writes"].items()} for model in FRAMES}
    commands = reference.COMMANDS_TO_BAND
    assert wanted["hiprep-band"] == {
        "start": [commands["start"](reference.info_of(1))], "stop": [commands["stop"]()], "replay 513": [commands["replay"](513)],
        "ping": [commands["ping"]()], "identify": [commands["identify"]()],
    }  # fmt: skip
    wit = witmotion.DRIVER.talk["start"](witmotion.INFO)
    unlock, rate, ask = writes(wit, h(vectors("witmotion", "rates")[0]["hex"]))
    assert wanted["witmotion"] == {"unlock": [unlock], "rate 50 Hz": [rate], "ask the rate": [ask]}
    found = {f"{what} {stream}": [bytes([op, stream])] for what, op in (("settings", 1), ("stop", 3)) for stream in (2, 5)}
    for stream in (2, 5):
        stop, start = writes(polar.begin(stream), h(f"f0030{stream}0000"), h(f"f0020{stream}0000"))
        assert [stop] == found[f"stop {stream}"]
        found[f"start {stream}"] = [start]
        assert writes(polar.ask(polar.SETTINGS, stream), h(f"f0010{stream}0000")) == found[f"settings {stream}"]
    assert wanted["polar-verity-sense"] == found
    dot = writes(movella_dot.start(movella_dot.INFO), bytes(24) + h("3c00") + bytes(6))
    assert wanted["movella-dot"] == {"start": dot[-1:], "stop": dot[:1]} and writes(movella_dot.stop()) == dot[:1]
    result = h("0163c800")
    hello, (unsubscribe, subscribe) = writes(movesense.hello(), result), writes(movesense.start(movesense.INFO), result)
    assert wanted["movesense"] == {"hello": hello, "subscribe": [subscribe], "unsubscribe": [unsubscribe]}
    assert wanted["thingy52"] == {"50 Hz": writes(thingy52.start(thingy52.INFO), h("f401f401f4010a0001"))}
    meta = {what: b"".join(one) for what, one in (("start", metamotion.START), ("stop", metamotion.STOP))}
    assert {what: b"".join(one) for what, one in wanted["metamotion"].items()} == meta | {"module info": h("1380")}
    assert writes(metamotion.hello(), h("13800000")) == [h("1380")]


def test_answers_mean_what_the_sources_say():
    for told in vectors("hiprep-band", "answers"):
        message = Message(told["kind"], tuple(told.get("values", ())), told.get("problem"))
        assert reference.decode_message(h(told["hex"])) == message and reference.encode_message(message) == h(told["hex"])
    for told in vectors("hiprep-band", "info"):
        assert asdict(reference.decode_info(h(told["hex"]))) == {name: told[name] for name in told.keys() - {"hex", "source"}}
    for told in vectors("witmotion", "rates"):
        assert witmotion.rate_told(h("5561") + bytes(18) + h(told["hex"])) == told["code"]
    for told in vectors("polar-verity-sense", "settings"):
        settings = {int(kind): values for kind, values in told["values"].items()}
        assert polar.decode_settings(h(told["hex"])) == settings and polar.encode_settings(settings) == h(told["hex"])
    for told in vectors("polar-verity-sense", "deltas"):
        np.testing.assert_array_equal(polar.deltas(h(told["hex"]), 16), told["values"])
    for told in vectors("polar-verity-sense", "unasked"):
        if told["stopped"]:
            assert polar.decode_message(h(told["hex"])) == Message("stopped")
        else:
            with pytest.raises(PacketError, match="nobody asked"):
                polar.decode_message(h(told["hex"]))
    for told in vectors("movella-dot", "firmware"):
        assert movella_dot.firmware_of(h(told["hex"])) == told["text"]
    assert movella_dot.firmware_of(b"") is None


# Polar


def test_polar_factor_scales_differences():
    content = h(vectors("polar-verity-sense", "deltas")[0]["hex"])
    info = polar.info_of(52, 2.44140625e-4, 1.0)
    for frame, unit in ((0x80, STANDARD_GRAVITY), (0x81, 1e-3 * STANDARD_GRAVITY)):
        _, _, values = polar.decode_frame(polar.HEAD.pack(2, 1, frame) + content, info)
        np.testing.assert_allclose(values[0], np.array([1905, 27376, -29282]) * info.acc_factor * unit)


def test_polar_angular_velocity_as_floats():
    values = np.array([[1.5, -2.25, 3.0], [1.75, -2.0, 3.5], [-1e-3, 250.0, 0.0]], np.float32)
    frame = polar.HEAD.pack(5, 7, 0x81) + polar.encode_deltas(values.view(np.int32), 32)
    np.testing.assert_allclose(np.degrees(polar.decode_frame(frame, None)[2]), values, rtol=1e-6)


@given(rows, st.integers(1, 255))
def test_polar_differences_round_trip(values, block):
    np.testing.assert_array_equal(polar.deltas(polar.encode_deltas(values, block=block), 16), values)


# Movella


@given(st.integers(0, 2**32 - 1), six)
def test_dot_round_trips(t_us, counts):
    si = counts * np.repeat((movella_dot.INFO.acc_mps2_per_lsb, movella_dot.INFO.gyr_rads_per_lsb), 3)
    back_us, back = movella_dot.decode_sample(movella_dot.encode_sample(t_us, si))
    assert back_us == t_us
    np.testing.assert_array_equal(counts_of(back.reshape(1, 6), movella_dot.INFO)[0][0], counts)


# Movesense


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


# WitMotion


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
