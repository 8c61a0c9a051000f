"""recording/1: exactly the agreed columns, and nothing hostile gets in."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sensor.errors import RecordingError
from sensor.motion import Still, simulate
from sensor.parquet_pages import inflated_bytes
from sensor.recording import read_recording, write_recording
from sensor.samples import STANDARD_GRAVITY, Samples

ACC, GYR = 8 * STANDARD_GRAVITY / 32768, np.radians(1000) / 32768
SCALE = {"acc_mps2_per_lsb": ACC, "gyr_rads_per_lsb": GYR}
COUNTS = ("acc_x", "acc_y", "acc_z", "gyr_x", "gyr_y", "gyr_z")


def test_parquet_is_recording_1(tmp_path: Path) -> None:
    made = simulate([Still(3)], exercise="hip_abduction")
    write_recording(tmp_path / "a.parquet", made.recording)
    file = pq.ParquetFile(tmp_path / "a.parquet")
    types = "int64 int16 int32 int64 int64 int64 int16 int16 int16 int16 int16 int16 uint8".split()
    names = [*"sample_index segment packet_seq t_device_us t_host_ns t_utc_ns".split(), *COUNTS, "flags"]
    assert [(field.name, str(field.type)) for field in file.schema_arrow] == list(zip(names, types, strict=True))
    for i in range(len(names)):
        column = file.metadata.row_group(0).column(i)
        assert column.compression == "ZSTD" and not column.has_dictionary_page
        assert "DELTA_BINARY_PACKED" in column.encodings and "PLAIN" not in column.encodings
    said = {key.decode(): json.loads(value) for key, value in file.metadata.metadata.items() if key != b"ARROW:schema"}
    assert said["format"] == "recording/1" and said["rate"] == 100 and said["side"] == "right"
    assert said["coverage"] == {"expected": 300, "received": 300, "gaps": 0}
    assert said["scale"] == pytest.approx(SCALE)


def test_thirty_minutes_are_small(tmp_path: Path) -> None:
    write_recording(tmp_path / "a.parquet", simulate([Still(1800)]).recording)
    assert (tmp_path / "a.parquet").stat().st_size < 2_000_000


def test_gaps_are_visible_in_the_index(tmp_path: Path) -> None:
    made = simulate([Still(3)])
    s = made.recording.samples
    keep = np.r_[0:50, 80:300]
    holed = Samples(s.t[keep], s.acc[keep], s.gyr[keep])
    write_recording(tmp_path / "a.parquet", dataclasses.replace(made.recording, samples=holed))
    table = pq.read_table(tmp_path / "a.parquet")
    assert table["sample_index"].to_pylist() == keep.tolist()
    assert np.flatnonzero(table["flags"].to_numpy()).tolist() == [50]


def refused(path: Path, match: str, **given: object) -> None:
    with pytest.raises(RecordingError, match=match) as caught:
        read_recording(path, **given)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500


def table(**change: pa.Array) -> pa.Table:
    """A small recording/1 table, as another program might write it; None drops a column."""
    n = 100
    columns = {"t_device_us": pa.array(range(0, n * 10_000, 10_000), pa.int64())}
    columns |= {name: pa.array([0] * n, pa.int16()) for name in ("acc_x", "acc_y", "gyr_x", "gyr_y", "gyr_z")}
    columns |= {"acc_z": pa.array([4096] * n, pa.int16())} | change
    said = {"format": "recording/1", "rate": 100, "placement": "ankle", "side": "left", "exercise": None}
    said["scale"] = SCALE
    made = pa.table({name: column for name, column in columns.items() if column is not None})
    return made.replace_schema_metadata({key: json.dumps(value) for key, value in said.items()})


def test_foreign_parquet_is_read(tmp_path: Path) -> None:
    pq.write_table(table(temp=pa.array([1.0] * 100, pa.float32())), tmp_path / "a.parquet")
    found = read_recording(tmp_path / "a.parquet")
    assert found.samples.acc[0] == pytest.approx([0, 0, STANDARD_GRAVITY])
    assert found.samples.t[-1] == pytest.approx(0.99)
    assert read_recording(tmp_path / "a.parquet", exercise="e", rate=101.0).meta.sample_rate_hz == 101


def int16(*values: int | None) -> pa.Array:
    return pa.array((values * 100)[:100], pa.int16())


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"acc_x": None}, "column acc_x is missing"),
        ({"acc_x": pa.array([0.0] * 100)}, "wrong type of acc_x .*wanted int16, got double"),
        ({"acc_x": pa.array(["x" * 999] * 100)}, "wrong type of acc_x"),
        ({"acc_x": int16(0, None)}, "nothing in a row of acc_x"),
        ({"heart": int16(0)}, "unknown column .*got 'heart'"),
        ({"t_device_us": pa.array([0] * 100, pa.int64())}, "time repeats in row 2"),
        ({"t_device_us": pa.array([5, *range(99)], pa.int64())}, "time runs backwards in row 2"),
    ],
)
def test_bad_columns_of_parquet(change: dict[str, pa.Array], match: str, tmp_path: Path) -> None:
    pq.write_table(table(**change), tmp_path / "a.parquet")
    refused(tmp_path / "a.parquet", match)


@pytest.mark.parametrize(
    ("key", "value", "match"),
    [
        ("format", b'"recording/9"', "wanted format recording/1, got 'recording/9'"),
        ("format", b"{", "bad metadata 'format' .*JSON"),
        ("scale", b"null", "scale missing"),
        ("scale", b'{"acc_mps2_per_lsb": -1, "gyr_rads_per_lsb": 1}', "bad scale"),
        ("scale", b"[]", "bad scale"),
        ("side", b'"top"', "bad side"),
        ("rate", b'"x"', "bad sample_rate_hz"),
        ("time_zero_us", b'["x"]', "bad time_zero_us"),
        ("time_zero_us", b"[]", "bad time_zero_us"),
        ("sha256", b'{"layout": "columns in order, little-endian, null as least", "hex": "00"}', "damaged"),
    ],
)
def test_bad_metadata_of_parquet(key: str, value: bytes, match: str, tmp_path: Path) -> None:
    made = table()
    pq.write_table(made.replace_schema_metadata(made.schema.metadata | {key.encode(): value}), tmp_path / "a.parquet")
    refused(tmp_path / "a.parquet", match)


def test_what_is_not_parquet(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_recording(path, simulate([Still(3)]).recording)
    whole = path.read_bytes()
    for wrong in (b"", b"PAR1", os.urandom(5000), whole[:-100], whole[:4000], b"PAR1" + bytes(500) + b"PAR1"):
        path.write_bytes(wrong)
        refused(path, "is not a Parquet file that can be read")
    with path.open("wb") as file:
        file.truncate((64 << 20) + 1)
    refused(path, "too large")


@given(at=st.floats(0, 1), byte=st.integers(0, 255))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
def test_a_flipped_byte_is_refused_or_harmless(at: float, byte: int, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.parquet", tmp_path / "bad.parquet"
    if not good.exists():
        write_recording(good, simulate([Still(3)]).recording)
    data = bytearray(good.read_bytes())
    data[int(at * (len(data) - 1))] = byte
    bad.write_bytes(data)
    try:
        found = read_recording(bad)
    except RecordingError as error:
        assert "\n" not in str(error)
    else:
        assert np.array_equal(found.samples.raw.counts, read_recording(good).samples.raw.counts)


def test_bombs_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    long = pa.table({"acc_x": pa.array(np.zeros(15_000_001, np.int16))})
    pq.write_table(long, path)
    assert path.stat().st_size < 1_000_000
    refused(path, "too many rows")
    text = pa.table({"acc_x": pa.DictionaryArray.from_arrays(pa.array(np.zeros(2_000_000, np.int32)), ["x" * 1000])})
    pq.write_table(text, path)
    refused(path, "wrong type of acc_x")


def test_a_bomb_whose_footer_lies_is_refused_by_its_pages(tmp_path: Path) -> None:
    n = 2_000_000
    zeros = {name: pa.array(np.zeros(n, np.int16)) for name in COUNTS}
    made = pa.table({"t_device_us": pa.array(np.zeros(n, np.int64))} | zeros)
    path = tmp_path / "a.parquet"
    pq.write_table(made, path, compression="zstd", use_dictionary=False, row_group_size=n)
    data = path.read_bytes()
    # 2 000 000 and 100 as zigzag varints of four bytes: the footer now promises 100 rows.
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    path.write_bytes(data[:footer] + data[footer:].replace(b"\x80\x92\xf4\x01", b"\xc8\x81\x80\x00"))
    file = pq.ParquetFile(path)
    assert file.metadata.num_rows == 100
    assert inflated_bytes(path.read_bytes(), 1 << 40) > n * 4 * 6
    refused(path, "inflates beyond its rows")
