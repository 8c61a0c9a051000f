"""Repetitions as they happen."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from processing import words
from verbs.arguments import EXERCISE, PLACEMENT, SIDE, SOURCE_PARENT, UNITS_PARENT, exercise_of, url
from verbs.sources import opened, stopped_by_hand
from verbs.terminal import complain, show

if TYPE_CHECKING:
    from processing.results import Event

HELP = "count repetitions as they happen, until the source ends or Ctrl-C"
PARENTS = (SOURCE_PARENT, UNITS_PARENT)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--exercise", required=True, **EXERCISE)
    parser.add_argument("--side", required=True, **SIDE)
    worn = {"help": "where it is worn: ankle (default) or thigh"}
    parser.add_argument("--placement", default="ankle", **(PLACEMENT | worn))
    parser.add_argument("--json", action="store_true", help="only at the end: the session as one JSON object")
    parser.add_argument("--server", type=url, metavar="URL", help="send the packets to this server as well")


def run(a: argparse.Namespace) -> None:
    asyncio.run(_live(a))


async def _live(a: argparse.Namespace) -> None:
    from processing.tracker import Tracker
    from sensor.uplink import uplink_of

    tracker = Tracker(exercise_of(a), a.side, a.placement)
    async with AsyncExitStack() as stack:
        source = await stack.enter_async_context(opened(a))
        uplink, refused = None, 0
        if a.server is not None:
            leg = {"exercise": exercise_of(a), "side": a.side, "placement": a.placement}
            uplink = await stack.enter_async_context(uplink_of(source, a.server, **leg))
        tell = (lambda events: None) if a.json else _tell
        with stopped_by_hand():
            async for block in source:
                tell(tracker.update(block))
                if uplink and uplink.error and not refused:
                    refused = complain(f"{uplink.error}; counting goes on here", 1)
        tell(tracker.finish())
        show(tracker.result().as_json(), a)
        if uplink:
            await uplink.finish()


def _tell(events: Iterable[Event]) -> None:
    for event in events:
        if line := words.of_event(event):
            print(line, flush=True)
