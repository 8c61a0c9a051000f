from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sensor.devices import DRIVERS, driver_named
from sensor.devices.reference import (
    ACC_RANGES_G,
    DRIVER,
    GYR_RANGES_DPS,
    RATES_HZ,
    decode_info,
    encode_info,
    info_of,
)
from sensor.driver import ACC_CLIP, CLOCK_STEP, GAP_BEFORE, GYR_CLIP, REORDER_WINDOW, REPLAYED, Message, Packet
from sensor.errors import PacketError, SourceError
from sensor.samples import RAW_FIELDS, Samples

u16, u32 = st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1)
rates = st.sampled_from(list(RATES_HZ.values()))
infos = st.builds(info_of, u16, rates, st.sampled_from(ACC_RANGES_G), st.sampled_from(GYR_RANGES_DPS))
packets = st.builds(
    Packet,
    flags=st.sets(st.sampled_from([ACC_CLIP, GYR_CLIP, GAP_BEFORE, REPLAYED])).map(sum),
    seq=u16,
    t_us=u32,
    boot_id=u16,
    rate_hz=rates,
    counts=st.integers(1, 19).flatmap(lambda n: arrays(np.int16, (n, 6))),
)
INFO = encode_info(info_of(1))
PERIOD_NS, PERIOD_US = 100_000_000, 100_000


def stream(n: int, seq: int = 0, t_us: int = 0, boot_id: int = 1) -> list[tuple[bytes, int]]:
    """n packets of ten samples in a row, with their arrival; the counts tell where a sample belongs."""
    counts = np.arange(n * 60).reshape(n, 10, 6) % 2**15
    return [
        (
            DRIVER.encode_packet(
                Packet(0, (seq + i) % 2**16, (t_us + i * PERIOD_US) % 2**32, boot_id, 100, counts[i].astype(np.int16))
            ),
            i * PERIOD_NS,
        )
        for i in range(n)
    ]


def decoded(packets, **options) -> tuple[Samples, object]:
    decoder = DRIVER.decoder(INFO, **options)
    parts = [decoder.feed(*packet) for packet in packets]
    return Samples.concat([*parts, decoder.flush()]), decoder


def same(a: Samples, b: Samples) -> bool:
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ("t", "acc", "gyr"))


@given(packets)
def test_a_packet_round_trips(packet):
    data = DRIVER.encode_packet(packet)
    back = DRIVER.decode_packet(data)
    assert back[:-1] == packet[:-1]
    np.testing.assert_array_equal(back.counts, packet.counts)
    assert len(data) == 12 + 12 * len(packet.counts)


@given(infos)
def test_info_round_trips(info):
    assert decode_info(encode_info(info)) == info
    assert info.acc_mps2_per_lsb * 2**15 == pytest.approx(info.acc_range_g * 9.80665, rel=1e-6)


@given(infos, u16, u32, u16)
def test_commands_and_messages_round_trip(info, seq, t_us, boot_id):
    start = DRIVER.decode_command(DRIVER.commands["start"](info))
    assert start == Message("start", (info.rate_hz, info.acc_range_g, info.gyr_range_dps))
    assert DRIVER.decode_command(DRIVER.commands["replay"](seq)) == Message("replay", (seq,))
    for kind in ("stop", "ping", "identify"):
        assert DRIVER.decode_command(DRIVER.commands[kind]()) == Message(kind)
    answers = Message("start"), Message("replay", (seq,)), Message("ping", (t_us, boot_id))
    for message in (*answers, Message("ended", (seq,))):
        assert DRIVER.decode_message(DRIVER.encode_message(message)) == message


@given(st.binary(max_size=300) | st.binary(max_size=12).map(lambda tail: b"\x11" + tail))
def test_random_bytes_are_an_error_or_samples(data):
    decoder = DRIVER.decoder(INFO, keep_raw=True)
    try:
        samples = decoder.feed(data, 0)
    except PacketError as error:
        assert "\n" not in str(error)
        assert decoder.received == 0 and decoder.next_seq is None
    else:
        assert np.isfinite(samples.acc).all() and np.isfinite(samples.t).all()
    for decode in (DRIVER.decode_info, DRIVER.decode_message):
        try:
            decode(data)
        except PacketError:
            pass
    DRIVER.decode_command(data)


@given(st.lists(st.tuples(packets, st.integers(0, 10**13)), max_size=30))
def test_any_packets_in_any_order_give_increasing_times_and_numbers(stream):
    samples, decoder = decoded([(DRIVER.encode_packet(packet), ns) for packet, ns in stream])
    assert (np.diff(samples.t) > 0).all()
    assert np.isfinite(samples.acc).all() and np.isfinite(samples.gyr).all()
    assert decoder.received + decoder.duplicates <= len(stream) + decoder.lost


@pytest.mark.parametrize("cut", [0, 1, 11, 12, 131, 133, 252])
def test_truncated_and_oversized_packets_change_nothing(cut):
    good = stream(3)
    decoder = DRIVER.decoder(INFO)
    before = decoder.feed(*good[0])
    with pytest.raises(PacketError, match="wanted"):
        decoder.feed((good[1][0] * 2)[:cut], 0)
    rest = [decoder.feed(*packet) for packet in good[1:]]
    assert same(Samples.concat([before, *rest]), decoded(good)[0])


def test_bytes_become_si_units():
    counts = np.array([[2048, 0, -2048, 32767, -32768, 1]], np.int16)
    samples, _ = decoded([(DRIVER.encode_packet(Packet(0, 0, 0, 1, 100, counts)), 0)])
    np.testing.assert_allclose(samples.acc[0], [9.80665, 0, -9.80665], rtol=1e-6)
    np.testing.assert_allclose(np.degrees(samples.gyr[0]), [1999.94, -2000, 0.061035], rtol=1e-4)


@given(
    n=st.integers(2, 40),
    seq=u16,
    t_us=u32,
    keys=st.lists(st.floats(0, REORDER_WINDOW / 2), min_size=40, max_size=40),
    again=st.lists(st.integers(0, 39), max_size=10),
)
def test_duplicates_and_reorders_change_nothing(n, seq, t_us, keys, again):
    """Each packet up to four places late, some of them more than once; the first one comes first."""
    packets = stream(n, seq, t_us)
    late = sorted(range(1, n), key=lambda i: i + keys[i])
    order = [0, *late]
    for i in again:
        order.insert(order.index(i % n) + 1 + i % 5, i % n)
    samples, decoder = decoded([packets[i] for i in order])
    assert same(samples, decoded(packets)[0])
    assert (decoder.received, decoder.lost, decoder.duplicates) == (n, 0, len(again))
    assert not decoder.gaps


@given(n=st.integers(3, 60), lost=st.sets(st.integers(1, 58)), seq=u16, t_us=u32)
def test_lost_packets_are_missing_rows(n, lost, seq, t_us):
    packets = stream(n, seq, t_us)
    lost = {i for i in lost if i < n - 1}
    samples, decoder = decoded([packet for i, packet in enumerate(packets) if i not in lost])
    whole = decoded(packets)[0]
    rows = np.concatenate([np.arange(10 * i, 10 * i + 10) for i in range(n) if i not in lost])
    np.testing.assert_allclose(samples.t, whole.t[rows], atol=1e-9)
    np.testing.assert_array_equal(samples.acc, whole.acc[rows])
    assert decoder.lost == len(lost) and decoder.received == n - len(lost)
    assert sum(round((end - start) / 0.1) for start, end in decoder.gaps) == len(lost)


def test_hours_without_a_packet_and_every_wrap():
    """Four hours away: number and clock have wrapped several times."""
    away = 4 * 3600
    before, after = stream(5), stream(5, seq=(away * 10) % 2**16, t_us=(away * 1_000_000) % 2**32)
    samples, decoder = decoded(before + [(data, ns + away * 10**9) for data, ns in after])
    assert samples.t[50] == pytest.approx(away) and len(samples) == 100
    assert len(decoder.gaps) == 1 and decoder.segment == 0


def test_a_reboot_starts_a_segment_and_never_mixes():
    old, new = stream(8, seq=500, t_us=10**9), stream(5, boot_id=2)
    new = [(data, ns + 3 * 10**9) for data, ns in new]
    samples, decoder = decoded([*old[:6], old[7], new[0], old[6], *new[1:]], keep_raw=True)
    assert decoder.segment == 1 and decoder.lost == 1 and decoder.duplicates == 1
    np.testing.assert_array_equal(samples.raw.segment, [0] * 70 + [1] * 50)
    # The host placed the first packet after the reboot 2.3 s after the arrival of the last one before it.
    assert samples.t[70] == pytest.approx(3.0)
    assert samples.raw.flags[70] == CLOCK_STEP | GAP_BEFORE and samples.raw.flags[60] == GAP_BEFORE
    assert (np.diff(samples.t) > 0).all()


@given(n=st.integers(1, 20), seq=u16, t_us=u32)
def test_raw_says_what_the_wire_said(n, seq, t_us):
    packets = stream(n, seq, t_us)
    samples, decoder = decoded(packets, keep_raw=True)
    raw = samples.raw
    assert [getattr(raw, name).dtype for name in RAW_FIELDS] == ["i2", "i4", "i8", "i8", "i2", "u1"]
    np.testing.assert_array_equal(raw.packet_seq, np.repeat([(seq + i) % 2**16 for i in range(n)], 10))
    np.testing.assert_array_equal(raw.t_device_us - t_us, np.arange(n * 10) * 10_000)
    np.testing.assert_array_equal(raw.t_host_ns, np.repeat(np.arange(n) * PERIOD_NS, 10))
    np.testing.assert_array_equal(raw.counts[:, :3] * decoder.scale.acc_mps2_per_lsb, samples.acc)


def test_models_are_found_by_name():
    assert driver_named("hiprep-band") is DRIVERS["hiprep-band"] is DRIVER
    with pytest.raises(SourceError, match="hiprep-band"):
        driver_named("nonsense")


def test_axes_and_scale_are_checked():
    for byte, value in ((0, 0x21), (1, 9), (11, 0x7F), (16, 2)):
        broken = bytearray(INFO)
        broken[byte] = value
        with pytest.raises(PacketError):
            DRIVER.decoder(bytes(broken))
