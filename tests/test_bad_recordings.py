"""Recordings and labels that are none: one line, status 2, nothing half-written."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest


def spell(rows: list[list[str]]) -> str:
    return "".join(",".join(row) + "\n" for row in rows)


def noise(n: int) -> bytes:
    return np.random.default_rng(1).bytes(n)


# CSV and its sidecar


def put(row: int, column: int, value: str) -> Callable[[list], list]:
    def change(rows: list[list[str]]) -> list[list[str]]:
        rows[row][column] = value
        return rows

    return change


def scaled(columns: range, factor: float) -> Callable[[list], list]:
    def change(rows: list[list[str]]) -> list[list[str]]:
        each = [[str(float(v) * factor) if i in columns else v for i, v in enumerate(row)] for row in rows[1:]]
        return [rows[0], *each]

    return change


CSV = {
    "empty": (lambda rows: [], "is empty"),
    "only a header": (lambda rows: rows[:1], "too short .*got 0"),
    "one row": (lambda rows: rows[:2], "too short .*got 1"),
    "no header": (lambda rows: rows[1:], "column time is missing"),
    "a column missing": (lambda rows: [row[:-1] for row in rows], "column gyr_z is missing"),
    "a column twice": (lambda rows: [[*row, row[1]] for row in rows], "column acc_x is there twice"),
    "a column misspelt": (put(0, 3, "acc_Z"), "column acc_z is missing"),
    "text": (put(5, 2, "fast"), "bad acc_y in row 6 .*got 'fast'"),
    "nothing": (put(5, 2, ""), "bad acc_y in row 6"),
    "NaN": (put(7, 4, "nan"), "bad gyr_x in row 8 .*got 'nan'"),
    "inf": (put(7, 1, "-inf"), "bad acc_x in row 8"),
    "too large for a number": (put(7, 1, "1e999"), "bad acc_x in row 8"),
    "NaN as time": (put(7, 0, "nan"), "bad time in row 8"),
    "a row cut short": (lambda rows: [*rows[:9], rows[9][:3], *rows[10:]], "row 10 .*cut short"),
    "time backwards": (put(9, 0, "0.0"), "time runs backwards in row 10"),
    "time repeated": (lambda rows: [*rows[:9], rows[8], *rows[9:]], "time repeats in row 10"),
    "time in milliseconds": (scaled(range(1), 1000), "time .*does not fit the sample rate"),
    "g said to be m/s^2": (scaled(range(1, 4), 1 / 9.80665), "not in the units"),
    "deg/s said to be rad/s": (scaled(range(4, 7), 57.3), "angular velocity .*not in the units .*58.*times"),
    "faster than any sensor": (scaled(range(4, 7), 5000), "angular velocity .*not in the units"),
    "gravity removed": (scaled(range(1, 4), 0), "not in the units"),
}


@pytest.mark.parametrize(("change", "why"), CSV.values(), ids=CSV)
def test_csv(refused, rows, sidecar, change, why: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(spell(change(rows)))
    (tmp_path / "x.json").write_text(json.dumps(sidecar))
    for arguments in (["replay", "x.csv"], ["replay", "x.csv", "--json"], ["convert", "x.csv", "y.parquet"]):
        line = refused(*arguments)
        assert re.search(why, line) and "x.csv" in line


SIDECAR = {
    "missing": (None, "units missing in x.json, which does not exist"),
    "not JSON": ("{'side': left", "x.json is not JSON"),
    "cut short": ('{"side": "left"', "x.json is not JSON"),
    "empty": ("", "x.json is not JSON"),
    "deeper than anybody goes": ("[" * 100_000, "x.json is not JSON"),
    "a list": ("[]", "wanted a JSON object, got list"),
    "no units": ({"units": ...}, "units missing in x.json"),
    "no side": ({"side": ...}, "side missing in x.json"),
    "no exercise": ({"exercise": ...}, "exercise missing in x.json"),
    "an unknown unit": ({"units": {"time": "s", "acc": "ft/s^2", "gyr": "rad/s"}}, "unknown unit of acc .*got 'ft/s"),
    "an unknown unit of time": ({"units": {"time": "ms", "acc": "g", "gyr": "rad/s"}}, "unknown unit of time"),
    "units in words": ({"units": "SI"}, "bad units in x.json"),
    "an unknown exercise": ({"exercise": "juggling"}, "x.csv: exercise 'juggling' is unknown"),
    "a number as exercise": ({"exercise": 1}, "bad exercise in x.json"),
    "an unknown side": ({"side": "middle"}, "bad side .*got 'middle'"),
    "an unknown placement": ({"placement": "wrist"}, "bad placement .*got 'wrist'"),
    "a band that nobody counts with": ({"placement": "pelvis"}, "x.csv: placement is wrong .*got 'pelvis'"),
    "rate 0": ({"sample_rate_hz": 0}, "bad sample_rate_hz"),
    "rate NaN": ({"sample_rate_hz": float("nan")}, "bad sample_rate_hz"),
    "rate in words": ({"sample_rate_hz": "100"}, "bad sample_rate_hz"),
    "another rate": ({"sample_rate_hz": 25}, "does not fit the sample rate"),
    "no time at all": ({"started_at": "yesterday"}, "bad started_at"),
}


@pytest.mark.parametrize(("change", "why"), SIDECAR.values(), ids=SIDECAR)
def test_sidecar(refused, rows, sidecar, change, why: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(spell(rows))
    if isinstance(change, dict):
        change = json.dumps({key: value for key, value in (sidecar | change).items() if value is not ...})
    if change is not None:
        (tmp_path / "x.json").write_text(change)
    assert re.search(why, refused("replay", "x.csv"))


def test_more_than_was_asked_for_is_fine(run, person: Path, rows, sidecar, tmp_path: Path) -> None:
    more = [[row[3], "x", *row[:3], *row[4:], ""] for row in rows]
    more[0][1], more[0][-1] = "heart", "remarks"
    (tmp_path / "x.csv").write_text("\ufeff" + spell(more).replace("\n", "\r\n"), newline="")
    (tmp_path / "x.json").write_text(json.dumps(sidecar | {"mood": "good"}))
    expected = run("replay", person / "person.csv", "--json")
    assert run("replay", tmp_path / "x.csv", "--json") == expected


# Parquet


def parquet_bomb(path: Path) -> None:
    """Sixteen million rows in a file of some kilobytes."""
    names = [f"{kind}_{axis}" for kind in ("acc", "gyr") for axis in "xyz"]
    zeros = pa.array(np.zeros(1_000_000, np.int16))
    part = pa.table({"t_device_us": pa.array(np.zeros(1_000_000, np.int64))} | dict.fromkeys(names, zeros))
    with pq.ParquetWriter(path, part.schema) as file:
        for _ in range(16):
            file.write_table(part)
    assert path.stat().st_size < 1_000_000


PARQUET = {
    "random bytes": lambda path, good: path.write_bytes(noise(5000)),
    "random bytes, dressed up": lambda path, good: path.write_bytes(b"PAR1" + noise(5000) + b"\x10\0\0\0PAR1"),
    "empty": lambda path, good: path.write_bytes(b""),
    "cut in half": lambda path, good: path.write_bytes(good[: len(good) // 2]),
    "cut at the end": lambda path, good: path.write_bytes(good[:-1]),
    "a hole in the middle": lambda path, good: path.write_bytes(good[:2000] + bytes(2000) + good[4000:]),
    "a bomb": lambda path, good: parquet_bomb(path),
    "of something else": lambda path, good: pq.write_table(pa.table({"price": [1.0, 2.0]}), path),
    "a CSV": lambda path, good: path.write_text("time,acc_x\n0,0\n"),
}


@pytest.mark.parametrize("write", PARQUET.values(), ids=PARQUET)
def test_parquet(refused, person: Path, write, tmp_path: Path) -> None:
    write(tmp_path / "x.parquet", (person / "person.parquet").read_bytes())
    for verb, *more in (["replay", "--json"], ["convert", "y.csv"], ["demo", "--once"]):
        assert "x.parquet" in refused(verb, "x.parquet", *more)


# Folders with labels


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        ("", "column end_s is missing"),
        ("start_s,stop_s\n1,2\n", "column end_s is missing"),
        ("start_s,end_s\n1,soon\n", "bad end_s .*row 2"),
        ("start_s,end_s\n1,nan\n", "bad end_s .*row 2"),
        ("start_s,end_s\n2,1\n", "ends before it begins"),
        ("start_s,end_s,counted\n1,2,perhaps\n", "bad counted"),
        ("start_s,end_s\n1\n", "no end_s .*row 2"),
        (None, "cannot read"),
    ],
)
def test_labels(refused, person: Path, labels: str | None, why: str, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    shutil.copy(person / "person.parquet", tmp_path / "d")
    if labels is None:
        (tmp_path / "d" / "person.labels.csv").mkdir()
    else:
        (tmp_path / "d" / "person.labels.csv").write_text(labels)
    assert re.search(why, refused("evaluate", "d"))


def test_nothing_to_evaluate(refused, person: Path, sidecar, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder in ("empty", "none", person / "person.csv", ""):
        assert "nothing to evaluate" in refused("evaluate", folder)
    folder = tmp_path / "labels"
    folder.mkdir()
    shutil.copy(person / "person.labels.csv", folder)
    assert "cannot read labels/person.csv" in refused("evaluate", "labels")
    shutil.copy(person / "person.csv", folder)
    (folder / "person.json").write_text(json.dumps(sidecar | {"exercise": "juggling"}))
    assert "got juggling" in refused("evaluate", "labels")
    (folder / "person.json").write_text(json.dumps(sidecar | {"placement": "pelvis"}))
    assert "person: placement is wrong" in refused("evaluate", "labels", "--json")
