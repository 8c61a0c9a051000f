"""A band on the virtual radio that plays a recording back as a driver's packets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

import numpy as np
from bumble.core import UUID, AdvertisingData
from bumble.device import Connection
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.profiles.battery_service import BatteryService
from bumble.profiles.device_information_service import DeviceInformationService

from sensor.devices import reference
from sensor.driver import ACC_CLIP, GYR_CLIP, Driver, Info, Message, Packet, Replaying
from sensor.peripheral import BATTERY_PERCENT, resampled
from sensor.ring import Ring
from sensor.samples import Samples
from sensor.virtual_radio import MTU, PDUS_PER_EVENT, VirtualRadio

NAME_BYTES = 8  # what a 128-bit UUID and the flags leave of an advertisement's 31 bytes
READ, WRITE, NOTIFY, INDICATE = (Characteristic.Properties[n] for n in ("READ", "WRITE", "NOTIFY", "INDICATE"))


class VirtualBand:
    """Starts to play when a client says `start`, at `speed` times life; an async context manager.

    While the link is down its packets wait in the ring buffer, as they do in a band; while it is up the next
    packet is made only when the last one was sent, so what is sent does not depend on a busy computer.
    `finished` is set when the client has confirmed the end.
    """

    def __init__(
        self,
        radio: VirtualRadio,
        samples: Samples,
        *,
        driver: Replaying = reference.DRIVER,
        info: Info | None = None,
        speed: float = 1.0,
        name: str = "hiprep-1",
        mtu: int = MTU,
        battery_percent: int = BATTERY_PERCENT,
        first_seq: int = 0,
        first_us: int = 0,
        curtain: asyncio.Barrier | None = None,
    ) -> None:
        """curtain: before which others have to be started too. first_*: number and clock of the first packet, anything after power-up (firmware_notes/clock.md)."""
        if len(name.encode()) > NAME_BYTES:
            raise ValueError(f"a band's name has at most {NAME_BYTES} bytes, not {name!r}")
        self.driver, self.name, self.finished = driver, name, asyncio.Event()
        self.info = info or reference.info_of(boot_id=1, rate_hz=int(driver.rate_hz))
        self._radio, self._samples, self._speed, self._mtu = radio, samples, speed, mtu
        self._battery_percent, self._first_seq, self._first_us = battery_percent, first_seq, first_us
        self._ring = Ring(0)  # until `start` tells the rate
        self._begin: float | None = None  # when the band's clock was 0
        self._link: Connection | None = None  # where `start` came from
        self._told: Connection | None = None  # who knows that this is the end
        self._started, self._changed, self._curtain = asyncio.Event(), asyncio.Event(), curtain
        self._tasks: set[asyncio.Future] = set()

    async def __aenter__(self) -> VirtualBand:
        self.device = await self._radio.device(self.name, self._mtu)
        self._data = Characteristic(UUID(self.driver.data_uuid), NOTIFY, Characteristic.Permissions(0))
        self._control = Characteristic(
            UUID(self.driver.control_uuid),
            WRITE | INDICATE,
            Characteristic.WRITEABLE,
            CharacteristicValue(write=self._on_command),
        )
        info = Characteristic(
            UUID(self.driver.info_uuid),
            READ,
            Characteristic.READABLE,
            CharacteristicValue(read=lambda _: self.driver.encode_info(self.info)),
        )
        service = UUID(self.driver.service_uuid)
        self.device.add_services(
            [
                Service(service, [self._data, self._control, info]),
                BatteryService(lambda _: self._battery_percent),
                DeviceInformationService("hiprep", self.driver.name, self.name),
            ]
        )
        self.device.advertising_data = bytes(
            AdvertisingData(
                [
                    (AdvertisingData.FLAGS, bytes([0x06])),
                    (AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS, service.to_bytes()),
                    (AdvertisingData.COMPLETE_LOCAL_NAME, self.name.encode()),
                ]
            )
        )
        self.device.on("connection", lambda connection: connection.once("disconnection", self._on_disconnection))
        await self.device.start_advertising(auto_restart=True)
        self._player = asyncio.create_task(self._play())
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in (self._player, *self._tasks):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._player
        await self._radio.remove(self.device)

    @property
    def address(self) -> str:
        return self.device.random_address.to_string(with_type_qualifier=False)

    # Playing

    async def _play(self) -> None:
        await self._started.wait()
        if self._curtain:
            await self._curtain.wait()
        self._begin = asyncio.get_running_loop().time()
        for due_s, packet in packets(self._samples, self.driver, self.info):
            await self._send_until(self._begin + due_s / self._speed)
            self._ring.put(packet._replace(t_us=(packet.t_us + self._first_us) % 2**32))
            await self._send()
        while True:
            await self._send()
            if self._link and self._link is not self._told:
                self._told = self._link
                if await self._say(self._link, Message("ended", (self._ring.seq,))):
                    self.finished.set()
            await self._changed.wait()
            self._changed.clear()

    async def _send_until(self, when: float) -> None:
        """Wait, and send what a new link asks for meanwhile."""
        while (left := when - asyncio.get_running_loop().time()) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._changed.wait()
            if self._changed.is_set():
                self._changed.clear()
                await self._send()

    async def _send(self) -> None:
        """Everything that waits, as long as there is a link."""
        while (link := self._link) and (packet := self._ring.take()):
            await self.device.notify_subscriber(link, self._data, self.driver.encode_packet(packet))
            queue = self.device.host.get_data_packet_queue(link.handle)
            if queue and queue.pending >= PDUS_PER_EVENT:
                with contextlib.suppress(ValueError):  # the link went away
                    await queue.drain(link.handle)

    # Talking to the client

    def _on_command(self, link: Connection, value: bytes) -> None:
        self._later(self._obey(link, bytes(value)))

    async def _obey(self, link: Connection, value: bytes) -> None:
        command = self.driver.decode_command(value)
        await self._say(link, command if command.problem else self._answer(link, command))
        self._changed.set()

    def _answer(self, link: Connection, command: Message) -> Message:
        match command.kind:
            case "start":
                return Message("start", problem=self._start(link, *command.values))
            case "stop":
                self._link = None
            case "replay":
                self._told = None
                return Message("replay", (self._ring.replay(*command.values),))
            case "ping":
                return Message("ping", (self._clock_us(), self.info.boot_id))
        return Message(command.kind)

    def _start(self, link: Connection, rate_hz: int, acc_range_g: int, gyr_range_dps: int) -> str | None:
        """What speaks against it, if anything."""
        wanted = reference.info_of(self.info.boot_id, rate_hz, acc_range_g, gyr_range_dps)
        if self._started.is_set() and wanted != self.info:
            return "impossible value"
        if link.att_mtu - 3 < self.driver.packet_bytes:
            return "MTU too small"
        if not self._started.is_set():
            self.info = wanted
            self._ring = Ring(int(self.driver.buffer_s * rate_hz / self.driver.packet_samples), self._first_seq)
            self._started.set()
        self._link = link
        return None

    def _clock_us(self) -> int:
        since = 0.0 if self._begin is None else asyncio.get_running_loop().time() - self._begin
        return (self._first_us + round(since * self._speed * 1e6)) % 2**32

    async def _say(self, link: Connection, message: Message) -> bool:
        """Did the client confirm it?"""
        if self.device.lookup_connection(link.handle) is not link:
            return False
        value = self.driver.encode_message(message)
        indication = link.cancel_on_disconnection(self.device.indicate_subscriber(link, self._control, value))
        await asyncio.wait({indication})
        return not indication.cancelled() and indication.exception() is None

    def _later(self, coroutine) -> None:
        task = asyncio.ensure_future(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _on_disconnection(self, reason: int) -> None:
        self._link = None
        self._changed.set()


def packets(samples: Samples, driver: Driver, info: Info) -> Iterator[tuple[float, Packet]]:
    """A recording as the band would have measured it: (when the last sample is due in s, packet without number).

    Resampled to the band's rate on one grid from the first sample; gaps stay gaps, no packet spans one.
    """
    if not len(samples):
        return
    rate = info.rate_hz
    scale = np.repeat((info.acc_mps2_per_lsb, info.gyr_rads_per_lsb), 3)
    for grid, values in resampled(samples.t, np.hstack((samples.acc, samples.gyr)) / scale, rate):
        counts = values.round()
        for i in range(0, len(grid), driver.packet_samples):
            block = counts[i : i + driver.packet_samples]
            clipped = (block >= 2**15 - 1) | (block <= -(2**15))
            flags = (ACC_CLIP if clipped[:, :3].any() else 0) | (GYR_CLIP if clipped[:, 3:].any() else 0)
            t_us = round(grid[i] / rate * 1e6) % 2**32
            whole = np.clip(block, -(2**15), 2**15 - 1).astype(np.int16)
            yield (grid[i] + len(block)) / rate, Packet(flags, 0, t_us, info.boot_id, rate, whole)
