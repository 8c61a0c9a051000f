"""The one way in: `ble:NAME-OR-ADDRESS`, `file:PATH`, `virtual:EXERCISE` -> blocks of Samples, all alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from sensor.driver import AnyDecoder, Driver
from sensor.errors import SourceError
from sensor.samples import Samples

if TYPE_CHECKING:
    from sensor.band import BandClient
    from sensor.recording import Meta, Recording
    from sensor.stage import Stage

REFERENCE = "hiprep-band"
FILE_BLOCK = 10  # samples: a file comes in the reference band's packets


class Source:
    """An async context manager, then an async iterator of Samples, once. Made by `open_source`.

    `driver`, `info` (what the band is, in bytes), `decoder` (counters, scale): the wire, where there is one.
    `meta`: of the recording behind it, where there is one. `on_packet(packet, host_ns)` is called with every
    notification, byte for byte, before it is decoded; nothing is sent before the iteration begins.
    """

    def __init__(self, start: Callable[[Source, AsyncExitStack], Any]) -> None:
        self.driver: Driver | None = None
        self.info: bytes | None = None
        self.meta: Meta | None = None
        self.on_packet: Callable[[bytes, int], None] | None = None
        self.client: BandClient | None = None
        self._start, self._stack = start, AsyncExitStack()
        self._blocks: AsyncIterator[Samples] | None = None

    async def __aenter__(self) -> Source:
        try:
            self._blocks = await self._start(self, self._stack)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def __aiter__(self) -> AsyncIterator[Samples]:
        assert self._blocks is not None, "not entered"
        return self._blocks

    @property
    def decoder(self) -> AnyDecoder | None:
        return self.client and self.client.decoder

    def rest(self) -> list[Samples]:
        """For who stops before the end: blocks of what the band has sent so far; no more packets are taken."""
        return self.client.rest() if self.client else []

    async def listen(self, client: BandClient, stack: AsyncExitStack) -> AsyncIterator[Samples]:
        """Connect to a band and be its ear."""
        client.on_packet = lambda packet, host_ns: self.on_packet(packet, host_ns) if self.on_packet else None
        self.client = await stack.enter_async_context(client)
        self.driver, self.info = client.driver, client.info
        return aiter(client)


def open_source(
    spec: str,
    *,
    virtual: Callable[[str], Recording] | None = None,
    device: str | None = None,
    speed: float = 1.0,
    keep_raw: bool = False,
    stage: Callable[[], Stage] | None = None,
    **overrides: Any,
) -> Source:
    """`virtual`: what a virtual band plays, by name. `device`: the model of it, or of the band that is looked for; None: the
    reference band, or whatever is called so. `speed`: of a virtual band, times life; `stage`: where it plays
    with others.

    `overrides`: a file's `exercise`, `side`, `placement`, `units`, `rate` (see `sensor.recording`).
    """
    kind, _, name = spec.partition(":")
    if not name or kind not in ("ble", "file", "virtual"):
        raise SourceError(f"unknown source (wanted ble:NAME-OR-ADDRESS, file:PATH or virtual:EXERCISE, got {spec!r})")
    # Each imports what it needs: a file needs no Bluetooth, and Bluetooth no file.
    if kind == "ble":
        return Source(lambda source, stack: _ble(source, stack, name, device, keep_raw))
    if kind == "file":
        return Source(lambda source, stack: _file(source, name, overrides))
    if virtual is None:
        raise SourceError(f"no virtual band here (wanted ble:NAME-OR-ADDRESS or file:PATH, got {spec!r})")
    if not 0 < speed < float("inf"):
        raise SourceError(f"impossible speed of a virtual band (wanted more than 0, got {speed})")
    from sensor.devices import driver_named

    driver = driver_named(device or REFERENCE)
    return Source(lambda source, stack: _virtual(source, stack, virtual(name), driver, speed, keep_raw, stage and stage()))


async def _ble(source: Source, stack: AsyncExitStack, name: str, device: str | None, keep_raw: bool) -> AsyncIterator[Samples]:
    from sensor.band import BandClient
    from sensor.scan import models_named

    return await source.listen(BandClient(name, models=models_named(device), keep_raw=keep_raw), stack)


async def _file(source: Source, path: str, overrides: dict[str, Any]) -> AsyncIterator[Samples]:
    from sensor.recording import read_recording

    recording = read_recording(path, **overrides)
    source.meta = recording.meta

    async def blocks() -> AsyncIterator[Samples]:
        for block in recording.samples.blocks(FILE_BLOCK):
            yield block
            await asyncio.sleep(0)

    return blocks()


async def _virtual(
    source: Source, stack: AsyncExitStack, recording: Recording, driver: Driver, speed: float, keep_raw: bool, stage: Stage | None
) -> AsyncIterator[Samples]:
    from sensor.stage import Stage

    source.meta = recording.meta
    client, band = await (stage or Stage(speed)).enter(stack, recording.samples, driver, keep_raw)
    blocks = await source.listen(client, stack)
    if driver.peripheral is not None:  # it cannot say that the recording is over
        ending = asyncio.ensure_future(_end(band.finished, client))
        stack.callback(ending.cancel)
    return blocks


async def _end(finished: asyncio.Event, client: BandClient) -> None:
    await finished.wait()
    client.end()
