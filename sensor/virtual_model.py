"""A bought sensor on the virtual radio: a model's `Peripheral` that plays a recording back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

from bumble.core import UUID, AdvertisingData
from bumble.device import Connection
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.profiles.battery_service import BatteryService
from bumble.profiles.device_information_service import DeviceInformationService

from sensor.driver import Driver
from sensor.peripheral import BATTERY_PERCENT, NOTIFY, READ
from sensor.samples import Samples
from sensor.virtual_radio import MTU, VirtualRadio

PROPERTIES = {
    word: Characteristic.Properties[word.upper().replace("-", "_")]
    for word in ("notify", "read", "write", "write-without-response", "indicate")
}
NS = 1_000_000_000


class VirtualModel:
    """Plays from the first time that its model streams, at `speed` times life; an async context manager.

    It keeps nothing: what comes while nobody listens is lost, as it is in life. The next notification is made only when
    the last one was sent. `now_ns` is the time of its life, by which a test or a demonstration can stamp arrivals; the
    computer's own is not fine enough at many times life. `finished` is set after the last.
    """

    def __init__(
        self,
        radio: VirtualRadio,
        samples: Samples,
        driver: Driver,
        *,
        speed: float = 1.0,
        mtu: int = MTU,
        curtain: asyncio.Barrier | None = None,
    ) -> None:
        """curtain: before which others have to be started too."""
        self.driver, self.model = driver, driver.peripheral()
        self.name, self.now_ns, self.finished = self.model.name, 0, asyncio.Event()
        self._radio, self._samples, self._speed, self._mtu = radio, samples, speed, mtu
        self._link: Connection | None = None
        self._streams, self._curtain = asyncio.Event(), curtain
        self._says: asyncio.Queue[tuple[Connection, str, bytes]] = asyncio.Queue()
        self._characteristics: dict[str, Characteristic] = {}

    async def __aenter__(self) -> VirtualModel:
        self.device = await self._radio.device(self.name, self._mtu)
        self.device.add_services([*map(self._service, self.model.table), *self._adopted()])
        self.device.advertising_data = bytes(AdvertisingData([*self._advertised()]))
        self.device.on("connection", self._on_connection)
        await self.device.start_advertising(auto_restart=True)
        self._tasks = asyncio.create_task(self._play()), asyncio.create_task(self._answer())
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        await self._radio.remove(self.device)

    @property
    def address(self) -> str:
        return self.device.random_address.to_string(with_type_qualifier=False)

    def _advertised(self) -> Iterator[tuple[AdvertisingData.Type, bytes]]:
        yield AdvertisingData.FLAGS, bytes([0x06])
        if own := b"".join(UUID(uuid).to_bytes() for uuid in self.driver.advertises):
            yield AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS, own
        if shared := b"".join(UUID(uuid[4:8]).to_bytes() for uuid in self.driver.advertises_too):
            yield AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS, shared
        yield AdvertisingData.COMPLETE_LOCAL_NAME, self.name.encode()

    def _service(self, uuid: str) -> Service:
        return Service(UUID(uuid), [self._characteristic(*item) for item in self.model.table[uuid].items()])

    def _characteristic(self, uuid: str, can: tuple[str, ...]) -> Characteristic:
        properties = Characteristic.Properties(0)
        for word in can:
            properties |= PROPERTIES[word]
        permissions = Characteristic.Permissions(0)
        if READ in can:
            permissions |= Characteristic.READABLE
        if any(word.startswith("write") for word in can):
            permissions |= Characteristic.WRITEABLE
        value = CharacteristicValue(
            read=lambda _: self.model.read(uuid), write=lambda link, data: self._on_write(link, uuid, bytes(data))
        )
        made = self._characteristics[uuid] = Characteristic(UUID(uuid), properties, permissions, value)
        return made

    def _adopted(self) -> list[Service]:
        adopted: list[Service] = [BatteryService(lambda _: BATTERY_PERCENT)] if self.model.adopted_battery else []
        if self.model.firmware:
            adopted.append(DeviceInformationService(self.driver.title, self.model.model, firmware_revision=self.model.firmware))
        return adopted

    def _on_write(self, link: Connection, uuid: str, data: bytes) -> None:
        for said, value in self.model.write(uuid, data):
            self._says.put_nowait((link, said, value))
        if self.model.streaming:
            self._streams.set()

    def _on_connection(self, link: Connection) -> None:
        self._link = link
        link.once("disconnection", self._on_disconnection)

    def _on_disconnection(self, reason: int) -> None:
        self._link, self.model.streaming = None, False

    async def _answer(self) -> None:
        """One after the other, behind what is being sent."""
        while True:
            link, uuid, value = await self._says.get()
            if link is self._link:
                await self._send(link, uuid, value)

    async def _play(self) -> None:
        await self._streams.wait()
        if self._curtain:
            await self._curtain.wait()
        loop = asyncio.get_running_loop()
        begin = loop.time()
        for due_s, uuid, value in self.model.play(self._samples):
            if (left := begin + due_s / self._speed - loop.time()) > 0:
                await asyncio.sleep(left)
            self.now_ns = round(due_s * NS)
            if (link := self._link) and self.model.streaming:
                await self._send(link, uuid, value)
        self.finished.set()

    async def _send(self, link: Connection, uuid: str, value: bytes) -> None:
        characteristic = self._characteristics[uuid]
        can_notify = PROPERTIES[NOTIFY] in characteristic.properties
        say = self.device.notify_subscriber if can_notify else self.device.indicate_subscriber
        sending = asyncio.ensure_future(link.cancel_on_disconnection(say(link, characteristic, value)))
        await asyncio.wait({sending})
        queue = self.device.host.get_data_packet_queue(link.handle)
        if queue and not sending.cancelled() and sending.exception() is None:
            with contextlib.suppress(ValueError):  # the link went away
                await queue.drain(link.handle)
