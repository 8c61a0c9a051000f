"""Which bands are in reach."""

from __future__ import annotations

import argparse
import asyncio
import sys

from verbs.arguments import positive

HELP = "list the bands in reach"
PARENTS = ()


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=positive, default=5.0, metavar="S", help="how long to look (default: 5)")
    parser.add_argument("--device", metavar="NAME", help="for this model only: a name of `hiprep devices`")


def run(a: argparse.Namespace) -> None:
    from sensor.scan import models_named, scan

    bands = asyncio.run(scan(a.seconds, models=models_named(a.device)))
    for band in bands:
        print(f"{band.name}\t{band.address}\t{band.rssi} dBm\t{band.driver.title}")
    if not bands:
        print("no band in reach (switched on? charged?)", file=sys.stderr)
