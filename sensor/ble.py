"""Bluetooth, as far as bleak is concerned, and the only file that uses it: scan, and one connection to a band."""

from __future__ import annotations

import asyncio
import contextlib
import platform
import random
import threading
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterator
from typing import Any, NamedTuple, TypeVar

from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason

from sensor.devices import DRIVERS
from sensor.driver import Driver
from sensor.errors import LinkError, Refused, SensorError

T = TypeVar("T")
GRACE_S = 1.0  # for what was cancelled to tidy up
SCANNER_S = 10.0  # for a platform to begin or end a scan
BUSY_WAITS_S = (0.5, 1.0, 2.0)  # for another program's scan

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
    """Whatever bleak and its platforms raise, as one line. After a link went away that is nearly anything."""
    try:
        yield
    except SensorError:
        raise
    except Exception as error:
        reason = "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
        raise LinkError(f"{what}: {' '.join(reason.split())}") from error
    except asyncio.CancelledError:
        # Windows cancels what was under way on a link that goes away. Nobody else did?
        if (task := asyncio.current_task()) and task.cancelling():
            raise
        raise LinkError(f"{what}: the link went away") from None


async def within(seconds: float, doing: Coroutine[Any, Any, T]) -> T:
    """A bound that holds where the platform does not let itself be cancelled either (bleak issue 1432)."""
    task = asyncio.ensure_future(doing)
    try:
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            raise TimeoutError
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=GRACE_S)
            task.add_done_callback(lambda late: late.cancelled() or late.exception())  # nobody asks any more


NONE = "no Bluetooth on this computer (wanted an adapter for Bluetooth Low Energy and, on Linux, the service bluetooth)"
OFF = "Bluetooth is switched off (wanted on, in the settings of this computer)"
DENIED = "this program may not use Bluetooth (wanted permission, in the settings for privacy; on Linux: the group bluetooth)"
BUSY = "another program is using Bluetooth to scan (wanted it closed, or wait a minute)"
Reason = BleakBluetoothNotAvailableReason
REASONS = {
    Reason.NO_BLUETOOTH: NONE, Reason.NO_BLE_CENTRAL_ROLE: NONE, Reason.POWERED_OFF: OFF,
    Reason.DENIED_BY_USER: DENIED, Reason.DENIED_BY_SYSTEM: DENIED, Reason.DENIED_BY_UNKNOWN: DENIED,
}  # fmt: skip
# What Linux (D-Bus, BlueZ) and Windows say in other words, the likelier first.
SAID = {
    "InProgress": BUSY, "NotReady": OFF, "turned on": OFF, "not ready for use": OFF, "AccessDenied": DENIED,
    "ServiceUnknown": NONE, "UnknownObject": NONE,
}  # fmt: skip


def cannot_scan(error: Exception) -> str:
    """Why not, in a line that a patient can act on."""
    if isinstance(error, BleakBluetoothNotAvailableError) and error.reason in REASONS:
        return REASONS[error.reason]
    for kind, line in ((FileNotFoundError, NONE), (ConnectionRefusedError, NONE), (PermissionError, DENIED)):
        if isinstance(error, kind):
            return line
    text = " ".join(str(error).split()) or type(error).__name__
    return next((line for word, line in SAID.items() if word in text), f"Bluetooth cannot scan: {text}")


# BlueZ refuses a second scan of one process with InProgress (bleak issues 859, 1689), whatever loop or thread it is in.
_SCANNING = threading.Lock()
# Who has which band: a second connection from one process ends the first one.
_OWNED: dict[tuple[Backend, str], tuple[object, Found]] = {}


def release(owner: object) -> None:
    """Others may have its band."""
    for key in [key for key, (who, _) in _OWNED.items() if who is owner]:
        del _OWNED[key]


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
    while not _SCANNING.acquire(blocking=False):
        await asyncio.sleep(0.05)
    try:
        scanner = await _started(backend, detection_callback=on_advertisement, service_uuids=uuids)
        try:
            yield seen
        finally:
            with contextlib.suppress(LinkError), link_errors("scan"):
                await within(SCANNER_S, scanner.stop())
    finally:
        _SCANNING.release()


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


async def _find(wanted: str, seconds: float, twins_s: float, backend: Backend) -> tuple[BLEDevice, Found]:
    """By its address, or by its name if nobody else in reach has it."""
    called: dict[str, tuple[BLEDevice, Found]] = {}
    others = set()
    async with _scanning(backend) as seen:
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


def _text(value: bytes) -> str | None:
    return value.decode("utf-8", "replace").strip("\0 ") or None


class Link:
    """One connection to one band, never used again after it broke. `on_break` is called when it does, once.

    wanted: as the user calls it; address: where it was found before. owner: who has the band until `release(owner)`,
    through as many links as that takes; without one the link itself has it, until it is closed.
    """

    def __init__(
        self,
        wanted: str,
        backend: Backend = PLATFORM,
        *,
        address: str | None = None,
        owner: object = None,
        answer_s: float = 3.0,
    ) -> None:
        self.wanted, self.broken = wanted, False
        self.on_break: Callable[[], None] = lambda: None
        self._backend, self._address, self._owner, self._answer_s = backend, address, owner or self, answer_s
        self._client: BleakClient | None = None

    async def open(self, scan_s: float, connect_s: float, twins_s: float = 1.0) -> None:
        """From a fresh scan: BlueZ forgets devices (bleak issues 676, 1176), so none is kept."""
        try:
            await self._open(scan_s, connect_s, twins_s)
        except BaseException:
            await self.close()
            raise

    async def _open(self, scan_s: float, connect_s: float, twins_s: float) -> None:
        wanted = self._address or self.wanted
        self._check_free(wanted)  # whoever is connected may advertise no more
        try:
            device, self.found = await _find(wanted, scan_s, twins_s, self._backend)
        except LinkError:
            self._check_free(wanted)
            raise
        owner, _ = _OWNED.setdefault((self._backend, self.found.address), (self._owner, self.found))
        self._check_owner(owner)
        with link_errors(f"no connection to band {self.wanted!r}"):
            # A new client each time, and a bound of our own: bleak's does not cover all of it everywhere (issue 1432).
            self._client = BleakClient(
                device, disconnected_callback=self._on_disconnect, timeout=connect_s, backend=self._backend.client
            )
            await within(connect_s, self._client.connect())
            services = [service.uuid for service in self._client.services]
        candidates = (self.found.driver, *self.found.others)
        known = [driver for driver in candidates if driver.service_uuid in services]
        if not known:
            wanted = " or ".join(driver.service_uuid for driver in candidates)
            raise Refused(f"band {self.wanted!r} is not the model that it looks like (wanted service {wanted}, got none)")
        self.driver = known[0]

    def _check_free(self, wanted: str) -> None:
        for (backend, _), (owner, band) in _OWNED.items():
            if backend == self._backend and wanted.casefold() in (band.name.casefold(), band.address.casefold()):
                self._check_owner(owner)

    def _check_owner(self, owner: object) -> None:
        if owner is not self._owner:
            raise Refused(f"band {self.wanted!r} is in use by this program already (wanted one client a band, got two)")

    def _on_disconnect(self, _: BleakClient) -> None:
        if not self.broken:  # some platforms say it twice
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
        with link_errors(f"band {self.wanted!r} does not let {uuid} be read"):
            return bytes(await within(self._answer_s, self.client.read_gatt_char(uuid)))

    async def write(self, uuid: str, data: bytes) -> None:
        with link_errors(f"band {self.wanted!r} does not take what is written to {uuid}"):
            found = self.client.services.get_characteristic(uuid)
            response = found is None or "write" in found.properties
            await within(self._answer_s, self.client.write_gatt_char(uuid, data, response=response))

    async def subscribe(self, uuid: str, on_value: Callable[[bytes], None]) -> None:
        with link_errors(f"band {self.wanted!r} cannot be subscribed to"):
            await within(self._answer_s, self.client.start_notify(uuid, lambda _, data: on_value(bytes(data))))

    async def battery_percent(self) -> int | None:
        level = await self._told(self.driver.battery_uuid or BATTERY)
        return level[0] if level and level[0] <= 100 else None

    async def about(self) -> About:
        battery = await self.battery_percent()
        where, decode = self.driver.firmware or (FIRMWARE, _text)
        model, firmware, maker = await self._told(MODEL), await self._told(where), await self._told(MAKER)
        return About(battery, _text(model), decode(firmware), _text(maker))

    async def _told(self, uuid: str) -> bytes:
        with contextlib.suppress(LinkError):
            return await self.read(uuid)
        return b""

    async def close(self) -> None:
        self.on_break = lambda: None
        if self._client:
            with contextlib.suppress(LinkError), link_errors("disconnect"):
                await within(self._answer_s, self._client.disconnect())
        self.broken = True
        if self._owner is self:
            release(self)
