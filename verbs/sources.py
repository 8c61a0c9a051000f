"""Where samples come from: the source that was named, or a simulated person."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from verbs.arguments import WrongArguments, names_of, overrides_of, tracks_of
from verbs.terminal import complain, remark

if TYPE_CHECKING:
    from sensor.recording import Recording
    from sensor.source import Source
    from sensor.stage import Stage


def opened(a: argparse.Namespace, **more: Any) -> Source:
    from sensor.source import open_source

    told = overrides_of(a) if a.source.startswith("file:") else {}
    if a.device is not None:
        if a.source.startswith("file:"):
            raise WrongArguments(f"--device is a band's (wanted ble:NAME-OR-ADDRESS or virtual:EXERCISE, got {a.source!r})")
        told["device"] = a.device
    return open_source(a.source, virtual=lambda name: simulated(name, a), speed=a.speed, **told, **more)


def opened_together(each: Sequence[argparse.Namespace]) -> list[Source]:
    """Bands on one person; virtual ones on one stage."""
    from functools import cache

    @cache
    def stage() -> Stage:
        from sensor.stage import Stage

        return Stage(each[0].speed, sum(one.source.startswith("virtual:") for one in each))

    return [opened(one, stage=stage) for one in each]


def simulated(name: str, a: argparse.Namespace) -> Recording:
    """What a virtual band plays: one set of the exercise, or of each."""
    from sensor.motion import session

    names = names_of(name)
    leg = {"side": a.side or "right", "placement": a.placement or "ankle"}
    return session(tracks_of(names), names, rest_s=15.0, seed=1, **leg).recording


async def introduced(source: Source) -> str:
    """Which band it is, for whoever starts it; of a low battery everybody is told. What to show of the battery."""
    if source.client is None:
        return ""
    from sensor.patience import CHARGE_SOON, charge

    about, name = await source.client.about(), source.client.found.name
    battery = "" if about.battery_percent is None else f"battery {charge(about.battery_percent)}"
    is_low = about.battery_percent is not None and about.battery_percent <= CHARGE_SOON
    firmware = about.firmware and f"firmware {about.firmware}"
    (complain if is_low else remark)(", ".join(filter(None, (f"{name}: {source.driver.title}", firmware, battery))))
    return battery


@contextmanager
def stopped_by_hand() -> Iterator[None]:
    """Ctrl-C ends what the band sends, not what is done with it."""
    try:
        yield
    except asyncio.CancelledError:
        if task := asyncio.current_task():
            task.uncancel()
