"""A band that stays with us: starts, watches, reconnects, asks for what was missed, and yields its samples."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from sensor.ble import About, Link, release
from sensor.driver import AnyDecoder, Driver
from sensor.errors import LinkError, PacketError, Refused
from sensor.patience import FIRST_ATTEMPTS, GARBLED, LOW_BATTERY, Patience, backoff
from sensor.platforms import PLATFORM, Backend, link_errors
from sensor.samples import Samples
from sensor.scan import ANY, Found
from sensor.talk import Talk

log = logging.getLogger(__name__)


_EPOCH_NS = time.time_ns() - time.monotonic_ns()


def host_ns() -> int:
    """UTC in ns, never stepping while this process lives."""
    return _EPOCH_NS + time.monotonic_ns()


class BandClient:
    """One band: an async context manager that connects, then an async iterator of Samples that starts it.

    It ends when the band says that it has ended, or after `end`. `found` (name, address), `driver`, `info` (what the
    band is, in bytes) and `decoder` (counters, scale, gaps) are known once connected. `on_packet(packet, host_ns)` sees
    every notification of samples, from the start on, before it is decoded.
    """

    def __init__(
        self,
        wanted: str,
        *,
        models: Collection[Driver] = ANY,
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
        self.decoder: AnyDecoder
        self._wanted, self._models, self._backend, self._patience = wanted, models, backend, patience
        self._seen: Found | None = None  # and is looked for so: a name may be another's meanwhile
        self._keep_raw, self.clock = keep_raw, clock
        self.battery_percent: int | None = None  # when it was last connected
        self._link = self._new_link()
        self._out: asyncio.Queue[Samples | Exception | None] = asyncio.Queue()
        self._talk = Talk(patience.answer)
        self._event = asyncio.Event()  # a packet, a break, the end
        self._streaming = False  # samples of before the start are nobody's
        self._over = False  # nothing more is wanted
        self._ended: int | None = None  # the number that would come after the last packet
        self._stopped = False  # by the band itself
        self._failure: Exception | None = None  # of `on_packet`
        self._hears = True  # packets are taken
        self._attempt, self._began_at, self._started_at, self._heard_at = 0, 0.0, 0.0, 0.0
        self._garbled = 0  # packets since the start
        self._watch: asyncio.Task | None = None

    async def __aenter__(self) -> BandClient:
        try:
            for attempt in range(FIRST_ATTEMPTS):
                try:
                    await self._connect()
                    return self
                except Refused:
                    raise
                except LinkError as error:
                    if attempt == FIRST_ATTEMPTS - 1 or self._seen is None:
                        raise
                    log.warning("%s", error)
                    await asyncio.sleep(backoff(attempt, self._patience, random.random()))
        except BaseException:
            release(self)
            raise
        raise AssertionError

    async def __aexit__(self, *_: object) -> None:
        try:
            if self._watch:
                self._watch.cancel()
                await asyncio.wait({self._watch})
                with contextlib.suppress(LinkError):
                    await self.command("stop")
            await self._link.close()
        finally:
            release(self)

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

    def end(self) -> None:
        """Nothing more is wanted: what is on its way still comes, then the iteration ends."""
        self._over = True
        self._event.set()

    def rest(self) -> list[Samples]:
        """No packet is taken any more: what was received and has not been handed on yet."""
        self._hears = False
        blocks = [self._out.get_nowait() for _ in range(self._out.qsize())]
        return [block for block in (*blocks, self.decoder.flush()) if isinstance(block, Samples) and len(block)]

    @property
    def mtu(self) -> int:
        """As the computer says it, which on Linux may be less than it is."""
        return self._link.mtu

    async def about(self) -> About:
        """Battery, model, firmware, maker."""
        return await self._link.about()

    async def command(self, kind: str, *values: Any) -> Any:
        """Have one of the driver's conversations (`ping`, `identify`, ...) and hand back its result."""
        link = self._link
        with link_errors(f"band {self._wanted!r} did not answer the command {kind}"):
            if link.broken:
                raise EOFError("the link is down")
            return await self._talk.hold(link, self.driver.talk[kind](*values), f"refused the command {kind}")

    # Connecting

    def _new_link(self) -> Link:
        answer_s = self._patience.answer
        return Link(self._wanted, self._backend, models=self._models, known=self._seen, owner=self, answer_s=answer_s)

    async def _connect(self) -> None:
        link, patience = self._new_link(), self._patience
        self._streaming = False
        try:
            try:
                await link.open(patience.scan, patience.connect, patience.twins)
            finally:
                if hasattr(link, "found"):
                    self._seen = link.found
            link.on_break = self._on_break
            driver = link.driver
            if driver.answer_uuid and driver.answer_uuid != driver.data_uuid:
                await link.subscribe(driver.answer_uuid, self._on_answer)
            if driver.answer_uuid == driver.data_uuid:
                await link.subscribe(driver.data_uuid, self._on_data)
            with link_errors(f"band {self._wanted!r} does not describe itself"):
                info = await self._talk.hold(link, driver.talk["hello"](), "refused to begin")
            if not hasattr(self, "decoder"):
                self.found, self.driver, self.info = link.found, link.driver, info
                self.decoder = self.driver.decoder(info, keep_raw=self._keep_raw)
            elif _settings(link.driver, info) != _settings(self.driver, self.info):
                change = f"(wanted {self.info.hex()}, got {info.hex()})"
                raise Refused(f"band {self._wanted!r} changed its settings {change}")
            self.battery_percent = await link.battery_percent()
            # Before the start: what is sent before the subscription is lost (bleak issue 1885).
            if driver.answer_uuid != driver.data_uuid:
                await link.subscribe(driver.data_uuid, self._on_data)
        except PacketError as error:
            await link.close()
            raise Refused(f"band {self._wanted!r} describes itself wrongly: {error}") from error
        except BaseException:
            await link.close()
            raise
        self._link = link

    async def _start(self) -> None:
        self._streaming, self._stopped, self._garbled = True, False, 0
        if self.decoder.next_seq is not None and "replay" in self.driver.talk:
            await self.command("replay", self.decoder.next_seq)
        await self.command("start", self.decoder.info)
        self._started_at = asyncio.get_running_loop().time()

    # What arrives

    def _on_data(self, packet: bytes) -> None:
        if self._talk.is_answer(packet) or not self._streaming or not self._hears:
            return
        now = self.clock()
        try:
            if self.on_packet:
                self.on_packet(packet, now)
            samples = self.decoder.feed(packet, now)
        except PacketError as error:
            self.damaged += 1
            self._garbled += 1
            self._unread = packet, error
            log.warning("%s: %s", self._wanted, error)
            return
        except Exception as error:  # noqa: BLE001 - goes to the one who iterates
            self._failure, samples = error, Samples.empty()
        self._heard_at = asyncio.get_running_loop().time()
        self._event.set()
        if len(samples):
            self._out.put_nowait(samples)

    def _on_answer(self, data: bytes) -> None:
        if self._talk.is_answer(data):
            return
        try:
            message = self.driver.decode_message(data)
        except PacketError as error:
            log.warning("%s: %s", self._wanted, error)
            return
        if message.kind == "ended":
            self._ended = message.values[0]
        elif message.kind == "stopped":
            self._stopped = True
        self._event.set()

    def _on_break(self) -> None:
        self._talk.broken()
        self._event.set()

    # Watching

    async def _supervise(self) -> None:
        end: Exception | None = None
        self._began_at = asyncio.get_running_loop().time()
        try:
            going = await self._try_start()
            while not (going and await self._follow()) and not self._over:
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
        loop, asked, hole = asyncio.get_running_loop(), False, None
        while not self._link.broken:
            self._event.clear()
            if self._failure:
                raise self._failure
            if self.decoder.held is not None and self.decoder.held != hole:
                # A link in order loses nothing, but computers do (bleak issues 374, 1343).
                hole = self.decoder.held
                await self._reaches("replay", self.decoder.next_seq)
            if self._stopped:
                log.warning("%s: it stopped by itself, connecting anew", self._wanted)
                return False
            if self._over:
                await self._reaches("stop")  # its answer comes after what was on its way
                return True
            if self._ended is not None:
                ended, self._ended = self._ended, None
                if ended == self.decoder.next_seq or asked:
                    return True
                asked = True  # once more for what is missing, then it is lost
                if not await self._reaches("replay", self.decoder.next_seq or 0):
                    return "replay" not in self.driver.talk
                continue
            try:
                async with asyncio.timeout(self._patience.silence):
                    await self._event.wait()
            except TimeoutError:
                silent = loop.time() - max(self._heard_at, self._started_at)
                if self._garbled >= GARBLED and self._heard_at < self._started_at:
                    raise Refused(self._why_unread()) from None
                if silent > self._patience.deaf or not await self._reaches("ping"):
                    log.warning("%s: silent for %.1f s, connecting anew", self._wanted, silent)
                    return False
        return False

    def _why_unread(self) -> str:
        packet, error = self._unread
        if len(packet) == self._link.mtu - 3 < self.driver.packet_bytes:
            size = f"(wanted {self.driver.packet_bytes + 3} bytes, got {self._link.mtu})"
            return f"band {self._wanted!r} is cut off by this computer's Bluetooth: MTU too small {size}"
        return f"band {self._wanted!r} sends nothing that can be read: {error}"

    async def _reaches(self, kind: str, *values: Any) -> bool:
        if kind in self.driver.talk:
            with contextlib.suppress(LinkError):
                await self.command(kind, *values)
                return True
        return False

    async def _reconnect(self) -> bool:
        """Fresh scan, fresh connection, longer and longer pauses, until data may flow again."""
        loop, patience = asyncio.get_running_loop(), self._patience
        if self._heard_at - self._started_at > patience.good:
            self._attempt = 0
        trouble = LinkError(f"band {self._wanted!r} is connected and sends nothing (wanted data, got none)")
        while True:
            await self._link.close()
            if loop.time() - max(self._heard_at, self._began_at) > patience.give_up:
                raise self._lost(trouble)
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
                trouble = error

    def _lost(self, trouble: LinkError) -> LinkError:
        if self.battery_percent is None or self.battery_percent > LOW_BATTERY:
            return trouble
        return LinkError(f"band {self._wanted!r} is gone, its battery was at {self.battery_percent} %: charge it ({trouble})")


def _settings(driver: Driver, info: bytes) -> tuple:
    return driver.name, replace(driver.decode_info(info), boot_id=0)
