"""What can go wrong with a band is said in one sentence, and the page can be installed."""

from __future__ import annotations

import asyncio
import json

import pytest
from emulated import Air, ReferenceBand, until
from pages import connected, finished, said, started, stored

from sensor.devices import reference
from sensor.devices.movella_dot import Virtual as Dot
from sensor.driver import Message
from sensor.peripheral import READ


class Heart(ReferenceBand):
    """Not a band, though it is called like one."""

    name = "WT901 of another maker"
    table = {"180d": {"2a38": (READ,)}}


class Eager(ReferenceBand):
    """Sends before it is asked: as soon as its info is read."""

    def __init__(self, samples) -> None:
        super().__init__()
        self.takes(samples)
        self.unasked = [(reference.DATA_UUID, reference.encode_packet(self._coming[0]))]


class Stubborn(Dot):
    """Takes no rate."""

    def write(self, uuid, data):
        return ()


# Playwright's own questions count as taps, for a while.
UNTAPPED = """const looking = setInterval(() => {
  if (document.body?.dataset.ready !== "" || navigator.userActivation.isActive) return;
  clearInterval(looking);
  document.getElementById("find").click();
}, 20);"""


async def tapped(page) -> None:
    await page.goto("/band")
    await until(page, "document.body.dataset.ready === ''")
    await page.click("#find")


async def test_each_trouble_has_its_sentence(browser, walk) -> None:
    page = await walk.page(browser)
    async with Air(page, ReferenceBand()) as air:
        air.picks = False
        await tapped(page)
        await said(page, "none_chosen")
        air.picks = True
        await air.power("absent")
        await page.click("#find")
        await said(page, "adapter_off")
        await air.power("powered-on")
        air.connects = False
        await page.click("#find")
        await said(page, "away")
        assert await page.is_visible("#again")
        air.connects = True
        await page.click("#again")  # one tap
        await until(page, "!document.getElementById('there').hidden")
        await page.close()  # or the emulation ends under it, and Chromium with it
    for band, kind in ((Heart(), "wrong_model"), (Stubborn(), "declined"), (Eager(walk.samples), "early")):
        page = await walk.page(browser)
        async with Air(page, band):
            await tapped(page)
            await said(page, kind)
            await page.close()


async def test_a_permission_that_is_refused(browser, walk) -> None:
    """As Chromium refuses whoever asks without a tap."""
    page = await walk.page(browser)
    await page.add_init_script(UNTAPPED)
    async with Air(page, ReferenceBand()):
        await page.goto("/band")
        await said(page, "refused")
        await page.click("#find")  # allowed now
        await until(page, "!document.getElementById('there').hidden")
        await page.close()


async def test_no_bluetooth_says_what_to_do_instead(browser, walk) -> None:
    """As on an iPhone and in Firefox."""
    page = await walk.page(browser)
    await page.add_init_script("delete Navigator.prototype.bluetooth")
    await page.goto("/band")
    await said(page, "unsupported")
    assert not (await page.is_visible("#find") and await page.is_enabled("#find"))
    assert "hiprep live" in await page.text_content("#say")


async def test_it_can_be_installed_and_a_new_version_takes_the_old_ones_place(browser, walk) -> None:
    page = await walk.page(browser)
    await page.goto("/login")
    await page.evaluate("caches.open('of before')")
    await page.goto("/")
    await page.evaluate("navigator.serviceWorker.ready")
    cdp = await page.context.new_cdp_session(page)
    manifest = await cdp.send("Page.getAppManifest")
    assert manifest["errors"] == [] and json.loads(manifest["data"])["start_url"] == "/"
    why_not = (await cdp.send("Page.getInstallabilityErrors"))["installabilityErrors"]
    assert {error["errorId"] for error in why_not} <= {"in-incognito"}  # as all of Playwright's contexts are
    await until(page, "navigator.serviceWorker.controller?.state === 'activated'")
    (name,) = await page.evaluate("caches.keys()")
    assert name != "of before"
    assert page.complaints == []


@pytest.mark.parametrize("gone", ["silent", "ended"])
async def test_a_band_that_falls_silent_or_ends(browser, walk, gone: str) -> None:
    page, band = await walk.page(browser), ReferenceBand()
    async with Air(page, band) as air:
        await connected(page)
        await started(page)
        many = band.takes(walk.samples)
        await air.goes_on(many)
        if gone == "silent":
            await said(page, "asleep")  # after 3 s
            async with asyncio.timeout(60):  # it is said before the band is asked
                while band.asked[-1] != ("ping",):
                    await asyncio.sleep(0.02)
            await finished(page, walk)
        else:
            await air.notify([(reference.CONTROL_UUID, reference.encode_message(Message("ended", (many,))))])
            await stored(walk)  # by itself
