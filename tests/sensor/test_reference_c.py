"""The reference band in C, under the sanitizers: its bytes, its control point and its ring against ours."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensor.devices.reference import (
    ACC_RANGES_G,
    DRIVER,
    GYR_RANGES_DPS,
    PACKET_SAMPLES,
    RATES_HZ,
    encode_info,
    info_of,
)
from sensor.driver import ACC_CLIP, GAP_BEFORE, GYR_CLIP, Message, Packet
from sensor.samples import Samples
from sensor.virtual_band import VirtualBand, packets

ROOT = Path(__file__).parents[2]
C = ROOT / "firmware_notes" / "reference"
STRICT = "-std=c99 -Wall -Wextra -Werror -pedantic -Wconversion -Wshadow".split()
SANITIZED = "-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all".split()
MTU, BOOT = 247, 7

u16, u32 = st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1)
near_the_turn = st.sampled_from([0, 1, 2**16 - 1, 2**16 - 40, 2**16 - 200]) | u16
late_clocks = st.sampled_from([0, 2**32 - 1, 2**32 - 45_000, 2**32 - 3_000_000]) | u32


class Band:
    """Speaks to tests/sensor/band_runner.c."""

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def tell(self, *words: object) -> None:
        self._process.stdin.write(" ".join(map(str, words)) + "\n")

    def ask(self, *words: object) -> bytes:
        self.tell(*words)
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line.endswith("\n"), f"it stopped at {words[0]}: status {self._process.wait()}"
        return bytes.fromhex(line)

    def close(self) -> int:
        self._process.stdin.close()
        return self._process.wait()

    def init(self, slots: int = 600, seq: int = 0) -> None:
        self.tell("init", slots, BOOT, seq)

    def command(self, data: bytes, mtu: int = MTU, now_us: int = 0) -> bytes:
        return self.ask("command", mtu, now_us, len(data), data.hex(" "))

    def start(self, info) -> None:
        assert self.command(DRIVER.commands["start"](info)) == DRIVER.encode_message(Message("start"))

    def samples(self, packet: Packet) -> None:
        overrun, period_us = 4 * bool(packet.flags & GAP_BEFORE), round(1e6 / packet.rate_hz)
        self.tell("samples", len(packet.counts), overrun, packet.t_us, period_us, *packet.counts.ravel())

    def take(self, room: int = MTU - 3) -> bytes:
        data = self.ask("due", room)
        if data:
            self.tell("sent")
        return data


@pytest.fixture(scope="module")
def band(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Band]:
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc (Debian: apt-get install gcc libc6-dev)")
    program = tmp_path_factory.mktemp("band") / "band"
    sources = [C / "hiprep_band.c", Path(__file__).with_name("band_runner.c")]
    done = subprocess.run(["gcc", *STRICT, *SANITIZED, f"-I{C}", *sources, "-o", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    band = Band(program)
    yield band
    assert band.close() == 0  # no leak either


def clip_flags(counts: np.ndarray) -> int:
    """A count at its limit, as packet.md says it."""
    limit = (counts == 2**15 - 1) | (counts == -(2**15))
    return (ACC_CLIP if limit[:, :3].any() else 0) | (GYR_CLIP if limit[:, 3:].any() else 0)


@settings(max_examples=40)
@given(
    rate=st.sampled_from(list(RATES_HZ.values())),
    seq=near_the_turn,
    t_us=late_clocks,
    seed=u32,
    stream=st.lists(
        st.tuples(st.integers(1, PACKET_SAMPLES), st.booleans(), st.integers(0, 2**31)), min_size=40, max_size=100
    ),
)
def test_its_bytes_are_ours(band, rate, seq, t_us, seed, stream):
    """Some 2500 packets of any counts. A packet that is not full ends at a hole, of any length, or at the end."""
    rng = np.random.default_rng(seed)
    band.init(slots=1200, seq=seq)
    band.start(info_of(BOOT, rate))
    wanted, period = [], round(1e6 / rate)
    for i, (n, overrun, hole) in enumerate(stream):
        counts = rng.integers(-(2**15), 2**15, (n, 6)).astype(np.int16)
        counts[rng.random((n, 6)) < 0.02] = rng.choice([-(2**15), 2**15 - 1])
        flags = clip_flags(counts) | (GAP_BEFORE if overrun else 0)
        wanted.append(Packet(flags, (seq + i) % 2**16, t_us, BOOT, rate, counts))
        band.samples(wanted[-1])
        t_us = (t_us + n * period + 2 * period + hole) % 2**32
    band.tell("end")
    for packet in wanted:
        data = band.take()
        assert data == DRIVER.encode_packet(packet)
        got = DRIVER.decode_packet(data)
        assert got[:-1] == packet[:-1]
        np.testing.assert_array_equal(got.counts, packet.counts)
    assert band.take() == b""
    assert DRIVER.decode_message(band.ask("message")) == Message("ended", ((seq + len(wanted)) % 2**16,))


def test_info_and_start_for_every_rate_and_range(band):
    for rate, acc_g, gyr_dps in product(RATES_HZ.values(), ACC_RANGES_G, GYR_RANGES_DPS):
        band.init(slots=1200)
        assert band.ask("info") == encode_info(info_of(BOOT))
        info = info_of(BOOT, rate, acc_g, gyr_dps)
        band.start(info)
        assert band.ask("info") == encode_info(info)


def test_a_band_without_room_for_sixty_seconds_does_not_start(band):
    for rate, packets_wanted in (25, 150), (50, 300), (100, 600), (200, 1200):
        band.init(slots=packets_wanted - 1)
        assert DRIVER.decode_message(band.command(DRIVER.commands["start"](info_of(BOOT, rate)))).problem
        band.init(slots=packets_wanted)
        band.start(info_of(BOOT, rate))


def test_each_connection_hears_the_end_once_and_again_after_a_replay(band):
    start, ended = DRIVER.commands["start"](info_of(BOOT)), DRIVER.encode_message(Message("ended", (1,)))
    band.init()
    band.start(info_of(BOOT))
    band.samples(Packet(0, 0, 0, BOOT, 100, np.zeros((4, 6), np.int16)))
    band.tell("end")
    assert band.ask("message") == b""  # first what waits
    assert len(band.take()) == 12 + 4 * 12
    assert [band.ask("message") for _ in range(2)] == [ended, b""]
    band.command(DRIVER.commands["replay"](0))
    assert band.ask("message") == b"" and band.take()
    assert [band.ask("message") for _ in range(2)] == [ended, b""]
    band.tell("disconnected")
    assert band.ask("message") == b""
    band.command(start)
    assert [band.ask("message") for _ in range(2)] == [ended, b""]
    band.samples(Packet(0, 0, 10**6, BOOT, 100, np.zeros((10, 6), np.int16)))
    assert band.take() == b""  # nothing more is measured


def test_the_smallest_mtu(band):
    start = DRIVER.commands["start"](info_of(BOOT))
    for mtu, problem in ((23, "MTU too small"), (134, "MTU too small"), (135, None), (517, None)):
        band.init()
        assert DRIVER.decode_message(band.command(start, mtu)) == Message("start", problem=problem)
        band.samples(Packet(0, 0, 0, BOOT, 100, np.zeros((10, 6), np.int16)))
        assert bool(band.take()) == (problem is None)


def test_nothing_is_written_beyond_the_room_given(band):
    band.init()
    band.start(info_of(BOOT))
    band.samples(Packet(0, 0, 0, BOOT, 100, np.zeros((10, 6), np.int16)))
    assert [len(band.ask("due", room)) for room in range(DRIVER.packet_bytes)] == [0] * DRIVER.packet_bytes
    assert len(band.ask("due", DRIVER.packet_bytes)) == DRIVER.packet_bytes


def test_samples_are_packed_by_their_times(band):
    """Jitter does not end a packet, nor does the clock's turn; a missing sample does."""
    band.init()
    band.start(info_of(BOOT))
    for i, jitter in enumerate([0, 300, -300, 0, 0, 0, 0, 0, 0, 0, 0, 0]):
        band.tell("samples", 1, 0, (2**32 - 35_000 + 10_000 * i + jitter) % 2**32, 0, *[i] * 6)
    band.tell("samples", 1, 0, 95_000, 0, *[13] * 6)
    band.tell("end")
    got = [DRIVER.decode_packet(band.take()) for _ in range(3)]
    assert [packet.counts[:, 0].tolist() for packet in got] == [list(range(10)), [10, 11], [13]]
    assert [packet.t_us for packet in got] == [2**32 - 35_000, 65_000, 95_000]


RATE = 25  # sixty seconds are 150 packets: soon full


def recording() -> Samples:
    """Ten minutes with holes, and values beyond every range."""
    rng = np.random.default_rng(1)
    t = np.arange(600 * RATE) / RATE
    t = t[(rng.random(len(t)) > 0.01) | (t == 0)]
    return Samples(t, rng.normal(0, 80, (len(t), 3)), rng.normal(0, 15, (len(t), 3)))


# Those before a hole are not full and wait in the band for the next sample; here only those that it sends at once.
MADE = [packet for _, packet in packets(recording(), DRIVER, info_of(BOOT, RATE))]
POOL = [packet for packet in MADE if len(packet.counts) == PACKET_SAMPLES]
commands = st.one_of(
    u16.map(DRIVER.commands["replay"]),
    st.sampled_from([DRIVER.commands["start"](info_of(BOOT, rate)) for rate in (RATE, RATE, RATE, 100)]),
    st.sampled_from([DRIVER.commands[kind]() for kind in ("stop", "ping", "identify")]),
    st.binary(max_size=8),
)
steps = st.one_of(
    st.tuples(st.just("put"), st.integers(0, 200)),
    st.tuples(st.just("take"), st.integers(0, 200)),
    st.tuples(st.just("replay back"), st.integers(-5, 250)),
    st.tuples(st.just("command"), st.tuples(commands, st.sampled_from([23, 134, 135, 247]))),
    st.tuples(st.just("drop"), st.none()),
)


@settings(max_examples=80)
@given(seq=near_the_turn, clock=late_clocks, steps=st.lists(steps, max_size=25))
def test_its_answers_and_replays_are_the_virtual_bands(band, seq, clock, steps):
    """Packet for packet and byte for byte, whatever is commanded, measured, sent and dropped in between."""
    band.init(seq=seq)
    ours = VirtualBand(None, Samples.empty(), info=info_of(BOOT))
    link = SimpleNamespace(att_mtu=MTU)

    def command(data: bytes, mtu: int = MTU) -> None:
        link.att_mtu = mtu
        understood = DRIVER.decode_command(data)
        answer = understood if understood.problem else ours._answer(link, understood)
        assert band.command(data, mtu) == DRIVER.encode_message(answer)

    command(DRIVER.commands["start"](info_of(BOOT, RATE)))
    ours._ring.seq = seq
    left = iter(POOL)
    for kind, what in steps:
        if kind == "put":
            for packet, _ in zip(left, range(what), strict=False):
                packet = packet._replace(t_us=(packet.t_us + clock) % 2**32)
                ours._ring.put(packet)
                band.samples(packet)
        elif kind == "take":
            for _ in range(what):
                packet = ours._link and ours._ring.take()
                assert band.take() == (DRIVER.encode_packet(packet) if packet else b"")
                if not packet:
                    break
        elif kind == "replay back":
            command(DRIVER.commands["replay"]((ours._ring.seq - what) % 2**16))
        elif kind == "command":
            command(*what)
        else:
            ours._on_disconnection(0)
            band.tell("disconnected")


@settings(max_examples=10)
@given(
    seq=near_the_turn,
    clock=late_clocks,
    breaks=st.lists(
        st.tuples(st.integers(0, 100), st.integers(0, 6), st.integers(0, 300), st.booleans()), min_size=1, max_size=10
    ),
)
def test_ten_drops_of_thirty_seconds_lose_nothing(band, seq, clock, breaks):
    """Of each break: packets before it, how many of them the radio had taken and lost, packets while away, and does a
    reconnection fail after the first replayed packet. What our decoder makes of it is what it makes of no break."""
    counts = np.arange(5000 * 60).reshape(-1, 10, 6) % 60_000 - 30_000
    stream = [
        Packet(0, (seq + i) % 2**16, (clock + 100_000 * i) % 2**32, BOOT, 100, block.astype(np.int16))
        for i, block in enumerate(counts)
    ]
    info, start, made = encode_info(info_of(BOOT)), info_of(BOOT), 0
    decoder = DRIVER.decoder(info)
    got = []
    band.init(seq=seq)
    band.start(start)

    def measure(n: int) -> None:
        nonlocal made
        for packet in stream[made : made + n]:
            band.samples(packet)
        made += n

    def receive(most: int) -> None:
        while most and (data := band.take()):
            got.append(decoder.feed(data, made * 100_000_000))
            most -= 1

    def reconnect() -> None:
        if decoder.next_seq is not None:
            wanted = decoder.next_seq
            answer = DRIVER.decode_message(band.command(DRIVER.commands["replay"](wanted)))
            assert answer == Message("replay", (wanted,))
        band.start(start)

    for before, lost, away, fails in breaks:
        measure(before)
        receive(before - lost if before > lost else 0)
        for _ in range(lost):
            band.take()
        band.tell("disconnected")
        measure(away)
        assert band.take() == b""
        reconnect()
        if fails:
            receive(1)
            band.take()
            band.tell("disconnected")
            reconnect()
        receive(10**6)
    measure(1)
    receive(10**6)

    undisturbed = DRIVER.decoder(info)
    wanted = Samples.concat(
        [undisturbed.feed(DRIVER.encode_packet(packet), 100_000_000 * i) for i, packet in enumerate(stream[:made])]
    )
    samples = Samples.concat([*got, decoder.flush()])
    assert decoder.lost == 0 and decoder.duplicates == 0 and decoder.gaps == []
    for name in ("t", "acc", "gyr"):
        np.testing.assert_array_equal(getattr(samples, name), getattr(wanted, name))
