"""What a patient does on the band's page, and what must come of it."""

from __future__ import annotations

import asyncio
from typing import Any

from emulated import ReferenceBand, until

EXERCISE = "hip_abduction"  # of the fixture `walk`


async def connected(page: Any) -> None:
    await page.goto("/band")
    await until(page, "document.body.dataset.ready === ''")
    await page.click("#find")
    await until(page, "!document.getElementById('there').hidden")


async def started(page: Any) -> None:
    await page.select_option("#exercise", EXERCISE)
    await page.click("#what button")
    await until(page, "!document.getElementById('running').hidden")


async def back(band: ReferenceBand, times: int) -> None:
    """The band was asked to start again so many times."""
    async with asyncio.timeout(60):
        while len([kind for kind, *_ in band.asked if kind == "start"]) <= times:
            await asyncio.sleep(0.02)


async def finished(page: Any) -> str:
    """The session's id."""
    await page.click("#finish")
    await until(page, "!document.getElementById('done').hidden")
    return (await page.get_attribute("#done", "href")).rpartition("/")[2]


def same(stored: dict, wanted: dict) -> None:
    """But for counted_s, which also says how the packets came in."""
    assert stored["final"] and len(stored["result"]["reps"]) == len(wanted["reps"]) == 4
    for there, here in zip(stored["result"]["reps"], wanted["reps"], strict=True):
        assert there | {"counted_s": 0} == here | {"counted_s": 0}
    assert (stored["result"]["coverage"], stored["result"]["gaps"]) == (1.0, [])
