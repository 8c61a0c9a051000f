"""`make times`: how soon a repetition is on the page and heard, how evenly the live angle runs on a phone, how soon each
page is there. Everything on this computer: virtual band, virtual radio, bleak, uplink, a server of its own, Chromium.
One part alone, some pages, oftener: `make times ARGS="--only loads --page /sessions --tries 5"`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
from playwright.async_api import Browser, BrowserContext, CDPSession, Page, async_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))  # before this folder, which has a processing/ as well

from conftest import CHROMIUM_FLAGS

from processing.exercises import EXERCISES
from sensor.band import BandClient
from sensor.motion import session
from sensor.samples import Samples
from sensor.source import Source
from sensor.spool import spool_of
from sensor.uplink import Uplink
from sensor.virtual_adapter import virtual_adapter
from sensor.virtual_band import VirtualBand
from sensor.virtual_radio import VirtualRadio
from server.demo_clinic import STORIES

EXERCISE, SIDE, RATE_HZ, PACKET = "hip_abduction", "right", 100, 10
SETS, REPS = 10, 10
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
CPU = 4  # times slower, as Lighthouse takes a phone for
SLOW = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 0.75e6 / 8}  # Lighthouse's slow 4G
FRAME_MS = 1000 / 60
BAND = "the token of the demo's band"
SERVE = (
    "import sys; from server.run import serve; from server.settings import Settings;"
    "serve(Settings(sys.argv[1], port=0, demo=sys.argv[2] or None))"
)
# When each repetition's message came, and when it was said: ms since 1970.
HEARD = """
  window.came = []; window.heard = [];
  const now = () => performance.timeOrigin + performance.now();
  addEventListener("said", ({ detail }) => detail.kind === "counted" && heard.push(now()));
  window.WebSocket = class extends WebSocket {
    constructor(url) {
      super(url);
      this.addEventListener("message", ({ data }) => JSON.parse(data).event === "counted" && came.push(now()));
    }
  };
"""
FRAMES = """
  window.frames_ms = [];
  let last = null;
  const frame = (at) => {
    if (last !== null && document.body.dataset.view === "set") frames_ms.push(at - last);
    last = at;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
"""


async def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--only", choices=("counted", "angle", "loads"), help="one part")
    asked.add_argument("--page", default="", help="loads: pages whose address has this in it")
    asked.add_argument("--tries", type=int, default=3, help="loads: the median of so many")
    told = asked.parse_args()
    print(f"load of this computer, {os.cpu_count()} processors: {os.getloadavg()[0]:.1f}")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_FLAGS)
        if told.only in (None, "counted"):
            with tempfile.TemporaryDirectory() as folder, serving(folder) as url:
                await counted(browser, url, Path(folder))
        if told.only != "counted":
            with tempfile.TemporaryDirectory() as folder, serving(folder, BAND) as url:
                await furnished(browser, url)
                if told.only in (None, "loads"):
                    await first_loads(browser, url, told.page, told.tries)
                if told.only in (None, "angle"):
                    await angle(browser, url, Path(folder))
        await browser.close()


@contextlib.contextmanager
def serving(folder: str, demo: str = "") -> Iterator[str]:
    """In a process of its own."""
    with subprocess.Popen([sys.executable, "-c", SERVE, folder, demo], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            yield server.stdout.readline().split()[-1]
        finally:
            server.kill()


async def counted(browser: Browser, url: str, folder: Path) -> None:
    """From the packet with the deciding sample, as it leaves the band, to the number and the click; at the speed of life."""
    context = await browser.new_context(**PHONE)
    page, left = await context.new_page(), []
    await page.add_init_script(HEARD)
    made = session({EXERCISE: EXERCISES[EXERCISE].track}, EXERCISE, sets=SETS, reps=REPS, rest_s=12.0, side=SIDE, rate_hz=float(RATE_HZ), seed=1)
    result = await played(made.recording.samples, url, folder / "counted", left, lambda live: page.goto(live))
    reps = [rep for rep in result["reps"] if rep["counted"]]
    came, heard = await page.evaluate("[came, heard]")
    if not len(reps) == len(came) == len(heard):
        raise SystemExit(f"hiprep: {len(reps)} repetitions counted, {len(came)} told to the page, {len(heard)} heard")
    sent = [1e3 * left[round(rep["counted_s"] * RATE_HZ) // PACKET] for rep in reps]
    whole, share = ([b - a for a, b in zip(begin, heard, strict=True)] for begin in (sent, came))
    row(f"sample to number and click, {len(reps)}", f"p95 {at(whole, 0.95):.0f} ms", f"median {at(whole, 0.5):.0f}, most {max(whole):.0f} ms; and the packet's own {1000 * PACKET // RATE_HZ} ms")
    row("", f"p95 {at(share, 0.95):.1f} ms", f"of it the page's: median {at(share, 0.5):.1f}, most {max(share):.1f} ms")
    await context.close()


async def angle(browser: Browser, url: str, folder: Path) -> None:
    """The live angle and the tempo's mark of one prescribed set, on a phone's page and a phone's processor; and a page on
    which nothing moves, beside the same band: what is dropped there is this computer's and the measuring's."""
    for name, path in (("frames dropped", "/live"), ("the same on a page that is still", "")):
        await frames_of(browser, url, folder / f"angle{path.replace('/', '-')}", name, path)


async def frames_of(browser: Browser, url: str, folder: Path, name: str, path: str) -> None:
    async def look(live: str) -> None:
        await page.goto(live if path else f"{url}/intended-use")
        if not path:
            await page.evaluate("document.body.dataset.view = 'set'")

    async with somebody(browser, url, "patient") as (context, page):
        cdp = await slowed(context, page)
        await cdp.send("Performance.enable")
        await page.add_init_script(FRAMES)
        made = session({EXERCISE: EXERCISES[EXERCISE].track}, EXERCISE, sets=1, reps=REPS, side=SIDE, rate_hz=float(RATE_HZ), seed=2)
        await played(made.recording.samples, url, folder, [], look, token=BAND)
        frames, busy = await page.evaluate("frames_ms"), {one["name"]: one["value"] for one in (await cdp.send("Performance.getMetrics"))["metrics"]}
        missed, all_of_them = sum(max(0, round(ms / FRAME_MS) - 1) for ms in frames), round(sum(frames) / FRAME_MS)
        row(f"{name}, processor / {CPU}", f"{100 * missed / all_of_them:.1f} %", f"{missed} of {all_of_them} in {sum(frames) / 1e3:.0f} s; longest {max(frames):.0f} ms")
        row("", f"{100 * busy['ThreadTime'] / (busy['Timestamp'] - busy['NavigationStart']):.0f} %", "of that processor's time is what the page's thread took")


async def played(samples: Samples, url: str, folder: Path, left: list[float], look, token: str | None = None) -> dict:
    """What the server made of it. left: s since 1970, of each packet as it leaves the band; look: gets the live page's address."""
    radio = VirtualRadio()
    adapter = await virtual_adapter(radio)
    async with VirtualBand(radio, samples) as band:
        notify = band.device.notify_subscriber

        async def timed(*what) -> None:
            left.append(time.time())
            await notify(*what)

        band.device.notify_subscriber = timed
        async with Source(lambda source, stack: source.listen(BandClient(band.address, backend=adapter), stack)) as source:
            spool = spool_of(source, folder, exercise=EXERCISE, side=SIDE, placement="ankle", server=url)
            async with spool, Uplink(spool, url, token=token) as uplink:
                await uplink.opened()
                await look(f"{uplink.page_url}/live")
                async for _ in source:
                    pass
                return (await uplink.finish()).result


async def furnished(browser: Browser, url: str) -> None:
    """Everybody's weeks are counted, which takes the processor."""
    async with somebody(browser, url, "physio") as (_context, page):
        while True:
            await page.goto(f"{url}/patients")
            if await page.get_by_text(STORIES[3].name).count():
                return
            await asyncio.sleep(1)


async def first_loads(browser: Browser, url: str, wanted: str, tries: int) -> None:
    """Each page by somebody who has never been here, on a phone: the median of some tries."""
    async with somebody(browser, url, "physio") as (_context, page):
        await page.goto(f"{url}/patients")
        patient = await page.get_by_role("link", name=STORIES[2].name).first.get_attribute("href")
        await page.goto(url + patient)
        ended = await page.locator("a[href^='/sessions/']").first.get_attribute("href")
    pages = {
        "nobody": ["/demo", "/login", "/intended-use"],
        "patient": ["/", "/band", "/history", "/sessions", "/account", "/consent"],
        "physio": ["/patients", patient, f"{patient}/prescribe", f"{patient}/sheet", ended, f"/compare?a={ended[10:]}&b={ended[10:]}", "/people", "/people/trail"],
    }
    print(f"\nfirst load: processor / {CPU}, {SLOW['latency']} ms and 1.6 Mbit/s; usable: painted, and what the page begins with has run; whole: nothing more to come")
    for who, paths in pages.items():
        for path in paths:
            name = f"{who} {path.replace(patient, '/patients/ID').replace(ended[10:], 'ID')}"
            if wanted not in name:
                continue
            seen = [await first_load(browser, url, who, path) for _ in range(tries)]
            weight, answered, usable, whole = (statistics.median(values) for values in zip(*seen, strict=True))
            row(name, f"{weight / 1024:4.0f} KiB", f"{usable / 1e3:.2f} s  (answer {answered / 1e3:.2f}, whole {whole / 1e3:.2f})")


TIMES = """() => {
  const [page] = performance.getEntriesByType("navigation"), paint = performance.getEntriesByName("first-contentful-paint")[0];
  return [page.responseStart, Math.max(page.domContentLoadedEventEnd, paint?.startTime ?? 0), Math.max(page.loadEventEnd, ...performance.getEntriesByType("resource").map((one) => one.responseEnd))];
}"""


async def first_load(browser: Browser, url: str, who: str, path: str) -> tuple[float, ...]:
    """(bytes until nothing more comes, ms to the answer, ms until it can be used, ms to its last byte)."""
    async with somebody(browser, url, who) as (context, page):
        await page.goto("about:blank")
        cdp, weight = await slowed(context, page), []
        await cdp.send("Network.enable")
        await cdp.send("Network.setCacheDisabled", {"cacheDisabled": True})
        await cdp.send("Network.emulateNetworkConditions", SLOW)
        cdp.on("Network.loadingFinished", lambda told: weight.append(told["encodedDataLength"]))
        await page.goto(url + path, wait_until="networkidle")
        return sum(weight), *await page.evaluate(TIMES)


@contextlib.asynccontextmanager
async def somebody(browser: Browser, url: str, who: str) -> AsyncIterator[tuple[BrowserContext, Page]]:
    """The demo's patient or physio, or nobody; with an empty cache."""
    context = await browser.new_context(**PHONE)
    if who != "nobody":
        answer = httpx.post(f"{url}/demo/{who}", headers={"origin": url}, verify=False)
        await context.add_cookies([{"name": name, "value": value, "url": url} for name, value in answer.cookies.items()])
    yield context, await context.new_page()
    await context.close()


async def slowed(context: BrowserContext, page: Page) -> CDPSession:
    cdp = await context.new_cdp_session(page)
    await cdp.send("Emulation.setCPUThrottlingRate", {"rate": CPU})
    return cdp


def at(values: list[float], share: float) -> float:
    return sorted(values)[math.ceil(share * len(values)) - 1]


def row(what: str, first: str, figures: str) -> None:
    print(f"{what:34} {first:14} {figures}", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
