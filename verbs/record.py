"""A band's packets into a recording."""

from __future__ import annotations

import argparse
import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from verbs.arguments import LEG_PARENT, SOURCE_PARENT, UNITS_PARENT, WrongArguments, leg_of, positive
from verbs.sources import opened, stopped_by_hand
from verbs.terminal import progress

if TYPE_CHECKING:
    from sensor.recording import Recording

HELP = "write what a band measures to a recording, until it ends or Ctrl-C"
PARENTS = (SOURCE_PARENT, LEG_PARENT, UNITS_PARENT)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("out", metavar="OUT", help="NAME.csv or NAME.parquet")
    parser.add_argument("--seconds", type=positive, metavar="S", help="stop after so long")


def run(a: argparse.Namespace) -> None:
    from sensor.recording import check_target, write_recording

    check_target(a.out)
    if a.source.startswith("ble:") and None in (a.side, a.placement):
        raise WrongArguments("where the band is worn is not said (wanted --side and --placement, got not both)")
    write_recording(a.out, asyncio.run(_recorded(a)))


async def _recorded(a: argparse.Namespace) -> Recording:
    from dataclasses import replace
    from datetime import UTC, datetime

    from sensor.recording import Meta, Recording, recording_from_packets
    from sensor.samples import Samples

    packets, blocks = [], []
    async with opened(a) as source:
        source.on_packet = lambda packet, host_ns: packets.append((host_ns, packet))
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with suppress(TimeoutError), stopped_by_hand():
            async with asyncio.timeout(a.seconds):
                async for block in source:
                    blocks.append(block)
                    progress(f"{block.t[-1]:.0f} s")
        meta = source.meta or Meta(None, source.driver.rate_hz, a.placement, a.side, started_at=now)
        meta = replace(meta, **leg_of(a))
        if source.driver is None:
            return Recording(Samples.concat(blocks), meta)
        return recording_from_packets(source.driver, source.info, packets, replace(meta, device=source.driver.name))
