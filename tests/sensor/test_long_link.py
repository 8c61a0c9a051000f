"""Eight hours on the virtual radio, in simulated time: `make campaign`."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import numpy as np
import pytest

from on_air import on_air
from sensor.samples import Samples
from simulated_time import BACKEND

HOURS, DROPS = 8, 500
needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
pytestmark = [pytest.mark.campaign, pytest.mark.timeout(3600), needs_proc]


@pytest.fixture
def anyio_backend():
    return BACKEND


def memory() -> tuple[float, int]:
    """MB of the process, and pieces of memory that Python has in use."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6, sys.getallocatedblocks()


async def test_memory_is_flat_over_eight_hours_with_five_hundred_drops():
    n = HOURS * 3600 * 100
    still = Samples(np.arange(n) / 100, np.zeros((n, 3)), np.zeros((n, 3)))
    got, used, dropped = 0, [], 0
    async with on_air(still) as (radio, band, client, _), client:
        async for block in client:
            got += len(block)
            if block.t[-1] > (dropped + 1) * HOURS * 3600 / (DROPS + 1) and dropped < DROPS:
                radio.break_links(band.device)
                dropped += 1
            if block.t[-1] > (len(used) + 1) * 1800:
                used.append(memory())
                print(f"{len(used) / 2:.1f} h {used[-1][0]:.1f} MB {used[-1][1]} pieces", file=sys.stderr)
    assert got == n and client.reconnects == DROPS and client.decoder.lost == 0
    megabytes, pieces = zip(*used, strict=True)
    assert max(megabytes[2:]) - megabytes[1] < 5 and max(pieces[2:]) - pieces[1] < 20 * DROPS, used
