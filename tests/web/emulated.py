"""A band in Chromium's own Bluetooth emulation (CDP), behind which one of our virtual peripherals answers.

The emulation connects, discovers, reads, writes and subscribes as on the air, and has no way to notify: a hook in the
page hands notifications to the characteristic that was subscribed. Services vanish at every disconnection.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

from playwright.async_api import Error

from sensor.devices import DRIVERS, reference
from sensor.driver import Message
from sensor.peripheral import BATTERY_PERCENT, NOTIFY, READ, WRITE, Peripheral
from sensor.ring import Ring
from sensor.samples import Samples
from sensor.virtual_band import packets

ADDRESS = "C0:FF:EE:00:00:01"
FLAG = "--enable-features=WebBluetooth"
HOOK = """(() => {
  const prototype = BluetoothRemoteGATTCharacteristic.prototype, start = prototype.startNotifications, subscribed = {};
  prototype.startNotifications = async function () {
    const answer = await start.call(this);
    subscribed[this.uuid] = this;
    return answer;
  };
  window.notify = (all) => {
    for (const [uuid, text] of all) {
      const data = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
      const one = subscribed[uuid];
      Object.defineProperty(one, "value", { value: new DataView(data.buffer), configurable: true });
      one.dispatchEvent(new Event("characteristicvaluechanged", { bubbles: true }));
    }
  };
})();"""


async def until(page: Any, condition: str, seconds: float = 60) -> Any:
    """What the condition is when it is true; the pages' own policy forbids Playwright's way, which is eval."""
    look = f"() => new Promise((go) => {{ const look = () => {{ const found = {condition}; found ? go(found) : setTimeout(look, 20); }}; look(); }})"
    async with asyncio.timeout(seconds):
        return await page.evaluate(look)


def long(uuid: str) -> str:
    return f"0000{uuid}-0000-1000-8000-00805f9b34fb" if len(uuid) == 4 else uuid


class ReferenceBand(Peripheral):
    """What VirtualBand is on the virtual radio."""

    name = "hiprep-1"
    table = {
        reference.SERVICE_UUID: {
            reference.DATA_UUID: (NOTIFY,),
            reference.CONTROL_UUID: (WRITE, "indicate"),
            reference.INFO_UUID: (READ,),
        }
    }

    def __init__(self, boot_id: int = 7) -> None:
        super().__init__()
        self.info, self.ring, self.asked = reference.info_of(boot_id), Ring(600), []

    def read(self, uuid: str) -> bytes:
        return reference.encode_info(self.info)

    def write(self, uuid: str, data: bytes) -> Iterable[tuple[str, bytes]]:
        command = reference.decode_command(data)
        self.asked.append((command.kind, *command.values))
        values = ()
        if command.kind in ("start", "stop"):
            self.streaming = command.kind == "start"
        elif command.kind == "replay":
            values = (self.ring.replay(*command.values),)
        elif command.kind == "ping":
            values = (0, self.info.boot_id)
        return [(reference.CONTROL_UUID, reference.encode_message(Message(command.kind, values, command.problem)))]

    def takes(self, samples: Samples) -> int:
        """What will be measured; how many packets that are."""
        self._coming = [packet for _, packet in packets(samples, reference.DRIVER, self.info)]
        self.many = len(self._coming)
        return self.many

    def measures(self, n: int) -> None:
        """The next n packets, into its ring."""
        for packet in self._coming[:n]:
            self.ring.put(packet)
        del self._coming[:n]

    def due(self) -> list[tuple[str, bytes]]:
        found = []
        while self.streaming and (packet := self.ring.take()):
            found.append((reference.DATA_UUID, reference.encode_packet(packet)))
        return found

    def play(self, samples: Samples) -> Iterator[tuple[float, str, bytes]]:
        self.measures(self.takes(samples))
        return ((0.0, uuid, data) for uuid, data in self.due())


def peripheral_of(name: str) -> Peripheral:
    return ReferenceBand() if name == "hiprep-band" else DRIVERS[name].peripheral()


class Air:
    """One band near one page. `async with`."""

    def __init__(self, page: Any, band: Peripheral) -> None:
        self.page, self.band = page, band
        self.connects = self.picks = True  # does the band answer, does the person choose it?
        self.battery = BATTERY_PERCENT  # the adopted service's
        self._answered: set[str] = set()
        self._ids: dict[str, str] = {}
        self._tasks: set[asyncio.Task] = set()

    async def __aenter__(self) -> Air:
        self._cdp = await self.page.context.browser.new_browser_cdp_session()
        await self.power("powered-on")
        self._hears = {
            "BluetoothEmulation.gattOperationReceived": lambda event: self._later(self._gatt(event)),
            "BluetoothEmulation.characteristicOperationReceived": lambda event: self._later(self._asked(event)),
        }
        for event, hear in self._hears.items():
            self._cdp.on(event, hear)
        self._prompts = await self.page.context.new_cdp_session(self.page)
        await self.page.add_init_script(HOOK)
        await self._prompts.send("DeviceAccess.enable")
        self._prompts.on("DeviceAccess.deviceRequestPrompted", lambda event: self._later(self._chosen(event)))
        return self

    async def __aexit__(self, *_: object) -> None:
        for event, hear in self._hears.items():
            self._cdp.remove_listener(event, hear)
        await asyncio.gather(*self._tasks)
        if self.page.context.browser.is_connected():
            await self._cdp.send("BluetoothEmulation.disable")
            await self._cdp.detach()

    async def power(self, state: str) -> None:
        """powered-on, powered-off, absent. A page that goes takes the emulated adapter with it."""
        with contextlib.suppress(Error):  # it was not on
            await self._cdp.send("BluetoothEmulation.disable")
        self.band.streaming = False
        await self._cdp.send("BluetoothEmulation.enable", {"state": state, "leSupported": True})
        services = [long(uuid) for uuid in self.band.table]
        known = {"address": ADDRESS, "name": self.band.name, "manufacturerData": [], "knownServiceUuids": services}
        if state == "powered-on":
            await self._cdp.send("BluetoothEmulation.simulatePreconnectedPeripheral", known)

    async def notify(self, values: Iterable[tuple[str, bytes]]) -> None:
        told = [(long(uuid), base64.b64encode(data).decode()) for uuid, data in values]
        if told:
            await self.page.evaluate("all => notify(all)", told)

    async def plays(self, samples: Samples) -> None:
        """As fast as the page takes it."""
        await self.notify((uuid, data) for _, uuid, data in self.band.play(samples))

    async def goes_on(self, n: int) -> None:
        """The reference band measures n packets and sends what is due."""
        self.band.measures(n)
        await self.notify(self.band.due())

    async def drop(self) -> None:
        """The link goes down."""
        self.band.streaming = False
        await self._cdp.send("BluetoothEmulation.simulateGATTDisconnection", {"address": ADDRESS})

    def _later(self, coroutine: Any) -> None:
        task = asyncio.ensure_future(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _chosen(self, event: dict) -> None:
        """The prompt comes again with every band that is found; a second answer is the browser's end."""
        if event["id"] in self._answered or not (event["devices"] or not self.picks):
            return
        self._answered.add(event["id"])
        if self.picks:
            told = {"id": event["id"], "deviceId": event["devices"][0]["id"]}
            return await self._prompts.send("DeviceAccess.selectPrompt", told)
        await self._prompts.send("DeviceAccess.cancelPrompt", {"id": event["id"]})

    async def _gatt(self, event: dict) -> None:
        code = 0
        if event["type"] == "disconnection":
            self.band.streaming = False
        if event["type"] == "connection" and not self.connects:
            code = 0x3E  # failed to be established
        if event["type"] == "discovery":
            self._ids.clear()
            table = dict(self.band.table)
            if self.band.adopted_battery:
                table["180f"] = {"2a19": (READ,)}
            for service, characteristics in table.items():
                made = await self._cdp.send("BluetoothEmulation.addService", {"address": ADDRESS, "serviceUuid": long(service)})
                for uuid, can in characteristics.items():
                    properties = {name: True for name in can}
                    told = {"serviceId": made["serviceId"], "characteristicUuid": long(uuid), "properties": properties}
                    id = (await self._cdp.send("BluetoothEmulation.addCharacteristic", told))["characteristicId"]
                    self._ids[id] = uuid
                    if NOTIFY in can or "indicate" in can:
                        cccd = {"characteristicId": id, "descriptorUuid": long("2902")}
                        await self._cdp.send("BluetoothEmulation.addDescriptor", cccd)
        answer = {"address": event["address"], "type": event["type"], "code": code}
        await self._cdp.send("BluetoothEmulation.simulateGATTOperationResponse", answer)

    async def _asked(self, event: dict) -> None:
        uuid, kind = self._ids[event["characteristicId"]], event["type"]
        answer, said = {"characteristicId": event["characteristicId"], "type": kind, "code": 0}, ()
        if kind == "read":
            value = bytes([self.battery]) if uuid == "2a19" else self.band.read(uuid)
            answer["data"] = base64.b64encode(value).decode()
            said = getattr(self.band, "unasked", ())
        elif kind == "write":
            said = list(self.band.write(uuid, base64.b64decode(event["data"])))
        await self._cdp.send("BluetoothEmulation.simulateCharacteristicOperationResponse", answer)
        await self.notify(said)
        if kind == "write" and isinstance(self.band, ReferenceBand):
            await self.notify(self.band.due())  # what was missed is sent without anybody's doing
