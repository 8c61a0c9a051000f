"""What all models share: the description of a model, and the way from numbered packets to samples."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from sensor.clock import Clock
from sensor.conversation import Ask, Conversation, Declined, Read
from sensor.errors import PacketError
from sensor.samples import Raw, Samples

# Flags of a sample in a recording (`Raw.flags`), whatever the band's own bits are.
GAP_BEFORE, ACC_CLIP, GYR_CLIP, CLOCK_STEP, REPLAYED, CALIBRATION = (1 << bit for bit in range(6))

# Packets kept back while an earlier one is missing, and for how long at least: 0.8 s at ten packets a second is what a
# repetition's count may wait for, and enough to ask for the missing one; a replay's come faster. No source.
REORDER_WINDOW, REORDER_NS = 8, 800_000_000
HELD_MOST = 1200  # packets: two minutes of them
SEQ_TURN = 1 << 16


@dataclass(frozen=True, slots=True)
class Info:
    """What a band says about its stream. `rate_hz` nominal; ranges as full scale."""

    rate_hz: float
    acc_range_g: int
    gyr_range_dps: int
    acc_mps2_per_lsb: float
    gyr_rads_per_lsb: float
    boot_id: int


class Packet(NamedTuple):
    """One notification, taken apart. `flags` are the constants above; counts (n, 6) int16."""

    flags: int
    seq: int  # modulo 2^16
    t_us: int  # of the first sample, modulo 2^32
    boot_id: int
    rate_hz: float
    counts: np.ndarray


class Message(NamedTuple):
    """What the control point carries: a command, the answer to one, or the event `ended`."""

    kind: str
    values: tuple[int, ...] = ()
    problem: str | None = None  # of an answer: what the band did not like


def adopted(number: str) -> str:
    """A 16-bit UUID of the Bluetooth SIG's, in full."""
    return f"0000{number}-0000-1000-8000-00805f9b34fb"


def silent(data: bytes) -> Message:
    """Of a model that says nothing unasked."""
    raise PacketError(f"nobody asked for this (wanted no message, got {data[:20].hex() or 'nothing'})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """One model of band, as a value: adding a model is adding a file in sensor/devices/.

    What the rest needs to know; everything else about a model stays in its file. A packet is one notification of
    `data_uuid`, whatever it holds; `info` is bytes from which, with the packets alone, a decoder can be made years later.
    `check_packet` raises PacketError exactly where the decoder's `feed` does, and depends on nothing but the bytes.

    talk: "hello" () -> info, of a band that nobody has started; "start" (what `decode_info` made of it); "stop" ();
    and what else a model can: "replay" (number), "ping" (), "identify" ().
    """

    name: str
    title: str
    tier: str  # how far it is proven
    clock: str  # how good its timestamps are
    rate_hz: float
    # An advertisement is of this model when it has a service that only this model advertises, or a name with one of these
    # words in it. What others advertise too says nothing, but a scan can look for it.
    advertises: tuple[str, ...] = ()
    advertises_too: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    service_uuid: str
    data_uuid: str
    control_uuid: str
    answer_uuid: str | None = None  # what the band answers on; None: it does not
    battery_uuid: str | None = None  # whose first byte is the charge in percent; None: the adopted one
    firmware: tuple[str, Callable[[bytes], str | None]] | None = None  # where it says its version; None: in Device Information
    packet_bytes: int  # what one notification must be able to carry
    packet_samples: int
    decode_info: Callable[[bytes], Any]
    encode_info: Callable[[Any], bytes]
    check_packet: Callable[[bytes], object]
    talk: Mapping[str, Callable[..., Conversation]]
    decode_message: Callable[[bytes], Message] = silent  # what comes unasked on `answer_uuid`
    new_decoder: Callable[..., AnyDecoder]  # (driver, info bytes, keep_raw=)
    peripheral: Callable[..., Any] | None = None  # the model itself, for the virtual radio

    def decoder(self, info: bytes, *, keep_raw: bool = False) -> AnyDecoder:
        return self.new_decoder(self, info, keep_raw=keep_raw)

    @property
    def all_advertised(self) -> tuple[str, ...]:
        return self.advertises + self.advertises_too

    def is_seen_in(self, name: str, service_uuids: Collection[str]) -> bool:
        """May an advertisement with this name and these services be of this model?"""
        called = name.casefold()
        return any(uuid in service_uuids for uuid in self.advertises) or any(word.casefold() in called for word in self.names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaying(Driver):
    """A model that numbers its packets, keeps the last of them, and sends them again when it is asked to."""

    info_uuid: str
    buffer_s: float  # what the band keeps for a replay
    decode_packet: Callable[[bytes], Packet]
    encode_packet: Callable[[Packet], bytes]
    encode_message: Callable[[Message], bytes]
    decode_command: Callable[[bytes], Message]  # control point, host -> band
    commands: Mapping[str, Callable[..., bytes]]  # start(info), stop(), replay(seq), ping(), identify()


def talk_of(
    control_uuid: str,
    info_uuid: str,
    commands: Mapping[str, Callable[..., bytes]],
    decode_message: Callable[[bytes], Message],
) -> dict[str, Callable[..., Conversation]]:
    """The conversations of a model with an info characteristic and a control point that names what it answers."""

    def asking(kind: str) -> Callable[..., Conversation[Message]]:
        def is_answer(data: bytes) -> bool:
            try:
                return decode_message(data).kind == kind
            except PacketError:
                return False

        def ask(*values: Any) -> Conversation[Message]:
            message = decode_message((yield Ask(control_uuid, commands[kind](*values), is_answer)))
            if message.problem:
                raise Declined(message.problem)
            return message

        return ask

    def hello() -> Conversation[bytes]:
        return (yield Read(info_uuid))

    return {"hello": hello} | {kind: asking(kind) for kind in commands}


class AnyDecoder(Protocol):
    """Packets of one band, from its info on -> samples, in order, each once; and what became of the packets."""

    info: Any
    scale: Scale
    rate_hz: float
    received: int
    duplicates: int
    lost: int

    @property
    def segment(self) -> int: ...  # +1 at each reboot

    @property
    def gaps(self) -> list[tuple[float, float]]: ...  # holes in the samples, s

    @property
    def next_seq(self) -> int | None: ...  # what a band has to replay from; None: it cannot, or nothing came yet

    @property
    def held(self) -> int | None: ...  # the first packet that waits for an earlier one

    def feed(self, packet: bytes, host_ns: int) -> Samples: ...

    def flush(self) -> Samples: ...


class Scale(NamedTuple):
    acc_mps2_per_lsb: float
    gyr_rads_per_lsb: float


class Decoder:
    """Of a `Replaying` band.

    `received` counts packets handed on or held back, `duplicates` those that came again or too late,
    `lost` those that were given up. `gaps`: holes in the samples, s.
    """

    def __init__(self, driver: Replaying, info: bytes, *, keep_raw: bool = False) -> None:
        self.info = driver.decode_info(info)
        self.scale = Scale(self.info.acc_mps2_per_lsb, self.info.gyr_rads_per_lsb)
        self.rate_hz = self.info.rate_hz
        self.received = self.duplicates = self.lost = 0
        self._decode, self._keep_raw = driver.decode_packet, keep_raw
        self._clock = Clock()
        self._boot: int | None = None
        self._past_boots: set[int] = set()
        self._stepped = False  # the next sample is the first after a reboot
        self._next = 0  # the sequence number to hand on next, modulo 2^16
        self._held: dict[int, tuple[int, Packet, int]] = {}  # by seq: (unwrapped µs, packet, host_ns)
        self._handed_ns = 0  # when the packet that was handed on last had come
        self._steps = np.arange(256.0)
        self._scales = np.array(self.scale).reshape(2, 1, 1)

    @property
    def segment(self) -> int:
        return self._clock.segment

    @property
    def gaps(self) -> list[tuple[float, float]]:
        return self._clock.gaps

    @property
    def next_seq(self) -> int | None:
        """What a band has to replay from after a break: the first packet that is missing."""
        return None if self._boot is None else self._next

    @property
    def held(self) -> int | None:
        return min(self._held, key=lambda seq: (seq - self._next) % SEQ_TURN) if self._held else None

    def feed(self, packet: bytes, host_ns: int) -> Samples:
        """The samples that are now due: none for a repeated packet or while an earlier one is missing."""
        parsed = self._decode(packet)
        before = EMPTY
        if parsed.boot_id != self._boot:
            if parsed.boot_id in self._past_boots:
                self.duplicates += 1
                return EMPTY
            before = self._reboot(parsed, host_ns)
        clock, seq = self._clock, parsed.seq
        ticks = clock.unwrap(parsed.t_us, host_ns)
        if clock.seconds(ticks) <= clock.last or seq in self._held:
            self.duplicates += 1
            return before
        self.received += 1
        if seq == self._next and not self._held:
            samples = self._samples(ticks, parsed, host_ns)
            return samples if before is EMPTY else Samples.concat((before, samples))
        self._held[seq] = (ticks, parsed, host_ns)
        return Samples.concat([before, *self._due(host_ns)])

    def flush(self) -> Samples:
        """What was held back: nothing earlier will come."""
        return Samples.concat(self._due(None))

    def _reboot(self, packet: Packet, host_ns: int) -> Samples:
        rest = self.flush()
        if self._boot is not None:
            self._past_boots.add(self._boot)
            self._clock.reboot(host_ns, 1 / packet.rate_hz)
            self._stepped = True
        self._boot, self._next = packet.boot_id, packet.seq
        return rest

    def _waits(self, now_ns: int) -> bool:
        """Is what is missing before those that are held still to come?"""
        if len(self._held) <= REORDER_WINDOW:
            return True
        _, _, first_ns = next(iter(self._held.values()))
        return now_ns - max(first_ns, self._handed_ns) < REORDER_NS and len(self._held) < HELD_MOST

    def _due(self, now_ns: int | None) -> list[Samples]:
        """Hand on what is in order; of what is not (now_ns None: of everything) give up what is waited for in vain."""
        parts = []
        while self._held:
            if self._next not in self._held:
                if now_ns is not None and self._waits(now_ns):
                    break
                first = self.held
                self.lost += (first - self._next) % SEQ_TURN
                self._next = first
            ticks, packet, host_ns = self._held.pop(self._next)
            if self._clock.seconds(ticks) > self._clock.last:
                parts.append(self._samples(ticks, packet, host_ns))
            else:  # its clock contradicts its number
                self._next = (self._next + 1) % SEQ_TURN
                self.received -= 1
                self.lost += 1
        return parts

    def _samples(self, ticks: int, packet: Packet, host_ns: int) -> Samples:
        counts, period = packet.counts, 1 / packet.rate_hz
        t_first, gap = self._clock.accept(ticks, host_ns, len(counts), period)
        self._next, self._handed_ns = (packet.seq + 1) % SEQ_TURN, host_ns
        steps = self._steps[: len(counts)]
        # One multiplication for both, each of them contiguous afterwards: (2, n, 3).
        acc, gyr = np.multiply(counts.reshape(-1, 2, 3).transpose(1, 0, 2), self._scales, order="C")
        raw = None
        if self._keep_raw:
            raw = self._raw(ticks + np.rint(steps * (period * 1e6)).astype(np.int64), packet, host_ns, gap)
        return Samples(t_first + steps * period, acc, gyr, raw)

    def _raw(self, t_device_us: np.ndarray, packet: Packet, host_ns: int, gap: bool) -> Raw:
        n = len(t_device_us)
        flags = np.full(n, packet.flags, np.uint8)
        flags[0] |= (GAP_BEFORE if gap else 0) | (CLOCK_STEP if self._stepped else 0)
        self._stepped = False
        return Raw(
            packet.counts,
            np.full(n, packet.seq, np.int32),
            t_device_us,
            np.full(n, host_ns, np.int64),
            np.full(n, self._clock.segment, np.int16),
            flags,
        )


EMPTY = Samples.empty()
