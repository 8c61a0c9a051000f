"""Pages in Debian's Chromium with its Bluetooth emulation, on a real server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

pytest.register_assert_rewrite("pages")  # says what was compared

from chromium import launched
from emulated import FLAG, ReferenceBand
from house import Browser, House, housing
from pages import EXERCISE
from phone import Phone
from playwright.async_api import async_playwright

from processing.exercises import EXERCISES
from processing.tracker import Tracker
from sensor.devices import reference
from sensor.motion import session
from sensor.samples import Samples
from sensor.virtual_band import packets
from server.run import running
from server.settings import Settings


@pytest.fixture(scope="session")
def chromium_flags(chromium_flags: list[str]) -> list[str]:
    return [*chromium_flags, FLAG]


@pytest.fixture
async def browser(chromium_path: str, chromium_flags: list[str]):
    """Each test's own, for there is one Bluetooth adapter in each."""
    async with launched(chromium_path, chromium_flags) as browser:
        yield browser


@pytest.fixture
async def phone(chromium_path: str, chromium_flags: list[str], tmp_path: Path):
    async with async_playwright() as playwright:
        phone = Phone(playwright, chromium_path, chromium_flags, tmp_path / "profile")
        yield phone
        await phone.off()


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Of a server without accounts."""
    with running(Settings(tmp_path / "data", port=0)) as url:
        yield url


class Walk(NamedTuple):
    """A clinic's server, one of its patients, and what the patient will do with the band."""

    house: House
    admin: Browser
    patient: Browser
    samples: Samples

    async def page(self, browser, who: Browser | None = None):
        """A page of the patient's browser, which complains aloud."""
        return await self.page_in(await browser.new_context(base_url=self.house.url), who)

    async def page_in(self, context, who: Browser | None = None):
        await self.log_in(context, who or self.patient)
        page = await context.new_page()
        page.complaints = []
        page.on("console", lambda told: page.complaints.append(told.text) if told.type == "error" else None)
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        return page

    async def log_in(self, context, who: Browser) -> None:
        await context.add_cookies([{"name": name, "value": value, "url": self.house.url} for name, value in who.cookies.items()])

    async def result(self, session_id: str) -> dict:
        return (await asyncio.to_thread(self.patient.get, f"/api/v1/sessions/{session_id}")).json()

    def expected(self, band: ReferenceBand) -> dict:
        """What decoder and Tracker make of the samples, without radio, page and server."""
        decoder = reference.DRIVER.decoder(reference.encode_info(band.info))
        tracker = Tracker(EXERCISE, "left", "ankle")
        for seq, (_, packet) in enumerate(packets(self.samples, reference.DRIVER, band.info)):
            tracker.update(decoder.feed(reference.encode_packet(packet._replace(seq=seq)), seq * 100_000_000))
        tracker.finish()
        return json.loads(json.dumps(tracker.result().as_json()))


@pytest.fixture(scope="session")
def samples() -> Samples:
    track = {EXERCISE: EXERCISES[EXERCISE].track}
    return session(track, EXERCISE, sets=1, reps=4, side="left", seed=3).recording.samples


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Browser]]:
    with housing(tmp_path_factory.mktemp("clinic")) as house:
        yield house, house.found("Hillside", "Ada Admin")


@pytest.fixture
def walk(clinic: tuple[House, Browser], samples: Samples) -> Walk:
    """Each test's patient is a new one."""
    house, admin = clinic
    return Walk(house, admin, admin.add(f"Pat {len(admin.ids())}", "patient"), samples)
