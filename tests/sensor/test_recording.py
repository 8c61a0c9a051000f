"""Recordings: round trips in both spellings, and one clear line for everything that is not one."""

from __future__ import annotations

import dataclasses
import json
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sensor.devices.reference import DRIVER, info_of
from sensor.driver import Packet
from sensor.errors import RecordingError
from sensor.motion import Still, simulate
from sensor.recording import Meta, Recording, labels_path, read_labels, read_recording, recording_from_packets
from sensor.recording import write_recording
from sensor.samples import STANDARD_GRAVITY, Raw, Samples

ACC, GYR = 8 * STANDARD_GRAVITY / 32768, np.radians(1000) / 32768
SCALE = {"acc_mps2_per_lsb": ACC, "gyr_rads_per_lsb": GYR}
EXTRA = {"scale": SCALE, "consent": ["x"]}
META = Meta("a band", 100.0, "ankle", "left", "hip_abduction", "2026-03-01T10:00:00Z", EXTRA)
SIDECAR = {
    "device": "Xsens MTx", "sample_rate_hz": 25, "placement": "ankle", "side": "right", "exercise": "hip_abduction",
    "started_at": "2013-01-01T00:00:00Z", "units": {"time": "s", "acc": "m/s^2", "gyr": "rad/s"}, "mood": "good",
}  # fmt: skip
CSV = "time,acc_x,acc_y,acc_z,gyr_x,gyr_y,gyr_z\n0.00,0,0,9.8,0,0.1,0\n0.04,0,0,9.8,0,0.1,0\n0.08,0,0,9.8,0,0.1,0\n"
IN_TMP = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)


def put(folder: Path, text: str = CSV, **sidecar: object) -> Path:
    path = folder / "rec.csv"
    path.write_text(text)
    path.with_suffix(".json").write_text(json.dumps(SIDECAR | sidecar))
    return path


@st.composite
def banded(draw) -> Recording:
    """What a band might have sent: any counts near one g, gaps, reboots, unknown host times."""
    n = draw(st.integers(2, 60))
    counts = draw(hnp.arrays(np.int16, (n, 6), elements=st.integers(-900, 900)))
    counts[:, 2] += 4096
    steps = draw(hnp.arrays(np.int64, n, elements=st.sampled_from([10_000, 10_000, 10_000, 10_001, 30_000])))
    steps[: n // 2 + 1] = 10_000
    t_us = np.cumsum(steps)
    segment = np.cumsum(draw(hnp.arrays(np.int16, n, elements=st.sampled_from([0, 0, 0, 1])))).astype(np.int16)
    segment -= segment[0]
    origin = draw(hnp.arrays(np.int64, 61, elements=st.integers(-(10**9), 10**13)))
    seq, host = (draw(hnp.arrays(kind, n, elements=st.integers(-1, 2**31 - 1))) for kind in (np.int32, np.int64))
    flags = draw(hnp.arrays(np.uint8, n))
    raw = Raw(counts, seq, t_us + origin[segment], host, segment, flags)
    return Recording(Samples(t_us / 1e6, counts[:, :3] * ACC, counts[:, 3:] * GYR, raw), META)


def same_meaning(a: Recording, b: Recording) -> None:
    """Equal within half a count and half a microsecond."""
    assert len(a.samples) == len(b.samples)
    assert np.abs(a.samples.t - b.samples.t).max() <= 0.5e-6
    assert np.abs(a.samples.acc - b.samples.acc).max() <= ACC / 2
    assert np.abs(a.samples.gyr - b.samples.gyr).max() <= GYR / 2
    for key in ("device", "sample_rate_hz", "placement", "side", "exercise", "started_at"):
        assert getattr(a.meta, key) == getattr(b.meta, key)
    assert b.meta.extra["consent"] == a.meta.extra["consent"]


# Round trips


@given(recording=banded())
@IN_TMP
def test_parquet_keeps_every_bit(recording: Recording, tmp_path: Path) -> None:
    write_recording(tmp_path / "a.parquet", recording)
    back = read_recording(tmp_path / "a.parquet")
    same_meaning(recording, back)
    for name in Raw.__dataclass_fields__:
        assert np.array_equal(getattr(back.samples.raw, name), getattr(recording.samples.raw, name))
    write_recording(tmp_path / "b.parquet", back)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


@given(recording=banded())
@IN_TMP
def test_parquet_to_csv_to_parquet_loses_only_what_csv_cannot_say(recording: Recording, tmp_path: Path) -> None:
    a, b, c = tmp_path / "a.parquet", tmp_path / "b.csv", tmp_path / "c.parquet"
    write_recording(a, recording)
    write_recording(b, read_recording(a))
    same_meaning(recording, read_recording(b))
    write_recording(c, read_recording(b))
    back = read_recording(c)
    same_meaning(recording, back)
    assert np.array_equal(back.samples.raw.counts, recording.samples.raw.counts)
    lost = pq.read_table(c)
    assert all(lost[name].null_count == len(lost) for name in ("packet_seq", "t_host_ns", "segment"))
    assert back.samples.raw.packet_seq.max() == -1 == back.samples.raw.t_host_ns.max()


def test_csv_to_parquet_to_csv_on_real_people(recordings: Path, tmp_path: Path) -> None:
    for path in sorted((recordings / "uci_pte").glob("*abduction.csv")):
        real = read_recording(path)
        assert real.meta.sample_rate_hz == 25 and real.meta.side == "right" and len(real.samples) > 5000
        write_recording(tmp_path / "a.parquet", real)
        exact = read_recording(tmp_path / "a.parquet")
        write_recording(tmp_path / "b.csv", exact)
        back = read_recording(tmp_path / "b.csv")
        scale = exact.meta.extra["scale"]
        assert np.abs(back.samples.acc - real.samples.acc).max() <= scale["acc_mps2_per_lsb"] / 2 + 1e-6
        assert np.abs(back.samples.gyr - real.samples.gyr).max() <= scale["gyr_rads_per_lsb"] / 2 + 1e-6
        assert np.allclose(back.samples.t, real.samples.t, atol=1e-6)
        assert read_labels(labels_path(path))[0].block == "correct"


def test_packets_become_a_recording(tmp_path: Path) -> None:
    """Byte-exact packets with a repeated, a lost and a broken one, and a reboot of the band."""
    info = DRIVER.encode_info(info_of(boot_id=1))
    rng = np.random.default_rng(1)
    counts = rng.integers(-3000, 3000, (40, 10, 6)).astype(np.int16)

    def packet(i: int, boot: int) -> tuple[int, bytes]:
        fields = Packet(0, i, (4_294_000_000 + i * 100_000) % 2**32, boot, 100, counts[i])
        return 10**15 + i * 10**8, DRIVER.encode_packet(fields)

    wire = [packet(i, 1) for i in range(20) if i != 7] + [packet(i, 2) for i in range(20, 40)]
    wire[5:5] = [wire[4], (10**15, b"noise")]
    made = recording_from_packets(DRIVER, info, wire, META)
    assert len(made.samples) == 390
    assert made.meta.extra["coverage"] == {"duplicates": 1, "lost_packets": 1, "malformed": 1}
    write_recording(tmp_path / "a.parquet", made)
    back = read_recording(tmp_path / "a.parquet")
    assert np.abs(back.samples.t - made.samples.t).max() <= 0.5e-6
    assert np.array_equal(back.samples.raw.counts, np.delete(counts, 7, axis=0).reshape(-1, 6))
    assert set(back.samples.raw.segment) == {0, 1}
    assert np.array_equal(back.samples.acc, made.samples.acc)
    assert back.meta.extra["coverage"]["lost_packets"] == 1
    table = pq.read_table(tmp_path / "a.parquet")
    assert np.flatnonzero(np.diff(table["sample_index"].to_numpy()) == 11).tolist() == [69]


def test_a_csv_with_more_columns_in_any_order_in_other_units(tmp_path: Path) -> None:
    text = 'gyr_z,note,time,acc_z,acc_y,acc_x,gyr_x,gyr_y\r\n90,"a, b",5.00,1,0,0,0,0\r\n\r\n90,,5.04,1,0,0,0,0\r\n'
    path = put(tmp_path, text, units={"time": "s", "acc": "g", "gyr": "deg/s"})
    found = read_recording(path)
    assert found.samples.t.tolist() == [5.0, 5.04]
    assert found.samples.acc[0] == pytest.approx([0, 0, STANDARD_GRAVITY])
    assert found.samples.gyr[0] == pytest.approx([0, 0, np.pi / 2])
    assert found.meta.extra == {"mood": "good"}


def test_what_is_given_wins(tmp_path: Path) -> None:
    path = put(tmp_path)
    found = read_recording(path, exercise=None, side="left", placement="thigh", units="m/s^2,deg/s", rate=26)
    assert found.meta == Meta("Xsens MTx", 26, "thigh", "left", None, SIDECAR["started_at"], {"mood": "good"})
    assert found.samples.gyr[0, 1] == pytest.approx(np.radians(0.1))
    path.with_suffix(".json").unlink()
    everything = dict(exercise="e", side="left", placement="thigh", units="m/s^2,rad/s", rate=25)
    assert read_recording(path, **everything).meta == Meta(None, 25, "thigh", "left", "e")
    for name in everything:
        with pytest.raises(RecordingError, match="rec.json, which does not exist"):
            read_recording(path, **{key: value for key, value in everything.items() if key != name})


def test_reading_csv_does_not_import_pyarrow_or_scipy(tmp_path: Path) -> None:
    code = (
        "import sys; from sensor.recording import *; "
        f"r = read_recording({str(put(tmp_path))!r}); write_recording({str(tmp_path / 'x.csv')!r}, r); "
        "print([m for m in ('pyarrow', 'scipy') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


# Bad input


def refused(path: Path, match: str, **given: object) -> None:
    with pytest.raises(RecordingError, match=match) as caught:
        read_recording(path, **given)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        (CSV, "", "empty"),
        (CSV, "\n", "empty"),
        (CSV, CSV.splitlines()[0] + "\n", "too short .*at least 2 rows, got 0"),
        (CSV, "\n".join(CSV.splitlines()[:2]), "too short .*got 1"),
        ("gyr_z", "gyr_w", "column gyr_z is missing"),
        ("gyr_z", "gyr_y", "column gyr_y is there twice"),
        (",", ";", "column time is missing"),
        ("0.04,0,0", "0.04,zero,0", "bad acc_x in row 3 .*got 'zero'"),
        ("0.04,0,0", "0.04,,0", "bad acc_x in row 3 .*got ''"),
        ("0.08,0,0,9.8", "0.08,0,0,nan", "bad acc_z in row 4 .*got 'nan'"),
        ("0.08,0,0,9.8", "0.08,0,0,-inf", "bad acc_z in row 4"),
        ("0.04,0,0,9.8,0,0.1,0", "0.04,0,0", "row 3 .* cut short"),
        ("0.08,", "0.03,", "time runs backwards in row 4 .*more than 0.040000, got 0.030000"),
        ("0.08,", "0.04,", "time repeats in row 4"),
        ("\n0.08,", "\n\n0.04,", "time repeats in row 5"),
        ("9.8", "1.0", "acceleration .* not in the units"),
        ("9.8", "0.01", "acceleration .* not in the units"),
        ("0.08,0,0", "0.08,0,1e300", "acceleration .* not in the units"),
        ("0.08", "8e300", "time .* out of range in row 4"),
        (",0.1,", ",100,", "angular velocity .* not in the units"),
        ("0.0", "0.00", "time .* does not fit the sample rate"),
    ],
)
def test_bad_csv_is_named_in_one_line(old: str, new: str, match: str, tmp_path: Path) -> None:
    refused(put(tmp_path, CSV.replace(old, new)), match)


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"placement": "head"}, "bad placement .*ankle | thigh | pelvis, got 'head'"),
        ({"side": "both"}, "bad side"),
        ({"side": None}, "bad side"),
        ({"exercise": 3}, "bad exercise"),
        ({"sample_rate_hz": 0}, "bad sample_rate_hz"),
        ({"sample_rate_hz": "fast"}, "bad sample_rate_hz"),
        ({"sample_rate_hz": True}, "bad sample_rate_hz"),
        ({"started_at": "yesterday"}, "bad started_at"),
        ({"units": "SI"}, "bad units"),
        ({"units": {"time": "s", "acc": "furlong", "gyr": "rad/s"}}, "unknown unit of acc .*got 'furlong'"),
        ({"units": {"time": "ms", "acc": "g", "gyr": "rad/s"}}, "unknown unit of time"),
        ({"units": {"time": "s", "acc": "g"}}, "unknown unit of gyr"),
    ],
)
def test_bad_sidecars_are_named_in_one_line(wrong: dict[str, object], match: str, tmp_path: Path) -> None:
    refused(put(tmp_path, **wrong), match)


def test_what_is_not_a_sidecar_or_a_file(tmp_path: Path) -> None:
    path = put(tmp_path)
    for text, match in (("{", "not JSON"), ("[]", "wanted a JSON object"), ("{}", "units missing"), ("[" * 99999, "not JSON")):
        path.with_suffix(".json").write_text(text)
        refused(path, match)
    path.with_suffix(".json").write_bytes(b"\xff\xfe\x00")
    refused(path, "not JSON")
    refused(tmp_path / "none.csv", "does not exist")
    refused(tmp_path, "is a directory")
    refused(tmp_path / "x\0.csv", "cannot read")
    refused(tmp_path / ("x" * 300 + ".csv"), "cannot read")
    (tmp_path / "a.txt").write_text("hello")
    refused(tmp_path / "a.txt", "unknown kind of recording .*wanted .csv or .parquet, got '.txt'")
    refused(put(tmp_path), "bad units", units="g")
    refused(put(tmp_path), "unknown unit of gyr", units="g,rpm")


@given(text=st.text(st.sampled_from('0123456789.,-+e\n\r"nai \0é'), max_size=200))
@IN_TMP
def test_any_text_after_the_header_is_numbers_or_refused(text: str, tmp_path: Path) -> None:
    path = put(tmp_path, CSV + text)
    try:
        read_recording(path)
    except RecordingError as error:
        assert "\n" not in str(error)


# Writing


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_a_full_disk_leaves_what_was_there(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    write_recording(path, simulate([Still(1)]).recording)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    long = simulate([Still(60)]).recording
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, limits[1]))
    try:
        with pytest.raises(RecordingError, match=f"cannot write .*{name}"):
            write_recording(path, long)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_unwritable_targets_are_named(tmp_path: Path) -> None:
    recording = simulate([Still(1)]).recording
    (tmp_path / "folder.csv").mkdir()
    for target, match in (
        (tmp_path / "none" / "a.csv", "cannot write"),
        (tmp_path / "folder.csv", "cannot write"),
        (tmp_path / "a.wav", "unknown kind of recording"),
        (tmp_path / "a", "unknown kind of recording .*no ending"),
    ):
        with pytest.raises(RecordingError, match=match):
            write_recording(target, recording)
    with pytest.raises(RecordingError, match="at least 2 samples, got 0"):
        write_recording(tmp_path / "a.csv", dataclasses.replace(recording, samples=Samples.empty()))
    assert [file.name for file in tmp_path.iterdir()] == ["folder.csv"]
