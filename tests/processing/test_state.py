"""A count goes on from saved bytes as if nothing had happened, and no bytes bring code."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from people import person

import processing
from processing.errors import ProcessingError
from processing.exercises import EXERCISES, RECOGNISED
from processing.results import Event, SessionResult
from processing.tracker import Tracker
from sensor.samples import Samples

PACKET = 10
HOLES = {"none": (0, 0), "bridged": (700, 30), "long": (900, 120)}  # rows at 50 Hz: in a repetition


@cache
def packets(hole: str = "none") -> list[Samples]:
    """A short set of each exercise that is recognised; 50 Hz."""
    samples = person(list(RECOGNISED), reps=3, rest_s=10.0, lead_in_s=3.0, side="right", rate_hz=50.0, seed=11).recording.samples
    at, missing = HOLES[hole]
    keep = np.r_[0:at, at + missing : len(samples)]
    return list(Samples(samples.t[keep], samples.acc[keep], samples.gyr[keep]).blocks(PACKET))


def counted(tracker: Tracker, blocks: list[Samples]) -> list[Event]:
    return [event for block in blocks for event in tracker.update(block)]


@cache
def uninterrupted(exercise: str | None, hole: str) -> tuple[list[Event], SessionResult, tuple]:
    tracker = Tracker(exercise, "right")
    events = counted(tracker, packets(hole)) + tracker.finish()
    return events, tracker.result(), tracker.curve()


@settings(max_examples=40)
@given(
    st.sampled_from([None, *EXERCISES]),
    st.sampled_from(list(HOLES)),
    st.sets(st.integers(0, len(packets("long"))), min_size=1, max_size=3),
)
@example(None, "none", {0, 3})  # before the first sample; in the first second, which is held back
@example("hip_external_rotation", "bridged", {69, 70, 71})
@example("hip_external_rotation", "long", {89, 90, 91})
def test_a_count_goes_on_from_what_was_saved(exercise: str | None, hole: str, cuts: set[int]) -> None:
    tracker, events, at = Tracker(exercise, "right"), [], 0
    for cut in sorted(cuts):
        events += counted(tracker, packets(hole)[at:cut])
        data = tracker.save()
        tracker = Tracker.restored(data)
        assert tracker.save() == data
        at = cut
    events += counted(tracker, packets(hole)[at:]) + tracker.finish()
    assert (events, tracker.result(), tracker.curve()) == uninterrupted(exercise, hole)


@pytest.mark.parametrize("exercise", [None, *EXERCISES])
def test_every_moment_of_a_session_can_be_saved(exercise: str | None) -> None:
    """Fails when an attribute is of a type that cannot be stored: then teach processing/state.py that type."""
    tracker = Tracker(exercise, "right")
    for hole in ("none", "long"):
        later = packets(hole)
        shift = later[-1].t[-1] + 1.0 if tracker.live.t is not None else 0.0
        for i, block in enumerate(later):
            tracker.update(Samples(block.t + shift, block.acc, block.gyr))
            if i % 5 == 0:
                Tracker.restored(tracker.save())
    tracker.finish()
    Tracker.restored(tracker.save())


def test_another_process_goes_on(tmp_path: Path) -> None:
    half = len(packets()) // 2
    tracker = Tracker(None, "right")
    events = counted(tracker, packets()[:half])
    (tmp_path / "state").write_bytes(tracker.save())
    rest = Samples.concat(packets()[half:])
    np.savez(tmp_path / "rest.npz", t=rest.t, acc=rest.acc, gyr=rest.gyr)
    code = (
        "import json, sys; import numpy as np; from pathlib import Path;"
        "from processing.tracker import Tracker; from sensor.samples import Samples;"
        "tracker = Tracker.restored(Path('state').read_bytes()); rest = np.load('rest.npz');"
        f"[tracker.update(block) for block in Samples(rest['t'], rest['acc'], rest['gyr']).blocks({PACKET})];"
        "tracker.finish(); print(json.dumps(tracker.result().as_json()))"
    )
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path, env=env)
    _, result, _ = uninterrupted(None, "none")
    assert json.loads(done.stdout) == json.loads(json.dumps(result.as_json()))
    assert events


def test_one_object_stays_one_object() -> None:
    tracker = Tracker(None, "right")
    for block in packets():
        if tracker.update(block):
            break
    again = Tracker.restored(tracker.save())
    assert again._counters.index(again._counter) == tracker._counters.index(tracker._counter)
    assert [counter.exercise for counter in again._counters] == list(RECOGNISED.values())


@pytest.mark.parametrize("what", [print, lambda: None, Path(), object(), sys, np.array([object()]), np.random.default_rng()])
def test_what_cannot_be_stored_is_refused_when_it_is_saved(what: object) -> None:
    tracker = Tracker("hip_abduction", "left")
    tracker._more = [what]
    with pytest.raises(ProcessingError, match="cannot be stored"):
        tracker.save()


@cache
def bytes_of_a_repetition() -> bytes:
    tracker = Tracker("hip_abduction", "right")
    counted(tracker, packets()[:400])
    return tracker.save()


@given(st.data())
def test_damaged_bytes_are_refused_in_one_line(data: st.DataObject) -> None:
    whole = bytes_of_a_repetition()
    if data.draw(st.booleans()):
        damaged = whole[: data.draw(st.integers(0, len(whole) - 1))]
    else:
        at = data.draw(st.integers(0, len(whole) - 1))
        damaged = whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
    with pytest.raises(ProcessingError) as refused:
        Tracker.restored(damaged)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 200


def sealed(body: str | bytes, form: bytes = b"1-0") -> bytes:
    body = body if isinstance(body, bytes) else body.encode()
    return b"hiprep.state/1 %s %s\n" % (form, hashlib.sha256(body).hexdigest().encode()) + body


def spoiled(old: str, new: str) -> bytes:
    head, _, body = bytes_of_a_repetition().partition(b"\n")
    text = body.decode()
    assert old in text
    return sealed(text.replace(old, new, 1), head.split()[1])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hiprep.state/1",
        b"hiprep.state/2 1-0 0\n{}",
        sealed(""),
        sealed("null"),
        sealed("[]"),
        sealed('["object"]'),
        sealed('["@",0]'),
        sealed("[" * 100_000),
        sealed('["list",' * 5000 + "1" + "]" * 5000),
        sealed(b"\xff"),
        sealed('["object","os:system",{}]'),
        sealed('["object","processing.tracker:median",{}]'),
        sealed('["object","processing.tracker:Counter",{}]'),
        sealed('["object","processing.nothing:Tracker",{}]'),
        sealed('["object","processing.errors:ProcessingError",{}]'),
        sealed('["object","processing.tracker:Tracker",{}]'),
        sealed('["object","processing.tracker:Tracker",{"__class__":1}]'),
        sealed('["object","processing.results:Gap",{"start_s":1}]'),
        sealed('["named","processing.way:Point",1]'),
        sealed('["named","processing.counter:Found",1]'),
        sealed('["ndarray","|O",[1],[0],"AAAAAAAAAAA="]'),
        sealed('["ndarray","<f8",[1000000000000],[0],"AAAAAAAAAAA="]'),
        sealed('["ndarray","<f8",[1],[7],"AAAAAAAAAAA="]'),
        sealed('["array","d","AAA"]'),
        sealed('["vqf",[0,0,0],{},{}]'),
        sealed('["vqf",[0.01,0.01,0.01],{},{"gyrQuat":[1]}]'),
        sealed('["vqf",[0.01,0.01,0.01],{"tauAcc":-1},{}]'),
        sealed('["exercise","cycling"]'),
        spoiled('"gyrQuat":[', '"gyrQuat":[0,'),
        spoiled('"biasP":', '"biasQ":'),
        spoiled('"_side":"right"', '"_side":"middle"'),
        spoiled('"_side":"right"', '"_side":["@",0]'),
        spoiled('"_exercise":', '"_exorcise":'),
    ],
    ids=lambda data: str(data[:90]),
)
def test_forged_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ProcessingError) as refused:
        Tracker.restored(data)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 200


def test_another_version_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytes_of_a_repetition()
    monkeypatch.setattr(processing, "VERSION", "next")
    with pytest.raises(ProcessingError, match=r"other code \(wanted next-"):
        Tracker.restored(data)


def test_code_that_knows_more_of_a_tracker_refuses_what_knew_less(monkeypatch: pytest.MonkeyPatch) -> None:
    data, begin = bytes_of_a_repetition(), Tracker.__init__

    def knows_more(self: Tracker, *arguments: object) -> None:
        begin(self, *arguments)
        self._more = 0

    monkeypatch.setattr(Tracker, "__init__", knows_more)
    with pytest.raises(ProcessingError, match="other code"):
        Tracker.restored(data)
