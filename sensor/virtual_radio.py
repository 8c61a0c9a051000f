"""A Bluetooth radio in this process: real host stacks and link layer PDUs, no hardware.

Bumble brings both host stacks, the controllers and a link between them. Added here: connection events on
a fixed grid, flow control, and being out of range.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from typing import Any

from bumble import hci
from bumble.controller import Connection, Controller
from bumble.device import Device, DeviceConfiguration
from bumble.link import LocalLink

# What the reference band asks for (firmware_notes/connection.md).
CONNECTION_INTERVAL_S = 0.015
SUPERVISION_TIMEOUT_S = 3.0
MTU = 247
LINK_LAYER_BYTES = 251  # data length extension; Bumble's controllers start at 27
PDUS_PER_EVENT = 6  # what a phone lets through in one connection event. No source.
ADVERTISING_INTERVAL_MS = 20


class VirtualController(Controller):
    """Hands its data to the radio's next event and says `completed` when it went out, not before."""

    def __init__(self, name: str, radio: VirtualRadio) -> None:
        super().__init__(name, link=radio)
        self.radio = radio
        self.outbox: deque[tuple[Connection, hci.HCI_AclDataPacket]] = deque()
        self.le_acl_data_packet_length = self.supported_max_tx_octets = self.supported_max_rx_octets = LINK_LAYER_BYTES

    def on_hci_acl_data_packet(self, packet: hci.HCI_AclDataPacket) -> None:
        if connection := self.find_le_connection_by_handle(packet.connection_handle):
            self.outbox.append((connection, packet))
            self.radio.arm()

    def transmit(self, pdus: int) -> None:
        """One connection event. What meets a deaf ear stays in the outbox, as the link layer repeats it."""
        deaf = []
        while self.outbox and pdus:
            connection, packet = self.outbox.popleft()
            if self.le_connections.get(connection.peer_address) is not connection:
                continue
            if self.radio.hears(self, connection.peer_address):
                connection.on_hci_acl_data_packet(packet)
                pdus -= 1
            else:
                deaf.append((connection, packet))
        self.outbox.extendleft(reversed(deaf))

    def on_hci_le_create_connection_cancel_command(
        self, _: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        # Bumble 0.0.236 answers SUCCESS and keeps the attempt: no later one would be allowed.
        pending, self.pending_le_connection = self.pending_le_connection, None
        if pending is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        self.send_hci_packet(
            hci.HCI_LE_Connection_Complete_Event(
                status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
                connection_handle=0,
                role=hci.Role.CENTRAL,
                peer_address_type=pending.peer_address_type,
                peer_address=pending.peer_address,
                connection_interval=0,
                peripheral_latency=0,
                supervision_timeout=0,
                central_clock_accuracy=0,
            )
        )
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)


class VirtualRadio(LocalLink):
    """The air between controllers. `speed` runs its events faster than life."""

    def __init__(self, speed: float = 1.0) -> None:
        super().__init__()
        self.interval_s = CONNECTION_INTERVAL_S / speed
        self.supervision_timeout_s = SUPERVISION_TIMEOUT_S / speed
        self._away: dict[Controller, asyncio.TimerHandle] = {}
        self._event: asyncio.TimerHandle | None = None

    async def device(self, name: str, mtu: int = MTU) -> Device:
        """A host with its controller, switched on."""
        number = len(self.controllers) + 1
        controller = VirtualController(name, self)
        address = hci.Address(f"F0:F0:F0:F0:{number >> 8:02X}:{number & 255:02X}")
        config = DeviceConfiguration(
            name=name,
            address=address,
            advertising_interval_min=ADVERTISING_INTERVAL_MS,
            advertising_interval_max=ADVERTISING_INTERVAL_MS,
        )
        device = Device.from_config_with_hci(config, controller, controller)
        device.gatt_server.max_mtu = mtu
        await device.power_on()
        return device

    async def remove(self, device: Device) -> None:
        """Switched off: its links break, and it advertises no more."""
        self.break_links(device)
        await device.power_off()
        controller = _controller(device)
        for advertising in controller.advertising_sets.values():
            advertising.stop()
        self.controllers.discard(controller)

    # Range and interruptions

    def out_of_range(self, device: Device) -> None:
        """Nothing gets through; after the supervision timeout both ends lose the link."""
        controller = _controller(device)
        timer = asyncio.get_running_loop().call_later(self.supervision_timeout_s, self.break_links, device)
        self._away[controller] = timer

    def back_in_range(self, device: Device) -> None:
        self._away.pop(_controller(device)).cancel()
        self.arm()

    def break_links(self, device: Device) -> None:
        """End all links of a device as an interference would: both ends see a timeout."""
        controller = _controller(device)
        for one in tuple(self.controllers):
            for connection in tuple(one.le_connections.values()):
                # Also the half of a connection that only its initiator knows of.
                if one is controller or connection.peer_address == device.random_address:
                    one.on_le_disconnected(connection, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)

    def hears(self, sender: Controller, address: hci.Address) -> bool:
        return sender not in self._away and self.find_le_controller(address) not in self._away

    # Connection events: a fixed grid, as on a real link

    def arm(self) -> None:
        if self._event is None:
            loop = asyncio.get_running_loop()
            # Never the event that just was, whatever rounding says.
            next_event = math.floor(loop.time() / self.interval_s + 1 + 1e-6) * self.interval_s
            self._event = loop.call_at(next_event, self._connection_event)

    def _connection_event(self) -> None:
        self._event = None
        for controller in tuple(self.controllers):
            controller.transmit(PDUS_PER_EVENT)
        if any(controller.outbox for controller in self.controllers):
            self.arm()

    # What controllers ask of the link

    def send_acl_data(
        self, sender_controller: Controller, destination_address: hci.Address, transport: Any, data: bytes
    ) -> None:
        connection = sender_controller.le_connections.get(destination_address)
        target = self.find_le_controller(destination_address)
        if connection and target:
            asyncio.get_running_loop().call_soon(target.on_link_acl_data, connection.self_address, transport, data)

    def send_advertising_pdu(self, sender_controller: Controller, packet: Any) -> None:
        if sender_controller not in self._away:
            for controller in self.controllers - self._away.keys() - {sender_controller}:
                asyncio.get_running_loop().call_soon(controller.on_ll_advertising_pdu, packet)

    def send_ll_control_pdu(self, sender_address: hci.Address, receiver_address: hci.Address, packet: Any) -> None:
        sender, receiver = self.find_le_controller(sender_address), self.find_le_controller(receiver_address)
        if sender and receiver and not {sender, receiver} & self._away.keys():
            super().send_ll_control_pdu(sender_address, receiver_address, packet)


def _controller(device: Device) -> VirtualController:
    return device.host.hci_sink  # type: ignore[return-value]
