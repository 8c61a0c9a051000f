"""What holds for every model that can be bought: decoding its own bytes, its clock, gaps, recordings. No radio."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor.devices import DRIVERS
from sensor.driver import CLOCK_STEP, GAP_BEFORE, Info
from sensor.errors import PacketError
from sensor.recording import Meta, read_recording, recording_from_packets, write_recording
from sensor.samples import RAW_FIELDS, Samples
from sensor.stream import decode_info, encode_info
from sansio import MODELS, START_NS, at, decoded, lag_s, movement, started, talk, wire

COUNTED = [name for name, driver in MODELS.items() if "device clock" in driver.clock]
BY_ARRIVAL = [name for name in MODELS if name not in COUNTED]
LATER = {"polar-verity-sense": 1 / 52}  # its first sample is the first that has an angular velocity before it
META = Meta(None, 100, "ankle", "left", "hip_abduction")


@pytest.fixture(scope="module", params=MODELS)
def sent(request):
    """Driver, what was moved, info and packets of 40 s."""
    driver, moved = MODELS[request.param], movement(4000)
    return driver, moved, *wire(driver, moved)


def test_what_was_moved_is_what_is_decoded(sent):
    driver, moved, info, packets = sent
    samples, decoder = decoded(driver, info, packets, keep_raw=True)
    assert not decoder.gaps and decoder.lost == decoder.duplicates == decoder.segment == 0
    assert decoder.received == len(packets) and decoder.next_seq is None
    assert len(samples) == pytest.approx(40 * driver.rate_hz, abs=45)  # the last frame may wait for its other stream
    # Sensors that tell no time begin when they are first heard; all others lie within 2 ms of the truth.
    tolerance = 2e-3 if driver.name in COUNTED else 18e-3
    best = lag_s(moved, samples[50:-50])
    assert best == pytest.approx(LATER.get(driver.name, 0), abs=tolerance)
    acc, gyr = at(moved, samples.t + best)
    inside = slice(20, -20)
    assert np.abs(samples.acc - acc)[inside].max() < 0.3 and np.abs(samples.gyr - gyr)[inside].max() < 0.15


def test_packets_fit_and_are_checked_alike(sent):
    driver, _, info, packets = sent
    assert max(len(packet) for packet, _ in packets) <= driver.packet_bytes
    for packet, _ in packets:
        driver.check_packet(packet)


def test_where_the_blocks_are_cut_changes_nothing(sent):
    driver, _, info, packets = sent
    whole, _ = decoded(driver, info, packets)
    decoder = driver.decoder(info)
    parts = [decoder.feed(*packet) for packet in packets[:50]]
    assert all((np.diff(part.t) > 0).all() for part in parts)
    got = Samples.concat(parts)
    np.testing.assert_array_equal(got.t, whole.t[: len(got)])
    np.testing.assert_array_equal(got.gyr, whole.gyr[: len(got)])


def test_a_recording_holds_it(sent, tmp_path):
    driver, _, info, packets = sent
    recording = recording_from_packets(driver, info, ((ns, packet) for packet, ns in packets), META)
    path = tmp_path / "r.parquet"
    write_recording(path, recording)
    back = read_recording(path)
    for name in RAW_FIELDS:
        np.testing.assert_array_equal(getattr(recording.samples.raw, name), getattr(back.samples.raw, name))
    np.testing.assert_array_equal(back.samples.acc, recording.samples.acc)
    np.testing.assert_allclose(back.samples.t, recording.samples.t, rtol=0, atol=1e-6)
    assert recording.meta.sample_rate_hz == driver.rate_hz


def test_lost_notifications_are_a_gap_where_they_were(sent):
    """Two seconds from the 15th on; for the two streams of Polar as for all others."""
    driver, moved, info, packets = sent
    begin, end = START_NS + 15 * 10**9, START_NS + 17 * 10**9
    heard = [packet for packet in packets if not begin <= packet[1] < end]
    samples, decoder = decoded(driver, info, heard, keep_raw=True)
    whole, _ = decoded(driver, info, packets)
    assert (np.diff(samples.t) > 0).all()
    assert len(decoder.gaps) in (1, 2), decoder.gaps  # a recording's two streams may end at two places
    missing = sum(after - before for before, after in decoder.gaps)
    assert missing == pytest.approx(2, abs=1.7 if driver.name == "polar-verity-sense" else 0.12)
    assert len(whole) - len(samples) == pytest.approx(missing * driver.rate_hz, abs=3)
    flagged = np.flatnonzero(samples.raw.flags & GAP_BEFORE)
    np.testing.assert_allclose(samples.t[flagged], [after for _, after in decoder.gaps], atol=1e-6)
    # Behind the gap time is what it would have been.
    late = samples.t > 20
    if driver.name in COUNTED:
        assert np.isin(np.rint(samples.t[late] * 1e6), np.rint(whole.t * 1e6)).all()
    acc, _ = at(moved, samples.t[late][:-60] + LATER.get(driver.name, 0))
    error = np.abs(samples.acc[late][:-60] - acc)
    assert np.median(error) < 0.2


@pytest.mark.parametrize("name", COUNTED)  # nothing tells a repetition of the others
def test_a_packet_that_came_again_changes_nothing(name):
    driver = MODELS[name]
    info, packets = wire(driver, movement(1500))
    group = 2 if name == "movesense" else 1  # its packets come in two parts
    groups = [packets[i : i + group] for i in range(0, len(packets), group)]
    twice = [packet for i, parts in enumerate(groups) for _ in range(2 if i % 7 == 3 else 1) for packet in parts]
    samples, decoder = decoded(driver, info, twice)
    whole, _ = decoded(driver, info, packets)
    np.testing.assert_array_equal(samples.t, whole.t)
    np.testing.assert_array_equal(samples.acc, whole.acc)
    assert decoder.duplicates + decoder.lost == (len(twice) - len(packets)) / group


@pytest.mark.parametrize("name", COUNTED)
def test_a_reboot_starts_a_segment_and_never_mixes(name):
    """Its counter begins anew; three seconds pass on the host's clock."""
    driver = MODELS[name]
    info, packets = wire(driver, movement(1000))
    later = 13 * 10**9
    samples, decoder = decoded(driver, info, [*packets, *((data, ns + later) for data, ns in packets)], keep_raw=True)
    assert decoder.segment == 1 and len(decoder.gaps) == 1
    assert (np.diff(samples.t) > 0).all()
    first = int(np.argmax(samples.raw.segment))
    assert samples.raw.flags[first] == CLOCK_STEP | GAP_BEFORE
    assert samples.t[first] == pytest.approx(13, abs=0.9)  # a frame's length, at most


@pytest.mark.parametrize("name", BY_ARRIVAL)
def test_a_stall_of_the_radio_is_no_gap_and_a_loss_is_one(name):
    driver = MODELS[name]
    info, packets = wire(driver, movement(2000))
    second = 10**9
    stalled = [(data, max(ns, START_NS + 7 * second) if ns > START_NS + 5 * second else ns) for data, ns in packets]
    samples, decoder = decoded(driver, info, stalled)
    assert not decoder.gaps and len(samples) == len(decoded(driver, info, packets)[0])
    lost = [packet for packet in packets if not START_NS + 5 * second < packet[1] <= START_NS + 7 * second]
    samples, decoder = decoded(driver, info, lost)
    ((before, after),) = decoder.gaps
    assert after - before == pytest.approx(2, abs=0.06)
    assert before == pytest.approx(5, abs=0.06)


def test_conversations_end_what_they_began(sent):
    driver, _, info, _ = sent
    model, again = started(driver)
    assert again == info
    talk(model, driver.talk["stop"]())
    talk(model, driver.talk["start"](driver.decode_info(info)))
    assert model.streaming


@given(st.floats(1, 2000), st.integers(1, 64), st.integers(1, 5000), st.floats(1e-8, 0.9), st.floats(1e-8, 0.9))
def test_a_streams_info_round_trips(rate, acc_g, gyr_dps, acc, gyr):
    info = Info(rate, acc_g, gyr_dps, acc, gyr, 0)
    assert decode_info(encode_info(info)) == info


def test_every_info_is_checked():
    for driver in DRIVERS.values():
        good = wire(driver, movement(10))[0] if driver.peripheral else None
        for bad in (b"", b"\0" * 32, b"\xff" * 32, *((good[:-1], good + b"\0", b"X" + good[1:]) if good else ())):
            with pytest.raises(PacketError, match="wanted"):
                driver.decoder(bad)
