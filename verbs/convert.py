"""A recording in the other spelling."""

from __future__ import annotations

import argparse

from verbs.arguments import FILE_PARENT, LEG_PARENT, UNITS_PARENT, overrides_of

HELP = "write a recording in the other spelling"
PARENTS = (FILE_PARENT, LEG_PARENT, UNITS_PARENT)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("out", metavar="OUT", help="NAME.csv or NAME.parquet")


def run(a: argparse.Namespace) -> None:
    from sensor.recording import check_target, read_recording, write_recording

    check_target(a.out)
    write_recording(a.out, read_recording(a.recording, **overrides_of(a)))
