"""NAME.labels.csv: what somebody, or the simulator, knows of the repetitions in a recording."""

from __future__ import annotations

import contextlib
import csv
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from sensor.errors import RecordingError
from sensor.files import checked, reading, replacing


@dataclass(frozen=True, slots=True)
class Label:
    """One repetition, times on the recording's own clock; None where nobody says. kind: of compensation."""

    start_s: float
    end_s: float
    set: int | None = None
    exercise: str | None = None
    counted: bool | None = None
    rom_deg: float | None = None
    terminal_rotation_deg: float | None = None
    compensated: bool | None = None
    kind: str | None = None
    pelvis_deg: float | None = None
    block: str | None = None


COLUMNS = tuple(field.name for field in fields(Label))


def labels_path(recording: str | Path) -> Path:
    """Where the labels of a recording live: beside it."""
    return Path(recording).with_suffix(".labels.csv")


def read_labels(path: str | Path) -> list[Label]:
    """Columns in any order; only start_s and end_s must be there, unknown ones are ignored."""
    path = checked(path)
    with reading(path), path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        rows = csv.DictReader(file)
        try:
            missing = {"start_s", "end_s"} - set(rows.fieldnames or ())
            if missing:
                raise RecordingError(f"column {min(missing)} is missing in {path} (wanted start_s,end_s at least)")
            return [_label(row, f"{path}, row {rows.line_num}") for row in rows]
        except csv.Error as error:
            raise RecordingError(f"{path} is not a CSV file (row {rows.line_num}: {error})") from error


def write_labels(path: str | Path, labels: Iterable[Label]) -> None:
    with writing_labels(path, labels):
        pass


@contextlib.contextmanager
def writing_labels(path: str | Path, labels: Iterable[Label]) -> Iterator[None]:
    """They are on the disk inside, and take their name at the end, if what is done inside does not fail."""
    with replacing(path) as [new]:
        with new.open("w", encoding="utf-8", newline="") as file:
            out = csv.writer(file, lineterminator="\n")
            out.writerow(COLUMNS)
            out.writerows([_text(getattr(label, name)) for name in COLUMNS] for label in labels)
        yield


def _label(row: dict[str, str], where: str) -> Label:
    values = {}
    for name, parse in PARSERS.items():
        text = (row.get(name) or "").strip()
        if text:
            try:
                values[name] = parse(text)
            except ValueError:
                raise RecordingError(
                    f"bad {name} in {where} (wanted {WANTED.get(parse, 'a number')}, got {text!r})"
                ) from None
        elif name in ("start_s", "end_s"):
            raise RecordingError(f"no {name} in {where} (wanted a number, got nothing)")
    if values["end_s"] <= values["start_s"]:
        wanted, got = f"end_s after {values['start_s']}", values["end_s"]
        raise RecordingError(f"a repetition ends before it begins in {where} (wanted {wanted}, got {got})")
    return Label(**values)


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError
    return value


def _whole(text: str) -> int:
    value = _number(text)
    if value != int(value):
        raise ValueError
    return int(value)


def _flag(text: str) -> bool:
    if text.lower() in ("true", "1", "1.0", "yes"):
        return True
    if text.lower() in ("false", "0", "0.0", "no"):
        return False
    raise ValueError


PARSERS: dict[str, Callable[[str], object]] = {
    "start_s": _number, "end_s": _number, "set": _whole, "exercise": str, "counted": _flag, "rom_deg": _number,
    "terminal_rotation_deg": _number, "compensated": _flag, "kind": str, "pelvis_deg": _number, "block": str,
}  # fmt: skip
WANTED = {_whole: "a whole number", _flag: "true or false"}


def _text(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
