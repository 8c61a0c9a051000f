"""A computer's Bluetooth adapter on the virtual radio: a backend for bleak, on Bumble's host stack.

`sensor.scan` and `sensor.ble` reach it through bleak's public door alone: `BleakScanner(backend=...)`, `BleakClient(backend=...)`.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Iterator
from typing import Any

from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakError
from bumble import att, hci
from bumble.core import UUID, AdvertisingData, ProtocolError
from bumble.device import Advertisement, Connection, Device, Peer
from bumble.gatt import Characteristic

from sensor.platforms import Backend
from sensor.virtual_radio import MTU, VirtualRadio

PROPERTIES = ("BROADCAST", "READ", "WRITE_WITHOUT_RESPONSE", "WRITE", "NOTIFY", "INDICATE")


async def virtual_adapter(radio: VirtualRadio) -> Backend:
    state = {"device": await radio.device("adapter"), "connecting": asyncio.Lock()}
    return Backend(type("VirtualScanner", (_Scanner,), state), type("VirtualClient", (_Client,), state))


def _text(bumble_uuid: UUID) -> str:
    return str(uuid.UUID(bytes=bumble_uuid.to_bytes(force_128=True)[::-1]))


def _uuids(width: int, value: bytes) -> list[str]:
    return [_text(UUID.from_bytes(value[i : i + width])) for i in range(0, len(value), width)]


class _Scanner(BaseBleakScanner):
    device: Device

    def __init__(self, detection_callback: Any, service_uuids: list[str] | None, scanning_mode: str, **_: Any) -> None:
        super().__init__(detection_callback, service_uuids)

    async def start(self) -> None:
        self.seen_devices = {}
        self.device.on("advertisement", self._on_advertisement)
        await self.device.start_scanning(legacy=True)

    async def stop(self) -> None:
        self.device.remove_listener("advertisement", self._on_advertisement)
        if not self.device.listeners("advertisement"):
            await self.device.stop_scanning(legacy=True)

    def _on_advertisement(self, advertisement: Advertisement) -> None:
        name, uuids = None, []
        for kind, value in advertisement.data.ad_structures:
            if kind in (AdvertisingData.COMPLETE_LOCAL_NAME, AdvertisingData.SHORTENED_LOCAL_NAME):
                name = value.decode("utf-8", "replace")
            elif kind == AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS:
                uuids += _uuids(16, value)
            elif kind == AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS:
                uuids += _uuids(2, value)
        if self.is_allowed_uuid(uuids):
            address = advertisement.address.to_string(with_type_qualifier=False)
            data = AdvertisementData(name, {}, {}, uuids, None, advertisement.rssi, (advertisement,))
            found = self.create_or_update_device(address, address, name, advertisement.address, data)
            self.call_detection_callbacks(found, data)


@contextlib.contextmanager
def _as_bleak_errors() -> Iterator[None]:
    """Bumble's errors as bleak's. Bumble cancels what is pending on a link that goes away."""
    try:
        yield
    except (att.ATT_Error, ProtocolError) as error:
        raise BleakError(str(error)) from error
    except asyncio.CancelledError:
        if (task := asyncio.current_task()) and task.cancelling():
            raise
        raise BleakError("disconnected") from None


class _Client(BaseBleakClient):
    device: Device
    connecting: asyncio.Lock  # a controller has one attempt at a time

    def __init__(self, address_or_ble_device: BLEDevice | str, services: Any = None, **kwargs: Any) -> None:
        super().__init__(address_or_ble_device, **kwargs)
        known = isinstance(address_or_ble_device, BLEDevice)
        self._target = address_or_ble_device.details if known else hci.Address(self.address)
        self._name = address_or_ble_device.name if known else None
        self._connection: Connection | None = None
        self._peer: Peer | None = None

    @property
    def name(self) -> str:
        return self._name or self.address

    @property
    def mtu_size(self) -> int:
        return self._connection.att_mtu if self._connection else att.ATT_DEFAULT_MTU

    @property
    def is_connected(self) -> bool:
        return self._peer is not None

    async def connect(self, pair: bool, **_: Any) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                async with self.connecting:
                    self._connection = await self._connect()
                self._connection.on("disconnection", self._on_disconnection)
                with _as_bleak_errors():
                    peer = Peer(self._connection)
                    await peer.request_mtu(MTU)
                    self.services = await self._discover(peer)
                self._peer = peer
        except BaseException:
            await self.disconnect()
            raise

    async def _connect(self) -> Connection:
        try:
            with _as_bleak_errors():
                return await self.device.connect(self._target, timeout=None)
        except asyncio.CancelledError:  # Bumble withdraws the attempt only after a timeout of its own
            with contextlib.suppress(ProtocolError):  # too late: it is connected
                withdraw = self.device.send_sync_command(hci.HCI_LE_Create_Connection_Cancel_Command())
                await asyncio.shield(withdraw)
            raise

    async def _discover(self, peer: Peer) -> BleakGATTServiceCollection:
        found = BleakGATTServiceCollection()
        for service in await peer.discover_services():
            entry = BleakGATTService(service, service.handle, _text(service.uuid))
            found.add_service(entry)
            for item in await service.discover_characteristics():
                has = [n for n in PROPERTIES if item.properties & Characteristic.Properties[n]]
                names = [n.lower().replace("_", "-") for n in has]
                size = lambda: self.mtu_size - 3  # noqa: E731
                found.add_characteristic(
                    BleakGATTCharacteristic(item, item.handle, _text(item.uuid), names, size, entry)
                )
        return found

    def _on_disconnection(self, reason: int) -> None:
        was_connected = self.is_connected
        self._connection = self._peer = self.services = None
        if was_connected and self._disconnected_callback:
            self._disconnected_callback()

    async def disconnect(self) -> None:
        if self._connection:
            with contextlib.suppress(ProtocolError, BleakError), _as_bleak_errors():
                await self._connection.disconnect()

    async def read_gatt_char(self, characteristic: BleakGATTCharacteristic, **_: Any) -> bytearray:
        with _as_bleak_errors():
            return bytearray(await characteristic.obj.read_value())

    async def write_gatt_char(self, characteristic: BleakGATTCharacteristic, data: Any, response: bool) -> None:
        with _as_bleak_errors():
            await characteristic.obj.write_value(bytes(data), with_response=response)

    async def start_notify(self, characteristic: BleakGATTCharacteristic, callback: Any, **_: Any) -> None:
        with _as_bleak_errors():
            await characteristic.obj.subscribe(lambda value: callback(bytearray(value)))

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        with _as_bleak_errors():
            await characteristic.obj.unsubscribe()

    async def pair(self, *_: Any, **__: Any) -> None:
        raise BleakError("the virtual radio does not pair")

    unpair = pair

    async def read_gatt_descriptor(self, *_: Any, **__: Any) -> bytearray:
        raise BleakError("the virtual radio does not list descriptors")

    write_gatt_descriptor = read_gatt_descriptor
