"""What Bluetooth does in the field, done to our client: firmware_notes/failures.md is the list. Here bands and clients that
are not what they should be."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from on_air import assert_same, noise, on_air, refused, rest_of, take
from sansio import MODELS, movement
from sensor.band import BandClient
from sensor.devices import polar_verity_sense as polar
from sensor.devices.reference import DRIVER, encode_info
from sensor.driver import Message
from sensor.errors import LinkError, Refused
from sensor.virtual_band import VirtualBand
from sensor.virtual_model import VirtualModel
from simulated_time import BACKEND, now_ns


@pytest.fixture
def anyio_backend():
    return BACKEND


async def test_a_second_client_of_a_band_is_refused():
    """By name, by address, while it is connected and while it is away; afterwards it is free."""
    async with on_air(noise(9000)) as (radio, band, client, _):
        async with client:
            await take(client, 100)
            for wanted in (band.name, band.address, band.name.upper()):
                await refused(BandClient(wanted, backend=client._backend), "is in use by this program already", Refused)
            radio.break_links(band.device)
            await refused(BandClient(band.name, backend=client._backend), "is in use by this program already", Refused)
            await take(client, 300)
            assert client.reconnects == 1
        async with BandClient(band.name, backend=client._backend):
            pass


async def test_two_clients_at_the_same_moment():
    async with on_air(noise(300)) as (_, band, client, _):
        second = BandClient(band.name, backend=client._backend)
        async with client:
            await refused(second, "in use")
        results = await asyncio.gather(
            *[BandClient(band.name, backend=client._backend).__aenter__() for _ in range(2)], return_exceptions=True
        )
        assert sorted(type(result).__name__ for result in results) == ["BandClient", "Refused"]
        for result in results:
            if isinstance(result, BandClient):
                await result.__aexit__()


async def test_two_bands_that_answer_to_one_name():
    async with on_air(noise(100)) as (radio, band, client, _):
        async with VirtualBand(radio, noise(100, seed=2)) as twin:
            await refused(client, f"two bands answer to one name.*{band.address}, {twin.address}", Refused)
            async with BandClient(twin.address, backend=client._backend) as told:
                assert_same(await rest_of(told, []), noise(100, seed=2))


async def test_a_namesake_that_appears_during_a_break_is_not_taken():
    async with on_air(noise(3000)) as (radio, band, client, _), client:
        parts = await take(client, 500)
        radio.out_of_range(band.device)
        async with VirtualBand(radio, noise(100, seed=2)):
            await asyncio.sleep(10)
            radio.back_in_range(band.device)
            assert_same(await rest_of(client, parts), noise(3000))


async def test_another_model_than_its_name_says():
    async with on_air(noise(10)) as (radio, _, unused, _):
        model = replace(MODELS["movesense"], peripheral=_thingy)
        async with VirtualModel(radio, movement(100), model):
            await refused(BandClient("Thingy", backend=unused._backend), "is not the model that it looks like", Refused)


def _thingy():
    made = MODELS["movesense"].peripheral()
    made.name = "Thingy"
    return made


async def test_a_firmware_of_another_version():
    def encode(info):
        return bytes([0x21]) + encode_info(info)[1:]

    async with on_air(noise(100), driver=replace(DRIVER, encode_info=encode)) as (_, _, client, faults):
        await refused(client, r"firmware .* update the older one \(wanted version 1 of the protocol, got 2\)", Refused)
        assert len(faults.connected_at) == 1


async def test_a_refused_start():
    def decode(data):
        command = DRIVER.decode_command(data)
        return Message("start", problem="impossible value") if command.kind == "start" else command

    async with on_air(noise(100), driver=replace(DRIVER, decode_command=decode)) as (_, _, client, faults):
        await refused(client, "refused the command start: impossible value", Refused)
        assert len(faults.connected_at) == 1


async def test_mtu_23_with_a_band_that_says_so():
    async with on_air(noise(100), mtu=23) as (_, _, client, _):
        await refused(client, r"MTU too small \(wanted 135 bytes, got 23\)", Refused)


async def test_mtu_23_with_a_band_that_cuts_off():
    async with on_air(noise(10)) as (radio, _, unused, _):
        async with VirtualModel(radio, movement(3000), MODELS["movella-dot"], mtu=23) as model:
            await refused(BandClient(model.name, backend=unused._backend, clock=now_ns), r"MTU too small \(wanted \d+ bytes, got 23\)", Refused)


async def test_a_band_whose_battery_dies():
    async with on_air(noise(3000), battery_percent=0) as (radio, band, client, _), client:
        assert client.battery_percent == 0
        await take(client, 100)
        radio.out_of_range(band.device)
        with pytest.raises(LinkError, match="its battery was at 0 %: charge it"):
            await take(client, 10**6)


async def test_out_of_range_from_the_start():
    async with on_air(noise(100)) as (radio, band, client, faults):
        radio.out_of_range(band.device)
        await refused(client, r"band not found: is it charged, switched on and near\? \(wanted 'hiprep-1', got none in reach\)")
        assert asyncio.get_running_loop().time() < 15 and not faults.connected_at


def stopped_by_itself(model: VirtualModel) -> None:
    """It says so, and sends no more; the link stands."""
    model.model._running.clear()
    model.model.streaming = False
    model._says.put_nowait((model._link, polar.CONTROL, bytes([polar.STOPPED, polar.ACC, polar.GYR])))


async def test_a_band_that_says_it_stopped_is_started_again():
    """Within a second or two, much sooner than its silence would tell, and the gap is said."""
    async with on_air(noise(10)) as (radio, _, unused, _):
        async with VirtualModel(radio, movement(6000), MODELS["polar-verity-sense"]) as model:
            async with BandClient(model.name, backend=unused._backend, clock=now_ns) as client:
                await take(client, 300)
                stopped_by_itself(model)
                while not (client.reconnects and client.decoder.gaps):
                    await anext(client)
                ((before, after),) = client.decoder.gaps
                assert client.reconnects == 1 and after - before < 2.5


async def test_a_band_that_is_put_into_its_charger():
    def charging(op, stream, more):
        return bytes([13]) if op == polar.START else answer(op, stream, more)

    async with on_air(noise(10)) as (radio, _, unused, _):
        async with VirtualModel(radio, movement(6000), MODELS["polar-verity-sense"]) as model:
            async with BandClient(model.name, backend=unused._backend, clock=now_ns) as client:
                await take(client, 300)
                answer, model.model._answer = model.model._answer, charging
                stopped_by_itself(model)
                with pytest.raises(Refused, match="refused to begin: acceleration: it is in the charger"):
                    await take(client, 10**6)
