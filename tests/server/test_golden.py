"""R14: golden recordings, offline = live = any packet size = counted again."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest

from processing.tracker import Tracker
from sensor.devices import driver_named
from sensor.devices.reference import encode_info, info_of
from sensor.driver import Packet
from sensor.frames import Entry
from sensor.recording import Recording, read_recording
from server.service import Service
from server.settings import Settings
from server.store import sessions

FOLDER = Path(__file__).parents[1] / "recordings"
GOLDEN = sorted(path.stem for path in FOLDER.glob("*.parquet"))
SIZES = (1, 10, 19)  # samples a packet: the least, the usual, the most
BOOT = 1


def wire(recording: Recording, size: int) -> tuple[bytes, list[Entry]]:
    """What the reference band would have sent: its info, its packets of `size` samples."""
    rate = round(recording.meta.sample_rate_hz)
    info, samples = info_of(BOOT, rate), recording.samples
    counts = np.hstack([samples.acc / info.acc_mps2_per_lsb, samples.gyr / info.gyr_rads_per_lsb])
    counts = np.clip(np.rint(counts), -(2**15), 2**15 - 1).astype(np.int16)
    ticks = np.rint((samples.t - samples.t[0]) * rate).astype(np.int64) * (1_000_000 // rate)
    jumps = np.flatnonzero(np.diff(ticks) > 1_500_000 // rate) + 1
    encode, entries = driver_named("hiprep-band").encode_packet, []
    for first, last in zip([0, *jumps], [*jumps, len(ticks)], strict=True):  # no packet reaches over a gap
        for i in range(first, last, size):
            part = slice(i, min(i + size, last))
            packet = encode(Packet(0, len(entries) % 2**16, int(ticks[i]), BOOT, rate, counts[part]))
            entries.append(Entry(0, len(entries), int(ticks[part.stop - 1]) * 1000, packet))
    return encode_info(info), entries


def timeless(document: dict) -> dict:
    """Without what depends on when packets came."""
    document = copy.deepcopy(document)
    for rep in document["reps"]:
        del rep["counted_s"]
    return document


@pytest.mark.parametrize("name", GOLDEN)
async def test_offline_live_and_any_packet_size_are_one_result(tmp_path: Path, body: dict, name: str) -> None:
    golden = read_recording(FOLDER / f"{name}.parquet")
    meta = golden.meta
    leg = {"exercise": meta.exercise, "side": meta.side, "placement": meta.placement}
    service = Service.open(Settings(tmp_path))
    results = []
    for size in SIZES:
        info, entries = wire(golden, size)
        session, _ = await service.ingest.create(body | leg | {"info": info, "key": f"packets-of-{size}"})
        for at in range(0, len(entries), 1000):
            await service.ingest.put(session.id, entries[at : at + 1000])
        await service.ingest.end(session.id)
        await service.ingest.settle()
        live = service.store.read(sessions.result, session.number)
        session = service.store.read(sessions.find, session.id)
        again = service.recordings.count(session)
        assert (again.document, again.curve) == (live.document, live.curve)
        results.append(json.loads(live.document))

    service.recordings.export(session, tmp_path / "exported.parquet")
    exported = read_recording(tmp_path / "exported.parquet")
    for size in (7, 100):
        tracker = Tracker(**leg)
        for block in exported.samples.blocks(size):
            tracker.update(block)
        tracker.finish()
        results.append(tracker.result().as_json())
    await service.stop()
    assert sum(rep["counted"] for rep in results[0]["reps"]) == 10
    for result in results[1:]:
        assert timeless(result) == timeless(results[0])
