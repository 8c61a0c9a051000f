"""Whole sessions on the virtual radio in simulated time: what is recorded, and when it says it was measured."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from itertools import combinations

import numpy as np
import pytest

from on_air import noise, on_air, rest_of, take
from processing.alignment import align, host_line
from processing.tracker import Tracker
from sansio import MODELS, movement
from sensor.band import BandClient
from sensor.devices.reference import info_of
from sensor.recording import Meta, recording_from_packets
from sensor.samples import RAW_FIELDS, Samples
from sensor.virtual_adapter import virtual_adapter
from sensor.virtual_band import VirtualBand
from sensor.virtual_model import VirtualModel
from sensor.virtual_radio import VirtualRadio
from simulated_time import BACKEND, now_ns

META = Meta("band", 100, "ankle", "left")


@pytest.fixture
def anyio_backend():
    return BACKEND


async def away(radio: VirtualRadio, device, seconds: float) -> None:
    radio.out_of_range(device)
    await asyncio.sleep(seconds)
    radio.back_in_range(device)


def recorded(client: BandClient, packets: list) -> Samples:
    return recording_from_packets(client.driver, client.info, packets, META).samples


async def session(n: int, absences: list[tuple[float, float]], **options) -> tuple[Samples, BandClient]:
    """n samples as a recording, with absences of (begin, length) s."""
    packets = []
    async with on_air(noise(n), **options) as (radio, band, client, _), client:
        client.on_packet = lambda packet, host_ns: packets.append((host_ns, packet))
        listening = asyncio.create_task(rest_of(client, []))
        for begin, length in absences:
            await asyncio.sleep(begin - asyncio.get_running_loop().time())
            await away(radio, band.device, length)
        await listening
        return recorded(client, packets), client


async def test_ten_drops_of_up_to_thirty_seconds_lose_nothing():
    """Number and clock wrap on the way."""
    options = {"first_seq": 2**16 - 1500, "first_us": 2**32 - 200_000_000}
    whole, _ = await session(34000, [], **options)
    rng, at, absences = np.random.default_rng(1), 5.0, []
    loop_s = asyncio.get_running_loop().time()
    for length in rng.uniform(0.5, 30, 10):
        at += rng.uniform(6, 15)
        absences.append((loop_s + at, length))
        at += length
    got, client = await session(34000, absences, **options)
    assert client.reconnects >= 5 and client.decoder.lost == 0 and not client.decoder.gaps
    np.testing.assert_array_equal(got.t, whole.t)
    for name in set(RAW_FIELDS) - {"t_host_ns", "flags"}:
        np.testing.assert_array_equal(getattr(got.raw, name), getattr(whole.raw, name))
    assert len(whole) == 34000 and (whole.raw.segment == 0).all()


async def test_a_reboot_in_mid_session_never_mixes():
    """The band is switched off and on: numbers, clock and boot_id are others, the samples of each boot stay together."""
    packets = []
    async with on_air(noise(1000), first_seq=500) as (radio, band, client, _), client:
        client.on_packet = lambda packet, host_ns: packets.append((host_ns, packet))
        parts = await take(client, 500)
        await band.__aexit__(None, None, None)
        await asyncio.sleep(7)
        async with VirtualBand(radio, noise(800, seed=2), info=info_of(boot_id=2)) as again:
            assert again.address == client.found.address
            got = await rest_of(client, parts)
        await band.__aenter__()  # for the one who leaves
    samples = recorded(client, packets)
    np.testing.assert_array_equal(samples.t, got.t)
    old, new = (samples[rows] for rows in (slice(0, 500), slice(500, None)))
    assert (old.raw.segment == 0).all() and (new.raw.segment == 1).all() and len(new) == 800
    np.testing.assert_allclose(old.acc, noise(1000).acc[:500], atol=0.0025)
    np.testing.assert_allclose(new.acc, noise(800, seed=2).acc, atol=0.0025)
    assert 7 < new.t[0] - old.t[-1] < 30 and (np.diff(samples.t) > 0).all()


async def test_without_replay_the_gap_is_exact():
    """In the recording, in its gaps and in what coverage is made of."""
    packets, radio, moved = [], VirtualRadio(), movement(5000)
    adapter = await virtual_adapter(radio)
    async with VirtualModel(radio, moved, MODELS["movella-dot"]) as model:
        client = BandClient(model.name, backend=adapter, clock=now_ns)
        async with client:
            client.on_packet = lambda packet, host_ns: packets.append((host_ns, packet))
            listening = asyncio.create_task(rest_of(client, []))
            for pause in (10, 12):
                await asyncio.sleep(pause)
                await away(radio, model.device, 8)
            await model.finished.wait()
            client.end()
            await listening
    got = recorded(client, packets)
    wanted = movement(5000)
    gaps = [(got.t[i], got.t[i + 1]) for i in np.flatnonzero(np.diff(got.t) > 1.5 / 60)]
    assert gaps == client.decoder.gaps and len(gaps) == 2 and all(5 < after - before < 20 for before, after in gaps)
    missing = sum(round((after - before) * 60) - 1 for before, after in gaps)
    assert len(got) + missing == int(wanted.t[-1] * 60) + 1
    tracker = Tracker(None, "left", "ankle")
    tracker.update(got)
    tracker.finish()
    result = tracker.result()
    assert result.coverage == pytest.approx(len(got) / (len(got) + missing), abs=1 / len(got))
    assert [(gap.start_s, gap.end_s) for gap in result.gaps] == gaps
    grid = np.rint(got.t * 60)
    np.testing.assert_allclose(got.t, grid / 60, atol=1e-4)


@pytest.mark.parametrize("interval_ms", [7.5, 15, 30, 60])
@pytest.mark.parametrize("ppm", [-100, 0, 100])
async def test_sample_times_at_any_interval_and_drift(interval_ms, ppm):
    """Within 2 ms of when the band measured; and where the host's clock was then, as well as half a minute tells it."""
    packets, n, speed = [], 3000, 1 + ppm * 1e-6
    async with on_air(noise(n), speed=speed, first_us=2**32 - 15_000_000) as (radio, band, client, _), client:
        radio.interval_s = interval_ms / 1000
        client.on_packet = lambda packet, host_ns: packets.append((host_ns, packet))
        await rest_of(client, [])
    got = recorded(client, packets)
    assert client.decoder.lost == 0 and np.abs(got.t - np.arange(n) / 100).max() < 0.002
    true_s = band._begin + (np.arange(n) + 1) / 100 / speed  # when sample i was measured, on the host's clock
    offset, rate = host_line(got)
    error = offset + rate * got.t - true_s
    assert -0.006 < error.min() and error.max() < (0.02 if interval_ms < 60 else 0.03)


async def test_three_bands_clocks_within_20_ms():
    """Leg, pelvis and thigh: begun apart, drifting apart, with drops; each pair laid over one another."""
    rng, radio, n = np.random.default_rng(1), VirtualRadio(), 9000
    radio.interval_s = float(rng.choice([0.0075, 0.015, 0.03]))
    adapter = await virtual_adapter(radio)
    speeds = 1 + rng.uniform(-1e-4, 1e-4, 3)
    async with AsyncExitStack() as stack:
        bands, clients, packets = [], [], [[], [], []]
        for i, speed in enumerate(speeds):
            band = VirtualBand(radio, noise(n, seed=i), speed=speed, name=f"band-{i}", info=info_of(i), first_us=i * 10**9)
            bands.append(await stack.enter_async_context(band))
            clients.append(await stack.enter_async_context(BandClient(band.name, backend=adapter, clock=now_ns)))
            clients[i].on_packet = lambda packet, host_ns, i=i: packets[i].append((host_ns, packet))
        tasks = []
        for client in clients:
            tasks.append(asyncio.create_task(rest_of(client, [])))
            await asyncio.sleep(float(rng.uniform(0, 3)))
        for _ in range(2):
            await asyncio.sleep(float(rng.uniform(5, 20)))
            await away(radio, bands[int(rng.integers(3))].device, 12)
        await asyncio.gather(*tasks)
        recordings = [recorded(client, one) for client, one in zip(clients, packets)]
    assert sum(client.reconnects for client in clients) >= 2
    for a, b in combinations(range(3), 2):
        clock = align(recordings[a], recordings[b])
        assert clock.known_by == "host" and len(recordings[a]) == n
        # Sample i of b was measured at that time of a's.
        host = bands[b]._begin + (recordings[b].t + 0.01) / speeds[b]
        wanted = (host - bands[a]._begin) * speeds[a] - 0.01
        assert np.abs(clock.offset_s + clock.rate * recordings[b].t - wanted).max() < 0.02
