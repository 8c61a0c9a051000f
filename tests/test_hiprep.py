"""Every verb, as a person or a script uses it."""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

import hiprep
from processing.exercises import EXERCISES
from sensor.devices import DRIVERS
from sensor.recording import read_labels, read_recording
from server.run import running
from server.settings import Settings

ROOT = Path(__file__).parents[1]
HIPREP = Path(sys.executable).with_name("hiprep")
GOLDEN = Path(__file__).parent / "recordings"
FAST = 60  # times life: as fast as the virtual radio goes, and no faster than the computer does
VERBS = (
    "scan", "doctor", "record", "live", "pair", "sync", "replay", "evaluate", "simulate", "convert", "devices", "exercises", "serve",
    "reprocess", "backup", "restore", "demo",
)  # fmt: skip

# CONTRACT.md, word for word.
NUMBER, MAYBE = (int, float), (int, float, type(None))
SESSION = {
    "schema": str, "exercise": (str, type(None)), "side": str, "placement": str, "duration_s": NUMBER, "samples": int,
    "coverage": NUMBER, "gaps": list, "sets": list, "reps": list, "quality": dict,
    "summary": dict,
}  # fmt: skip
SET = {
    "set": int, "exercise": str, "side": str, "reps": int, "start_s": NUMBER, "end_s": NUMBER,
    "not_counted": int, "rest_before_s": MAYBE, "fatigue": (dict, type(None)), "numbers": dict,
}  # fmt: skip
REP = {
    "set": int, "rep": int, "exercise": str, "counted": bool, "flags": list, "start_s": NUMBER, "peak_s": NUMBER,
    "end_s": NUMBER, "counted_s": NUMBER, "rom_deg": NUMBER, "hip_rom_deg": MAYBE, "terminal_rotation_deg": MAYBE,
    "concentric_s": NUMBER, "hold_s": NUMBER, "eccentric_s": NUMBER, "sparc": NUMBER, "compensated": bool,
    "compensation": list, "deviation_deg": NUMBER, "pelvis_deg": MAYBE,
    "time_under_tension_s": NUMBER,
}  # fmt: skip


def is_like(found: dict, shape: dict) -> bool:
    return found.keys() == shape.keys() and all(isinstance(found[key], kind) for key, kind in shape.items())


@contextlib.contextmanager
def started(*arguments: object, **options: object) -> Iterator[subprocess.Popen]:
    """The command in a process of its own, which does not outlive the test."""
    command = [HIPREP, *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
    with subprocess.Popen(command, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


def finished(*arguments: object, **options: object) -> tuple[int, str, str]:
    with started(*arguments, **options) as process:
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err


@pytest.fixture
def session(run, person: Path) -> dict:
    return json.loads(run("replay", person / "person.csv", "--json").out)


# Looking round


def test_help_of_every_verb_is_complete() -> None:
    choices = next(a for a in hiprep._parser()._actions if isinstance(a, argparse._SubParsersAction)).choices
    assert tuple(choices) == VERBS
    for verb, parser in choices.items():
        assert parser.description and all(action.help for action in parser._actions), verb


@pytest.mark.parametrize("arguments", [["--help"], *([verb, "--help"] for verb in VERBS)], ids=" ".join)
def test_help_is_printed(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        hiprep.main(arguments)
    out, err = capsys.readouterr()
    assert ended.value.code == 0 and out.startswith("usage: hiprep") and not err


@pytest.mark.skipif(not (ROOT / "README.md").exists(), reason="needs README.md")
@pytest.mark.parametrize("verb", VERBS)
def test_the_readme_shows_every_verb(verb: str) -> None:
    assert re.search(rf"\bhiprep {verb}\b", (ROOT / "README.md").read_text())


@pytest.mark.skipif(not (ROOT / "README.md").exists(), reason="needs README.md")
@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_readme_shows_every_exercise(exercise: str) -> None:
    assert f"| `{exercise}` |" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("device", DRIVERS)
def test_the_readme_shows_every_device(device: str) -> None:
    rate = f"{DRIVERS[device].rate_hz:g} Hz"
    assert re.search(rf"^\| `{device}` \|.* {rate} \|", (ROOT / "README.md").read_text(), re.M)


@pytest.mark.parametrize(
    ("source", "device", "says"),
    [
        ("virtual:hip_abduction", "fitbit", "unknown device model"),
        ("file:x.csv", "witmotion", "--device is a band's"),
        ("ble:x", "fitbit", "unknown device model"),
    ],
)
def test_a_device_that_cannot_be(refused, source: str, device: str, says: str) -> None:
    assert says in refused("live", source, "--device", device, "--exercise", "auto", "--side", "left")


def test_live_of_a_bought_band(run) -> None:
    told = ["--device", "polar-verity-sense", "--exercise", "hip_abduction", "--side", "right", "--speed", FAST, "--json"]
    done = run("live", "virtual:hip_abduction", *told)
    assert (done.status, done.err) == (0, "")
    assert [one["reps"] for one in json.loads(done.out)["sets"]] == [10]


def test_devices_and_exercises(run) -> None:
    for verb, known in (("devices", DRIVERS), ("exercises", EXERCISES)):
        done = run(verb)
        assert (done.status, done.err) == (0, "")
        assert [line.split("\t")[0] for line in done.out.splitlines()] == list(known)


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux, where Bluetooth is behind D-Bus and can be hidden")
@pytest.mark.parametrize(
    "arguments",
    [
        ["scan", "--seconds", "1"],
        ["live", "ble:hiprep-1", "--exercise", "auto", "--side", "left"],
        ["record", "ble:hiprep-1", "x.csv", "--side", "left", "--placement", "ankle"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_without_an_adapter(arguments: list[str], tmp_path: Path) -> None:
    nothing = os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={tmp_path / 'none'}"}
    status, out, err = finished(*arguments, env=nothing, cwd=tmp_path)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("hiprep: no Bluetooth on this computer") and not list(tmp_path.iterdir())


# Recordings


def test_simulate_writes_the_full_columns(run, person: Path) -> None:
    with (person / "person.labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert ",".join(rows[0]) == (
        "start_s,end_s,set,exercise,counted,rom_deg,terminal_rotation_deg,compensated,kind,pelvis_deg,block"
    )
    assert len(rows) == 4 and all(row["rom_deg"] and row["pelvis_deg"] for row in rows)
    sidecar = json.loads((person / "person.json").read_text())
    assert sidecar["units"] == {"time": "s", "acc": "m/s^2", "gyr": "rad/s"}
    assert (sidecar["side"], sidecar["exercise"]) == ("left", "hip_abduction")


def test_simulate_is_the_same_for_the_same_seed(run, tmp_path: Path) -> None:
    plan = "--exercise hip_internal_rotation --sets 1 --reps 2 --partials 0.5 --sensor cheap".split()
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        assert run("simulate", tmp_path / f"{name}.parquet", "--seed", seed, *plan) == (0, "", "")
    a, b, c = ((tmp_path / f"{name}.parquet").read_bytes() for name in "abc")
    assert a == b != c
    assert (tmp_path / "a.labels.csv").read_bytes() == (tmp_path / "b.labels.csv").read_bytes()


def test_convert_there_and_back(run, person: Path, tmp_path: Path) -> None:
    first = read_recording(person / "person.csv")
    assert run("convert", person / "person.csv", tmp_path / "b.parquet") == (0, "", "")
    assert run("convert", tmp_path / "b.parquet", tmp_path / "c.csv") == (0, "", "")
    last = read_recording(tmp_path / "c.csv")
    scale = first.meta.extra["scale"]
    np.testing.assert_allclose(last.samples.t, first.samples.t, atol=1e-6)
    np.testing.assert_allclose(last.samples.acc, first.samples.acc, atol=scale["acc_mps2_per_lsb"] / 2)
    np.testing.assert_allclose(last.samples.gyr, first.samples.gyr, atol=scale["gyr_rads_per_lsb"] / 2)
    for name in ("device", "sample_rate_hz", "placement", "side", "exercise", "started_at"):
        assert getattr(last.meta, name) == getattr(first.meta, name)


@pytest.mark.parametrize(("suffix", "device"), [("csv", "hiprep-band"), ("parquet", "hiprep-band"), ("parquet", "polar-verity-sense")])
def test_record_a_virtual_band(run, suffix: str, device: str, tmp_path: Path) -> None:
    out = tmp_path / f"out.{suffix}"
    told = ["--side", "left", "--placement", "thigh", "--speed", FAST, "--device", device]
    assert run("record", "virtual:hip_internal_rotation", out, *told) == (0, "", "")
    replayed = json.loads(run("replay", out, "--json").out)
    assert [one["reps"] for one in replayed["sets"]] == [10]
    assert (replayed["exercise"], replayed["side"], replayed["placement"]) == ("hip_internal_rotation", "left", "thigh")
    assert replayed["coverage"] == pytest.approx(1, abs=1e-3) and replayed["gaps"] == []
    meta = read_recording(out).meta
    assert meta.device == device and meta.extra["coverage"]["lost_packets"] == 0


@pytest.mark.parametrize("device", ["hiprep-band", "movella-dot"])
def test_record_two_virtual_bands_of_one_person(run, device: str, tmp_path: Path) -> None:
    told = ["virtual:hip_external_rotation", tmp_path / "leg.parquet", "--pelvis", "virtual:hip_external_rotation"]
    assert run("record", *told, "--side", "left", "--speed", FAST, "--device", device) == (0, "", "")
    pelvis = read_recording(tmp_path / "leg.pelvis.parquet").meta
    assert (pelvis.placement, pelvis.side, pelvis.device) == ("pelvis", "left", device)
    result = json.loads(run("replay", tmp_path / "leg.parquet", "--pelvis", tmp_path / "leg.pelvis.parquet", "--json").out)
    assert (result["sets"][0]["reps"], result["quality"]["pelvis_clock"]) == (10, "host")
    assert all(rep["pelvis_deg"] is not None for rep in result["reps"])


def test_two_bands_cannot_both_be_on_the_pelvis(refused) -> None:
    told = ["ble:a", "out.parquet", "--pelvis", "ble:b", "--side", "left", "--placement", "pelvis"]
    assert "wanted --placement ankle or thigh with --pelvis" in refused("record", *told)


def test_record_a_file_for_somebody_else(run, person: Path, session: dict, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    assert run("record", f"file:{person / 'person.parquet'}", out, "--exercise", "auto") == (0, "", "")
    assert read_recording(out).meta.exercise is None
    assert json.loads(run("replay", out, "--json", "--exercise", "hip_abduction").out)["sets"] == session["sets"]


def test_record_is_stopped_by_hand(tmp_path: Path) -> None:
    """What was recorded is written. A terminal shows how far it is."""
    ours, theirs = os.openpty()
    with started("record", "virtual:hip_abduction", tmp_path / "out.parquet", "--speed", 5, stderr=theirs) as process:
        shown = b""
        while b"1 s" not in shown:
            shown += os.read(ours, 1000)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    os.close(ours), os.close(theirs)
    assert len(read_recording(tmp_path / "out.parquet").samples) >= 50  # "1 s" is half a second or more


# Counting


def test_replay_prints_what_was_agreed(run, person: Path, session: dict) -> None:
    assert is_like(session, SESSION) and session["schema"] == "hiprep.session/1"
    assert all(is_like(one, SET) for one in session["sets"]) and all(is_like(rep, REP) for rep in session["reps"])
    assert (session["exercise"], session["side"], session["placement"]) == ("hip_abduction", "left", "ankle")
    assert [one["reps"] for one in session["sets"]] == [4] and [rep["rep"] for rep in session["reps"]] == [1, 2, 3, 4]
    for rep, label in zip(session["reps"], read_labels(person / "person.labels.csv"), strict=True):
        assert rep["start_s"] < rep["peak_s"] < rep["end_s"] and rep["counted_s"] < rep["end_s"] + 1.0
        assert abs(rep["start_s"] - label.start_s) < 0.5 and abs(rep["end_s"] - label.end_s) < 0.5
        assert rep["pelvis_deg"] is None and rep["hip_rom_deg"] is None
        phases = rep["concentric_s"] + rep["hold_s"] + rep["eccentric_s"]
        assert phases == pytest.approx(rep["end_s"] - rep["start_s"], abs=0.01)
        assert phases == pytest.approx(rep["time_under_tension_s"], abs=0.01)
    done = run("replay", person / "person.csv")
    assert (done.status, done.err) == (0, "") and "hip_abduction, 4 repetitions" in done.out


def test_both_spellings_say_the_same(run, person: Path, session: dict) -> None:
    """But for the last digit: a CSV's times and values are rounded."""
    text = run("replay", person / "person.parquet", "--json").out
    assert session == json.loads(text, parse_float=lambda digits: pytest.approx(float(digits), abs=1.1e-4))


def test_times_are_those_of_the_time_column(run, person: Path, session: dict, tmp_path: Path) -> None:
    with (person / "person.csv").open() as file:
        rows = list(csv.reader(file))
    later = [[f"{float(row[0]) + 1234.5:.6f}", *row[1:]] for row in rows[1:]]
    with (tmp_path / "later.csv").open("w", newline="") as file:
        csv.writer(file).writerows([rows[0], *later])
    shutil.copy(person / "person.json", tmp_path / "later.json")
    found = json.loads(run("replay", tmp_path / "later.csv", "--json").out)
    for rep, first in zip(found["reps"], session["reps"], strict=True):
        for key in ("start_s", "peak_s", "end_s", "counted_s"):
            assert rep[key] == pytest.approx(first[key] + 1234.5, abs=2e-3)
        assert rep["rom_deg"] == pytest.approx(first["rom_deg"], abs=0.01)
    assert found["duration_s"] == pytest.approx(session["duration_s"], abs=1e-3)


def test_flags_win_over_the_sidecar(run, person: Path) -> None:
    flags = ["--exercise", "auto", "--side", "right", "--placement", "thigh", "--rate", "101"]
    found = json.loads(run("replay", person / "person.csv", "--json", *flags).out)
    assert (found["exercise"], found["side"], found["placement"]) == (None, "right", "thigh")
    done = run("replay", person / "person.csv", "--units", "g,rad/s")
    assert done.status == 2 and "units" in done.err


def test_without_a_sidecar_everything_must_be_said(run, person: Path, session: dict, tmp_path: Path) -> None:
    shutil.copy(person / "person.csv", tmp_path)
    every = "--exercise hip_abduction --side left --placement ankle --units m/s^2,rad/s --rate 100".split()
    assert json.loads(run("replay", tmp_path / "person.csv", "--json", *every).out) == session
    for i in range(0, len(every), 2):
        done = run("replay", tmp_path / "person.csv", *every[:i], *every[i + 2 :])
        assert done.status == 2 and "missing in" in done.err and not done.out


def test_a_session_against_the_one_before(run, person: Path, session: dict, tmp_path: Path) -> None:
    (tmp_path / "before.json").write_text(json.dumps(session))
    mine = [rep["rom_deg"] for rep in session["reps"]]

    def change(*arguments: object) -> dict:
        found = json.loads(run("replay", person / "person.csv", "--json", *arguments).out)
        (one,) = found["summary"]["exercises"]
        return one["change"]

    assert change() is None
    same = change("--baseline", tmp_path / "before.json")
    assert [same["baseline_deg"], same["now_deg"]] == pytest.approx([np.median(mine)] * 2, abs=1e-3)
    assert same["change_deg"] == pytest.approx(0, abs=2e-4)  # the session before was written with four decimals
    assert same["mdc_deg"] is same["measurable"] is None  # of an abduction nobody knows
    less = change("--baseline", 60)
    assert less["change_deg"] == pytest.approx(np.median(mine) - 60, abs=1e-3)
    assert "less than the baseline's 60" in run("replay", person / "person.csv", "--baseline", 60).out


def test_a_baseline_that_will_not_do(refused, person: Path, session: dict, tmp_path: Path) -> None:
    recording = person / "person.csv"
    other = session | {"side": "right"}
    texts = {"other": json.dumps(other), "empty": "{}", "list": "[]", "torn": "{", "reps": json.dumps(session | {"reps": [1]})}
    for name, text in texts.items():
        (tmp_path / f"{name}.json").write_text(text)
    for name in (*texts, "missing"):
        assert "wanted" in refused("replay", recording, "--baseline", f"{name}.json")
    for text in ("0", "nan", "181", "nothing", "a.csv", "-5"):
        assert "--baseline" in refused("replay", recording, f"--baseline={text}")
    assert "--baseline" in refused("replay", recording, "--baseline", "30", "--exercise", "auto")


def test_evaluate(run) -> None:
    done = run("evaluate", GOLDEN, "--json")
    assert (done.status, done.err) == (0, "")
    table = json.loads(done.out)
    assert table.keys() == {path.stem for path in GOLDEN.glob("*.parquet")} | {"overall"}
    for name, row in table.items():
        each = 10 if name != "overall" else 10 * (len(table) - 1)
        assert (row["labelled"], row["counted"], row["missed"], row["false"]) == (each, each, 0, 0), name
        assert row["sets_exact"] and row["rom_error_deg"] < 3
        assert row["start_error_s"] < 0.3 and row["end_error_s"] < 0.3
    head, *rows = run("evaluate", GOLDEN).out.splitlines()
    assert head.split() == ["recording", *table["overall"]]
    assert [row.split()[0] for row in rows] == list(table)


def test_live(run) -> None:
    told = ["--exercise", "hip_external_rotation", "--side", "left"]
    done = run("live", "virtual:hip_external_rotation", *told, "--speed", FAST)
    assert (done.status, done.err) == (0, "")
    lines = done.out.splitlines()
    assert [int(line.split()[0]) for line in lines[:10]] == list(range(1, 11))
    assert lines[10] == "set 1 ended: 10 repetitions"
    assert lines[-1].startswith("set 1: hip_external_rotation, 10 repetitions")


def test_live_and_the_server_say_the_same(run, tmp_path: Path) -> None:
    with running(Settings(tmp_path, port=0)) as url:
        told = ["--exercise", "auto", "--side", "right", "--placement", "thigh", "--server", url, "--data", tmp_path]
        done = run("live", "virtual:hip_abduction", *told, "--speed", FAST, "--json")
        assert done.status == 0
        [stored] = httpx.get(f"{url}/api/v1/sessions").json()["sessions"]
        assert stored["ended_at"]
        there = httpx.get(f"{url}/api/v1/sessions/{stored['id']}").json()["result"]
    here = json.loads(done.out)
    assert here == there and [one["reps"] for one in here["sets"]] == [10]


def test_live_from_a_file_is_a_replay(run, person: Path, session: dict) -> None:
    told = ["--exercise", "hip_abduction", "--side", "left", "--json"]
    assert json.loads(run("live", f"file:{person / 'person.csv'}", *told).out) == session


def test_live_is_stopped_by_hand() -> None:
    told = ["--exercise", "auto", "--side", "left", "--speed", 5]
    with started("live", "virtual:hip_abduction", *told) as process:
        assert process.stdout.readline().split()[0] == "1"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "") and "hip_abduction" in out


# The server


def test_serve(run, tmp_path: Path) -> None:
    with started("serve", "--port", "0", "--data", tmp_path / "one") as process:
        url = process.stdout.readline().split()[-1]
        assert httpx.get(url).status_code == 200
        status, out, err = finished("serve", "--port", url.rpartition(":")[2], "--data", tmp_path / "two")
        assert (status, out, err.count("\n")) == (2, "", 1) and err.startswith("hiprep: port")
        assert not (tmp_path / "two").exists()
        status, out, err = finished("serve", "--port", "0", "--data", tmp_path / "one")
        assert (status, out, err.count("\n")) == (2, "", 1) and "in use" in err
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0 and "Traceback" not in err


# The process round it


def test_a_process_of_its_own(person: Path) -> None:
    status, out, err = finished("replay", person / "person.csv", "--json")
    assert (status, err) == (0, "") and is_like(json.loads(out), SESSION)
    status, out, err = finished("replay", person / "none.csv")
    assert (status, out, err.count("\n")) == (2, "", 1) and err.startswith("hiprep: ") and "Traceback" not in err


def test_nobody_reads_on(person: Path) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    status, _, err = finished("replay", person / "person.csv", "--json", stdout=theirs)
    os.close(theirs)
    assert (status, err) == (1, "")


def test_a_terminal_is_shown_how_far_it_is(person: Path) -> None:
    ours, theirs = os.openpty()
    status, out, _ = finished("replay", person / "person.csv", stderr=theirs)
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert status == 0 and "50 %" in shown and "%" not in out.replace("100.0 %", "")
