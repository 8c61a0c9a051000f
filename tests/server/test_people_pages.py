"""The clinic's pages in a real browser: the link's script, the forms, and nothing that the policy forbids."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from house import PASSWORD, Browser, housing

from server import totp


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "light")])
async def test_from_the_first_link_to_a_programme(browser, tmp_path: Path, width: int, scheme: str) -> None:
    with housing(tmp_path) as house:
        context = await browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
        page = await context.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.url))

        async def fits() -> None:
            await page.wait_for_load_state()
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, page.url

        await page.goto(house.link)
        await page.wait_for_selector("#password")  # the script has sent what stands behind the #
        assert house.link.partition("#")[2] not in page.url
        for name, value in (
            ("clinic", "Praxis am Hügel"), ("time_zone", "Europe/Berlin"), ("name", "Ada Admin"),
            ("email", "ada@example.org"), ("password", PASSWORD),
        ):  # fmt: skip
            await page.fill(f"#{name}", value)
        await fits()
        await page.click("text=Begin")
        assert await page.is_visible("svg.qr")  # for the app's camera
        key = (await page.text_content(".key code")).replace(" ", "")
        await fits()
        await page.fill("#code", totp.code(key, int(house.clock.now // totp.STEP_S)))
        await page.click("text=Go on")
        await page.wait_for_url("**/patients")
        await page.click("text=People >> nth=0")
        await page.fill("#name", "Pat Patient with a rather long name, as some people have")
        await page.click("text=Make a link")
        link = await page.text_content(".key code")
        await fits()
        pat = await asyncio.to_thread(lambda: Browser(house).take(link, "pat@example.org"))
        await page.goto(f"{house.url}/people")
        await page.goto(f"{house.url}/patients")
        await page.click("text=Pat Patient")
        await fits()
        await page.click("text=Prescribe")
        await page.select_option("#exercise_0", "hip_abduction")
        await page.select_option("#side_0", "both")
        await fits()
        await page.click("button:text-is('Prescribe')")
        assert "Side-lying hip abduction (both sides): 3 times a week" in await page.text_content("main")
        await page.click("text=Pair a phone or a computer")
        await fits()
        await page.click("footer >> text=Log out")
        await page.wait_for_url("**/login")
        await page.fill("#email", "pat@example.org")
        await page.fill("#password", "not the right one")
        await page.click("button:text-is('Log in')")
        assert "not right" in await page.text_content("[role=alert]")
        await page.fill("#password", PASSWORD)
        await page.click("button:text-is('Log in')")
        await page.click("text=Me")
        await page.click("text=The knee in the last week")
        await fits()
        assert pat.get("/account").status_code == 200
        # The browser itself reports the refused password, and htmx a preview that is cut off by going on.
        assert [text for text in complaints if "401" not in text and not text.startswith(("htmx:afterRequest", "htmx:sendAbort"))] == []
        assert not any("#" not in url and house.link.partition("#")[2] in url for url in sent)
        await context.close()
