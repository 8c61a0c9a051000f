"""What a patient does on the band's page, and what must come of it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from emulated import ReferenceBand, until

EXERCISE = "hip_abduction"  # of the fixture `walk`


async def connected(page: Any, query: str = "") -> None:
    await page.goto(f"/band{query}")
    await until(page, "document.body.dataset.ready === ''")
    await page.click("#find")
    await until(page, "!document.getElementById('there').hidden")


async def started(page: Any) -> None:
    await page.select_option("#exercise-name" if await page.query_selector("#exercise-name") else "#exercise", EXERCISE)
    await page.click("#what button")
    await until(page, "document.getElementById('what').checkVisibility() === false")


async def said(page: Any, kind: str) -> None:
    """A sentence of the band's stands somewhere where it can be read."""
    text = await page.evaluate(f"import('/static/bands/words.js').then(({{ sentences }}) => sentences.{kind})")
    places = "['say', 'kept', 'note'].map((id) => document.getElementById(id))"
    await until(page, f"{places}.some((one) => one?.checkVisibility() && one.textContent.includes({json.dumps(text)}))")


async def counted(page: Any, n: int) -> None:
    await until(page, f"document.getElementById('count').textContent === '{n}'")


async def stopped(page: Any) -> None:
    """By hand: in the exercise with a reason, before it without."""
    if await page.is_visible("#stop"):
        await page.click("#stop")
        await page.click("#why [value=other]")
    else:
        await page.click("#finish")


async def stored(walk: Any) -> dict:
    """The patient's one session, when the server has ended it."""
    async with asyncio.timeout(60):
        while True:
            heads = (await asyncio.to_thread(walk.patient.get, "/api/v1/sessions")).json()["sessions"]
            if heads and heads[0]["state"] == "ended":
                assert len(heads) == 1
                return await walk.result(heads[0]["id"])
            await asyncio.sleep(0.05)


async def finished(page: Any, walk: Any) -> dict:
    await stopped(page)
    return await stored(walk)


async def back(band: ReferenceBand, times: int) -> None:
    """The band was asked to start again so many times."""
    async with asyncio.timeout(60):
        while len([kind for kind, *_ in band.asked if kind == "start"]) <= times:
            await asyncio.sleep(0.02)


def same(found: dict, wanted: dict) -> None:
    """But for counted_s, which also says how the packets came in."""
    assert found["final"] and len(found["result"]["reps"]) == len(wanted["reps"]) == 4
    for there, here in zip(found["result"]["reps"], wanted["reps"], strict=True):
        assert there | {"counted_s": 0} == here | {"counted_s": 0}
    assert (found["result"]["coverage"], found["result"]["gaps"]) == (1.0, [])
