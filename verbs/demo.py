"""The whole path, with nothing but this computer."""

from __future__ import annotations

import argparse
import asyncio
import sys

from verbs.arguments import AUTO, LEG_PARENT, SPEED, UNITS_PARENT, overrides_of
from verbs.sources import simulated, stopped_by_hand
from verbs.terminal import complain, show

HELP = "a virtual band, counted, stored and shown: no hardware, no account"
PARENTS = (LEG_PARENT, UNITS_PARENT)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recording", nargs="?", metavar="RECORDING", help="what the band plays; else a simulated person")
    parser.add_argument("--speed", **SPEED, help="N times life (default: 1)")
    parser.add_argument("--once", action="store_true", help="end when the session is stored")
    parser.add_argument("--json", action="store_true", help="print what the server stored")
    parser.add_argument("--port", type=int, default=0, help="of the page (default: any that is free)")


def run(a: argparse.Namespace) -> int | None:
    from server.errors import ServerError

    try:
        asyncio.run(_demo(a))
    except ServerError as error:
        return complain(error, 2)


async def _demo(a: argparse.Namespace) -> None:
    import webbrowser

    from processing.tracker import Tracker
    from sensor.recording import read_recording
    from server.demo import playing

    def tell(page: str) -> None:
        print(f"hiprep: a virtual band is counting at {page}", file=sys.stderr)
        if sys.stdout.isatty() and not a.once:
            webbrowser.open(page)

    ours = a.recording is None
    recording = simulated(a.exercise or AUTO, a) if ours else read_recording(a.recording, **overrides_of(a))
    Tracker(recording.meta.exercise, recording.meta.side, recording.meta.placement)  # refuses what nobody can count
    async with playing(recording, speed=a.speed, port=a.port, clinic=not a.once, tell=tell) as (url, result):
        show(result, a)
        if not a.once:
            print(f"hiprep: the session is stored; look at {url}/demo (Ctrl-C ends)", file=sys.stderr)
            with stopped_by_hand():
                await asyncio.Event().wait()
