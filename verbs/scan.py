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


def run(a: argparse.Namespace) -> None:
    from sensor import ble

    bands = asyncio.run(ble.scan(a.seconds))
    for band in bands:
        print(f"{band.name}\t{band.address}\t{band.rssi} dBm\t{band.driver.title}")
    if not bands:
        print("no band in reach (switched on? charged?)", file=sys.stderr)
