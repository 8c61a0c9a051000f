"""What is measured is kept on the phone: through reloads, crashes, tunnels, full disks, other tabs and other people."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from emulated import Air, ReferenceBand, until
from pages import back, connected, finished, said, same, started, stopped, stored
from playwright.async_api import Error

from sensor.peripheral import BATTERY_PERCENT

SESSIONS = "import('/static/bands/journal.js').then(({ sessions }) => sessions())"


async def kept(page) -> list[dict]:
    return await page.evaluate(SESSIONS)


async def emptied(page) -> None:
    """Nothing is kept of what the server has; the page may be on its way to another."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(Error):
                if await kept(page) == []:
                    return
            await asyncio.sleep(0.05)


async def marked(page, key: str) -> dict | None:
    """What the newest packet that is kept says to whoever goes on after it."""
    return await page.evaluate("key => import('/static/bands/journal.js').then(({ last }) => last(key)).then((entry) => entry?.mark)", key)


async def arrived(page, many: int) -> None:
    """The phone has all that the band has measured, however often the link had to be made anew."""
    async with asyncio.timeout(60):
        while True:
            (session,) = await kept(page)
            if (mark := await marked(page, session["key"])) and mark["next"] == many:
                break
            await asyncio.sleep(0.05)
    assert not session["ended"]


async def ended(page) -> None:
    """Kept as one that is over, though the server does not know."""
    async with asyncio.timeout(60):
        while not [session for session in await kept(page) if session["ended"]]:
            await asyncio.sleep(0.05)


async def with_worker(page) -> None:
    """The service worker has everything and answers for this page."""
    await page.goto("/band")
    await page.evaluate("navigator.serviceWorker.ready.then(() => navigator.serviceWorker.controller ?? new Promise((go) => { navigator.serviceWorker.oncontrollerchange = go; }).then(() => 0))")


async def half(page, walk, air: Air) -> None:
    """A quarter is sent, a quarter has no network."""
    await with_worker(page)
    await connected(page)
    await started(page)
    many = air.band.takes(walk.samples)
    await air.goes_on(many // 4)
    await page.context.set_offline(True)
    await air.goes_on(many // 4)
    await said(page, "offline")
    await arrived(page, many // 4 * 2)


async def rest(page, walk, air: Air) -> None:
    """A quarter has no page either, and then all is well again."""
    band, many = air.band, air.band.many
    band.measures(many // 4)
    await until(page, "document.body.dataset.ready === ''")
    (session,) = await kept(page)
    assert not session["ended"] and (await marked(page, session["key"]))["next"] == many // 4 * 2
    await page.click("#go-on")
    await back(band, 1)
    await page.context.set_offline(False)
    await air.goes_on(many)
    await arrived(page, many)
    assert ("replay", many // 4 * 2) in band.asked
    found = await finished(page, walk)
    same(found, walk.expected(band))
    assert found["battery_percent"] == BATTERY_PERCENT
    await emptied(page)


async def test_a_session_survives_a_reload_in_a_tunnel(browser, walk) -> None:
    page = await walk.page(browser)
    async with Air(page, ReferenceBand()) as air:
        await half(page, walk, air)
        await page.reload()
        await air.power("powered-on")
        await rest(page, walk, air)


async def test_a_session_survives_the_end_of_the_browser(phone, walk) -> None:
    page, band = await walk.page_in(await phone.on(walk.house.url)), ReferenceBand()
    async with Air(page, band) as air:
        await half(page, walk, air)
        await phone.killed()
    page = await walk.page_in(await phone.on(walk.house.url))
    async with Air(page, band) as air:
        await page.goto("/band")
        await rest(page, walk, air)


async def test_offline_from_the_start_is_sent_later_and_by_its_owner_only(browser, walk) -> None:
    page, band = await walk.page(browser), ReferenceBand()
    other = await asyncio.to_thread(walk.admin.add, "Otto Other", "patient")
    async with Air(page, band) as air:
        await with_worker(page)
        await page.context.set_offline(True)
        await page.wait_for_selector("#away")  # it is said
        await connected(page)
        await started(page)
        await air.goes_on(band.takes(walk.samples))
        await stopped(page)
        await ended(page)
    # The login ended meanwhile, and somebody else uses the phone.
    await page.context.clear_cookies()
    await walk.log_in(page.context, other)
    await page.context.set_offline(False)
    await page.goto("/band")
    await until(page, "document.body.dataset.ready === ''")
    assert await page.evaluate("import('/static/bands/sync.js').then(({ sync }) => sync(document.querySelector('meta[name=owner]').content))") is None
    assert len(await kept(page)) == 1
    assert (await asyncio.to_thread(other.get, "/api/v1/sessions")).json()["sessions"] == []
    # Even a page that was left open does not send it as theirs.
    (session,) = await kept(page)
    told = session["told"]
    answer = await asyncio.to_thread(other.post, "/api/v1/sessions", json=told, headers={"hiprep-patient": session["owner"]})
    assert (answer.status_code, answer.json()["where"]) == (403, "header.hiprep-patient")
    await walk.log_in(page.context, walk.patient)
    await page.goto("/")
    same(await stored(walk), walk.expected(band))
    await emptied(page)


async def test_a_full_disk_is_said_and_loses_nothing(browser, walk) -> None:
    page, band = await walk.page(browser), ReferenceBand()
    async with Air(page, band) as air:
        cdp = await page.context.new_cdp_session(page)
        await cdp.send("Storage.overrideQuotaForOrigin", {"origin": walk.house.url, "quotaSize": 1})
        await connected(page)
        await started(page)
        many = band.takes(walk.samples)
        await air.goes_on(many // 2)
        await said(page, "full")
        await until(page, "document.getElementById('count').textContent !== '0'")  # from memory
        await cdp.send("Storage.overrideQuotaForOrigin", {"origin": walk.house.url})
        await air.goes_on(many)
        same(await finished(page, walk), walk.expected(band))


async def test_one_tab_records(browser, walk) -> None:
    page, band = await walk.page(browser), ReferenceBand()
    async with Air(page, band):
        await connected(page)
        await started(page)
        second = await page.context.new_page()
        await second.goto("/band")
        await said(second, "other_tab")
        assert not await second.is_visible("#go-on")
        await page.close()
        await until(second, "!document.getElementById('go-on').hidden")  # it hears of it by itself
        (session,) = await kept(second)
        assert not session["ended"]


async def test_who_logs_out_while_another_tab_records_is_asked_at_once(browser, walk) -> None:
    page, band = await walk.page(browser), ReferenceBand()
    async with Air(page, band) as air:
        await connected(page)
        await started(page)
        await air.goes_on(band.takes(walk.samples) // 4)
        other, asked = await page.context.new_page(), asyncio.Event()

        async def stays(dialog) -> None:
            await dialog.dismiss()
            asked.set()

        other.on("dialog", stays)
        await other.goto("/intended-use")
        await other.evaluate("() => { window.setTimeout = () => 0; }")  # however long it would wait
        await other.click("form[action='/logout'] button")
        async with asyncio.timeout(60):
            await asked.wait()
        assert len(await kept(page)) == 1


async def test_who_logs_out_leaves_nothing(browser, walk) -> None:
    """What can be sent is sent; what cannot is lost only when they say so."""
    page, band = await walk.page(browser), ReferenceBand()
    async with Air(page, band) as air:
        await with_worker(page)
        await connected(page)
        await started(page)
        await air.goes_on(band.takes(walk.samples))
        await page.route("**/api/v1/**", lambda route: route.abort())
        await stopped(page)
        await ended(page)
        await page.goto("/intended-use")
        asked: list[str] = []

        async def answer(dialog) -> None:
            asked.append(dialog.message)
            await (dialog.accept() if len(asked) > 1 else dialog.dismiss())

        page.on("dialog", answer)
        await page.click("form[action='/logout'] button")
        async with asyncio.timeout(60):
            while not asked:
                await asyncio.sleep(0.05)
        assert len(await kept(page)) == 1 and "/intended-use" in page.url
        await page.click("form[action='/logout'] button")
        await page.wait_for_url("**/login")
    assert len(asked) == 2 and await kept(page) == []
    await page.unroute_all()
    keys = await page.evaluate("caches.keys().then(async ([name]) => (await (await caches.open(name)).keys()).map(({ url }) => new URL(url).pathname))")
    assert {key for key in keys if not key.startswith("/static/")} == {"/band"}
    cached = await page.evaluate("caches.match('/band').then((answer) => answer.text())")
    assert walk.patient.name not in cached and walk.patient.id not in cached
    await page.context.set_offline(True)
    await page.goto("/")
    await until(page, "document.body.dataset.ready === ''")
    assert await page.evaluate("import('/static/bands/journal.js').then(({ owner }) => owner())") == ""


async def test_what_another_page_holds_is_sent_when_it_lets_go(browser, walk) -> None:
    """As a page does for a moment that has only just gone."""
    page, band = await walk.page(browser), ReferenceBand()
    async with Air(page, band) as air:
        await with_worker(page)
        await page.context.set_offline(True)
        await connected(page)
        await started(page)
        await air.goes_on(band.takes(walk.samples))
        await stopped(page)
        await ended(page)
        (session,) = await kept(page)
    holds = await page.context.new_page()
    await page.goto("about:blank")
    await page.context.set_offline(False)
    await holds.goto("/healthz")  # no page of ours, which would send it
    await holds.evaluate("key => new Promise((held) => navigator.locks.request(`hiprep:${key}`, () => new Promise((go) => { window.letGo = go; held(); })))", session["key"])
    await page.goto("/band")
    await until(page, "document.getElementById('kept').textContent !== ''")  # one is still to be sent
    await holds.evaluate("letGo()")
    await emptied(page)
    same(await stored(walk), walk.expected(band))


async def test_what_is_kept_at_any_moment_says_from_where_on_the_band_is_to_be_asked(browser, walk) -> None:
    """Of many packets that come at once: whoever is killed when some of them are kept asks for the others."""
    page = await walk.page(browser)
    await page.goto("/intended-use")
    seen = await page.evaluate("""async () => {
      const { Recording } = await import("/static/bands/journal.js");
      const session = { key: "k", owner: "me" }, found = [];
      let all;
      const whole = new Promise((go) => { all = go; });
      const recording = await Recording.of(session, {
        async onStored() {
          const again = await Recording.of({ ...session }, { onStored() {}, onProblem() {} });
          found.push([again.mark.next, again.next]);
          if (again.next === 600) all();
        },
        onProblem() {},
      });
      for (let i = 0; i < 600; i++) recording.put(new Uint8Array(1), i, { next: i + 1 });
      await whole;
      await recording.forget();
      return found;
    }""")
    assert len(seen) > 1 and all(asked == kept for asked, kept in seen)


async def test_nothing_is_written_once_all_is_forgotten(browser, walk) -> None:
    page = await walk.page(browser)
    await page.goto("/band")
    await page.evaluate("""async () => {
      const { Recording } = await import("/static/bands/journal.js");
      const recording = await Recording.of({ key: "k", owner: "me" }, { onStored() {}, onProblem() {} });
      recording.put(new Uint8Array(1), 1);
      await recording.forget();
      recording.put(new Uint8Array(1), 2);
      await recording.settled();
    }""")
    assert await kept(page) == []


@pytest.mark.parametrize("how", ["the answer is lost", "by somebody else"])
async def test_what_has_ended_there_is_not_sent_again(browser, walk, how: str) -> None:
    page, band = await walk.page(browser), ReferenceBand()
    async with Air(page, band) as air:
        await connected(page)
        await started(page)
        many = band.takes(walk.samples)
        await air.goes_on(many if how == "the answer is lost" else many // 2)
        if how == "the answer is lost":

            async def lose(route) -> None:
                await route.fetch()
                await route.abort()

            await page.route("**/end", lose)
            await stopped(page)
            await ended(page)
            same(await stored(walk), walk.expected(band))
            await page.unroute_all(behavior="ignoreErrors")
            await page.goto("/band")
        else:
            async with asyncio.timeout(60):
                while not (heads := (await asyncio.to_thread(walk.patient.get, "/api/v1/sessions")).json()["sessions"]):
                    await asyncio.sleep(0.05)
            assert (await asyncio.to_thread(walk.patient.post, f"/api/v1/sessions/{heads[0]['id']}/end")).status_code == 200
            await air.goes_on(many // 4 * 3)
            await said(page, "closed")
            assert await kept(page) == []
            await air.goes_on(many)
            assert await kept(page) == []  # nor what the band goes on to say
            await page.goto("/band")
        await emptied(page)
        await stored(walk)
