"""Random and mutated bytes into everything that takes bytes from a band: an error of ours, or samples. `make fuzz` goes on
with atheris for minutes (tests/fuzz.py)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import converse, material, one_line, swallow
from sensor.devices import DRIVERS
from sensor.errors import PacketError

NAMES = list(DRIVERS)
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
    swallow(DRIVERS[name], MATERIAL[name][0], data.draw(streams(name)))


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_what_a_band_says_of_itself(name, data):
    """Info from a server's client, and events of the control point."""
    driver, good = DRIVERS[name], bytearray(MATERIAL[name][0])
    for at in data.draw(st.lists(st.integers(0, len(good) - 1), max_size=6)):
        good[at] = data.draw(st.integers(0, 255))
    for info in (bytes(good), data.draw(st.binary(max_size=80))):
        if one_line(driver.decoder, info) is None:
            decoder = driver.decoder(info)
            samples = decoder.feed(*MATERIAL[name][1][0])
            assert np.isfinite(samples.acc).all() and 0 < decoder.rate_hz < 1e4
    one_line(driver.decode_message, data.draw(st.binary(max_size=40)))
    if driver.firmware:
        driver.firmware[1](data.draw(st.binary(max_size=40)))


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_conversations(name, data):
    driver = DRIVERS[name]
    info = driver.decode_info(MATERIAL[name][0])
    kind, values = data.draw(st.sampled_from([("hello", ()), ("start", (info,)), ("stop", ())]))
    converse(driver, kind, values, lambda step: data.draw(answers(step)))


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


def test_what_swallows_bytes_would_notice_nonsense():
    """The check above can fail: a decoder that takes what the check refuses, and one that does not end."""
    driver = DRIVERS["thingy52"]
    info, stream = MATERIAL["thingy52"]
    with pytest.raises(AssertionError, match="refused"):
        swallow(_with(driver, check_packet=_refuse), info, stream[:2])
    with pytest.raises(AssertionError, match="without an end"):
        converse(_with(driver, talk={"hello": _for_ever}), "hello", (), lambda step: b"")


def _with(driver, **changes):
    from dataclasses import replace

    return replace(driver, **changes)


def _refuse(data):
    raise PacketError("never (wanted nothing)")


def _for_ever():
    from sensor.conversation import Read

    while True:
        yield Read("x")
