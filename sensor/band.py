"""A band that stays with us: starts, watches, reconnects, asks for what was missed, and yields its samples."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sensor.ble import PLATFORM, Backend, Found, Link, link_errors
from sensor.driver import Decoder, Driver, Message
from sensor.errors import LinkError, PacketError
from sensor.samples import Samples

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for what, s. From field reports about bleak; none is measured on hardware of ours."""

    scan: float = 10.0
    connect: float = 20.0  # with services
    answer: float = 3.0  # of the control point
    silence: float = 3.0  # without a packet: ask the band whether it is there
    deaf: float = 30.0  # without a packet though the band answers: connect anew
    backoff: float = 0.5  # before the first attempt to reconnect, doubled each time
    backoff_most: float = 30.0
    good: float = 5.0  # of data, until the next break counts as a first one
    give_up: float = 600.0  # of reconnecting


def backoff(attempt: int, patience: Patience, chance: float) -> float:
    """s before an attempt. The jitter (`chance` 0 to 1) keeps two clients from colliding again and again."""
    return min(patience.backoff * 2.0 ** min(attempt, 30), patience.backoff_most) * (0.5 + chance / 2)


_EPOCH_NS = time.time_ns() - time.monotonic_ns()


def host_ns() -> int:
    """UTC in ns, never stepping while this process lives."""
    return _EPOCH_NS + time.monotonic_ns()


class Refused(LinkError):
    """The band answered, and the answer was no: trying again does not help."""


class BandClient:
    """One band: an async context manager that connects, then an async iterator of Samples that starts it.

    It ends when the band says that it has ended. `found` (name, address), `driver`, `info` (bytes of the info
    characteristic) and `decoder` (counters, scale, gaps) are known once connected. `on_packet(packet, host_ns)` sees
    every notification before it is decoded.
    """

    def __init__(
        self,
        wanted: str,
        *,
        backend: Backend = PLATFORM,
        patience: Patience = Patience(),
        keep_raw: bool = False,
        clock: Callable[[], int] = host_ns,
    ) -> None:
        self.on_packet: Callable[[bytes, int], None] | None = None
        self.reconnects = self.damaged = 0
        self.found: Found
        self.driver: Driver
        self.info: bytes
        self.decoder: Decoder
        self._wanted, self._backend, self._patience = wanted, backend, patience
        self._keep_raw, self._clock = keep_raw, clock
        self._link = Link(wanted, backend)
        self._out: asyncio.Queue[Samples | Exception | None] = asyncio.Queue()
        self._answers: dict[str, asyncio.Future[Message]] = {}
        self._event = asyncio.Event()  # a packet, a break, the end
        self._ended: int | None = None  # the number that would come after the last packet
        self._failure: Exception | None = None  # of `on_packet`
        self._attempt, self._started_at, self._heard_at = 0, 0.0, 0.0
        self._watch: asyncio.Task | None = None

    async def __aenter__(self) -> BandClient:
        await self._connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._watch:
            self._watch.cancel()
            await asyncio.wait({self._watch})
            with contextlib.suppress(LinkError):
                await self.command("stop")
        await self._link.close(self._patience.answer)

    def __aiter__(self) -> BandClient:
        return self

    async def __anext__(self) -> Samples:
        if self._watch is None:
            self._watch = asyncio.create_task(self._supervise())
        item = await self._out.get()
        if isinstance(item, Samples):
            return item
        self._out.put_nowait(item)  # it stays ended
        raise StopAsyncIteration if item is None else item

    async def command(self, kind: str, *values: Any) -> Message:
        """Tell the band something and wait for its answer: ping, identify, ..."""
        link = self._link
        with link_errors(f"band {self._wanted!r} did not answer the command {kind}"):
            if link.broken:
                raise EOFError("the link is down")
            answer = self._answers[kind] = asyncio.get_running_loop().create_future()
            async with asyncio.timeout(self._patience.answer):
                await link.write(self.driver.commands[kind](*values))
                message = await answer
        if message.problem:
            size = f" (wanted {self.driver.packet_bytes + 3} bytes, got {link.mtu})" if "MTU" in message.problem else ""
            raise Refused(f"band {self._wanted!r} refused the command {kind}: {message.problem}{size}")
        return message

    # Connecting

    async def _connect(self) -> None:
        link = Link(self._wanted, self._backend)
        try:
            await link.open(self._patience.scan, self._patience.connect)
            first = not hasattr(self, "decoder")
            info = await link.read_info()
            if first:
                self.found, self.driver, self.info = link.found, link.driver, info
                self.decoder = self.driver.decoder(info, keep_raw=self._keep_raw)
            elif _settings(link.driver, info) != _settings(self.driver, self.info):
                change = f"(wanted {self.info.hex()}, got {info.hex()})"
                raise Refused(f"band {self._wanted!r} changed its settings {change}")
            # Before the start: what is sent before the subscription is lost (bleak issue 1885).
            await link.subscribe(self._on_data, self._on_message)
        except PacketError as error:
            await link.close(self._patience.answer)
            raise Refused(f"band {self._wanted!r} describes itself wrongly: {error}") from error
        except BaseException:
            await link.close(self._patience.answer)
            raise
        link.on_break = self._on_break
        self._link = link

    async def _start(self) -> None:
        if self.decoder.next_seq is not None and "replay" in self.driver.commands:
            await self.command("replay", self.decoder.next_seq)
        await self.command("start", self.decoder.info)
        self._started_at = asyncio.get_running_loop().time()

    # What arrives

    def _on_data(self, packet: bytes) -> None:
        now = self._clock()
        try:
            if self.on_packet:
                self.on_packet(packet, now)
            samples = self.decoder.feed(packet, now)
        except PacketError as error:
            self.damaged += 1
            log.warning("%s: %s", self._wanted, error)
            return
        except Exception as error:  # noqa: BLE001 - goes to the one who iterates
            self._failure, samples = error, Samples.empty()
        self._heard_at = asyncio.get_running_loop().time()
        self._event.set()
        if len(samples):
            self._out.put_nowait(samples)

    def _on_message(self, data: bytes) -> None:
        try:
            message = self.driver.decode_message(data)
        except PacketError as error:
            log.warning("%s: %s", self._wanted, error)
            return
        if message.kind == "ended":
            self._ended = message.values[0]
            self._event.set()
        elif (answer := self._answers.pop(message.kind, None)) and not answer.done():
            answer.set_result(message)

    def _on_break(self) -> None:
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(EOFError("the link went down"))
        self._answers.clear()
        self._event.set()

    # Watching

    async def _supervise(self) -> None:
        end: Exception | None = None
        try:
            going = await self._try_start()
            while not (going and await self._follow()):
                going = await self._reconnect()
        except Exception as error:  # noqa: BLE001 - goes to the one who iterates
            end = error
        if len(rest := self.decoder.flush()):
            self._out.put_nowait(rest)
        self._out.put_nowait(end)

    async def _try_start(self) -> bool:
        try:
            await self._start()
        except Refused:
            raise
        except LinkError as error:
            log.warning("%s", error)
            return False
        return True

    async def _follow(self) -> bool:
        """Until the band has ended (True) or the link is of no more use (False)."""
        loop, asked = asyncio.get_running_loop(), False
        while not self._link.broken:
            self._event.clear()
            if self._failure:
                raise self._failure
            if self._ended is not None:
                ended, self._ended = self._ended, None
                if ended == self.decoder.next_seq or asked:
                    return True
                asked = True  # once more for what is missing, then it is lost
                if not await self._reaches("replay", self.decoder.next_seq or 0):
                    return "replay" not in self.driver.commands
                continue
            try:
                async with asyncio.timeout(self._patience.silence):
                    await self._event.wait()
            except TimeoutError:
                silent = loop.time() - max(self._heard_at, self._started_at)
                if silent > self._patience.deaf or not await self._reaches("ping"):
                    log.warning("%s: silent for %.1f s, connecting anew", self._wanted, silent)
                    return False
        return False

    async def _reaches(self, kind: str, *values: Any) -> bool:
        if kind in self.driver.commands:
            with contextlib.suppress(LinkError):
                await self.command(kind, *values)
                return True
        return False

    async def _reconnect(self) -> bool:
        """Fresh scan, fresh connection, longer and longer pauses, until data may flow again."""
        loop, patience = asyncio.get_running_loop(), self._patience
        since = loop.time()
        if self._heard_at - self._started_at > patience.good:
            self._attempt = 0
        while True:
            await self._link.close(patience.answer)
            await asyncio.sleep(backoff(self._attempt, patience, random.random()))
            self._attempt += 1
            try:
                await self._connect()
                await self._start()
                self.reconnects += 1
                return True
            except Refused:
                raise
            except LinkError as error:
                log.warning("%s", error)
                if loop.time() - since > patience.give_up:
                    raise


def _settings(driver: Driver, info: bytes) -> tuple:
    return driver.name, replace(driver.decode_info(info), boot_id=0)
