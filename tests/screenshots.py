"""`make screenshots`: what the README shows, taken from the demo, so that it cannot go stale."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))  # before this folder, which has a processing/ as well

from conftest import CHROMIUM_FLAGS

from processing.exercises import EXERCISES
from sensor.motion import session
from server.demo import played
from server.demo_clinic import STORIES
from server.run import running
from server.settings import Settings

HERE = Path(__file__).parent / "screenshots"
TOKEN = "the demo's band"
STARTED = 1_774_600_000.0  # a Friday; the same pictures whenever they are taken
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1440, "height": 900}
LIFT = "hip_abduction"


def main() -> None:
    HERE.mkdir(exist_ok=True)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        settings = Settings(Path(data), port=0, demo=TOKEN, clock=lambda: STARTED + time.monotonic() - begun)
        with running(settings) as url:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_FLAGS)
            with looking(browser, DESK, url, "physio") as page:
                while page.goto(f"{url}/patients") and page.get_by_text(STORIES[3].name).count() == 0:
                    page.wait_for_timeout(1000)
                taken(page, "patients")
                page.get_by_role("link", name=STORIES[2].name).first.click()
                taken(page, "patient")
                page.locator("a[href^='/sessions/']").first.click()
                taken(page, "session")
            with looking(browser, PHONE, url, "patient") as page:
                page.goto(url)
                taken(page, "today")
                with band(url, Path(data)) as live:
                    page.goto(live)
                    page.locator("#count", has_text="7").wait_for(timeout=120_000)
                    taken(page, "exercise")
            browser.close()


@contextmanager
def looking(browser: Browser, size: dict[str, int], url: str, who: str) -> Iterator[Page]:
    context = browser.new_context(viewport=size, color_scheme="light", locale="en-GB", reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{url}/demo")
    page.locator(f"form[action='/demo/{who}'] button").click()
    yield page
    context.close()


@contextmanager
def band(url: str, folder: Path) -> Iterator[str]:
    """A virtual band in a thread of its own; its live page."""
    made = session({LIFT: EXERCISES[LIFT].track}, LIFT, seed=1, compensations=0.2, side="right", placement="ankle")
    there, page = threading.Event(), []

    def tell(live: str) -> None:
        page.append(live)
        there.set()

    thread = threading.Thread(target=lambda: asyncio.run(played(made.recording, url, TOKEN, folder, 2.0, tell)), daemon=True)
    thread.start()
    there.wait(60)
    yield page[0]


def taken(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=HERE / f"{name}.png")
    print(HERE / f"{name}.png")


if __name__ == "__main__":
    main()
