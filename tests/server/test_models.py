"""A session of every model: from its name, its info and its packets the server makes what a computer beside the band makes."""

from __future__ import annotations

import pytest

from processing.tracker import Tracker
from sansio import EXERCISE, MODELS, REPS, short_set, wire
from sensor.frames import Entry
from sensor.samples import Samples


@pytest.fixture(scope="module")
def samples() -> Samples:
    return short_set().samples


@pytest.mark.parametrize("name", MODELS)
def test_the_same_result_as_beside_the_band(client, samples, name) -> None:
    info, packets = wire(MODELS[name], samples)
    lost = range(len(packets) // 3, len(packets) // 3 + len(packets) // 50)  # a gap is the same gap on both sides
    packets = [packet for i, packet in enumerate(packets) if i not in lost]
    decoder, tracker = MODELS[name].decoder(info), Tracker(EXERCISE, "right", "ankle")
    for packet, ns in packets:
        tracker.update(decoder.feed(packet, ns))
    tracker.update(decoder.flush())
    tracker.finish()
    expected = tracker.result().as_json()
    told = {"driver": name, "info": info.hex(), "exercise": EXERCISE, "side": "right"}
    made = client.create(f"session-of-{name}", **told)
    client.send_all(made["id"], [Entry(0, i, ns, packet) for i, (packet, ns) in enumerate(packets)], size=256)
    stored = client.end(made["id"])
    assert stored["result"] == expected
    assert sum(rep["counted"] for rep in expected["reps"]) == REPS


@pytest.mark.parametrize("name", MODELS)
def test_what_is_no_info_is_refused(client, body, name) -> None:
    answer = client.post("/api/v1/sessions", json=body | {"driver": name, "info": "00112233"})
    assert answer.status_code == 422 and answer.json()["where"] == "body.info"
