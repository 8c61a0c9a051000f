"""The virtual radio in simulated time, and an adapter that fails in the ways that real ones do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from bleak.exc import BleakDBusError, BleakDeviceNotFoundError

from sensor.band import BandClient
from sensor.errors import LinkError
from sensor.patience import Patience
from sensor.platforms import Backend
from sensor.samples import Samples
from sensor.virtual_adapter import virtual_adapter
from sensor.virtual_band import VirtualBand
from sensor.virtual_radio import VirtualRadio
from simulated_time import now_ns


@dataclass
class Faults:
    """What goes wrong; a test sets it, at any time."""

    scan_errors: list[Exception] = field(default_factory=list)  # of the next scans
    connect_errors: list[Exception] = field(default_factory=list)  # of the next connections
    connects_hang: int = 0  # so many connections never complete, and do not let themselves be cancelled
    forgets: bool = False  # a device that was connected to once is unknown until the next scan (BlueZ)
    misses_s: float = 0.0  # what comes so long after a subscription began is missed (BlueZ)
    deaf_to: str | None = None  # notifications of this characteristic are not handed on (Windows)
    says_twice: bool = False  # that a link went away
    calls_raise: BaseException | None = None  # every call on a link
    breaks_at: int | None = None  # in this call on the link, it goes away
    mtu: int | None = None  # what is said of it

    connected_at: list[float] = field(default_factory=list)  # each attempt, s
    scanned_for: list[list[str] | None] = field(default_factory=list)  # services, of each scan
    scanning: int = 0
    calls: int = 0


def faulty(adapter: Backend, faults: Faults, radio: VirtualRadio) -> Backend:
    """The same adapter, at its worst."""

    class Scanner(adapter.scanner):
        def __init__(self, detection_callback, service_uuids, *args, **kwargs) -> None:
            super().__init__(detection_callback, service_uuids, *args, **kwargs)
            faults.scanned_for.append(service_uuids)

        async def start(self) -> None:
            if faults.scan_errors:
                raise faults.scan_errors.pop(0)
            if faults.scanning:
                raise BleakDBusError("org.bluez.Error.InProgress", ["Operation already in progress"])
            faults.scanning += 1
            await super().start()

        async def stop(self) -> None:
            faults.scanning -= 1
            await super().stop()

    class Client(adapter.client):
        used: set[Any] = set()

        def __init__(self, device, **kwargs) -> None:
            super().__init__(device, **kwargs)
            self.handle = device

        async def connect(self, pair: bool, **kwargs) -> None:
            faults.connected_at.append(asyncio.get_running_loop().time())
            if faults.forgets:
                if id(self.handle) in self.used:
                    raise BleakDeviceNotFoundError(self.address, "was removed from BlueZ")
                self.used.add(id(self.handle))
            if faults.connect_errors:
                raise faults.connect_errors.pop(0)
            if faults.connects_hang:
                faults.connects_hang -= 1
                for _ in range(2):
                    try:
                        await asyncio.sleep(3600)
                    except asyncio.CancelledError:
                        pass
            await super().connect(pair, **kwargs)

        @property
        def mtu_size(self) -> int:
            return faults.mtu or super().mtu_size

        def _on_disconnection(self, reason: int) -> None:
            said = self._disconnected_callback
            super()._on_disconnection(reason)
            if faults.says_twice and said:
                said()

        @contextmanager
        def call(self) -> Iterator[None]:
            faults.calls += 1
            if faults.calls == faults.breaks_at:
                radio.break_links(self.device)
            if faults.calls_raise is not None:
                raise faults.calls_raise
            yield

        async def read_gatt_char(self, *args, **kwargs):
            with self.call():
                return await super().read_gatt_char(*args, **kwargs)

        async def write_gatt_char(self, *args, **kwargs):
            with self.call():
                return await super().write_gatt_char(*args, **kwargs)

        async def start_notify(self, characteristic, callback, **kwargs):
            begin = asyncio.get_running_loop().time()

            def heard(value: bytearray) -> None:
                late = asyncio.get_running_loop().time() - begin >= faults.misses_s
                if late and faults.deaf_to != characteristic.uuid:
                    callback(value)

            with self.call():
                await super().start_notify(characteristic, heard, **kwargs)
                await asyncio.sleep(faults.misses_s)

    return Backend(Scanner, Client)


def noise(n: int, rate: float = 100, seed: int = 1) -> Samples:
    rng = np.random.default_rng(seed)
    return Samples(np.arange(n) / rate, rng.uniform(-70, 70, (n, 3)), rng.uniform(-15, 15, (n, 3)))


@asynccontextmanager
async def on_air(samples: Samples, patience: Patience = Patience(), **options):
    """Radio, the reference band that plays, a client that looks for it with the patience of life, and its faults."""
    radio, faults = VirtualRadio(), Faults()
    adapter = faulty(await virtual_adapter(radio), faults, radio)
    async with VirtualBand(radio, samples, **options) as band:
        yield radio, band, BandClient(band.name, backend=adapter, patience=patience, keep_raw=True, clock=now_ns), faults


async def take(client: BandClient, n: int) -> list[Samples]:
    """At least n samples."""
    parts = []
    while sum(map(len, parts)) < n:
        parts.append(await anext(client))
    return parts


async def rest_of(client: BandClient, parts: list[Samples]) -> Samples:
    return Samples.concat([*parts, *[block async for block in client]])


def assert_same(got: Samples, wanted: Samples) -> None:
    """Every sample once, in order, within half a count of the widest range."""
    np.testing.assert_allclose(got.t, wanted.t, atol=1e-6)
    np.testing.assert_allclose(got.acc, wanted.acc, atol=0.0025)
    np.testing.assert_allclose(got.gyr, wanted.gyr, atol=0.00054)


async def refused(client: BandClient, says: str, kind: type[LinkError] = LinkError) -> None:
    """In one line, from entering it or from its first samples."""
    with pytest.raises(kind, match=says) as caught:
        async with client:
            await take(client, 10**6)
    assert "\n" not in str(caught.value)
