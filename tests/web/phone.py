"""A browser with a profile on its disk, which can be killed and started again."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.async_api import BrowserContext, Playwright


class Phone:
    def __init__(self, playwright: Playwright, chromium: str, flags: Sequence[str], profile: Path) -> None:
        self._playwright, self._profile = playwright, profile
        self._told: dict[str, Any] = {"executable_path": chromium, "args": [*flags]}
        self.context: BrowserContext | None = None

    async def on(self, url: str) -> BrowserContext:
        """Its browser is started, on the profile that it had."""
        self.context = await self._playwright.chromium.launch_persistent_context(self._profile, base_url=url, **self._told)
        return self.context

    async def killed(self) -> None:
        """As by a system that is short of memory: all of the browser at once, which can keep nothing more."""
        browser, gone = self.context.browser, asyncio.Event()
        cdp = await browser.new_browser_cdp_session()
        running = (await cdp.send("SystemInfo.getProcessInfo"))["processInfo"]
        (pid,) = [one["id"] for one in running if one["type"] == "browser"]
        browser.on("disconnected", lambda _: gone.set())
        os.kill(pid, signal.SIGKILL)
        await gone.wait()
        self.context = None

    async def off(self) -> None:
        if self.context:
            await self.context.close()
