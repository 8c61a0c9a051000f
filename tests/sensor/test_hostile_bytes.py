"""Random and mutated bytes into everything that takes bytes from a band: an error of ours, or samples. `make fuzz` goes on
with atheris for minutes (tests/fuzz.py)."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor.conversation import Declined
from sensor.devices import DRIVERS
from sensor.errors import PacketError
from sensor.samples import Samples
from sansio import START_NS, movement, wire
from sensor.devices.reference import encode_info, info_of
from sensor.virtual_band import packets as reference_packets

NAMES = list(DRIVERS)
MOST_SAMPLES = 1100  # of one packet of at most 512 bytes


def material(name: str) -> tuple[bytes, list[tuple[bytes, int]]]:
    """Info and good packets of a model."""
    driver = DRIVERS[name]
    if driver.peripheral:
        return wire(driver, movement(300))
    info = info_of(1)
    made = enumerate(reference_packets(movement(300), driver, info))
    return encode_info(info), [(driver.encode_packet(p._replace(seq=i)), START_NS + i * 10**8) for i, (_, p) in made]


MATERIAL = {name: material(name) for name in NAMES}


@st.composite
def streams(draw, name: str) -> list[tuple[bytes, int]]:
    """Good packets, mutated ones and noise, at any time."""
    good = MATERIAL[name][1]
    stream = []
    for _ in range(draw(st.integers(1, 12))):
        data, ns = good[draw(st.integers(0, len(good) - 1))]
        match draw(st.sampled_from("good bytes cut join noise head".split())):
            case "bytes":
                mutable = bytearray(data)
                for at in draw(st.lists(st.integers(0, len(data) - 1), max_size=8)):
                    mutable[at] = draw(st.integers(0, 255))
                data = bytes(mutable)
            case "cut":
                data = data[: draw(st.integers(0, len(data)))]
            case "join":
                data = (data + good[draw(st.integers(0, len(good) - 1))][0])[:512]
            case "noise":
                data = draw(st.binary(max_size=512))
            case "head":
                data = data[: draw(st.integers(1, 12))] + draw(st.binary(max_size=100))
        stream.append((data, ns if draw(st.booleans()) else draw(st.integers(0, 2**63 - 1))))
    return stream


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_packets(name, data):
    driver = DRIVERS[name]
    decoder, parts = driver.decoder(MATERIAL[name][0], keep_raw=True), []
    stream = data.draw(streams(name))
    for packet, ns in stream:
        try:
            driver.check_packet(packet)
            good = True
        except PacketError as error:
            good = False
            assert "\n" not in str(error) and "wanted" in str(error)
        try:
            parts.append(decoder.feed(packet, ns))
            assert good, "a server would have refused it"
        except PacketError:
            assert not good, "a server would have taken it"
    parts.append(decoder.flush())
    samples = Samples.concat(parts)
    assert len(samples) <= MOST_SAMPLES * len(stream)
    for values in (samples.t, samples.acc, samples.gyr):
        assert np.isfinite(values).all()
    assert (np.diff(samples.t) > 0).all()
    assert all(before < after for before, after in decoder.gaps)
    assert len(samples) == 0 or len(samples.raw.flags) == len(samples)


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_what_a_band_says_of_itself(name, data):
    """Info from a server's client, and events of the control point."""
    driver, good = DRIVERS[name], bytearray(MATERIAL[name][0])
    for at in data.draw(st.lists(st.integers(0, len(good) - 1), max_size=6)):
        good[at] = data.draw(st.integers(0, 255))
    for info in (bytes(good), data.draw(st.binary(max_size=80))):
        try:
            decoder = driver.decoder(info)
        except PacketError as error:
            assert "\n" not in str(error)
        else:
            samples = decoder.feed(*MATERIAL[name][1][0])
            assert np.isfinite(samples.acc).all() and 0 < decoder.rate_hz < 1e4
    try:
        driver.decode_message(data.draw(st.binary(max_size=40)))
    except PacketError as error:
        assert "\n" not in str(error)
    if driver.firmware:
        driver.firmware[1](data.draw(st.binary(max_size=40)))


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_conversations(name, data):
    """A band that answers anything: the conversation ends with a result, a refusal or an error of ours."""
    driver = DRIVERS[name]
    info = driver.decode_info(MATERIAL[name][0])
    kind, values = data.draw(st.sampled_from([("hello", ()), ("start", (info,)), ("stop", ())]))
    conversation, answer = driver.talk[kind](*values), None
    try:
        for _ in range(60):
            step = conversation.send(answer)
            accepts = getattr(step, "is_answer", lambda _: True)
            answer = data.draw(answers(step))
            if not accepts(answer):  # nobody would hand it on
                return
        raise AssertionError("a conversation without an end")
    except StopIteration as end:
        if kind == "hello":
            with contextlib.suppress(PacketError):
                assert driver.decoder(end.value)
    except (Declined, PacketError) as error:
        assert "\n" not in str(error)


def answers(step) -> st.SearchStrategy[bytes]:
    """Noise, or what begins as the answer to what was asked."""
    noise = st.binary(max_size=60)
    if not getattr(step, "data", b""):
        return noise
    heads = [b"\xf0" + step.data[:2] + b"\0\0", b"\xf0" + step.data[:2], b"\x01" + step.data[1:2], step.data[:2], b"\x55\x71\x03\x00", b"\x55\x5f"]
    return st.sampled_from(heads).flatmap(lambda head: noise.map(lambda tail: head + tail)) | noise


@given(st.binary(max_size=20))
def test_commands_to_the_reference_band(data):
    assert isinstance(DRIVERS["hiprep-band"].decode_command(data).kind, str)
