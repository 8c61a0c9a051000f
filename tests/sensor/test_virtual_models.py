"""Every bought model on the virtual radio: its table, its conversation, breaks. The client is the one that patients have."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace

import numpy as np
import pytest

from processing.tracker import Tracker
from sansio import EXERCISE, MODELS, REPS, decoded, lag_s, movement, short_set, wire
from sensor.band import BandClient, Patience
from sensor.ble import Link
from sensor.conversation import Declined
from sensor.devices import DRIVERS
from sensor.errors import LinkError
from sensor.samples import Samples
from sensor.scan import scan, services_of
from sensor.source import open_source
from sensor.virtual_adapter import virtual_adapter
from sensor.virtual_model import VirtualModel
from sensor.virtual_radio import VirtualRadio
from simulated_time import BACKEND

SPEED = 40
HASTE = Patience(backoff=0.05, scan=5, answer=5, twins=0.1)


@pytest.fixture
def anyio_backend():
    return BACKEND


@pytest.fixture(scope="module")
def person():
    return short_set()


@asynccontextmanager
async def on_air(driver, samples: Samples, speed: float = SPEED):
    radio = VirtualRadio(speed)
    adapter = await virtual_adapter(radio)
    async with VirtualModel(radio, samples, driver, speed=speed) as model:
        yield radio, model, BandClient(model.name, backend=adapter, patience=HASTE, clock=lambda: model.now_ns)


@pytest.mark.parametrize("name", MODELS)
async def test_a_set_is_counted_from_end_to_end(name, person):
    """As `hiprep live virtual:hip_abduction --device NAME` does it; what is heard is what the model would send."""
    packets, tracker, parts = [], Tracker(EXERCISE, "right", "ankle"), []
    async with open_source("virtual:x", virtual=lambda _: person, device=name, speed=SPEED) as source:
        source.on_packet = lambda packet, host_ns: packets.append((packet, host_ns))
        async for block in source:
            parts.append(block)
            tracker.update(block)
        assert source.driver is DRIVERS[name] and source.client.reconnects == source.client.damaged == 0
        assert not source.decoder.gaps and source.decoder.lost == 0
        info = source.info
    tracker.finish()
    result = tracker.result()
    assert sum(rep.counted for rep in result.reps) == REPS and result.coverage == pytest.approx(1, abs=0.01)
    known, wanted = wire(DRIVERS[name], person.samples)
    assert info == known and [packet for packet, _ in packets] == [packet for packet, _ in wanted]
    # The server has the same packets and arrivals, and no more.
    again, _ = decoded(DRIVERS[name], info, packets)
    got = Samples.concat(parts)
    np.testing.assert_array_equal(again.t, got.t)
    np.testing.assert_array_equal(again.gyr, got.gyr)


@pytest.mark.parametrize("name", MODELS)
async def test_a_break_is_a_gap_and_goes_on(name):
    """Nothing that these models send is sent again: what is missing is missing where it was."""
    moved, parts, broken = movement(12000), [], False
    async with on_air(MODELS[name], moved, speed=10) as (radio, model, client), client:
        async for block in client:
            parts.append(block)
            if block.t[-1] > 2 and not broken:
                radio.break_links(model.device)
                broken = True
            elif client.decoder.gaps and block.t[-1] > client.decoder.gaps[0][1] + 2:
                client.end()
    got = Samples.concat(parts)
    assert client.reconnects == 1 and client.decoder.segment == 0
    ((before, after),) = client.decoder.gaps
    assert 2 < before < 4 and after - before > 0.06
    assert (np.diff(got.t) > 0).all()
    # Behind the gap, a counter says when it is to 2 ms (Polar's first sample is the second of its acceleration), and
    # without one the radio does, as late as it happens to be.
    behind = got[int(np.searchsorted(got.t, after)) : int(np.searchsorted(got.t, after + 2))]
    has_counter = "device clock" in MODELS[name].clock
    assert lag_s(moved, behind) == pytest.approx(1 / 52 if "polar" in name else 0, abs=2e-3 if has_counter else 0.15)


@pytest.mark.parametrize("name", MODELS)
async def test_what_it_says_of_itself(name):
    driver = MODELS[name]
    async with on_air(driver, movement(10)) as (_, model, client):
        (found,) = await scan(0.2, client._backend)
        assert found.name == model.name and driver in (found.driver, *found.others)
        async with client:
            assert client.driver is driver
            about = await client.about()
            assert about.battery_percent == 87
            wanted = "3.0.0" if name == "movella-dot" else model.model.firmware
            assert about.firmware == wanted


async def test_a_model_that_is_not_what_its_name_says():
    """It is called as a Thingy is, and has a Movesense's table."""
    odd = replace(MODELS["movesense"], peripheral=lambda: _named(MODELS["movesense"].peripheral(), "Thingy"))
    async with on_air(odd, movement(10)) as (_, model, client):
        with pytest.raises(LinkError, match="is not the model that it looks like"):
            await Link("Thingy", client._backend).open(5, 5)


def _named(model, name: str):
    model.name = name
    return model


async def test_a_band_that_says_no_is_one_line():
    def start(info):
        raise Declined("it is in the charger")
        yield

    driver = MODELS["polar-verity-sense"]
    async with on_air(driver, movement(10)) as (_, _, client), client:
        client.driver = replace(driver, talk=driver.talk | {"start": start})
        with pytest.raises(LinkError, match="refused the command start: it is in the charger"):
            await anext(client)


def test_names_and_services_tell_models_apart():
    def seen_in(name: str, *services: str) -> list[str]:
        return [driver.name for driver in DRIVERS.values() if driver.is_seen_in(name, services)]

    own = {driver.name: driver.advertises for driver in DRIVERS.values() if driver.advertises}
    assert own.keys() == {"hiprep-band", "thingy52", "metamotion"}
    assert all(seen_in("anything", uuid) == [name] for name, uuids in own.items() for uuid in uuids)
    assert seen_in("BWT901BLE5.0") == ["witmotion", "witmotion-fff0"]
    assert seen_in("Xsens DOT") == seen_in("Movella Dot") == ["movella-dot"]
    assert seen_in("Newton") == seen_in("") == []
    shared = {uuid for driver in DRIVERS.values() for uuid in driver.advertises_too}
    assert seen_in("a watch", *shared) == []


@pytest.mark.parametrize("name", MODELS)
async def test_a_model_that_is_asked_for_is_found_by_what_it_advertises(name):
    """The virtual adapter shows nothing else, where a scan is limited to services."""
    async with on_air(MODELS[name], movement(10)) as (_, model, client):
        (found,) = await scan(0.2, client._backend, [MODELS[name]])
        assert found.driver is MODELS[name] and set(MODELS[name].all_advertised) <= set(found.services)
        assert (services_of([MODELS[name]]) is None) == ("witmotion" in name or "dot" in name)
