"""One connection to a band, and the only file that uses bleak's client."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection
from typing import NamedTuple

from bleak import BleakClient

from sensor.driver import Driver, adopted
from sensor.errors import LinkError, Refused
from sensor.platforms import PLATFORM, Backend, link_errors, within
from sensor.scan import ANY, Found, find

# Assigned numbers of the Bluetooth SIG (2.8, GATT characteristics): what nearly every device says of itself.
BATTERY, MODEL, FIRMWARE, MAKER = map(adopted, ("2a19", "2a24", "2a26", "2a29"))


class About(NamedTuple):
    """What a band says of itself as any device does; None: it does not."""

    battery_percent: int | None
    model: str | None
    firmware: str | None
    maker: str | None


# Who has which band: a second connection from one process ends the first one.
_OWNED: dict[tuple[Backend, str], tuple[object, Found]] = {}


def release(owner: object) -> None:
    """Others may have its band."""
    for key in [key for key, (who, _) in _OWNED.items() if who is owner]:
        del _OWNED[key]


def _text(value: bytes) -> str | None:
    return value.decode("utf-8", "replace").strip("\0 ") or None


class Link:
    """One connection to one band, never used again after it broke. `on_break` is called when it does, once.

    wanted: as the user calls it, a band of one of the models; known: as it was found before. owner: who has the band until
    `release(owner)`, through as many links as that takes; without one the link itself has it, until it is closed.
    """

    def __init__(
        self,
        wanted: str,
        backend: Backend = PLATFORM,
        *,
        models: Collection[Driver] = ANY,
        known: Found | None = None,
        owner: object = None,
        answer_s: float = 3.0,
    ) -> None:
        self.wanted, self.broken = wanted, False
        self.on_break: Callable[[], None] = lambda: None
        self._backend, self._models, self._known = backend, models, known
        self._owner, self._answer_s = owner or self, answer_s
        self._client: BleakClient | None = None

    async def open(self, scan_s: float, connect_s: float, twins_s: float = 1.0) -> None:
        """From a fresh scan: BlueZ forgets devices (bleak issues 676, 1176), so none is kept."""
        try:
            await self._open(scan_s, connect_s, twins_s)
        except BaseException:
            await self.close()
            raise

    async def _open(self, scan_s: float, connect_s: float, twins_s: float) -> None:
        wanted = self._known.address if self._known else self.wanted
        self._check_free(wanted)  # whoever is connected may advertise no more
        try:
            device, self.found = await find(self.wanted, scan_s, twins_s, self._backend, self._models, self._known)
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
