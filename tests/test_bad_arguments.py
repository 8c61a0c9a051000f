"""Arguments, paths and disks that will not do: one line, status 2, nothing half-written."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HIPREP = Path(sys.executable).with_name("hiprep")
LEG = ("--exercise", "auto", "--side", "left")


# Paths


NAMES = ["none.csv", "none.parquet", "folder.csv", "person.txt", "person", "", "n" * 300 + ".csv", "a\nb.csv"]


@pytest.mark.parametrize("name", NAMES)
def test_no_such_recording(refused, name: str, tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "person.txt").write_text("hello")
    for arguments in (["replay", name], ["convert", name, "y.csv"], ["demo", name, "--once"]):
        assert "wanted" in refused(*arguments)
    for arguments in (["record", f"file:{name}", "y.csv"], ["live", f"file:{name}", *LEG]):
        assert "wanted" in refused(*arguments)


OUT = {
    "in a missing directory": "none/y.csv",
    "in a file": "y.txt/y.csv",
    "a directory": "folder.csv",
    "whose sidecar is a directory": "blocked.csv",
    "of an unknown kind": "y.xlsx",
    "of no kind": "y",
    "of nothing": "",
    "with a name too long": "n" * 300 + ".csv",
}


@pytest.mark.parametrize("out", OUT.values(), ids=OUT)
def test_nowhere_to_write(refused, person: Path, out: str, tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "blocked.json").mkdir()
    (tmp_path / "y.txt").touch()
    for arguments in (["record", f"file:{person / 'person.csv'}"], ["convert", person / "person.csv"], ["simulate"]):
        assert "wanted" in refused(*arguments, out)


def test_labels_that_cannot_be_written_leave_no_recording(refused, tmp_path: Path) -> None:
    (tmp_path / "y.labels.csv").mkdir()
    assert "y.labels.csv" in refused("simulate", "y.parquet", "--sets", "1", "--reps", "1")


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc, where not even root may make files")
def test_a_place_where_nobody_may_write(refused, person: Path) -> None:
    assert "cannot write /proc/y.csv" in refused("convert", person / "person.csv", "/proc/y.csv")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_disk_that_takes_no_more(person: Path, suffix: str, tmp_path: Path) -> None:
    """As the limit of a file's size, which everybody can set; what was there stays."""
    out = tmp_path / f"y.{suffix}"
    out.write_text("what was there")
    most = (4096, resource.getrlimit(resource.RLIMIT_FSIZE)[1])
    stop = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, most)  # noqa: E731
    for arguments in (["simulate"], ["convert", person / "person.csv"], ["record", f"file:{person / 'person.csv'}"]):
        done = subprocess.run([HIPREP, *arguments, out], capture_output=True, text=True, timeout=60, preexec_fn=stop)
        assert done.returncode == 2 and "cannot write" in done.stderr and done.stderr.count("\n") == 1
        assert [path.name for path in tmp_path.iterdir()] == [out.name] and out.read_text() == "what was there"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("needs root on Linux, to mount a small disk")
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", disk]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs the right to mount a small disk")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_full_disk(refused, run, person: Path, small_disk: Path) -> None:
    (small_disk / "y.csv").write_text("what was there")
    for arguments in (["simulate"], ["convert", person / "person.csv"], ["record", f"file:{person / 'person.csv'}"]):
        assert "No space left" in refused(*arguments, small_disk / "y.csv")
    assert "No space left" in refused("simulate", small_disk / "z.parquet")
    done = run("serve", "--port", "0", "--data", small_disk / "data")
    assert (done.status, done.out) == (2, "") and done.err.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_nowhere_to_print(person: Path) -> None:
    with open("/dev/full", "w") as full:
        command = [HIPREP, "replay", person / "person.csv", "--json"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 2 and "No space left" in done.stderr and done.stderr.count("\n") == 1


# Arguments


ARGUMENTS = """
|
juggle
--juggle
replay
replay a.csv b.csv
replay a.csv --juggle
replay a.csv --exercise juggling
replay a.csv --side middle
replay a.csv --placement wrist
replay a.csv --rate fast
replay a.csv --rate 0
replay a.csv --rate nan
scan --seconds letters
scan --seconds -1
record virtual:hip_abduction
record foo y.csv
record ble: y.csv
record ble:band y.csv
record ble:band y.csv --side left
record virtual: y.csv
record virtual:nope y.csv
record file: y.csv
record file:none.csv y.csv
record serial:0 y.csv
record virtual:hip_abduction y.csv --speed 0
record virtual:hip_abduction y.csv --speed -3
record virtual:hip_abduction y.csv --speed nan
record virtual:hip_abduction y.csv --speed inf
record virtual:hip_abduction y.csv --speed fast
record virtual:hip_abduction y.csv --seconds 0
live virtual:hip_abduction
live virtual:hip_abduction --exercise auto
live virtual:hip_abduction --side left
live virtual:hip_abduction --exercise juggling --side left
live virtual:hip_abduction --exercise auto --side left --placement pelvis
live virtual:hip_abduction --exercise auto --side left --server here
live virtual:hip_abduction --exercise auto --side left --server ftp://127.0.0.1
live virtual:hip_abduction --exercise auto --side left --server http://
live virtual:hip_abduction --exercise auto --side left --server http://127.0.0.1:99999
live virtual:hip_abduction --exercise auto --side left --data
live foo --exercise auto --side left
live ble: --exercise auto --side left
live virtual:nope --exercise auto --side left
sync everything
sync --server here
sync --server http://
simulate
simulate y.csv --exercise juggling
simulate y.csv --sets 0
simulate y.csv --sets 1.5
simulate y.csv --reps many
simulate y.csv --rest -1
simulate y.csv --rest 1e300
simulate y.csv --rate 1e9
simulate y.csv --rom nan
simulate y.csv --tempo 0
simulate y.csv --partials 1.1
simulate y.csv --compensations nan
simulate y.csv --band-turn nan
simulate y.csv --band-turn round
simulate y.csv --sensor none
simulate y.csv --placement wrist
simulate y.csv --exercise seated_knee_extension --placement thigh
simulate y.csv --seed -1
simulate y.csv --seed letters
convert
convert a.csv
evaluate
devices all
exercises all
serve --port 99999
serve --port -1
serve --port letters
serve --host 0.0.0.0
serve --host ::
serve --host example.org
serve --data y.txt
serve --data y.txt/data
demo --speed 0
demo --speed nan
demo --speed -1
demo --speed letters
demo --port 99999 --once
demo --port letters
demo none.csv --once
demo --placement pelvis --once
""".strip().splitlines()


@pytest.mark.parametrize("line", ARGUMENTS)
def test_arguments(refused, line: str, tmp_path: Path) -> None:
    (tmp_path / "y.txt").touch()
    refused(*line.replace("|", "").split())


def test_a_file_has_no_packets_to_send(refused, person: Path) -> None:
    told = ["--exercise", "auto", "--side", "left", "--server", "http://127.0.0.1:9"]
    assert "no packets to send" in refused("live", f"file:{person / 'person.csv'}", *told)


def test_a_recording_that_the_demo_cannot_count(refused, person: Path, sidecar, tmp_path: Path) -> None:
    shutil.copy(person / "person.csv", tmp_path / "x.csv")
    for change in ({"exercise": "juggling"}, {"placement": "pelvis"}):
        (tmp_path / "x.json").write_text(json.dumps(sidecar | change))
        assert "wanted" in refused("demo", "x.csv", "--once")


def test_a_database_that_is_none(refused, tmp_path: Path) -> None:
    (tmp_path / "data" / "recordings").mkdir(parents=True)
    (tmp_path / "data" / "lock").touch()
    (tmp_path / "data" / "hiprep.sqlite3").write_bytes(bytes(range(256)) * 40)
    assert "hiprep.sqlite3" in refused("serve", "--port", "0", "--data", "data")
