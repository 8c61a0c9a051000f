"""Bluetooth end to end: a virtual band, two real host stacks, a radio that breaks, bleak's public API."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import numpy as np
import pytest

from sensor.band import BandClient, Patience, backoff
from sensor.ble import Link
from sensor.devices.reference import DRIVER, decode_packet, info_of
from sensor.driver import REPLAYED
from sensor.errors import LinkError
from sensor.platforms import Backend
from sensor.samples import Samples
from sensor.scan import scan
from sensor.virtual_adapter import virtual_adapter
from sensor.virtual_band import VirtualBand
from sensor.virtual_radio import VirtualRadio

SPEED = 25
HASTE = Patience(backoff=0.05, scan=5, answer=5, twins=0.1)
SHORT = replace(HASTE, scan=0.3)
LARGE = replace(DRIVER, packet_samples=19, packet_bytes=240)


def noise(n: int, rate: float = 100, seed: int = 1) -> Samples:
    rng = np.random.default_rng(seed)
    return Samples(np.arange(n) / rate, rng.uniform(-70, 70, (n, 3)), rng.uniform(-15, 15, (n, 3)))


@asynccontextmanager
async def on_air(samples: Samples, *, speed: float = SPEED, patience: Patience = HASTE, **options):
    radio = VirtualRadio(speed)
    adapter = await virtual_adapter(radio)
    async with VirtualBand(radio, samples, speed=speed, **options) as band:
        client = BandClient(band.name, backend=adapter, patience=patience, keep_raw=True)
        yield radio, band, client


async def take(client: BandClient, n: int) -> list[Samples]:
    """At least n samples."""
    parts = []
    while sum(map(len, parts)) < n:
        parts.append(await anext(client))
    return parts


async def until(condition) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.005)


def assert_all_there(got: Samples, wanted: Samples, info=info_of(1)) -> None:
    """Every sample once, in order, within half a count."""
    np.testing.assert_allclose(got.t, wanted.t, atol=1e-6)
    assert np.abs(got.acc - wanted.acc).max() <= info.acc_mps2_per_lsb * 0.5001
    assert np.abs(got.gyr - wanted.gyr).max() <= info.gyr_rads_per_lsb * 0.5001


async def test_packets_of_240_bytes_and_none_is_lost():
    """200 Hz in packets of 19 samples, at more than 25 packets a second."""
    samples, packets = noise(250 * 19, rate=200), []
    async with on_air(samples, driver=LARGE, info=info_of(1, 200)) as (_, band, client), client:
        client.on_packet = lambda packet, _: packets.append(packet)
        got = Samples.concat([block async for block in client])
        await band.finished.wait()
    assert_all_there(got, samples)
    assert [len(packet) for packet in packets] == [240] * 250
    decoder = client.decoder
    assert (decoder.received, decoder.lost, decoder.duplicates, client.reconnects) == (250, 0, 0, 0)


async def test_the_same_bytes_at_every_speed():
    streams = []
    for speed in (10, 50, 200):
        packets = []
        async with on_air(noise(1003), speed=speed) as (_, _, client), client:
            client.on_packet = lambda packet, _: packets.append(packet)  # noqa: B023
            assert sum([len(block) async for block in client]) == 1003
        streams.append(packets)
    assert len(streams[0]) == 101 and streams[0] == streams[1] == streams[2]


async def test_a_forced_disconnection_loses_nothing():
    samples, packets = noise(2000), []
    async with on_air(samples) as (radio, band, client), client:
        client.on_packet = lambda packet, _: packets.append(packet)
        parts = await take(client, 300)
        radio.break_links(band.device)
        parts += await take(client, 700)
        radio.break_links(band.device)
        parts += [block async for block in client]
    got = Samples.concat(parts)
    assert_all_there(got, samples)
    assert client.reconnects == 2 and client.decoder.lost == 0 and client.decoder.segment == 0
    assert [decode_packet(packet).seq for packet in packets if not decode_packet(packet).flags & REPLAYED][-1] == 199


async def test_out_of_range_and_back():
    samples = noise(3000)
    async with on_air(samples) as (radio, band, client), client:
        parts = await take(client, 300)
        radio.out_of_range(band.device)
        await until(lambda: client._link.broken)
        radio.back_in_range(band.device)
        parts += [block async for block in client]
    assert_all_there(Samples.concat(parts), samples)
    assert client.reconnects == 1 and client.decoder.lost == 0


async def test_a_short_absence_is_not_a_disconnection():
    samples = noise(1000)
    async with on_air(samples) as (radio, band, client), client:
        radio.supervision_timeout_s = 60
        parts = await take(client, 300)
        radio.out_of_range(band.device)
        await until(lambda: any(controller.outbox for controller in radio.controllers))
        radio.back_in_range(band.device)
        parts += [block async for block in client]
    assert_all_there(Samples.concat(parts), samples)
    assert client.reconnects == 0 and client.decoder.duplicates == 0


async def test_what_the_buffer_could_not_hold_is_a_gap():
    samples = noise(3000)
    async with on_air(samples, driver=replace(DRIVER, buffer_s=2)) as (radio, band, client), client:
        parts = await take(client, 300)
        radio.out_of_range(band.device)
        await until(lambda: client._link.broken and band._ring.seq > 120)
        radio.back_in_range(band.device)
        parts += [block async for block in client]
    got = Samples.concat(parts)
    ((before, after),) = client.decoder.gaps
    missing = round((after - before) * 100) - 1
    assert missing == 10 * client.decoder.lost > 0
    assert len(got) == 3000 - missing
    rows = np.rint(got.t * 100).astype(int)
    assert_all_there(got, Samples(samples.t[rows], samples.acc[rows], samples.gyr[rows]))


async def test_two_bands_at_once():
    radio = VirtualRadio(SPEED)
    adapter = await virtual_adapter(radio)
    left, right = noise(1500, seed=2), noise(1200, seed=3)
    async with (
        VirtualBand(radio, left, speed=SPEED, name="left") as one,
        VirtualBand(radio, right, speed=SPEED, name="right", info=info_of(9)),
        BandClient("left", backend=adapter, patience=HASTE) as a,
        BandClient("RIGHT", backend=adapter, patience=HASTE) as b,
    ):

        async def listen(client):
            parts = await take(client, 200)
            if client is a:
                radio.break_links(one.device)
            return Samples.concat([*parts, *[block async for block in client]])

        got = await asyncio.gather(listen(a), listen(b))
        assert [band.name for band in await scan(0.1, adapter)] == []
    assert_all_there(got[0], left)
    assert_all_there(got[1], right)
    assert (a.reconnects, b.reconnects) == (1, 0)


async def test_silence_on_a_standing_link_is_noticed():
    """Connected for the computer, and yet nothing comes."""
    samples = noise(3000)
    patience = replace(HASTE, silence=0.2, answer=0.2)
    async with on_air(samples, patience=patience) as (radio, band, client), client:
        radio.supervision_timeout_s = 60
        parts = await take(client, 300)
        radio.out_of_range(band.device)
        await until(lambda: client._link.broken)
        radio.back_in_range(band.device)
        radio.break_links(band.device)
        parts += [block async for block in client]
    assert_all_there(Samples.concat(parts), samples)
    assert client.reconnects >= 1


async def test_a_long_pause_of_the_recording_is_not_a_fault():
    t = np.concatenate([np.arange(200), 2500 + np.arange(200)]) / 100
    samples = Samples(t, *(getattr(noise(400), name) for name in ("acc", "gyr")))
    patience = replace(HASTE, silence=0.1)
    async with on_air(samples, patience=patience) as (_, _, client), client:
        got = Samples.concat([block async for block in client])
    assert_all_there(got, samples)
    assert client.reconnects == 0 and len(client.decoder.gaps) == 1


async def test_damaged_packets_are_counted_and_asked_for_again():
    """Two of the last packets are cut off the first time they are sent."""

    def damaged(packet):
        data = DRIVER.encode_packet(packet)
        return data[:50] if packet.seq in (14, 19) and not packet.flags & REPLAYED else data

    samples = noise(195)
    async with on_air(samples, driver=replace(DRIVER, encode_packet=damaged)) as (_, _, client), client:
        got = Samples.concat([block async for block in client])
    assert_all_there(got, samples)
    assert client.damaged == 2 and client.decoder.lost == 0


async def test_too_small_an_mtu_is_an_error():
    async with on_air(noise(100), mtu=100) as (_, _, client), client:
        with pytest.raises(LinkError, match=r"MTU too small \(wanted 135 bytes, got 100\)"):
            await anext(client)


async def test_a_band_that_is_not_there():
    async with on_air(noise(10), patience=SHORT, name="other") as (_, _, client):
        with pytest.raises(LinkError, match="wanted 'nobody', got other"):
            async with BandClient("nobody", backend=client._backend, patience=SHORT):
                pass


async def test_a_given_up_connection_does_not_block_the_next():
    """The band is seen and then goes away: the attempt ends in time, and a later one succeeds."""
    async with on_air(noise(100)) as (radio, band, client):
        link = Link(band.name, client._backend)
        opening = asyncio.create_task(link.open(5, 0.2))
        controller = next(c for c in radio.controllers if c.name == "adapter")
        await until(lambda: controller.le_scan_enable)
        await until(lambda: not controller.le_scan_enable)
        radio.out_of_range(band.device)
        with pytest.raises(LinkError):
            await opening
        radio.back_in_range(band.device)
        async with client:
            assert sum([len(block) async for block in client]) == 100


async def test_no_adapter_is_one_line():
    class Absent:
        def __init__(self, *_, **__):
            raise FileNotFoundError(2, "No such file or directory")

    with pytest.raises(LinkError, match="wanted an adapter for Bluetooth Low Energy") as caught:
        await scan(0.1, Backend(Absent, None))
    assert "\n" not in str(caught.value)


async def test_commands_and_the_band_in_a_scan():
    async with on_air(noise(100)) as (_, band, client):
        (found,) = await scan(0.2, client._backend)
        assert (found.name, found.address, found.driver) == (band.name, band.address, DRIVER)
        async with client:
            assert client.found.address == band.address
            assert client.info == DRIVER.encode_info(band.info)
            assert (await client.command("identify")).problem is None
            assert (await client.command("ping")).values == (0, 1)
            assert await client.about() == (87, "hiprep-band", None, "hiprep")


async def test_an_end_that_was_asked_for_loses_nothing_that_was_on_its_way():
    sent, packets = [], []

    def encode(packet):
        sent.append(DRIVER.encode_packet(packet))
        return sent[-1]

    async with on_air(noise(3000), driver=replace(DRIVER, encode_packet=encode)) as (_, _, client), client:
        client.on_packet = lambda packet, _: packets.append(packet)
        parts = await take(client, 300)
        client.end()
        parts += [block async for block in client]
        assert packets == sent and 30 <= len(sent) < 300
    assert sum(map(len, parts)) == 10 * len(sent)


async def test_who_cannot_store_a_packet_is_told():
    def full(packet, host_ns):
        raise OSError("disk full")

    async with on_air(noise(1000)) as (_, _, client), client:
        client.on_packet = full
        with pytest.raises(OSError, match="disk full"):
            await anext(client)


def test_backoff_grows_to_its_limit_and_jitters():
    patience = Patience()
    waits = [backoff(attempt, patience, 1.0) for attempt in range(100)]
    assert waits[:4] == [0.5, 1, 2, 4] and max(waits) == waits[-1] == 30
    assert backoff(3, patience, 0.0) == 2
