"""The bands that are understood."""

from __future__ import annotations

import argparse

HELP = "list the bands that are understood"
PARENTS = ()


def arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(a: argparse.Namespace) -> None:
    from sensor.devices import DRIVERS

    for driver in DRIVERS.values():
        print(f"{driver.name}\t{driver.title}\t{driver.rate_hz:g} Hz\tclock: {driver.clock}\ttier: {driver.tier}")
