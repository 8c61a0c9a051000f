"""`make bench`: how fast, as ratios within one run; absolute times depend on the machine."""

from __future__ import annotations

import asyncio
import gc
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from vqf import VQF

sys.path.insert(0, str(Path(__file__).parent / "sensor"))
from on_air import noise, on_air, rest_of, take
from sansio import material
from simulated_time import SimulatedLoop

from processing.exercises import RECOGNISED
from processing.tracker import Tracker
from sensor.band import BandClient
from sensor.devices import DRIVERS, driver_named
from sensor.devices.reference import info_of
from sensor.motion import session
from sensor.recording import write_recording
from sensor.samples import Samples
from sensor.spool import Spool
from sensor.uplink import Uplink
from sensor.virtual_adapter import virtual_adapter
from sensor.virtual_band import VirtualBand, packets
from sensor.virtual_radio import VirtualRadio

MINUTES, RATE_HZ, PACKET = 30, 100, 10
ROUNDS = 5
TRACKS = {name: exercise.track for name, exercise in RECOGNISED.items()}


def main() -> None:
    print(f"{MINUTES} min at {RATE_HZ} Hz in {PACKET}-sample packets; best of {ROUNDS} rounds taken in turn\n")
    for name in RECOGNISED:
        replay(name)
    live("hip_external_rotation")
    for name in DRIVERS:
        decode(name)
    asyncio.run(whole_stack())
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        runner.run(reconnect())
    process()
    with tempfile.TemporaryDirectory() as folder:
        uplink(Path(folder))


def replay(exercise: str) -> None:
    blocks = [Samples(b.t, np.ascontiguousarray(b.acc), np.ascontiguousarray(b.gyr)) for b in half_hour(exercise).blocks(PACKET)]
    vqf_s, tracker_s = best(lambda: orient(blocks), lambda: track(exercise, blocks))
    packet_us = 1e6 * tracker_s / len(blocks)
    row(f"replay, {exercise}", f"{tracker_s / vqf_s:5.2f} x VQF.updateBatch", f"{tracker_s:.3f} s, {packet_us:.1f} µs a packet")


def live(exercise: str) -> None:
    """A packet's way from the wire to the count, one by one, as a server does it."""
    driver = driver_named("hiprep-band")
    known = info_of(boot_id=1, rate_hz=RATE_HZ)
    info = driver.encode_info(known)
    made = packets(half_hour(exercise), driver, known)
    wire = [driver.encode_packet(packet._replace(seq=i % 2**16)) for i, (_, packet) in enumerate(made)]
    decoder, tracker, spent = driver.decoder(info), Tracker(exercise, "right"), []
    for i, packet in enumerate(wire):
        begin = time.perf_counter()
        tracker.update(decoder.feed(packet, i * 100_000_000))
        spent.append(time.perf_counter() - begin)
    spent.sort()
    middle, late = 1e6 * statistics.median(spent), 1e6 * spent[int(0.99 * len(spent))]
    sessions = len(wire) / sum(spent) / (RATE_HZ / PACKET)
    row("live, decode and count", f"{sessions:5.0f} sessions a core", f"{middle:.0f} µs a packet, p99 {late:.0f} µs")


def decode(name: str) -> None:
    """A minute of a model's packets to samples, at its own rate."""
    driver = driver_named(name)
    info, packets = material(name, seconds=60)

    def all_of_them() -> int:
        decoder = driver.decoder(info)
        return sum(len(decoder.feed(*packet)) for packet in packets) + len(decoder.flush())

    n, (took_s,) = all_of_them(), best(all_of_them)
    figures = f"{n / took_s:7.0f} samples/s, {1e6 * took_s / len(packets):.0f} µs a packet"
    row(f"decode, {name}", f"{100 * driver.rate_hz * took_s / n:5.2f} % of a core at {driver.rate_hz:g} Hz", figures)


async def whole_stack() -> None:
    """As fast as it goes: band, both host stacks, radio, bleak, client, samples; in this one process."""
    n, radio = 2000, VirtualRadio(speed=1e4)
    adapter = await virtual_adapter(radio)
    async with VirtualBand(radio, noise(n * PACKET), speed=1e4) as band, BandClient(band.address, backend=adapter) as client:
        begin = time.perf_counter()
        got = len(await rest_of(client, []))
        took_s = time.perf_counter() - begin
    assert got == n * PACKET and client.decoder.lost == 0
    row("virtual radio, band to samples", f"{n / took_s:5.0f} packets/s", f"{n / took_s * PACKET / RATE_HZ:.0f} x life")


async def reconnect() -> None:
    """From a break to the first sample after it, in the radio's own time: it depends on no computer."""
    waited = []
    async with on_air(noise(120_000)) as (radio, band, client, _), client:
        for i in range(100):
            await take(client, 750 + 7 * i % 100)  # with what waited in the band, more than the 5 s that make a break a first one
            begin = asyncio.get_running_loop().time()
            radio.break_links(band.device)
            await take(client, 1)
            waited.append(asyncio.get_running_loop().time() - begin)
        await take(client, 100)
    assert client.reconnects == 100 and client.decoder.lost == 0
    row("reconnect, 100 breaks", f"{statistics.median(waited):5.2f} s in the middle", f"worst {max(waited):.2f} s")


def process() -> None:
    """The command as a whole: start-up, reading, counting, printing; and its memory."""
    hiprep = str(Path(sys.executable).with_name("hiprep"))
    start_s = min(timed(lambda: run(hiprep, "exercises"))[0] for _ in range(3))
    with tempfile.TemporaryDirectory() as folder:
        for suffix in ("csv", "parquet"):
            path = Path(folder) / f"half-hour.{suffix}"
            write_recording(path, session(TRACKS, "hip_abduction", sets=20, rest_s=30.0, seed=1).recording)
            whole_s = min(timed(lambda path=path: run(hiprep, "replay", str(path), "--json"))[0] for _ in range(3))
            row(f"hiprep replay, {suffix}", f"{whole_s / start_s:5.2f} x start-up", f"{whole_s:.2f} s; start-up {start_s:.2f} s")
            row("", "", f"peak memory {peak_mb(hiprep, 'replay', str(path)):.0f} MB")


def uplink(folder: Path) -> None:
    """Half an hour into the spool, and from there to a server in a process of its own that stores and counts it."""
    driver, known = driver_named("hiprep-band"), info_of(boot_id=1, rate_hz=RATE_HZ)
    made = packets(half_hour("hip_external_rotation"), driver, known)
    wire = [driver.encode_packet(packet._replace(seq=i % 2**16)) for i, (_, packet) in enumerate(made)]
    told = {
        "key": "half-an-hour", "exercise": "hip_external_rotation", "side": "right", "placement": "ankle", "band": "b",
        "driver": driver.name, "info": driver.encode_info(known).hex(), "started_at": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    spool, spent = Spool(folder / "spool", told), []
    for i, packet in enumerate(wire):
        begin = time.perf_counter()
        spool.put(packet, i * 100_000_000)
        spent.append(time.perf_counter() - begin)
    spent.sort()
    share, late, most = sum(spent) / (MINUTES * 60), 1e6 * spent[int(0.99 * len(spent))], 1e3 * spent[-1]
    row("spool", f"{1e6 * share:5.0f} µs a second of life", f"{1e6 * statistics.median(spent):.0f} µs a packet, p99 {late:.0f} µs, most {most:.0f} ms")
    command = [str(Path(sys.executable).with_name("hiprep")), "serve", "--port", "0", "--data", str(folder / "server")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            took_s, held_s = asyncio.run(catch_up(spool, server.stdout.readline().split()[-1]))
        finally:
            server.kill()
    row("catch up, stored and counted", f"{MINUTES * 60 / took_s:5.0f} x life", f"{took_s:.1f} s; the client's event loop held for {1e3 * held_s:.0f} ms at most")


async def catch_up(spool: Spool, url: str) -> tuple[float, float]:
    """Seconds to the last acknowledgement; the longest that everybody else had to wait."""
    held = 0.0

    async def watch() -> None:
        nonlocal held
        while True:
            begin = time.perf_counter()
            await asyncio.sleep(0)
            held = max(held, time.perf_counter() - begin)
            await asyncio.sleep(0.001)

    async with Uplink(spool, url) as up:
        await up.opened()
        begin, watching = time.perf_counter(), asyncio.create_task(watch())
        while up.waiting:
            await asyncio.sleep(0.005)
        took = time.perf_counter() - begin
        watching.cancel()
        assert (await up.finish()).result["samples"] == spool.kept * PACKET
    spool.close()
    return took, held


def half_hour(exercise: str) -> Samples:
    made = session(TRACKS, exercise, sets=20, rest_s=30.0, side="right", rate_hz=float(RATE_HZ), band_turn_deg=50.0, seed=1)
    samples = made.recording.samples[: MINUTES * 60 * RATE_HZ]
    assert len(samples) > 0.95 * MINUTES * 60 * RATE_HZ, "the session is too short"
    return samples


def orient(blocks: Iterable[Samples]) -> None:
    vqf = VQF(1 / RATE_HZ)
    for block in blocks:
        vqf.updateBatch(block.gyr, block.acc)


def track(exercise: str, blocks: Iterable[Samples]) -> None:
    tracker = Tracker(exercise, "right")
    for block in blocks:
        tracker.update(block)
    tracker.finish()


def best(*jobs: Callable[[], None]) -> list[float]:
    """Least processor time of each, the jobs taken in turn so that a slow moment meets them all."""
    gc.collect()
    gc.freeze()
    took = [[timed(job)[1] for job in jobs] for _ in range(ROUNDS)]
    gc.unfreeze()
    return [min(column) for column in zip(*took, strict=True)]


def timed(job: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    job()
    return time.perf_counter() - wall, time.process_time() - processor


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def peak_mb(*command: str) -> float:
    code = (
        "import json, resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True);"
        "print(json.dumps(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))"
    )
    return json.loads(run(sys.executable, "-c", code, *command)) / (1024 if sys.platform == "linux" else 1024 * 1024)


def row(what: str, ratio: str, figures: str) -> None:
    print(f"{what:34} {ratio:30} {figures}", flush=True)


if __name__ == "__main__":
    main()
