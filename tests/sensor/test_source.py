from __future__ import annotations

from datetime import UTC, datetime
from itertools import count

import numpy as np
import pytest

from sensor.devices.reference import DRIVER, info_of
from sensor.errors import SensorError, SourceError
from sensor.recording import Meta, Recording, write_recording
from sensor.samples import Samples
from sensor.source import open_source

META = Meta(
    device="test",
    sample_rate_hz=100,
    placement="ankle",
    side="left",
    exercise="hip_abduction",
    started_at=datetime(2026, 1, 1, tzinfo=UTC).isoformat(),
)


def recording(n: int = 333) -> Recording:
    rng = np.random.default_rng(4)
    return Recording(Samples(np.arange(n) / 100, rng.uniform(-9, 9, (n, 3)), rng.uniform(-9, 9, (n, 3))), META)


async def test_a_file_comes_in_packet_sized_blocks(tmp_path):
    path = tmp_path / "r.csv"
    write_recording(path, recording())
    async with open_source(f"file:{path}") as source:
        blocks = [block async for block in source]
        assert (source.meta.side, source.driver, source.info) == ("left", None, None)
    assert [len(block) for block in blocks] == [10] * 33 + [3]
    np.testing.assert_allclose(Samples.concat(blocks).acc, recording().samples.acc, atol=1e-5)


async def test_what_the_caller_says_of_a_file_wins(tmp_path):
    path = tmp_path / "r.csv"
    write_recording(path, recording())
    async with open_source(f"file:{path}", side="right") as source:
        assert source.meta.side == "right"


async def test_a_virtual_band_gives_samples_and_the_wire():
    packets, asked = [], []

    def virtual(name: str) -> Recording:
        asked.append(name)
        return recording()

    async with open_source("virtual:hip_abduction", virtual=virtual, speed=50, keep_raw=True) as source:
        assert source.driver is DRIVER and source.info == DRIVER.encode_info(info_of(1))
        source.on_packet = lambda packet, host_ns: packets.append((packet, host_ns))
        got = Samples.concat([block async for block in source])
        assert source.decoder.lost == 0
    assert asked == ["hip_abduction"] and source.meta == META
    assert len(got) == 333 and len(packets) == 34 and got.raw is not None
    np.testing.assert_allclose(got.t, recording().samples.t, atol=1e-6)
    # What was heard decodes to what was handed on.
    decoder = source.driver.decoder(source.info)
    again = Samples.concat([decoder.feed(*packet) for packet in packets])
    np.testing.assert_array_equal(again.gyr, got.gyr)
    host = [host_ns for _, host_ns in packets]
    assert all(later >= earlier for earlier, later in zip(host, host[1:]))


async def test_leaving_early_leaves_nothing_behind():
    async with open_source("virtual:x", virtual=lambda _: recording(3000), speed=50) as source:
        seen = count()
        async for _ in source:
            if next(seen) == 5:
                break


@pytest.mark.parametrize("spec", ["", "ble", "ble:", "file:", "nonsense:x", "/tmp/x.csv"])
def test_a_source_that_names_nothing(spec):
    with pytest.raises(SourceError, match="wanted ble:NAME"):
        open_source(spec)


@pytest.mark.parametrize("speed", [0, -1, float("nan"), float("inf")])
def test_an_impossible_speed(speed):
    with pytest.raises(SourceError, match="speed"):
        open_source("virtual:x", virtual=lambda _: recording(), speed=speed)


async def test_a_missing_file(tmp_path):
    with pytest.raises(SensorError):
        async with open_source(f"file:{tmp_path / 'none.csv'}"):
            pass
