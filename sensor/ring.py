"""A band's ring buffer, as firmware_notes/buffer.md specifies it; firmware_notes/reference/ has it in C."""

from __future__ import annotations

from collections import deque

from sensor.driver import REPLAYED, SEQ_TURN, Packet


class Ring:
    """The last `capacity` packets, numbered as they come, and how far they are sent."""

    def __init__(self, capacity: int, seq: int = 0) -> None:
        self.seq = seq  # of the next packet, modulo 2^16
        self._packets: deque[Packet] = deque(maxlen=capacity)
        self._waiting = 0  # to be sent: that many of the newest
        self._fresh = 0  # never sent: that many of the newest; more waiting ones are repetitions

    def put(self, packet: Packet) -> None:
        self._packets.append(packet._replace(seq=self.seq))
        self.seq = (self.seq + 1) % SEQ_TURN
        self._waiting = min(self._waiting + 1, len(self._packets))
        self._fresh = min(self._fresh + 1, len(self._packets))

    def replay(self, seq: int) -> int:
        """Send from that packet on or, if it is gone, from the oldest that is left: its number."""
        self._waiting = min((self.seq - seq) % SEQ_TURN, len(self._packets))
        return (self.seq - self._waiting) % SEQ_TURN

    def take(self) -> Packet | None:
        """The packet to send next."""
        if not self._waiting:
            return None
        packet, again = self._packets[-self._waiting], self._waiting > self._fresh
        self._waiting -= 1
        self._fresh = min(self._fresh, self._waiting)
        return packet._replace(flags=packet.flags | REPLAYED) if again else packet
