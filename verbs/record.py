"""A band's packets into a recording; two bands', into two of one session."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sensor.errors import LinkError
from verbs.arguments import LEG_PARENT, SOURCE_PARENT, UNITS_PARENT, WrongArguments, leg_of, positive
from verbs.sources import introduced, opened, opened_together, stopped_by_hand
from verbs.terminal import complain, progress

if TYPE_CHECKING:
    from sensor.recording import Recording
    from sensor.source import Source

HELP = "write what a band measures to a recording, until it ends or Ctrl-C"
PARENTS = (SOURCE_PARENT, LEG_PARENT, UNITS_PARENT)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("out", metavar="OUT", type=Path, help="NAME.csv or NAME.parquet")
    second = "a second band on the sacrum at the same time, to NAME.pelvis.csv or NAME.pelvis.parquet: for `replay --pelvis`"
    parser.add_argument("--pelvis", metavar="SOURCE", help=second)
    parser.add_argument("--seconds", type=positive, metavar="S", help="stop after so long")


def run(a: argparse.Namespace) -> int:
    from sensor.recording import check_target, write_recording

    worn = [a] if a.pelvis is None else [a, argparse.Namespace(**vars(a) | _on_the_pelvis(a))]
    for one in worn:
        check_target(one.out)
        if one.source.startswith("ble:") and None in (one.side, one.placement):
            raise WrongArguments("where the band is worn is not said (wanted --side and --placement, got not both)")
    recordings, lost = asyncio.run(recorded(worn, [opened(a)] if a.pelvis is None else opened_together(worn)))
    for one, recording in zip(worn, recordings, strict=True):
        if lost and len(recording.samples) < 2:  # there is nothing, and why is said
            continue
        write_recording(one.out, recording)
    for error in lost:
        complain(error, 1)
    return 1 if lost else 0


def _on_the_pelvis(a: argparse.Namespace) -> dict:
    if a.placement == "pelvis":
        raise WrongArguments("both bands are on the pelvis (wanted --placement ankle or thigh with --pelvis, got pelvis)")
    out = a.out.with_name(f"{a.out.stem}.pelvis{a.out.suffix}")
    return {"source": a.pelvis, "placement": "pelvis", "out": out}


async def recorded(worn: Sequence[argparse.Namespace], sources: Sequence[Source]) -> tuple[list[Recording], list[LinkError]]:
    """Of each band, and which were lost for good before they were to end: what they sent is there."""
    from datetime import UTC, datetime

    lost: list[LinkError] = []
    async with AsyncExitStack() as stack:
        for source in sources:
            progress("looking for the band")
            await stack.enter_async_context(source)
            await introduced(source)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        takes = [_Take(one, source) for one, source in zip(worn, sources, strict=True)]
        with suppress(TimeoutError), stopped_by_hand():
            async with asyncio.timeout(worn[0].seconds):
                await asyncio.gather(*[take.listen(lost) for take in takes])
        return [take.recording(now) for take in takes], lost


class _Take:
    """What one band sends."""

    def __init__(self, a: argparse.Namespace, source: Source) -> None:
        self._a, self._source = a, source
        self._packets: list[tuple[int, bytes]] = []
        self._blocks = []
        source.on_packet = lambda packet, host_ns: self._packets.append((host_ns, packet))

    async def listen(self, lost: list[LinkError]) -> None:
        try:
            async for block in self._source:
                self._blocks.append(block)
                progress(f"{block.t[-1]:.0f} s")
        except LinkError as error:
            lost.append(error)

    def recording(self, now: str) -> Recording:
        from dataclasses import replace

        from sensor.recording import Meta, Recording, recording_from_packets
        from sensor.samples import Samples

        a, source = self._a, self._source
        meta = source.meta or Meta(None, source.driver.rate_hz, a.placement, a.side, started_at=now)
        meta = replace(meta, **leg_of(a))
        if source.driver is None:
            return Recording(Samples.concat(self._blocks), meta)
        return recording_from_packets(source.driver, source.info, self._packets, replace(meta, device=source.driver.name))
