"""Debian's Chromium, headless."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence

from playwright.async_api import Browser, async_playwright


@contextlib.asynccontextmanager
async def launched(path: str, flags: Sequence[str]) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=[*flags])
        yield browser
        await browser.close()
