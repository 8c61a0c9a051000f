"""Recordings in and out: one sensor, one file, in two spellings of the same thing.

NAME.csv + NAME.json for people and other tools (csv_files.py), NAME.parquet for raw counts (parquet.py).
Every input that is not a recording raises RecordingError with one line.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from types import EllipsisType
from typing import TYPE_CHECKING, Any

import numpy as np

from sensor.errors import PacketError, RecordingError
from sensor import files
from sensor.labels import Label, labels_path, read_labels, write_labels, writing_labels
from sensor.samples import STANDARD_GRAVITY, Samples

if TYPE_CHECKING:
    from sensor.driver import Driver

__all__ = [
    "PLACEMENTS", "SIDES", "Label", "Meta", "Recording", "check_target", "labels_path", "read_labels", "read_recording",
    "recording_from_packets", "write_labels", "write_recording", "writing_labels",
]  # fmt: skip

PLACEMENTS = ("ankle", "thigh", "pelvis")
SIDES = ("left", "right")

# A worn band feels gravity most of the time. The bounds only have to tell m/s² from g and from gravity
# removed; no source.
GRAVITY_BOUNDS = (0.6 * STANDARD_GRAVITY, 1.5 * STANDARD_GRAVITY)
ACC_LIMIT = 100 * STANDARD_GRAVITY  # three times the widest range that chips for bands have
# Blocks long enough to average a movement's own acceleration out, and enough of them that chance does not correlate.
# A turn about the vertical turns no gravity, so that only one answer is sure: 1/57, give or take a factor of two.
GRAVITY_BLOCK_S, GRAVITY_BLOCKS = 0.2, 50
GRAVITY_FIT, DEGREES_SAID_RADIANS = 0.6, (0.5 * np.pi / 180, 2 * np.pi / 180)
GYR_LIMIT = np.radians(4000)  # the widest range that chips for bands have


@dataclass(frozen=True, slots=True)
class Meta:
    """What is known of a recording besides its samples. `exercise` None: recognise it.

    `extra` holds whatever else the file says and is written back as it is; `scale` in it is the size of a
    count {acc_mps2_per_lsb, gyr_rads_per_lsb}, and `samples.raw` means nothing without it.
    """

    device: str | None
    sample_rate_hz: float
    placement: str
    side: str
    exercise: str | None = None
    started_at: str | None = None  # ISO 8601, UTC
    extra: Mapping[str, Any] = field(default_factory=dict)


META_KEYS = tuple(name for name in Meta.__dataclass_fields__ if name != "extra")


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """`samples.t` is the recording's own time column; it need not begin at 0. In `samples.raw` a packet_seq or
    t_host_ns of -1 is one that nobody knows."""

    samples: Samples
    meta: Meta


def read_recording(
    path: str | Path,
    *,
    exercise: str | None | EllipsisType = ...,
    side: str | None | EllipsisType = ...,
    placement: str | None | EllipsisType = ...,
    units: str | None = None,
    rate: float | None = None,
) -> Recording:
    """Read NAME.csv with its NAME.json, or NAME.parquet. What is given wins over what the file says; `exercise`
    None is given too: recognise it. units: of acceleration and angular velocity of a CSV, as "m/s^2,rad/s"."""
    path = files.checked(path)
    given: dict[str, Any] = {"side": side, "placement": placement, "sample_rate_hz": rate}
    given = {key: value for key, value in given.items() if value is not None and value is not ...}
    if exercise is not ...:
        given["exercise"] = exercise
    suffix = _suffix(path)
    if suffix == ".csv":
        from sensor import csv_files

        return csv_files.read(path, given, units)
    from sensor import parquet  # pyarrow takes its time; who reads CSV need not wait for it

    if units not in (None, "m/s^2,rad/s"):
        raise RecordingError(f"units cannot be said of {path}, which holds counts with their scale (wanted none, got {units!r})")
    recording = parquet.read(path, given)
    if rate is not None:
        check_rate(recording.samples, rate, path)
    return recording


def write_recording(path: str | Path, recording: Recording) -> None:
    """Write NAME.csv and NAME.json, or NAME.parquet, whole or not at all; what was there is replaced."""
    path, rows = Path(path), len(recording.samples)
    suffix = _suffix(path)
    if rows < 2:
        raise RecordingError(f"nothing to write to {path} (wanted at least 2 samples, got {rows})")
    if suffix == ".csv":
        from sensor import csv_files

        csv_files.write(path, recording)
    else:
        from sensor import parquet

        parquet.write(path, recording)


def check_target(path: str | Path) -> None:
    """Refuse early what `write_recording` would refuse after the work."""
    path = Path(path)
    beside = [path.with_suffix(".json")] if _suffix(path) == ".csv" else []
    for target in (path, *beside):
        files.check_target(target)


def recording_from_packets(driver: Driver, info: bytes, packets: Iterable[tuple[int, bytes]], meta: Meta) -> Recording:
    """What a band sent, as (host_ns, packet) in order of arrival, as a recording with everything the wire said."""
    decoder = driver.decoder(info, keep_raw=True)
    parts, malformed = [], 0
    for host_ns, packet in packets:
        try:
            parts.append(decoder.feed(packet, host_ns))
        except PacketError:  # live listeners passed over it too
            malformed += 1
    samples = Samples.concat([*parts, decoder.flush()])
    scale = decoder.scale
    extra = dict(meta.extra) | {
        "scale": {"acc_mps2_per_lsb": scale.acc_mps2_per_lsb, "gyr_rads_per_lsb": scale.gyr_rads_per_lsb},
        "coverage": {"duplicates": decoder.duplicates, "lost_packets": decoder.lost, "malformed": malformed},
    }
    return Recording(samples, replace(meta, sample_rate_hz=decoder.rate_hz, extra=extra))


def gravity_against_gyroscope(samples: Samples) -> tuple[float, float]:
    """How far gravity turns in the sensor for each radian that the gyroscope says, and their correlation.

    1 in rad/s, 1/57 where deg/s are taken for rad/s. The correlation is low, and the size says nothing, where the
    sensor turns about the vertical only or hardly at all; 0 where there is too little to tell.
    """
    n = round(GRAVITY_BLOCK_S / float(np.median(np.diff(samples.t)))) or 1
    blocks = len(samples) // n
    if blocks < GRAVITY_BLOCKS:
        return 1.0, 0.0
    t, acc, gyr = (v[: blocks * n].reshape(blocks, n, -1).mean(axis=1) for v in (samples.t, samples.acc, samples.gyr))
    up = acc / np.maximum(np.linalg.norm(acc, axis=1, keepdims=True), 1e-9)
    seen = up[2:] - up[:-2]
    told = np.cross(up[1:-1], gyr[1:-1]) * (t[2:] - t[:-2])
    both, all_told, all_seen = (seen * told).sum(), (told**2).sum(), (seen**2).sum()
    if all_told * all_seen == 0 or both == 0:
        return 1.0, 0.0
    return float(both / all_told), float(both / np.sqrt(all_told * all_seen))


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".parquet"):
        got = suffix or "no ending"
        raise RecordingError(f"unknown kind of recording {path} (wanted .csv or .parquet, got {got!r})")
    return suffix


def meta_of(said: Mapping[str, Any], where: str) -> Meta:
    """Metadata checked, from what a file and its reader say together."""
    missing = [key for key in ("sample_rate_hz", "placement", "side", "exercise") if key not in said]
    if missing:
        raise RecordingError(f"{', '.join(missing)} missing in {where} (wanted there or given, got neither)")

    def check(key: str, good: bool, wanted: str) -> None:
        if not good:
            raise RecordingError(f"bad {key} in {where} (wanted {wanted}, got {said[key]!r})")

    rate = said["sample_rate_hz"]
    is_number = isinstance(rate, int | float) and not isinstance(rate, bool)
    check("sample_rate_hz", is_number and math.isfinite(rate) and 0 < rate <= 10_000, "a number of hertz")
    check("placement", said["placement"] in PLACEMENTS, " | ".join(PLACEMENTS))
    check("side", said["side"] in SIDES, " | ".join(SIDES))
    check("exercise", said["exercise"] is None or isinstance(said["exercise"], str), "a name or null")
    check("device", said.get("device") is None or isinstance(said["device"], str), "a name or null")
    check("started_at", said.get("started_at") is None or _is_time(said["started_at"]), "ISO 8601 or null")
    extra = {key: value for key, value in said.items() if key not in META_KEYS}
    return Meta(extra=extra, **{key: said.get(key) for key in META_KEYS})


def _is_time(text: Any) -> bool:
    try:
        datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return False
    return True


def check_signal(samples: Samples, where: Path) -> None:
    """Refuse numbers that cannot be what they are said to be."""
    strongest = float(np.abs(samples.acc).max())
    force = float(np.median(np.linalg.norm(samples.acc, axis=1))) if strongest < ACC_LIMIT else strongest
    low, high = GRAVITY_BOUNDS
    if not low <= force <= high:
        raise RecordingError(
            f"acceleration in {where} is not in the units it is said to be in "
            f"(wanted about 9.81 m/s^2, gravity included, got {force:.4g})"
        )
    fastest = float(np.abs(samples.gyr).max())
    if fastest > GYR_LIMIT:
        raise RecordingError(
            f"angular velocity in {where} is not in the units it is said to be in "
            f"(wanted at most {GYR_LIMIT:.3g} rad/s, got {fastest:.4g})"
        )
    size, fit = gravity_against_gyroscope(samples)
    if fit > GRAVITY_FIT and DEGREES_SAID_RADIANS[0] < size < DEGREES_SAID_RADIANS[1]:
        raise RecordingError(
            f"angular velocity in {where} is not in the units it is said to be in "
            f"(wanted rad/s, got {1 / size:.3g} times what turns gravity)"
        )


def check_rate(samples: Samples, rate_hz: float, where: Path) -> None:
    """Refuse a nominal rate that the times cannot have."""
    step = float(np.median(np.diff(samples.t)))
    if not 0.5 <= step * rate_hz <= 2:
        raise RecordingError(
            f"time in {where} does not fit the sample rate (wanted steps of about {1 / rate_hz:.4g} s, got {step:.4g})"
        )
