"""Everything that a server keeps, as one file."""

from __future__ import annotations

import argparse
from pathlib import Path

from verbs.arguments import STORE_PARENT, store_of
from verbs.terminal import complain

HELP = "write a server's sessions and people to one file, also while it runs"
PARENTS = (STORE_PARENT,)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("out", metavar="FILE|DIR", help="NAME.tar, or a directory: hiprep-TIME.tar in it")


def run(a: argparse.Namespace) -> int | None:
    from datetime import UTC, datetime

    from server.backup import back_up
    from server.errors import ServerError
    from server.settings import Settings

    out = Path(a.out)
    if out.is_dir():
        out /= f"hiprep-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar"
    try:
        recordings = back_up(Settings(**store_of(a)), out)
    except ServerError as error:
        return complain(error, 2)
    print(f"{out}: the tables and {recordings} recordings")
