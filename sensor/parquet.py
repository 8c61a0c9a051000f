"""The exact spelling of a recording: `recording/1` in Parquet, a row a sample, the band's own counts.

Columns, types and import limits are those of SCHEMA and below; metadata values are JSON. Time is
t_device_us less time_zero_us (metadata, one per segment; 0 where nobody says). sha256 covers the columns
in the order of SCHEMA, each its values in little-endian bytes with the type's least for null.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sensor.driver import GAP_BEFORE
from sensor.errors import RecordingError
from sensor.files import reading, replacing
from sensor.parquet_pages import inflated_bytes
from sensor.recording import META_KEYS, Recording, meta_of
from sensor.samples import STANDARD_GRAVITY, Raw, Samples

FORMAT = "recording/1"
COUNTS = ("acc_x", "acc_y", "acc_z", "gyr_x", "gyr_y", "gyr_z")
SCHEMA = pa.schema(
    [
        pa.field("sample_index", pa.int64(), nullable=False),
        pa.field("segment", pa.int16()),
        pa.field("packet_seq", pa.int32()),
        pa.field("t_device_us", pa.int64(), nullable=False),
        pa.field("t_host_ns", pa.int64()),
        pa.field("t_utc_ns", pa.int64()),
        *(pa.field(name, pa.int16(), nullable=False) for name in COUNTS),
        pa.field("flags", pa.uint8(), nullable=False),
    ]
)
NEEDED = ("t_device_us", *COUNTS)
# Columns that other writers may add; nothing here uses them. Only numbers of a fixed size.
OPTIONAL = {
    **{f"mag_{axis}": (pa.int16(), pa.float32()) for axis in "xyz"},
    **{f"quat_{axis}": (pa.int16(), pa.float32()) for axis in "wxyz"},
    "temp": (pa.int16(), pa.float32()),
}

# Import limits (SERVICE.md).
FILE_LIMIT = 64 << 20
ROW_LIMIT = 15_000_000
DECODED_LIMIT = 1 << 30
# What a page may inflate to beyond its rows' own size: levels, headers, padding of a delta block. No source.
PAGE_SLACK = 1 << 20
BATCH_ROWS = 1 << 16

DIGEST_LAYOUT = "columns in order, little-endian, null as least"
# Ranges that chips for bands have: the smallest that holds the data sets the size of a count.
ACC_RANGES_G = (2, 4, 8, 16, 32)
GYR_RANGES_DEG = (250, 500, 1000, 2000, 4000)
OWN_KEYS = ("format", "rate", "time_zero_us", "sha256", "axes")


def write(path: Path, recording: Recording) -> None:
    table, metadata = _table(recording)
    encoded = {key: json.dumps(value) for key, value in metadata.items()}
    buffer = io.BytesIO()
    pq.write_table(
        table.replace_schema_metadata(encoded),
        buffer,
        compression="zstd",
        compression_level=3,
        use_dictionary=False,
        column_encoding={name: "DELTA_BINARY_PACKED" for name in table.column_names},
    )
    with replacing(path) as [new]:
        new.write_bytes(buffer.getbuffer())


def read(path: Path, given: Mapping[str, Any]) -> Recording:
    with reading(path):
        size = path.stat().st_size
        if size > FILE_LIMIT:
            raise RecordingError(f"{path} is too large (wanted at most {FILE_LIMIT} bytes, got {size})")
        data = path.read_bytes()
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        _check_size(path, file, data)
        said = _metadata(path, file)
        columns = _columns(path, file)
    except (pa.ArrowException, OSError, OverflowError, ValueError) as error:
        problem = str(error).splitlines()[0][:100] if str(error) else type(error).__name__
        raise RecordingError(f"{path} is not a Parquet file that can be read (got: {problem})") from error
    _check_digest(path, columns, said.get("sha256"))
    scale = _scale(said.get("scale"), str(path))
    if scale is None:
        raise RecordingError(f"scale missing in {path} (wanted acc_mps2_per_lsb and gyr_rads_per_lsb)")
    if "rate" in said:
        said["sample_rate_hz"] = said["rate"]
    kept = {key: value for key, value in said.items() if key not in OWN_KEYS}
    if (zeros := said.get("time_zero_us")) is not None:
        kept["time_zero_us"] = zeros
    meta = meta_of(kept | given, str(path))
    # No look at gravity, as for CSV: the units are the format's, and what a band really sent must stay readable.
    return Recording(_samples(path, columns, scale, zeros), meta)


# Writing


def _table(recording: Recording) -> tuple[pa.Table, dict[str, Any]]:
    s, meta, extra = recording.samples, recording.meta, dict(recording.meta.extra)
    n, raw = len(s), s.raw
    scale = _scale(extra.get("scale"), "the recording")
    zeros = extra.pop("time_zero_us", None)
    if raw is None or scale is None:
        counts, scale = _quantised(s, scale)
        zero = zeros[0] if zeros else 0
        zeros = [zero]
        t_device = np.round(s.t * 1e6).astype(np.int64) + zero
        gap = np.diff(s.t, prepend=s.t[:1]) > 1.5 / meta.sample_rate_hz
        unknown = pa.nulls(n)
        segment = packet_seq = t_host = unknown
        flags = (gap * GAP_BEFORE).astype(np.uint8)
    else:
        counts, t_device, flags, segment = raw.counts, raw.t_device_us, raw.flags, raw.segment
        starts = np.flatnonzero(np.diff(segment, prepend=segment[:1] - 1))
        zeros = [0] * (int(segment.max()) + 1 if n else 1)
        for i in starts:
            zeros[segment[i]] = int(t_device[i]) - round(float(s.t[i]) * 1e6)
        packet_seq, t_host = (pa.array(values, mask=values < 0) for values in (raw.packet_seq, raw.t_host_ns))
    index = np.concatenate([[0], np.cumsum(np.maximum(1, np.rint(np.diff(s.t) * meta.sample_rate_hz)))])[:n]
    columns = [index.astype(np.int64), segment, packet_seq, t_device, t_host, pa.nulls(n), *counts.T, flags]
    arrays = [
        column.cast(kind.type) if isinstance(column, pa.Array) else pa.array(np.ascontiguousarray(column), kind.type)
        for column, kind in zip(columns, SCHEMA, strict=True)
    ]
    coverage = dict(extra.pop("coverage", None) or {})
    coverage |= {"expected": int(index[-1]) + 1 if n else 0, "received": n, "gaps": int((flags & GAP_BEFORE > 0).sum())}
    metadata = {"format": FORMAT, **{key: getattr(meta, key) for key in META_KEYS if key != "sample_rate_hz"}}
    metadata |= {"rate": meta.sample_rate_hz, "scale": dict(zip(SCALE_KEYS, scale, strict=True)), "time_zero_us": zeros}
    metadata |= {"axes": "right-handed, fixed in the housing; a sensor at rest reads +1 g upward", "coverage": coverage}
    metadata |= {key: value for key, value in extra.items() if key not in metadata}
    table = pa.Table.from_arrays(arrays, schema=SCHEMA)
    metadata["sha256"] = {"layout": DIGEST_LAYOUT, "hex": _digest(table)}
    return table, metadata


SCALE_KEYS = ("acc_mps2_per_lsb", "gyr_rads_per_lsb")


def _scale(said: Any, where: str) -> tuple[float, float] | None:
    if said is None:
        return None
    sizes = [said.get(key) for key in SCALE_KEYS] if isinstance(said, Mapping) else []
    good = len(sizes) == 2 and all(isinstance(size, int | float) and math.isfinite(size) and size > 0 for size in sizes)
    if not good:
        raise RecordingError(f"bad scale in {where} (wanted {' and '.join(SCALE_KEYS)} above 0, got {said!r:.80})")
    return float(sizes[0]), float(sizes[1])


def _quantised(s: Samples, scale: tuple[float, float] | None) -> tuple[np.ndarray, tuple[float, float]]:
    """Counts (n, 6) of samples that have none, and their sizes: as said if all fit, else of the narrowest range."""
    sizes = []
    for i, (values, ranges, unit) in enumerate(
        ((s.acc, ACC_RANGES_G, STANDARD_GRAVITY), (s.gyr, GYR_RANGES_DEG, np.pi / 180))
    ):
        most = float(np.abs(values).max(initial=0.0))
        fitting = [r * unit / 32768 for r in ranges if most <= r * unit * 32767 / 32768]
        if scale is not None and most <= scale[i] * 32768:
            fitting = [scale[i]]
        sizes.append(fitting[0] if fitting else most / 32767)
    counts = np.concatenate([np.rint(s.acc / sizes[0]), np.rint(s.gyr / sizes[1])], axis=1)
    return np.clip(counts, -32768, 32767).astype(np.int16), (sizes[0], sizes[1])


def _digest(table: pa.Table) -> str:
    found = hashlib.sha256()
    for field in SCHEMA:
        kind = field.type.to_pandas_dtype()
        column = table[field.name].combine_chunks().fill_null(int(np.iinfo(kind).min))
        found.update(np.asarray(column).astype(np.dtype(kind).newbyteorder("<")).tobytes())
    return found.hexdigest()


# Reading


def _check_size(path: Path, file: pq.ParquetFile, data: bytes) -> None:
    """Refuse what is not a recording, or would fill the memory, before anything is decoded."""
    known = {field.name: (field.type,) for field in SCHEMA} | OPTIONAL
    schema = file.schema_arrow
    for field in schema:
        if field.name not in known:
            raise RecordingError(f"unknown column in {path} (wanted those of {FORMAT}, got {field.name[:40]!r})")
        if field.type not in known[field.name]:
            wanted = known[field.name][0]
            raise RecordingError(f"wrong type of {field.name} in {path} (wanted {wanted}, got {field.type})")
    rows = file.metadata.num_rows
    width = sum(field.type.bit_width // 8 for field in schema)
    if rows > ROW_LIMIT or rows * width > DECODED_LIMIT:
        wanted = f"at most {ROW_LIMIT} in {DECODED_LIMIT} bytes"
        raise RecordingError(f"{path} has too many rows (wanted {wanted}, got {rows})")
    for name in NEEDED:
        if schema.names.count(name) != 1:
            raise RecordingError(f"column {name} is missing in {path} (wanted those of {FORMAT})")
    if len(set(schema.names)) != len(schema.names):
        raise RecordingError(f"a column is there twice in {path} (wanted those of {FORMAT})")
    # Footers may lie; the pages' own headers say what they inflate to. In a page a value has 4 or 8 bytes.
    allowed = len(schema) * PAGE_SLACK + 2 * rows * sum(max(4, field.type.bit_width // 8) for field in schema)
    if (inflated := inflated_bytes(data, allowed)) > allowed:
        raise RecordingError(f"{path} inflates beyond its rows (wanted at most {allowed} bytes, got {inflated})")


def _metadata(path: Path, file: pq.ParquetFile) -> dict[str, Any]:
    said = {}
    for key, value in (file.metadata.metadata or {}).items():
        name = key.decode(errors="replace")
        if name == "ARROW:schema":
            continue
        try:
            said[name] = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise RecordingError(f"bad metadata {name[:40]!r} in {path} (wanted JSON, got: {error})") from error
    if said.get("format") != FORMAT:
        raise RecordingError(f"{path} is not a recording (wanted format {FORMAT}, got {said.get('format')!r})")
    return said


def _columns(path: Path, file: pq.ParquetFile) -> pa.Table:
    """The columns that are used, in batches so that no more rows come than were promised."""
    names = [field.name for field in SCHEMA if field.name in file.schema_arrow.names]
    batches, rows = [], 0
    for batch in file.iter_batches(BATCH_ROWS, columns=names):
        rows += len(batch)
        if rows > file.metadata.num_rows:
            break
        batches.append(batch)
    if rows != file.metadata.num_rows:
        raise RecordingError(f"{path} is cut short (wanted {file.metadata.num_rows} rows, got {rows})")
    if rows < 2:
        raise RecordingError(f"{path} is too short (wanted at least 2 rows, got {rows})")
    table = pa.Table.from_batches(batches)
    for name in NEEDED:
        if table[name].null_count:
            raise RecordingError(f"nothing in a row of {name} in {path} (wanted a number in each)")
    return table


def _check_digest(path: Path, table: pa.Table, said: Any) -> None:
    if isinstance(said, dict) and said.get("layout") == DIGEST_LAYOUT:
        whole = set(SCHEMA.names) <= set(table.column_names)
        if not whole or said.get("hex") != _digest(table):
            raise RecordingError(f"{path} is damaged (wanted columns with the SHA-256 in its metadata, got others)")


def _samples(path: Path, table: pa.Table, scale: tuple[float, float], zeros: Any) -> Samples:
    def column(name: str, null: int, kind: type) -> np.ndarray:
        if name not in table.column_names:
            return np.full(len(table), null, kind)
        return np.asarray(table[name].combine_chunks().fill_null(null)).astype(kind, copy=False)

    counts = np.stack([column(name, 0, np.int16) for name in COUNTS], axis=1)
    t_device, segment = column("t_device_us", 0, np.int64), column("segment", 0, np.int16)
    zero = np.zeros(1, np.int64)
    if zeros is not None:
        good = isinstance(zeros, list) and zeros and all(type(z) is int and abs(z) < 1 << 62 for z in zeros)
        if not good or not 0 <= segment.min() <= segment.max() < len(zeros):
            raise RecordingError(f"bad time_zero_us in {path} (wanted a whole number per segment, got {zeros!r:.80})")
        zero = np.array(zeros, np.int64)[segment]
    t = (t_device - zero) / 1e6
    wrong = np.flatnonzero(np.diff(t) <= 0)
    if len(wrong):
        i = int(wrong[0]) + 1
        what = "repeats" if t[i] == t[i - 1] else "runs backwards"
        raise RecordingError(f"time {what} in row {i + 1} of {path} (wanted more than {t[i - 1]:.6f}, got {t[i]:.6f})")
    raw = Raw(
        counts,
        column("packet_seq", -1, np.int32),
        t_device,
        column("t_host_ns", -1, np.int64),
        segment,
        column("flags", 0, np.uint8),
    )
    return Samples(t, counts[:, :3] * scale[0], counts[:, 3:] * scale[1], raw)
