"""What `hiprep backup` wrote, as a server's data again."""

from __future__ import annotations

import argparse
from pathlib import Path

from verbs.arguments import STORE_PARENT, store_of
from verbs.terminal import complain

HELP = "fill an empty server from a backup, of either kind of database"
PARENTS = (STORE_PARENT,)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("backup", type=Path, metavar="FILE", help="what `hiprep backup` wrote")


def run(a: argparse.Namespace) -> int | None:
    from server.backup import restore
    from server.errors import ServerError
    from server.settings import Settings

    told = store_of(a)
    try:
        recordings = restore(Settings(**told), a.backup)
    except ServerError as error:
        return complain(error, 2)
    print(f"{told['data_dir']}: the tables and {recordings} recordings")
