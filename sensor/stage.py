"""Where virtual bands play: one radio, one computer with its clock, and a moment at which all of them begin."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import cached_property

from sensor.band import BandClient, host_ns
from sensor.driver import Driver
from sensor.platforms import Backend
from sensor.samples import Samples
from sensor.virtual_adapter import virtual_adapter
from sensor.virtual_band import VirtualBand
from sensor.virtual_model import VirtualModel
from sensor.virtual_radio import VirtualRadio


class Stage:
    """For so many bands, at `speed` times life. What they play is of one person: none begins before all were started."""

    def __init__(self, speed: float, bands: int = 1) -> None:
        self.radio = VirtualRadio(speed)
        self._speed, self._began_ns = speed, host_ns()
        self._curtain = asyncio.Barrier(bands)

    @cached_property
    def _adapter(self) -> asyncio.Future[Backend]:
        return asyncio.ensure_future(virtual_adapter(self.radio))

    async def enter(
        self, stack: AsyncExitStack, samples: Samples, driver: Driver, keep_raw: bool
    ) -> tuple[BandClient, VirtualBand | VirtualModel]:
        """A band that is switched on, and a client for it."""
        kind = VirtualBand if driver.peripheral is None else VirtualModel
        band = await stack.enter_async_context(
            kind(self.radio, samples, driver=driver, speed=self._speed, curtain=self._curtain)
        )
        # The host's clock runs as fast as the band's, as it does in life.
        clock = self._host_ns if driver.peripheral is None else lambda: self._began_ns + band.now_ns
        return BandClient(band.address, backend=await self._adapter, keep_raw=keep_raw, clock=clock), band

    def _host_ns(self) -> int:
        return self._began_ns + round((host_ns() - self._began_ns) * self._speed)
