"""Bluetooth, as far as bleak is concerned, and the only file that uses it: scan, and one connection to a band."""

from __future__ import annotations

import asyncio
import contextlib
import platform
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakError

from sensor.devices import DRIVERS
from sensor.driver import Driver
from sensor.errors import LinkError


# Assigned numbers of the Bluetooth SIG (2.8, GATT characteristics): what nearly every device says of itself.
BATTERY, MODEL, FIRMWARE, MAKER = (f"0000{n}-0000-1000-8000-00805f9b34fb" for n in ("2a19", "2a24", "2a26", "2a29"))


class Backend(NamedTuple):
    """bleak's backend classes; None means the platform's own."""

    scanner: Any = None
    client: Any = None


PLATFORM = Backend()


class Found(NamedTuple):
    """A band that advertises. `rssi` in dBm."""

    name: str
    address: str
    rssi: int
    driver: Driver
    others: tuple[Driver, ...] = ()  # that advertise alike


class About(NamedTuple):
    """What a band says of itself as any device does; None: it does not."""

    battery_percent: int | None
    model: str | None
    firmware: str | None
    maker: str | None


@contextlib.contextmanager
def link_errors(what: str) -> Iterator[None]:
    """Whatever bleak and its platforms raise, as one line."""
    try:
        yield
    except (BleakError, EOFError, TimeoutError, OSError, AttributeError) as error:
        # AttributeError: a platform's objects after the link went away under a call.
        reason = "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
        raise LinkError(f"{what}: {' '.join(reason.split())}") from error


# BlueZ refuses a second scan of one process with InProgress (bleak issues 859, 1689).
_SCANNING: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


@contextlib.asynccontextmanager
async def _scanning(backend: Backend) -> AsyncIterator[asyncio.Queue[tuple[BLEDevice, Found]]]:
    """What is seen, as long as the caller looks. One scanner at a time."""
    seen: asyncio.Queue[tuple[BLEDevice, Found]] = asyncio.Queue()

    def on_advertisement(device: BLEDevice, data: AdvertisementData) -> None:
        name = data.local_name or device.name or device.address
        if drivers := drivers_of(name, data.service_uuids):
            first, *others = drivers
            seen.put_nowait((device, Found(name, device.address, data.rssi, first, tuple(others))))

    # Some models are known by their name only, and a scan for services would not see them. macOS 12.0 to 12.2
    # (bleak issue 635) shows nothing without services.
    uuids = None
    if platform.mac_ver()[0].startswith(("12.0", "12.1", "12.2")):
        uuids = [uuid for driver in DRIVERS.values() for uuid in driver.advertises]
    async with _SCANNING.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
        with link_errors("Bluetooth cannot scan (wanted an adapter that is switched on)"):
            scanner = BleakScanner(on_advertisement, service_uuids=uuids, backend=backend.scanner)
            await scanner.start()
        try:
            yield seen
        finally:
            with contextlib.suppress(LinkError), link_errors("scan"):
                await scanner.stop()


def drivers_of(name: str, service_uuids: Collection[str]) -> list[Driver]:
    """Who advertises so."""
    return [
        driver
        for driver in DRIVERS.values()
        if (not driver.names or any(word in name for word in driver.names))
        and (not driver.advertises or any(uuid in service_uuids for uuid in driver.advertises))
    ]


async def scan(seconds: float = 5.0, backend: Backend = PLATFORM) -> list[Found]:
    """The bands in reach, the strongest first."""
    found: dict[str, Found] = {}
    async with _scanning(backend) as seen:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    _, band = await seen.get()
                    found[band.address] = band
    return sorted(found.values(), key=lambda band: -band.rssi)


async def _find(wanted: str, seconds: float, backend: Backend) -> tuple[BLEDevice, Found]:
    others = set()
    async with _scanning(backend) as seen:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    device, band = await seen.get()
                    if wanted.casefold() in (band.name.casefold(), band.address.casefold()):
                        return device, band
                    others.add(band.name)
    raise LinkError(f"band not found (wanted {wanted!r}, got {', '.join(sorted(others)) or 'none in reach'})")


def _text(value: bytes) -> str | None:
    return value.decode("utf-8", "replace").strip("\0 ") or None


class Link:
    """One connection to one band, never used again after it broke. `on_break` is called when it does."""

    def __init__(self, wanted: str, backend: Backend = PLATFORM) -> None:
        self.wanted, self.broken = wanted, False
        self.on_break: Callable[[], None] = lambda: None
        self._backend = backend
        self._client: BleakClient | None = None

    async def open(self, scan_s: float, connect_s: float) -> None:
        """From a fresh scan: BlueZ forgets devices (bleak issues 676, 1176), so none is kept."""
        device, self.found = await _find(self.wanted, scan_s, self._backend)
        with link_errors(f"no connection to band {self.wanted!r}"):
            # bleak's own timeout does not cover all of it on every platform (issue 1432).
            async with asyncio.timeout(connect_s):
                self._client = BleakClient(
                    device, disconnected_callback=self._on_disconnect, timeout=connect_s, backend=self._backend.client
                )
                await self._client.connect()
            services = [service.uuid for service in self._client.services]
        candidates = (self.found.driver, *self.found.others)
        known = [driver for driver in candidates if driver.service_uuid in services]
        if not known:
            wanted = " or ".join(driver.service_uuid for driver in candidates)
            raise LinkError(f"band {self.wanted!r} is not the model that it looks like (wanted service {wanted}, got none)")
        self.driver = known[0]

    def _on_disconnect(self, _: BleakClient) -> None:
        self.broken = True
        self.on_break()

    @property
    def mtu(self) -> int:
        return self.client.mtu_size

    @property
    def client(self) -> BleakClient:
        assert self._client, "not open"
        return self._client

    async def read(self, uuid: str) -> bytes:
        return bytes(await self.client.read_gatt_char(uuid))

    async def write(self, uuid: str, data: bytes) -> None:
        found = self.client.services.get_characteristic(uuid)
        await self.client.write_gatt_char(uuid, data, response=found is None or "write" in found.properties)

    async def subscribe(self, uuid: str, on_value: Callable[[bytes], None]) -> None:
        with link_errors(f"band {self.wanted!r} cannot be subscribed to"):
            await self.client.start_notify(uuid, lambda _, data: on_value(bytes(data)))

    async def about(self) -> About:
        async def told(uuid: str) -> bytes:
            with contextlib.suppress(LinkError), link_errors("about"):
                return await self.read(uuid)
            return b""

        battery = await told(self.driver.battery_uuid or BATTERY)
        where, decode = self.driver.firmware or (FIRMWARE, _text)
        model, firmware, maker = _text(await told(MODEL)), decode(await told(where)), _text(await told(MAKER))
        return About(battery[0] if battery and battery[0] <= 100 else None, model, firmware, maker)

    async def close(self, patience_s: float) -> None:
        self.on_break = lambda: None
        if self._client:
            with contextlib.suppress(LinkError), link_errors("disconnect"):
                async with asyncio.timeout(patience_s):
                    await self._client.disconnect()
        self.broken = True
