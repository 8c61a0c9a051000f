"""How a screen is looked at: axe, overflow, complaints of the browser, the weight of its first load. A test of a page
says `await looked_at(page)` in each state that it brings the page to."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from importlib.resources import files

from playwright.async_api import Browser, BrowserContext, Page, Request

AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1440, "height": 900}
LOOKS = {"phone": (PHONE, "dark"), "desktop": (DESKTOP, "light")}
FIRST_LOAD = 150 * 1024  # bytes, compressed


@dataclass
class Look:
    """A browser window; `complaints` of its console and its scripts so far; `weight`, bytes of all its answers."""

    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)
    weight: int = 0

    async def _weigh(self, request: Request) -> None:
        with contextlib.suppress(Exception):  # one that a navigation broke off has no size
            self.weight += (await request.sizes())["responseBodySize"]


@contextlib.asynccontextmanager
async def looking(browser: Browser, look: str = "phone", language: str = "en", **more: object) -> AsyncIterator[Look]:
    """look: phone or desktop, of LOOKS. At the end nothing may have complained."""
    viewport, scheme = LOOKS[look]
    context = await browser.new_context(viewport=viewport, color_scheme=scheme, locale=language, **more)
    seen = Look(context, await context.new_page())
    seen.page.on("console", lambda message: seen.complaints.append(message.text) if message.type == "error" else None)
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    seen.page.on("requestfinished", seen._weigh)
    try:
        yield seen
        # What going on to the next page breaks off is said by the browser and by htmx, and is no complaint.
        broken_off = "WebSocket connection to", "htmx:afterRequest", "htmx:sendAbort"
        complaints = [text for text in seen.complaints if not text.startswith(broken_off)]
        assert complaints == [], complaints
    finally:
        await context.close()


async def logged_in(look: Look, person: object) -> None:
    """With the login of one of house.py's browsers."""
    cookies = [{"name": name, "value": value, "url": str(person.base_url)} for name, value in person.cookies.items()]
    await look.context.add_cookies(cookies)


async def looked_at(page: Page) -> None:
    """No finding of axe that is serious, nothing that has to be scrolled sideways, nothing smaller than a thumb."""
    await page.evaluate("Promise.allSettled(document.getAnimations().filter(({ animationName }) => animationName === 'late').map((one) => one.finished))")
    await page.evaluate(AXE)
    found = await page.evaluate("rules => axe.run({runOnly: rules, resultTypes: ['violations']})", WCAG)
    serious = [
        (one["id"], [node["target"] for node in one["nodes"]], one["nodes"][0]["failureSummary"])
        for one in found["violations"] if one["impact"] in ("serious", "critical")
    ]  # fmt: skip
    assert serious == [], f"{page.url}: {serious}"
    wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{page.url} is {wide} px too wide"
