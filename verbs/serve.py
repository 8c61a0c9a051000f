"""The server, in the foreground."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from verbs.arguments import STORE_PARENT, positive, store_of, url, within
from verbs.terminal import complain

HELP = "run the server: on this computer for one person, or for clinics"
PARENTS = (STORE_PARENT,)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="which of this computer's addresses (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="8000 unless said; 0: any that is free")
    beyond = parser.add_argument_group("beyond this computer", "people log in; wanted: --url, and who speaks TLS")
    beyond.add_argument("--url", type=url, metavar="URL", help="where people find it: https://NAME")
    beyond.add_argument("--tls-cert", type=Path, metavar="FILE", help="certificate chain, PEM")
    beyond.add_argument("--tls-key", type=Path, metavar="FILE", help="its key, PEM")
    proxy = "a proxy in front speaks TLS and adds X-Forwarded-For; nothing else may reach this port"
    beyond.add_argument("--behind-proxy", action="store_true", help=proxy)
    clinic = "print a link that makes a clinic and its admin; from then on people log in, on this computer too"
    parser.add_argument("--clinic", action="store_true", help=clinic)
    lost = "print a link for this person to choose a password anew: for an admin whom nobody else can let in"
    parser.add_argument("--link-for", metavar="EMAIL", help=lost)
    idle = "a session without packets for so many hours is ended (default: 48)"
    parser.add_argument("--idle-hours", type=positive, default=48.0, metavar="H", help=idle)
    keep = "remove sessions and answers that are older (default: never; the law may say how long records are kept)"
    parser.add_argument("--keep-days", type=within(float, 1, 99_999), metavar="D", help=keep)
    parser.set_defaults(metrics_token=os.environ.get("HIPREP_METRICS_TOKEN"))  # not in the list of processes
    parser.epilog = "HIPREP_METRICS_TOKEN in the environment: a bearer token for /metrics, which only this computer reads without"


def run(a: argparse.Namespace) -> int | None:
    from server.errors import ServerError
    from server.run import serve
    from server.settings import Settings

    names = ("host", "port", "url", "tls_cert", "tls_key", "behind_proxy", "clinic", "link_for", "idle_hours", "keep_days", "metrics_token")
    told = {name: getattr(a, name) for name in names}
    try:
        serve(Settings(**told, **store_of(a)))
    except ServerError as error:
        return complain(error, 2)
