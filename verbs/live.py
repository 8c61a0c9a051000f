"""Repetitions as they happen: kept on disk first, then counted, shown, and sent."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from processing import words
from processing.errors import ProcessingError
from sensor.errors import LinkError, UplinkError
from verbs.arguments import DATA, EXERCISE, PLACEMENT, SIDE, SOURCE_PARENT, UNITS_PARENT, exercise_of, spool_dir, url
from verbs.screen import Screen
from verbs.sources import introduced, opened, stopped_by_hand
from verbs.terminal import complain, progress, show

if TYPE_CHECKING:
    from processing.results import Event
    from processing.tracker import Tracker
    from sensor.samples import Samples
    from sensor.source import Source
    from sensor.spool import Spool
    from sensor.uplink import Uplink

HELP = "count repetitions as they happen, until the source ends or Ctrl-C"
PARENTS = (SOURCE_PARENT, UNITS_PARENT)

AWAY_S = 10.0  # a server out of reach for so long is said; at the end it is not waited for any longer


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--exercise", required=True, **EXERCISE)
    parser.add_argument("--side", required=True, **SIDE)
    worn = {"help": "where it is worn: ankle (default) or thigh"}
    parser.add_argument("--placement", default="ankle", **(PLACEMENT | worn))
    parser.add_argument("--json", action="store_true", help="only at the end: the session as one JSON object")
    parser.add_argument("--server", type=url, metavar="URL", help="send the packets to this server as well")
    parser.add_argument("--data", **DATA)


def run(a: argparse.Namespace) -> int:
    return asyncio.run(session(a, opened(a)))


async def session(a: argparse.Namespace, source: Source) -> int:
    """Exit status; the result is printed."""
    from processing.tracker import Tracker

    counting = Counting(Tracker(exercise_of(a), a.side, a.placement))
    spool = uplink = lost = None
    async with AsyncExitStack() as stack:
        progress("looking for the band")
        async with source:
            progress("")
            battery = await introduced(source)
            # Of a simulated band there is nothing to keep but what a server is to get.
            if a.server is not None or a.source.startswith("ble:"):
                spool, uplink = await _kept(a, source, stack)
            watch = Watch(spool, uplink)
            drawn = Screen.fits(sys.stdout) and not a.json
            worn = ", ".join(filter(None, (f"{a.side} {a.placement}", battery)))
            screen = Screen(counting.tracker, worn, watch.state, sys.stdout)
            async with screen if drawn else Lines(a.json) as shown:
                with stopped_by_hand(), _stopped_by_a_signal():
                    try:
                        async for block in source:
                            shown.heard(counting.update(block))
                            for text in watch.news():
                                shown.note(text)
                            if uplink and uplink.ended:
                                break
                    except LinkError as error:  # the band is lost for good, what it sent is not
                        lost = error
                for block in source.rest():
                    shown.heard(counting.update(block))
                shown.heard(counting.tracker.finish())
        # First the result; unless the disk is full, when what the server still takes decides what it says, or the server
        # ended the session, when its result is the session's.
        waits = (spool is not None and spool.unspooled > 0) or (uplink is not None and uplink.ended)
        status = await _delivered(spool, uplink) if waits else 0
        ended = uplink.stored if uplink and uplink.ended else None
        show(ended.result if ended else counting.document(spool.unspooled if spool else 0), a)
        status = status if waits else await _delivered(spool, uplink)
    if lost:
        raise lost
    return status


async def _kept(a: argparse.Namespace, source: Source, stack: AsyncExitStack) -> tuple[Spool, Uplink | None]:
    from sensor.spool import forget_old, spool_of

    folder = spool_dir(a)
    leg = {"exercise": exercise_of(a), "side": a.side, "placement": a.placement}
    spool = await stack.enter_async_context(spool_of(source, folder, **leg, server=a.server))
    forget_old(folder)
    if a.server is None:
        return spool, None
    from sensor.uplink import Uplink

    return spool, await stack.enter_async_context(Uplink(spool, a.server))


async def _delivered(spool: Spool | None, uplink: Uplink | None) -> int:
    """Exit status: 0 where everything is where it should be."""
    if spool is None:
        return 0
    how = f"hiprep sync{'' if uplink else ' --server URL'}"
    problem = None
    if uplink:
        try:
            sending = asyncio.create_task(uplink.finish(AWAY_S))
            while not sending.done():
                progress(f"{uplink.waiting} packets to send")
                await asyncio.wait({sending}, timeout=0.5)
            progress("")
            await sending
            spool.remove()
            return 0
        except UplinkError as error:
            problem = error
    text = f"{spool.kept} packets are kept in {spool.path}; `{how}` sends them"
    complain(f"{problem}; {text}" if problem else text, 1)
    return 1 if problem else 0


class Counting:
    """A tracker and the blocks that it would not take, as a server counts them."""

    def __init__(self, tracker: Tracker) -> None:
        self.tracker = tracker
        self._uncounted = 0

    def update(self, block: Samples) -> list[Event]:
        try:
            return self.tracker.update(block)
        except ProcessingError:  # they are kept and sent; the session goes on
            self._uncounted += 1
            return []

    def document(self, unspooled: int) -> dict:
        document = self.tracker.result().as_json()
        more = {"uncounted_packets": self._uncounted, "unspooled_packets": unspooled}
        document["quality"] |= {name: many for name, many in more.items() if many}
        return document


class Watch:
    """What spool and uplink have to say: each thing once, and the state in a few words."""

    def __init__(self, spool: Spool | None, uplink: Uplink | None) -> None:
        self._spool, self._uplink = spool, uplink
        self._said: set[str] = set()
        self._away_since: float | None = None

    def news(self) -> Iterator[str]:
        spool, uplink = self._spool, self._uplink
        if spool and spool.problem and self._first("spool"):
            yield f"{spool.problem}; counting goes on, packets wait in memory"
        if uplink and uplink.ended:
            if self._first("ended"):
                yield "the session was ended on the server"
        elif uplink and uplink.error:
            if self._first("refused"):
                yield f"{uplink.error}; counting goes on here"
        elif uplink and uplink.trouble:
            now = asyncio.get_running_loop().time()
            self._away_since = now if self._away_since is None else self._away_since
            if now - self._away_since > AWAY_S and self._first("away"):
                yield f"server {uplink.server_url} {uplink.trouble}; counting goes on, packets are kept and sent later"
        else:
            self._away_since = None

    def state(self) -> str:
        spool, uplink = self._spool, self._uplink
        if spool and spool.problem:
            return "DISK: cannot keep packets"
        if uplink is None:
            return "on this computer only"
        if uplink.error:
            return "server REFUSES: kept here"
        if uplink.trouble:
            return f"server AWAY: {uplink.waiting} packets kept here"
        return "server: has it all" if uplink.waiting <= 10 else f"server: {uplink.waiting} packets behind"

    def _first(self, what: str) -> bool:
        first = what not in self._said
        self._said.add(what)
        return first


class Lines:
    """What a file or a pipe is told: a line for each thing that happens, or nothing."""

    def __init__(self, silent: bool) -> None:
        self._silent = silent

    async def __aenter__(self) -> Lines:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def heard(self, events: list[Event]) -> None:
        for event in events:
            if not self._silent and (line := words.of_event(event)):
                print(line, flush=True)

    def note(self, text: str) -> None:
        complain(text, 1)


@contextlib.contextmanager
def _stopped_by_a_signal() -> Iterator[None]:
    """SIGTERM ends a session as Ctrl-C does."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    try:
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
    except (NotImplementedError, RuntimeError):  # Windows, or not the main thread
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
