"""Where samples come from: the source that was named, or a simulated person."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from verbs.arguments import WrongArguments, names_of, overrides_of, tracks_of

if TYPE_CHECKING:
    from sensor.recording import Recording
    from sensor.source import Source


def opened(a: argparse.Namespace) -> Source:
    from sensor.source import open_source

    told = overrides_of(a) if a.source.startswith("file:") else {}
    if a.device is not None:
        if not a.source.startswith("virtual:"):
            raise WrongArguments(f"--device is of a virtual band (wanted virtual:EXERCISE, got {a.source!r})")
        told["device"] = a.device
    return open_source(a.source, virtual=lambda name: simulated(name, a), speed=a.speed, **told)


def simulated(name: str, a: argparse.Namespace) -> Recording:
    """What a virtual band plays: one set of the exercise, or of each."""
    from sensor.motion import session

    names = names_of(name)
    leg = {"side": a.side or "right", "placement": a.placement or "ankle"}
    return session(tracks_of(names), names, rest_s=15.0, seed=1, **leg).recording


@contextmanager
def stopped_by_hand() -> Iterator[None]:
    """Ctrl-C ends what the band sends, not what is done with it."""
    try:
        yield
    except asyncio.CancelledError:
        if task := asyncio.current_task():
            task.uncancel()
