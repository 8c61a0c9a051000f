"""What several verbs are told on the command line, and what it means."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from processing.exercises import EXERCISES, RECOGNISED, exercise_named

AUTO = "auto"  # recognise the exercise


class WrongArguments(Exception):
    """What the parser did not understand; its text is one line."""


class Parser(argparse.ArgumentParser):
    """argparse, but a mistake is one line."""

    def error(self, message: str) -> NoReturn:
        raise WrongArguments(f"{' '.join(message.split())} (see {self.prog} --help)")


# Types


def positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError
    return value


def within(kind: type, low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        value = kind(text)
        if not low <= value <= high:
            raise ValueError
        return value

    parse.__name__ = f"{'whole number' if kind is int else 'number'} from {low:g} to {high:g}"
    return parse


def url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or (parts.port or 1) < 1:
        raise ValueError
    return text


positive.__name__, url.__name__ = "number above 0", "http://... address"


# Arguments


def _parent(*arguments: tuple[str, dict[str, Any]]) -> argparse.ArgumentParser:
    parent = Parser(add_help=False)
    for name, options in arguments:
        parent.add_argument(name, **options)
    return parent


WHICH = f"{', '.join(EXERCISES)} or {AUTO}"
EXERCISE = {"choices": [*EXERCISES, AUTO], "metavar": "E", "help": f"{WHICH}: recognise it, of {', '.join(RECOGNISED)}"}
SIDE = {"choices": ("left", "right"), "metavar": "S", "help": "the leg that wears the band: left or right"}
PLACEMENT = {"choices": ("ankle", "thigh", "pelvis"), "metavar": "P", "help": "where it is worn: ankle, thigh or pelvis"}
DEVICE = {
    "metavar": "NAME",
    "help": "look for this model only, a name of `hiprep devices`; of a virtual band: what it is (default: hiprep-band)",
}
SPEED = {"type": positive, "default": 1.0, "metavar": "N"}
DATA = {"type": Path, "metavar": "DIR", "help": "where packets are kept until they are sent (default: the user's data directory)"}

SOURCE_PARENT = _parent(
    ("source", {"metavar": "SOURCE", "help": "ble:NAME-OR-ADDRESS, file:PATH or virtual:EXERCISE"}),
    ("--device", DEVICE),
    ("--speed", SPEED | {"help": "of a virtual band: N times life (default: 1)"}),
)
FILE_PARENT = _parent(("recording", {"metavar": "RECORDING", "help": "NAME.csv with NAME.json, or NAME.parquet"}))
UNITS_PARENT = _parent(
    ("--units", {"metavar": "ACC,GYR", "help": "units of a CSV, as m/s^2,rad/s or g,deg/s"}),
    ("--rate", {"metavar": "HZ", "type": positive, "help": "nominal sample rate"}),
)
STORE_PARENT = _parent(
    ("--data", {"type": Path, "metavar": "DIR", "help": "where sessions are kept (default: the user's data directory)"}),
    ("--database", {
        "metavar": "URL", "default": os.environ.get("HIPREP_DATABASE"),
        "help": "postgresql://USER@HOST/NAME, or HIPREP_DATABASE in the environment (default: SQLite in DIR)",
    }),
)  # fmt: skip
LEG_PARENT = _parent(("--exercise", EXERCISE), ("--side", SIDE), ("--placement", PLACEMENT))


# What they mean


def exercise_of(a: argparse.Namespace) -> str | None:
    return None if a.exercise == AUTO else a.exercise and exercise_named(a.exercise).name


def leg_of(a: argparse.Namespace) -> dict[str, Any]:
    """What the command line says of the leg; exercise None: recognise it."""
    told = {key: value for key in ("side", "placement") if (value := getattr(a, key)) is not None}
    return told | ({"exercise": exercise_of(a)} if a.exercise else {})


def overrides_of(a: argparse.Namespace) -> dict[str, Any]:
    """What the command line says of a recording, which wins over what the recording says."""
    return leg_of(a) | {key: value for key in ("units", "rate") if (value := getattr(a, key)) is not None}


def names_of(name: str) -> list[str]:
    """The exercises of a simulated session."""
    return list(RECOGNISED) if name == AUTO else [exercise_named(name).name]


def tracks_of(names: list[str]) -> dict[str, dict[str, Any]]:
    """The exercises' joint tracks, which the simulator knows nothing of."""
    return {name: EXERCISES[name].track for name in names}


def data_dir() -> Path:
    """Where a user's data belong on this system."""
    from platformdirs import user_data_path

    return user_data_path("hiprep")


def store_of(a: argparse.Namespace) -> dict[str, Any]:
    """Where a server's sessions are, as its settings say it."""
    return {"data_dir": a.data or data_dir(), "database": a.database}


def spool_dir(a: argparse.Namespace) -> Path:
    return (a.data or data_dir()) / "spool"
