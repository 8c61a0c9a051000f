"""This computer gets a token from a server, so that `hiprep live --server URL` is let in."""

from __future__ import annotations

import argparse

from verbs.arguments import url

HELP = "let this computer send sessions to a server with accounts"
PARENTS = ()


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("code", metavar="CODE", help="the short code from the server's pairing page")
    parser.add_argument("--server", type=url, required=True, metavar="URL", help="the server that made it")


def run(a: argparse.Namespace) -> None:
    from sensor.pairing import pair

    pair(a.server, a.code)
    print(f"paired with {a.server}")
