"""A band, a page, a server: what is measured is kept, sent, counted; whatever breaks in between."""

from __future__ import annotations

import numpy as np
from emulated import Air, ReferenceBand, peripheral_of, until
from pages import back, connected, counted, finished, same, started
from sansio import movement

MODELS = ["hiprep-band", "witmotion", "witmotion-fff0", "polar-verity-sense", "movella-dot"]
OPEN = """async (owner) => {
  const { Band } = await import("/static/bands/band.js");
  window.seen = [];
  window.legs = [];
  const band = (window.band = new Band({
    owner,
    onChange: () => seen.push([band.state, band.trouble]),
    onPose: (leg) => legs.push(leg),
  }));
  window.failed = null;
  document.querySelector("h1").onclick = () => band.connect().catch((trouble) => { failed = trouble.kind; });
}"""


async def tapped(page, url: str, owner: str = "local") -> None:
    await page.goto(f"{url}/band")
    await page.evaluate(OPEN, owner)
    await page.click("h1")


async def test_every_model_connects_and_the_leg_moves(browser, url) -> None:
    for name in MODELS:
        page, band = await browser.new_page(), peripheral_of(name)
        async with Air(page, band) as air:
            await tapped(page, url)
            await until(page, "band.state === 'streaming'")
            assert band.streaming
            assert await page.evaluate("[band.model, band.battery, band.name, failed]") == [name, 87, band.name, None]
            await air.plays(movement(300))
            legs = np.array(await page.evaluate("legs"))
            np.testing.assert_allclose(np.linalg.norm(legs, axis=1), 1, atol=1e-6)
            assert len(legs) >= 2 and np.ptp(legs, axis=0).max() > 0.2
            await page.evaluate("band.finish()")
            assert await page.evaluate("band.state") == "stopped"
        await page.close()


async def test_from_the_phone_to_the_count(browser, walk) -> None:
    """The patient's own cookie, page and band; the link breaks in the middle and the band sends again what was missed."""
    page, band = await walk.page(browser), ReferenceBand()
    async with Air(page, band) as air:
        air.battery = 255  # which no server takes
        await connected(page, "?exercise=hip_abduction&side=left&band=red")
        await until(page, "document.getElementById('signal').textContent === 'strong'")
        assert await page.is_visible("#colour") and await page.text_content("#colour") == "red"
        await page.check("[name=side][value=right]", force=True)
        assert await page.is_hidden("#colour")  # of the other leg nothing is prescribed here
        await page.check("[name=side][value=left]", force=True)
        await started(page)
        many = band.takes(walk.samples)
        await air.goes_on(many // 4)
        await air.drop()
        band.measures(many // 4)  # nobody hears it
        await back(band, 1)
        await air.goes_on(many)
        await counted(page, 4)
        assert ("replay", many // 4) in band.asked
        found = await finished(page, walk)
        same(found, walk.expected(band))
        assert found["battery_percent"] is None
    assert page.complaints == []
