"""`hiprep record` of one band and of two, on the virtual radio in simulated time."""

from __future__ import annotations

import asyncio
import json
from argparse import Namespace
from contextlib import AsyncExitStack
from pathlib import Path

import numpy as np
import pytest

from on_air import noise, on_air
from processing.alignment import align
from sansio import MODELS
from sensor.band import BandClient
from sensor.devices.reference import info_of
from sensor.patience import Patience
from sensor.recording import write_recording
from sensor.samples import Samples
from sensor.source import Source
from sensor.virtual_adapter import virtual_adapter
from sensor.virtual_band import VirtualBand
from sensor.virtual_model import VirtualModel
from sensor.virtual_radio import VirtualRadio
from simulated_time import BACKEND, now_ns
from verbs import record
from verbs.sources import introduced, simulated

EXERCISE = "hip_external_rotation"


@pytest.fixture
def anyio_backend():
    return BACKEND


def worn(placement: str = "ankle", side: str = "left") -> Namespace:
    return Namespace(source="ble:x", side=side, placement=placement, exercise=EXERCISE, seconds=None)


def source_of(client: BandClient) -> Source:
    return Source(lambda source, stack: source.listen(client, stack))


def person(placement: str) -> Samples:
    return simulated(EXERCISE, worn(placement)).samples


async def test_leg_and_pelvis_are_recorded_together(tmp_path: Path, run) -> None:
    """Two bands whose clocks drift apart and begin anywhere, one of them away for a while: the pelvis' lies on the leg's time to
    20 ms, and `replay --pelvis` takes the two files."""
    radio, curtain, speeds = VirtualRadio(), asyncio.Barrier(2), (1 + 80e-6, 1 - 90e-6)
    radio.interval_s = 0.03
    adapter = await virtual_adapter(radio)
    both = [worn(), worn("pelvis")]
    async with AsyncExitStack() as stack:
        bands = [
            await stack.enter_async_context(
                VirtualBand(radio, person(one.placement), speed=speed, name=f"band-{i}", info=info_of(i), first_us=i * 10**9, curtain=curtain)
            )
            for i, (one, speed) in enumerate(zip(both, speeds))
        ]
        sources = [source_of(BandClient(band.name, backend=adapter, clock=now_ns)) for band in bands]
        recording = asyncio.create_task(record.recorded(both, sources))
        await asyncio.sleep(30)
        radio.out_of_range(bands[1].device)
        await asyncio.sleep(12)
        radio.back_in_range(bands[1].device)
        (leg, pelvis), lost = await recording
        assert not lost and [source.client.reconnects for source in sources] == [0, 1]
    assert len(leg.samples) == len(pelvis.samples) == len(person("ankle"))
    clock = align(leg.samples, pelvis.samples)
    true = (bands[1]._begin + (pelvis.samples.t + 0.01) / speeds[1] - bands[0]._begin) * speeds[0] - 0.01
    assert np.abs(clock.offset_s + clock.rate * pelvis.samples.t - true).max() < 0.02
    files = [tmp_path / "leg.parquet", tmp_path / "leg.pelvis.parquet"]
    for path, one in zip(files, (leg, pelvis)):
        write_recording(path, one)
    done = run("replay", files[0], "--pelvis", files[1], "--json")
    result = json.loads(done.out)
    assert (done.status, result["quality"]["pelvis_clock"], result["sets"][0]["reps"]) == (0, "host", 10)
    assert all(rep["pelvis_deg"] is not None and rep["hip_rom_deg"] is not None for rep in result["reps"])


async def test_what_a_band_sent_before_it_was_lost_is_recorded() -> None:
    async with on_air(noise(3000), patience=Patience(give_up=60)) as (radio, band, client, _):
        recording = asyncio.create_task(record.recorded([worn()], [source_of(client)]))
        await asyncio.sleep(10)
        radio.out_of_range(band.device)
        (leg,), (lost,) = await recording
    assert 500 < len(leg.samples) < 1000 and "is it charged, switched on and near" in str(lost)


@pytest.mark.parametrize("percent, says", [(4, "battery 4 %: charge it now"), (15, "battery 15 %: charge it soon"), (87, None)])
async def test_a_low_battery_is_said_at_the_start(percent: int, says: str | None, capsys) -> None:
    """One line that a pipe gets as well; of a full one only a terminal is told."""
    async with on_air(noise(10), battery_percent=percent) as (_, _, client, _), source_of(client) as source:
        said = await introduced(source)
        wanted = f"hiprep: hiprep-1: hiprep reference band, {says}\n" if says else ""
        assert capsys.readouterr() == ("", wanted) and said == (says or "battery 87 %")


async def test_who_a_band_is_is_told_a_terminal(capsys, monkeypatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    async with on_air(noise(10)) as (radio, _, unused, _):
        async with VirtualModel(radio, noise(10), MODELS["polar-verity-sense"]) as model:
            async with source_of(BandClient(model.name, backend=unused._backend, clock=now_ns)) as source:
                await introduced(source)
    assert "Polar Sense A1B2C3D4: Polar Verity Sense, firmware 2.1.0, battery 87 %\n" in capsys.readouterr().err
