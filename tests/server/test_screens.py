"""Every screen as it stands: on a phone and on a desk, dark and light, large, with keys alone, still. A new page is a new row of SCREENS."""

from __future__ import annotations

import pytest
from looking import FIRST_LOAD, LOOKS, logged_in, looked_at, looking

# Who looks -> what. {pat}: the patient's id; {ended}, {running}: sessions of theirs. #FORM: what the page's form of that name answers.
SCREENS = {
    "nobody": ["/login", "/band", "/invitation", "/intended-use", "/nothing"],
    "patient": [
        "/", "/history", "/sessions", "/sessions/{ended}/done", "/band", "/account", "/consent", "/import", "/patients/{pat}", "/sessions/{ended}", "/sessions/{running}", "/sessions/{running}/live",
        "/questionnaires/knee_week",
    ],
    "physio": ["/patients", "/patients/{pat}", "/patients/{pat}/prescribe", "/patients/{pat}/sheet", "/patients/{pat}#pairing", "/sessions/{ended}", "/sessions/{running}/live", "/compare?a={ended}&b={ended}", "/account"],
    "admin": ["/people", "/people/trail", "/people/{pat}/erase", "/people#link", "/patients"],
}  # fmt: skip


@pytest.mark.parametrize("who", SCREENS)
@pytest.mark.parametrize(("look", "language"), [("phone", "de"), ("desktop", "en")])  # German is longer, a phone narrower
async def test_every_screen_can_be_read_by_everybody(browser, home, look: str, who: str, language: str) -> None:
    people, ids = home
    async with looking(browser, look, language, reduced_motion="reduce") as seen:
        await seen.context.add_init_script("ResizeObserver.prototype.observe = () => {}")  # no page waits for a script to fit
        cdp = await seen.context.new_cdp_session(seen.page)
        await cdp.send("Network.enable")
        await cdp.send("Network.setCacheDisabled", {"cacheDisabled": True})  # each page is somebody's first one
        if who in people:
            await logged_in(seen, people[who])
        base = people["admin"].house.url
        for path in SCREENS[who]:
            path, _, form = path.format(**ids).partition("#")
            seen.weight = 0
            await seen.page.goto(base + path, wait_until="load")
            if form:
                await seen.page.locator(f"form[action$='/{form}'] button").first.click()
                await seen.page.wait_for_selector("main svg.qr")
            await seen.page.wait_for_selector("#tools:disabled", state="hidden")  # what comes after the page is there
            assert await seen.page.get_attribute("html", "lang") == language
            await looked_at(seen.page)
            assert seen.weight < FIRST_LOAD, path
            await in_the_other_light(seen.page, LOOKS[look][1])
            await enlarged(seen.page, look)
            if look == "phone":
                await with_keys_alone(seen.page)
        seen.complaints = [text for text in seen.complaints if "404" not in text]  # the browser itself reports /nothing


async def in_the_other_light(page, scheme: str) -> None:
    """Nothing else changes with it; and nothing moves by itself for who asked for that."""
    await page.emulate_media(color_scheme="light" if scheme == "dark" else "dark")
    found = await page.evaluate("axe.run({runOnly: ['color-contrast'], resultTypes: ['violations']})")
    assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found["violations"]] == [], page.url
    assert await page.evaluate("document.getAnimations().filter((one) => one.playState === 'running').length") == 0, page.url
    await page.emulate_media(color_scheme=scheme)


async def enlarged(page, look: str) -> None:
    """To 200 % on a desk (720 CSS px), to 400 % of 1280 on the way to a phone (WCAG 1.4.10: 320 CSS px): nothing is cut off, nothing scrolls sideways."""
    size = page.viewport_size
    await page.set_viewport_size({"width": 320, "height": 640} if look == "phone" else {"width": 720, "height": 450})
    wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{page.url} is {wide} px too wide when enlarged"
    await page.set_viewport_size(size)


STOPS = """() => {
  const key = (one) => (one.type === "radio" ? `radio ${one.name}` : one.outerHTML.slice(0, 200));
  const ring = (one) => [one, one.nextElementSibling].some((one) => one && getComputedStyle(one).outlineStyle !== "none");
  window.reached = [];
  document.addEventListener("focusin", ({ target }) => reached.push([key(target), ring(target)]));
  const stops = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")];
  const there = stops.filter((one) => one.checkVisibility() && !one.disabled && one.type !== "hidden" && one.tabIndex >= 0);
  return there.map((one) => [key(one), one.type === "date" ? 4 : 1]);
}"""


async def with_keys_alone(page) -> None:
    """Tab comes to everything that can be used, and shows where it is."""
    stops = await page.evaluate(STOPS)
    for _ in range(sum(times for _, times in stops) + 2):
        await page.keyboard.press("Tab")
    reached = await page.evaluate("reached")
    assert {one for one, _ in stops} <= {one for one, _ in reached}, (page.url, {one for one, _ in stops} - {one for one, _ in reached})
    assert [one for one, seen in reached if not seen] == [], page.url
