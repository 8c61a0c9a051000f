"""What Bluetooth does in the field, done to our client: firmware_notes/failures.md is the list."""

from __future__ import annotations

import asyncio
import errno
import re
from pathlib import Path

import numpy as np
import pytest
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason, BleakDBusError, BleakError

from on_air import assert_same, noise, on_air, refused, rest_of, take
from sansio import MODELS, movement
from sensor.band import BandClient
from sensor.devices.reference import DRIVER
from sensor.errors import LinkError
from sensor.patience import Patience
from sensor.scan import _SCANNING, ANY, scan, services_of
from sensor.virtual_model import VirtualModel
from simulated_time import BACKEND, SimulatedLoop, now_ns

PAGE = Path(__file__).parents[2] / "firmware_notes" / "failures.md"
UNREACHABLE = BleakError("Could not get GATT services: Unreachable")
TIMEOUT_0X3E = BleakError("failed to connect: Connection Failed to be Established (0x3e)")
IN_PROGRESS = BleakDBusError("org.bluez.Error.InProgress", ["Operation already in progress"])
Reason = BleakBluetoothNotAvailableReason


@pytest.fixture
def anyio_backend():
    return BACKEND


# Connecting


async def test_a_device_object_is_used_once():
    """BlueZ has forgotten the device by the time it is to be connected to anew."""
    async with on_air(noise(3000)) as (radio, band, client, faults), client:
        faults.forgets = True
        parts = []
        for _ in range(3):
            parts += await take(client, 500)
            radio.break_links(band.device)
        assert_same(await rest_of(client, parts), noise(3000))
        assert client.reconnects == 3 and client.decoder.lost == 0


@pytest.mark.parametrize("error", [UNREACHABLE, TIMEOUT_0X3E, IN_PROGRESS], ids=["unreachable", "0x3e", "in progress"])
async def test_a_connection_that_fails_is_tried_again(error):
    async with on_air(noise(100)) as (_, _, client, faults):
        faults.connect_errors = [error, error]
        async with client:
            assert_same(await rest_of(client, []), noise(100))
    async with on_air(noise(100)) as (_, _, client, faults):
        faults.connect_errors = [error] * 9
        await refused(client, "no connection to band 'hiprep-1'")
        assert len(faults.connected_at) == 3


async def test_a_connection_that_never_completes():
    """Windows: the second one hangs, and cannot be cancelled."""
    async with on_air(noise(5000)) as (radio, band, client, faults), client:
        parts = await take(client, 500)
        faults.connects_hang = 1
        radio.break_links(band.device)
        assert_same(await rest_of(client, parts), noise(5000))
        assert client.reconnects == 1 and len(faults.connected_at) == 3
        assert faults.connected_at[2] - faults.connected_at[1] < 25


@pytest.mark.parametrize("call", range(1, 7))
async def test_a_drop_during_setup(call):
    """In each of the calls from the first subscription to the start."""
    async with on_air(noise(2000)) as (radio, band, client, faults), client:
        parts = await take(client, 500)
        faults.calls, faults.breaks_at = 0, call
        radio.break_links(band.device)
        assert_same(await rest_of(client, parts), noise(2000))
        assert client.reconnects >= 1 and client.decoder.lost == 0 and faults.calls > call


async def test_a_drop_while_connecting_for_the_first_time():
    async with on_air(noise(500)) as (_, _, client, faults):
        faults.breaks_at = 2
        async with client:
            assert_same(await rest_of(client, []), noise(500))


# Scanning


async def test_another_programs_scan_is_waited_for():
    async with on_air(noise(100)) as (_, band, client, faults):
        faults.scan_errors = [IN_PROGRESS] * 3
        assert [found.name for found in await scan(1, client._backend)] == [band.name]
        faults.scan_errors = [IN_PROGRESS] * 4
        with pytest.raises(LinkError, match="another program is using Bluetooth to scan"):
            await scan(1, client._backend)


async def test_scans_for_services_where_a_model_has_them():
    """Of one model that is asked for, and of a band that was seen with them; of all models not, or some would not be seen."""
    async with on_air(noise(2000)) as (radio, band, client, faults):
        assert [one.name for one in await scan(1, client._backend, [DRIVER])] == [band.name]
        assert not await scan(1, client._backend, [MODELS["metamotion"]])
        async with client:
            parts = await take(client, 500)
            radio.break_links(band.device)
            assert_same(await rest_of(client, parts), noise(2000))
        assert faults.scanned_for == [[DRIVER.service_uuid], [MODELS["metamotion"].service_uuid], None, [DRIVER.service_uuid]]


def test_macos_12_gets_services_for_every_model(monkeypatch):
    assert services_of(ANY) is None
    for version, needs in (("11.7", False), ("12.0.1", True), ("12.2", True), ("12.3", False), ("14.1", False)):
        monkeypatch.setattr("platform.mac_ver", lambda: (version, ("", "", ""), "arm64"))  # noqa: B023
        services = services_of(ANY)
        assert (services is not None) == needs
        if needs:
            assert all(model.service_uuid in services or set(model.all_advertised) <= set(services) for model in ANY)
            assert services_of([MODELS["witmotion"]]) == [MODELS["witmotion"].service_uuid]


async def test_one_scanner_a_process():
    """The adapter of this test refuses a second one, as BlueZ does; threads and loops share the one as well."""
    async with on_air(noise(100)) as (_, band, client, _):
        found = await asyncio.gather(*[scan(0.5, client._backend) for _ in range(3)])
        assert [[one.name for one in bands] for bands in found] == [[band.name]] * 3
        with _SCANNING:
            waiting = asyncio.create_task(scan(0.5, client._backend))
            await asyncio.sleep(5)
            assert not waiting.done()
        assert await waiting


def test_several_event_loops_one_after_the_other():
    async def session():
        async with on_air(noise(200)) as (_, _, client, _), client:
            return len(await rest_of(client, []))

    for _ in range(2):
        with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
            assert runner.run(session()) == 200


NOT = BleakBluetoothNotAvailableError
UNUSABLE = {
    "BlueZ, macOS: no adapter": (NOT("No Bluetooth adapters found.", Reason.NO_BLUETOOTH), "no Bluetooth on this computer"),
    "BlueZ: no service": (BleakDBusError("org.freedesktop.DBus.Error.ServiceUnknown", ["org.bluez"]), "no Bluetooth on this"),
    "Linux: no D-Bus": (FileNotFoundError(errno.ENOENT, "No such file or directory"), "no Bluetooth on this computer"),
    "classic only": (NOT("no central role", Reason.NO_BLE_CENTRAL_ROLE), "wanted an adapter for Bluetooth Low Energy"),
    "BlueZ, Windows, macOS: off": (NOT("No powered adapters", Reason.POWERED_OFF), "Bluetooth is switched off"),
    "BlueZ: not ready": (BleakDBusError("org.bluez.Error.NotReady", ["Resource Not Ready"]), "Bluetooth is switched off"),
    "Windows: aborted": (BleakError("Failed to start scanner. Is Bluetooth turned on?"), "Bluetooth is switched off"),
    "Windows: not ready": (OSError(22, "The device is not ready for use"), "Bluetooth is switched off"),
    "macOS: denied": (NOT("denied by the user", Reason.DENIED_BY_USER), "this program may not use Bluetooth"),
    "BlueZ: denied": (BleakDBusError("org.freedesktop.DBus.Error.AccessDenied", ["rejected"]), "may not use Bluetooth"),
    "Linux: denied": (PermissionError(errno.EACCES, "Permission denied"), "this program may not use Bluetooth"),
    "anything": (RuntimeError("two\nlines"), "Bluetooth cannot scan: two lines"),
}


@pytest.mark.parametrize("name", UNUSABLE)
async def test_bluetooth_that_cannot_be_used_is_one_line(name):
    error, line = UNUSABLE[name]
    async with on_air(noise(100)) as (_, _, client, faults):
        faults.scan_errors = [error]
        await refused(client, line)


async def test_bluetooth_that_is_switched_off_in_mid_session_and_on_again():
    async with on_air(noise(4000)) as (radio, band, client, faults), client:
        parts = await take(client, 500)
        faults.scan_errors = [NOT("No powered adapters", Reason.POWERED_OFF)] * 3
        radio.break_links(band.device)
        assert_same(await rest_of(client, parts), noise(4000))
        assert client.reconnects == 1 and not faults.scan_errors


# A link that stands


async def test_connected_and_silent_with_a_band_that_answers():
    """Windows hands no notification on; the control point works. What was missed is replayed."""
    async with on_air(noise(8000)) as (_, _, client, faults), client:
        parts = await take(client, 500)
        faults.deaf_to = DRIVER.data_uuid
        while client.reconnects == 0:
            await asyncio.sleep(1)
        faults.deaf_to = None
        assert_same(await rest_of(client, parts), noise(8000))
        assert client.decoder.lost == 0


async def test_connected_and_silent_with_a_band_that_cannot_be_asked():
    """A bought band: three seconds without a packet, and the link is made anew."""
    async with on_air(noise(10)) as (radio, _, unused, _):
        async with VirtualModel(radio, movement(6000), MODELS["movella-dot"]) as model:
            async with BandClient(model.name, backend=unused._backend, clock=now_ns) as client:
                await take(client, 300)
                model.model.streaming = False
                begin = asyncio.get_running_loop().time()
                while not (client.reconnects and client.decoder.gaps):
                    await anext(client)
                ((before, after),) = client.decoder.gaps
                assert client.reconnects == 1 and asyncio.get_running_loop().time() - begin < 6
                assert 3 < after - before < 6


async def test_connected_and_silent_from_the_start_is_given_up():
    async with on_air(noise(12000), patience=Patience(give_up=60)) as (_, _, client, faults):
        faults.deaf_to = DRIVER.data_uuid
        await refused(client, "is connected and sends nothing")
        assert 60 < asyncio.get_running_loop().time() < 100


async def test_what_the_computer_loses_on_a_standing_link_is_asked_for_again():
    """Twice some packets, once 25 seconds of them."""
    async with on_air(noise(9000)) as (_, _, client, faults), client:
        parts = []
        for lost_s in (0.3, 0.3, 25):
            parts += await take(client, 500)
            faults.deaf_to = DRIVER.data_uuid
            await asyncio.sleep(lost_s)
            faults.deaf_to = None
        assert_same(await rest_of(client, parts), noise(9000))
        assert client.reconnects == 0 and client.decoder.lost == 0


async def test_what_comes_before_a_subscription_stands_is_missed_and_nothing_is_lost():
    async with on_air(noise(2000)) as (radio, band, client, faults):
        faults.misses_s = 0.5
        async with client:
            parts = await take(client, 500)
            radio.break_links(band.device)
            assert_same(await rest_of(client, parts), noise(2000))


async def test_a_disconnection_that_is_said_twice():
    async with on_air(noise(2000)) as (radio, band, client, faults), client:
        faults.says_twice = True
        parts = await take(client, 500)
        radio.break_links(band.device)
        assert_same(await rest_of(client, parts), noise(2000))
        assert client.reconnects == 1


ODD = [
    BleakError("Not connected"), EOFError(), TimeoutError(), OSError(5, "Input/output error"), AttributeError("NoneType"), KeyError("path"),
    RuntimeError("AcquireNotify socket disconnected"), asyncio.InvalidStateError(), NotImplementedError(), asyncio.CancelledError(),
]  # fmt: skip


@pytest.mark.parametrize("error", ODD, ids=[type(error).__name__ for error in ODD])
async def test_odd_errors_after_a_drop(error):
    """Of any kind, from each call: a link that is to be made anew, and no end of the session."""
    async with on_air(noise(3000)) as (radio, band, client, faults), client:
        parts = await take(client, 500)
        faults.calls_raise = error
        radio.break_links(band.device)
        await asyncio.sleep(6)
        faults.calls_raise = None
        assert_same(await rest_of(client, parts), noise(3000))
        assert client.reconnects == 1


async def test_an_mtu_that_is_said_wrongly():
    """BlueZ says 23 while 240 bytes flow."""
    async with on_air(noise(500)) as (_, _, client, faults):
        faults.mtu = 23
        async with client:
            assert_same(await rest_of(client, []), noise(500))


# No storms


@pytest.mark.parametrize("holds_s", [0.2, 4.0, 5.5])
async def test_a_link_that_breaks_again_and_again_is_no_storm(holds_s):
    """It breaks so long after each start, for two minutes: attempts grow rarer, or at most a dozen come a minute."""
    async with on_air(noise(12000)) as (radio, band, client, faults), client:
        loop = asyncio.get_running_loop()

        async def break_it():
            while loop.time() < 120:
                known = client._started_at
                while client._started_at == known or client._link.broken:
                    await asyncio.sleep(0.1)
                await asyncio.sleep(holds_s)
                radio.break_links(band.device)

        breaking = asyncio.create_task(break_it())
        async for _ in client:
            if loop.time() > 120:
                break
        breaking.cancel()
        at = np.array(faults.connected_at)
        busiest = max(int(((at >= begin) & (at < begin + 60)).sum()) for begin in at)
        assert busiest <= 12 if holds_s > Patience().good else busiest <= 9
        if holds_s < Patience().good:
            assert len(at) < 14


async def test_a_band_that_stays_away_is_given_up():
    async with on_air(noise(500)) as (radio, band, client, faults), client:
        await take(client, 100)
        radio.out_of_range(band.device)
        with pytest.raises(LinkError, match="is it charged, switched on and near"):
            await take(client, 10**6)
        assert 600 < asyncio.get_running_loop().time() < 700 and len(faults.connected_at) == 1


# The list


def test_the_list_names_every_test_and_no_other():
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")][1:]
    named = [name for row in rows for name in re.findall(r"`(test_\w+)`", row.rsplit("|", 2)[1])]
    files = [path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py")]
    defined = {name for text in files for name in re.findall(r"^(?:async )?def (test_\w+)", text, re.M)}
    ours = [path.read_text(encoding="utf-8") for path in (Path(__file__), Path(__file__).with_name("test_bad_bands.py"))]
    here = {name for text in ours for name in re.findall(r"^(?:async )?def (test_\w+)", text, re.M)}
    assert set(named) <= defined and here - set(named) == {"test_the_list_names_every_test_and_no_other"}
    for row in rows:
        last = row.rsplit("|", 2)[1].strip()
        assert "`test_" in last or last.startswith("cannot be produced here:"), row
