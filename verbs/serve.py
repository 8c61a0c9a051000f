"""The server, in the foreground."""

from __future__ import annotations

import argparse

from verbs.arguments import STORE_PARENT, store_of
from verbs.terminal import complain

HELP = "run the server on this computer"
PARENTS = (STORE_PARENT,)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="of this computer only, until there are accounts (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="8000 unless said; 0: any that is free")


def run(a: argparse.Namespace) -> int | None:
    from server.errors import ServerError
    from server.run import serve
    from server.settings import Settings

    try:
        serve(Settings(host=a.host, port=a.port, **store_of(a)))
    except ServerError as error:
        return complain(error, 2)
