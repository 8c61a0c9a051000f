"""What a virtual band makes of a recording, before any radio."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor.devices.reference import DRIVER, encode_info, info_of
from sensor.driver import ACC_CLIP, GYR_CLIP
from sensor.samples import Samples
from sensor.virtual_band import packets

INFO = info_of(7)


def movement(t: np.ndarray) -> Samples:
    """Slow enough that linear interpolation is good at 25 Hz."""
    angle = 2 * np.pi * 0.3 * t[:, None] + np.arange(6)
    values = np.sin(angle)
    return Samples(t, 9.8 * values[:, :3], 2 * values[:, 3:])


def played(samples: Samples, info=INFO) -> tuple[Samples, list]:
    made = [packet._replace(seq=i % 2**16) for i, (_, packet) in enumerate(packets(samples, DRIVER, info))]
    decoder = DRIVER.decoder(encode_info(info), keep_raw=True)
    parts = [decoder.feed(DRIVER.encode_packet(packet), 0) for packet in made]
    return Samples.concat([*parts, decoder.flush()]), made


@given(rate=st.sampled_from([25, 50, 100, 104, 200, 400]), n=st.integers(1, 500), start=st.floats(0, 1e5))
def test_resampled_to_the_bands_rate(rate, n, start):
    recording = movement(start + np.arange(n) / rate)
    samples, made = played(recording)
    assert len(samples) == (n - 1) * 100 // rate + 1
    np.testing.assert_allclose(samples.t, np.arange(len(samples)) / 100, atol=1e-6)
    inside = slice(4, -4)  # at the edges the average has one side only
    wanted = movement(start + samples.t)
    np.testing.assert_allclose(samples.acc[inside], wanted.acc[inside], atol=0.03)
    np.testing.assert_allclose(samples.gyr[inside], wanted.gyr[inside], atol=0.006)
    assert [len(packet.counts) for packet in made[:-1]] == [10] * (len(made) - 1)


@given(n=st.integers(1, 300))
def test_at_its_own_rate_every_value_is_within_half_a_count(n):
    recording = movement(np.arange(n) / 100)
    samples, _ = played(recording)
    assert np.abs(samples.acc - recording.acc).max() <= INFO.acc_mps2_per_lsb * 0.5001
    assert np.abs(samples.gyr - recording.gyr).max() <= INFO.gyr_rads_per_lsb * 0.5001


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(2, 400)), min_size=1, max_size=6))
def test_gaps_stay_gaps(runs):
    """Runs of samples with holes between them, in samples."""
    rows, at = [], 0
    for length, hole in runs:
        rows += range(at, at + length)
        at += length + hole
    rows = np.array(rows)
    if len(rows) > 1 and np.median(np.diff(rows)) != 1:
        return  # a recording that is mostly holes has no rate
    samples, made = played(movement(rows / 100))
    np.testing.assert_allclose(samples.t, rows / 100, atol=1e-6)
    assert len(made) == sum(-(-length // 10) for length, _ in runs)


def test_clipping_is_flagged_and_saturates():
    t = np.arange(30) / 100
    acc, gyr = np.zeros((30, 3)), np.zeros((30, 3))
    acc[12, 1], gyr[25, 2] = 200, -50
    samples, made = played(Samples(t, acc, gyr))
    assert [packet.flags for packet in made] == [0, ACC_CLIP, GYR_CLIP]
    assert samples.raw.counts[12, 1] == 32767 and samples.raw.counts[25, 5] == -32768


def test_the_clock_wraps_as_a_bands_does():
    t = np.concatenate([np.arange(100) / 100, 4294 + np.arange(200) / 100])
    made = [packet for _, packet in packets(movement(t), DRIVER, INFO)]
    assert made[10].t_us == 4_294_000_000 and made[-1].t_us == 4_295_900_000 - 2**32


def test_nothing_makes_nothing():
    assert list(packets(Samples.empty(), DRIVER, INFO)) == []
    assert due_times(movement(np.arange(25) / 100)) == pytest.approx([0.1, 0.2, 0.25])


def due_times(samples: Samples) -> list[float]:
    return [due for due, _ in packets(samples, DRIVER, INFO)]
