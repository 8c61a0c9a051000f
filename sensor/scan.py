"""Which bands advertise, and the only file that uses bleak's scanner."""

from __future__ import annotations

import asyncio
import contextlib
import platform
import random
import threading
from collections.abc import AsyncIterator, Collection
from typing import Any, NamedTuple

from bleak import BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from sensor.devices import DRIVERS, driver_named
from sensor.driver import Driver
from sensor.errors import LinkError, Refused
from sensor.platforms import BUSY, PLATFORM, Backend, cannot_scan, link_errors, within

SCANNER_S = 10.0  # for a platform to begin or end a scan
BUSY_WAITS_S = (0.5, 1.0, 2.0)  # for another program's scan


class Found(NamedTuple):
    """A band that advertises. `rssi` in dBm; `services`: those of its advertisement."""

    name: str
    address: str
    rssi: int
    services: tuple[str, ...]
    driver: Driver
    others: tuple[Driver, ...]  # that advertise alike


# BlueZ refuses a second scan of one process with InProgress (bleak issues 859, 1689), whatever loop or thread it is in.
_SCANNING = threading.Lock()


async def _started(backend: Backend, **options: Any) -> BleakScanner:
    """Another program's scan is waited for a little."""
    for wait_s in (*BUSY_WAITS_S, None):
        try:
            scanner = BleakScanner(backend=backend.scanner, **options)
            await within(SCANNER_S, scanner.start())
            return scanner
        except Exception as error:
            line = cannot_scan(error)
            if line is not BUSY or wait_s is None:
                raise LinkError(line) from error
        await asyncio.sleep(wait_s * (1 + random.random()))
    raise AssertionError


ANY = tuple(DRIVERS.values())


def models_named(name: str | None) -> tuple[Driver, ...]:
    """The one of that name, or all. Raises SourceError."""
    return ANY if name is None else (driver_named(name),)


def services_of(models: Collection[Driver]) -> list[str] | None:
    """What a scan for these models may be limited to; None: some are known by their name only, and would not be seen.

    macOS 12.0 to 12.2 shows nothing without services (bleak issue 635): there it is all that they may advertise.
    """
    told = [model.all_advertised for model in models]
    if platform.mac_ver()[0].startswith(("12.0", "12.1", "12.2")):
        told = [services or (model.service_uuid,) for services, model in zip(told, models, strict=True)]
    return [uuid for services in told for uuid in services] if all(told) else None


@contextlib.asynccontextmanager
async def _scanning(
    backend: Backend, models: Collection[Driver], services: list[str] | None
) -> AsyncIterator[asyncio.Queue[tuple[BLEDevice, Found]]]:
    """Which bands of these models are seen, as long as the caller looks. One scanner at a time."""
    seen: asyncio.Queue[tuple[BLEDevice, Found]] = asyncio.Queue()

    def on_advertisement(device: BLEDevice, data: AdvertisementData) -> None:
        name = data.local_name or device.name or device.address
        if drivers := [model for model in models if model.is_seen_in(name, data.service_uuids)]:
            first, *others = drivers
            seen.put_nowait((device, Found(name, device.address, data.rssi, tuple(dict.fromkeys(data.service_uuids)), first, tuple(others))))

    while not _SCANNING.acquire(blocking=False):
        await asyncio.sleep(0.05)
    try:
        scanner = await _started(backend, detection_callback=on_advertisement, service_uuids=services)
        try:
            yield seen
        finally:
            with contextlib.suppress(LinkError), link_errors("scan"):
                await within(SCANNER_S, scanner.stop())
    finally:
        _SCANNING.release()


async def scan(seconds: float = 5.0, backend: Backend = PLATFORM, models: Collection[Driver] = ANY) -> list[Found]:
    """The bands in reach, the strongest first."""
    found: dict[str, Found] = {}
    async with _scanning(backend, models, services_of(models)) as seen:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    _, band = await seen.get()
                    found[band.address] = band
    return sorted(found.values(), key=lambda band: -band.rssi)


async def find(
    wanted: str, seconds: float, twins_s: float, backend: Backend, models: Collection[Driver], known: Found | None
) -> tuple[BLEDevice, Found]:
    """By its address, or by its name if nobody else in reach has it. known: as it was seen before."""
    services = services_of(models)
    if known:
        wanted, models = known.address, (known.driver, *known.others)
        services = [uuid for uuid in known.services if any(uuid in model.all_advertised for model in models)] or services
    called: dict[str, tuple[BLEDevice, Found]] = {}
    others = set()
    async with _scanning(backend, models, services) as seen:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds) as limit:
                while True:
                    device, band = await seen.get()
                    if wanted.casefold() == band.address.casefold():
                        return device, band
                    if wanted.casefold() != band.name.casefold():
                        others.add(band.name)
                        continue
                    if not called:
                        limit.reschedule(min(limit.when(), asyncio.get_running_loop().time() + twins_s))
                    called[band.address] = device, band
    if len(called) > 1:
        raise Refused(f"two bands answer to one name (wanted the address of one, got {wanted!r}: {', '.join(sorted(called))})")
    for found in called.values():
        return found
    got = ", ".join(sorted(others)) or "none in reach"
    raise LinkError(f"band not found: is it charged, switched on and near? (wanted {wanted!r}, got {got})")
