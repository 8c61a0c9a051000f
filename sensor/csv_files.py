"""The people's spelling of a recording: NAME.csv with a header, NAME.json beside it (CONTRACT.md)."""

from __future__ import annotations

import csv
import json
import math
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from sensor.errors import RecordingError
from sensor.files import checked, json_object, reading, replacing
from sensor.recording import META_KEYS, Recording, check_rate, check_signal, meta_of
from sensor.samples import STANDARD_GRAVITY, Samples

COLUMNS = ("time", "acc_x", "acc_y", "acc_z", "gyr_x", "gyr_y", "gyr_z")
# What one unit is in ours.
UNITS = {
    "time": {"s": 1.0},
    "acc": {"m/s^2": 1.0, "g": STANDARD_GRAVITY},
    "gyr": {"rad/s": 1.0, "deg/s": math.pi / 180},
}
WRITTEN_UNITS = {"time": "s", "acc": "m/s^2", "gyr": "rad/s"}
DIGITS = 6  # a microsecond; and 1/100 of a count of the finest range a band has (2 g, 125 deg/s)
ROWS_AT_ONCE = 20_000
TIME_LIMIT_S = 1e11  # three thousand years; microseconds still fit 64 bits
LINE_LIMIT = 1 << 16  # characters; no source


def read(path: Path, given: Mapping[str, Any], units: str | None) -> Recording:
    sidecar = path.with_suffix(".json")
    said: dict[str, Any] = {}
    where = f"{sidecar}, which does not exist"
    if sidecar.exists():
        said, where = json_object(checked(sidecar)), str(sidecar)
    said |= given
    if units is not None:
        said["units"] = _units_given(units)
    if "units" not in said:
        raise RecordingError(f"units missing in {where} (wanted there or given, got neither)")
    acc_unit, gyr_unit = _units(said.pop("units"), where)
    meta = meta_of(said, where)
    table = _table(path)
    t = np.ascontiguousarray(table[:, 0])
    _check_time(path, t)
    samples = Samples(t, table[:, 1:4] * acc_unit, table[:, 4:7] * gyr_unit)
    check_signal(samples, path)
    check_rate(samples, meta.sample_rate_hz, path)
    return Recording(samples, meta)


def write(path: Path, recording: Recording) -> None:
    meta, s = recording.meta, recording.samples
    sidecar = {key: getattr(meta, key) for key in META_KEYS} | {"units": WRITTEN_UNITS}
    sidecar |= {key: value for key, value in meta.extra.items() if key not in sidecar}
    table = np.column_stack([s.t, s.acc, s.gyr])
    row = ",".join([f"%.{DIGITS}f"] * len(COLUMNS)) + "\n"
    with replacing(path, path.with_suffix(".json")) as [rows, about]:
        with rows.open("w", encoding="ascii", newline="") as file:
            file.write(",".join(COLUMNS) + "\n")
            for i in range(0, len(table), ROWS_AT_ONCE):
                block = table[i : i + ROWS_AT_ONCE]
                file.write(row * len(block) % tuple(block.ravel().tolist()))
        about.write_text(json.dumps(sidecar, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _units_given(text: str) -> dict[str, str]:
    acc, comma, gyr = text.partition(",")
    if not comma:
        raise RecordingError(f"bad units (wanted two as in m/s^2,rad/s, got {text!r})")
    return {"time": "s", "acc": acc.strip(), "gyr": gyr.strip()}


def _units(said: Any, where: str) -> tuple[float, float]:
    if not isinstance(said, dict):
        raise RecordingError(f"bad units in {where} (wanted an object with time, acc and gyr, got {said!r})")
    sizes = {}
    for name, known in UNITS.items():
        unit = said.get(name)
        if not isinstance(unit, str) or unit not in known:
            raise RecordingError(f"unknown unit of {name} in {where} (wanted {' | '.join(known)}, got {unit!r})")
        sizes[name] = known[unit]
    return sizes["acc"], sizes["gyr"]


def _table(path: Path) -> np.ndarray:
    """The seven columns (n, 7), wherever they are."""
    with reading(path):
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            first = file.readline(LINE_LIMIT)
        try:
            header = [name.strip() for name in next(csv.reader([first]), [])]
        except csv.Error as error:
            raise RecordingError(f"{path} is not a CSV file (row 1: {error})") from error
        if not header:
            raise RecordingError(f"{path} is empty (wanted a header {','.join(COLUMNS)})")
        for name in COLUMNS:
            if header.count(name) != 1:
                problem = "missing" if name not in header else "there twice"
                raise RecordingError(
                    f"column {name} is {problem} in {path} (wanted {','.join(COLUMNS)}, got {','.join(header)[:100]!r})"
                )
        at = [header.index(name) for name in COLUMNS]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # "no data": said below
                # The fastest reader there is without pyarrow, whose import takes longer than it saves.
                table = np.loadtxt(_lines(path), usecols=at, ndmin=2, delimiter=",", quotechar='"', comments=None, skiprows=1)
        except ValueError as error:
            _explain(path, at, str(error))
        if len(table) < 2:
            raise RecordingError(f"{path} is too short (wanted at least 2 rows, got {len(table)})")
        if not np.isfinite(table).all():
            _explain(path, at, "a number that is not finite")
    return table


def _lines(path: Path) -> Iterator[str]:
    """A row is a line of bounded length: one of 60 MB, or a quote that nothing closes, would take ten times as much memory."""
    with path.open(encoding="latin-1") as file:
        number = 0
        while line := file.readline(LINE_LIMIT):
            number += 1
            if len(line) == LINE_LIMIT or line.count('"') % 2:
                raise RecordingError(f"row {number} of {path} does not end (wanted a line of less than {LINE_LIMIT} characters, its quotes closed)")
            yield line


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Every row that is not blank, slowly, with its number in the file; the header is row 1."""
    rows = csv.reader(_lines(path))
    next(rows)
    try:
        for row in rows:
            if row:
                yield rows.line_num, row
    except csv.Error as error:
        raise RecordingError(f"{path} is not a CSV file (row {rows.line_num}: {error})") from error


def _explain(path: Path, at: list[int], problem: str) -> NoReturn:
    """Say which row is wrong: found anew, because the fast reader does not say it reliably."""
    for number, row in _rows(path):
        if len(row) <= max(at):
            raise RecordingError(f"row {number} of {path} is cut short (wanted {max(at) + 1} columns, got {len(row)})")
        for name, i in zip(COLUMNS, at, strict=True):
            try:
                good = math.isfinite(float(row[i]))
            except ValueError:
                good = False
            if not good:
                raise RecordingError(
                    f"bad {name} in row {number} of {path} (wanted a finite number, got {row[i][:40]!r})"
                ) from None
    raise RecordingError(f"cannot read {path} (wanted numbers, got: {problem})")


def _check_time(path: Path, t: np.ndarray) -> None:
    far = np.abs(t) > TIME_LIMIT_S
    wrong = np.flatnonzero(far | (np.diff(t, prepend=-np.inf) <= 0))
    if not len(wrong):
        return
    i = int(wrong[0])
    row = next((number for k, (number, _) in enumerate(_rows(path)) if k == i), i + 2)
    if far[i]:
        raise RecordingError(f"time is out of range in row {row} of {path} (wanted seconds, got {t[i]:.4g})")
    what = "repeats" if t[i] == t[i - 1] else "runs backwards"
    raise RecordingError(f"time {what} in row {row} of {path} (wanted more than {t[i - 1]:.6f}, got {t[i]:.6f})")
