"""A patient's screens, walked through in a real browser on a real server that packets come in to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from house import Browser, House, housing
from looking import logged_in, looked_at, looking

from sensor.frames import encode_frame

ITEM = {"exercise": "hip_external_rotation", "side": "left", "sets": 2, "reps": 4, "rom_target_deg": 40, "band": "red"}
HEARD = """window.heard = []; addEventListener("said", ({ detail }) => heard.push([detail.text, detail.kind, document.getElementById("count").textContent]));"""

TOLD = """window.told = []; window.WebSocket = class extends WebSocket { constructor(url) { super(url); this.addEventListener("message", ({ data }) => told.push(data)); } };"""

AWAKE = """window.locks = []; const ask = WakeLock.prototype.request; WakeLock.prototype.request = async function (kind) { const lock = await ask.call(this, kind); locks.push(lock); return lock; };"""


class Clinic:
    def __init__(self, house: House, new_session) -> None:
        self.house, self.new_session = house, new_session
        admin = house.found("Hillside", "Ada Admin")
        self.physio, self.pat = admin.add("Phil Physio", "staff"), admin.add("Pat <b>Patient</b> Ωμέγα", "patient")
        admin.assign(self.physio, self.pat)
        self.device = self.pat.pair()

    def prescribe(self, *items: dict, **more: object) -> None:
        plan = {"starts_on": "2026-01-01", "items": list(items)} | more
        assert self.physio.post(f"/api/v1/patients/{self.pat.id}/programme", json=plan).status_code == 201

    def begin(self, key: str = "a-session", **changes: object) -> str:
        return self.device.post("/api/v1/sessions", json=self.new_session(key) | changes).json()["id"]

    def send(self, session_id: str, entries: list) -> None:
        answer = self.device.post(f"/api/v1/sessions/{session_id}/packets", content=encode_frame(entries))
        assert answer.status_code == 200, answer.text

    def whole(self, entries: list, key: str, **changes: object) -> str:
        session_id = self.begin(key, **changes)
        for i in range(0, len(entries), 64):
            self.send(session_id, entries[i : i + 64])
        assert self.device.post(f"/api/v1/sessions/{session_id}/end").status_code == 200
        return session_id


@pytest.fixture
def clinic(tmp_path: Path, new_session) -> Iterator[Clinic]:
    with housing(tmp_path) as house:
        yield Clinic(house, new_session)


def path_of(who: Browser, path: str) -> str:
    return " ".join(who.get(path).text.split())


async def tapped(page, name: str) -> None:
    """With the keyboard alone: to the button, and onto it."""
    for _ in range(40):
        if await page.evaluate("document.activeElement.id") == name:
            return await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
    raise AssertionError(f"{name} cannot be reached with the keyboard")


async def shows(page, view: str) -> None:
    await page.wait_for_selector(f"body[data-view={view}]")


@pytest.mark.parametrize(("look", "language"), [("phone", "en"), ("desktop", "de")])
async def test_from_today_through_two_sets_to_done(browser, clinic: Clinic, entries, expected, look: str, language: str) -> None:
    clinic.prescribe(ITEM, note="Slowly. <script>alert(1)</script> =1+1")
    counted_s = [rep["counted_s"] for rep in expected["reps"]]
    async with looking(browser, look, language) as seen:
        page = seen.page
        await logged_in(seen, clinic.pat)
        await page.add_init_script(HEARD)
        await page.goto(clinic.house.url)
        await looked_at(page)
        assert await page.get_attribute(".card a.button", "href") == "/band?exercise=hip_external_rotation&side=left&band=red"
        session = clinic.begin()
        await page.reload()
        await page.click(".going a")
        await page.wait_for_selector("body[data-ready]")
        await looked_at(page)  # waiting for the band
        clinic.send(session, entries[:14])  # held still, but not for long enough
        await page.wait_for_selector("#connection.receiving")
        assert float(await page.evaluate("getComputedStyle(document.getElementById('ring')).getPropertyValue('--share')")) < 1
        await shows(page, "position")
        clinic.send(session, entries[14:30])
        await shows(page, "set")
        at = 30
        for n, when in enumerate(counted_s, 1):
            until = int(when * 10) + 2
            clinic.send(session, entries[at:until])
            at = until
            in_set = (n - 1) % 4 + 1
            await page.wait_for_selector(f"#count:text-is('{in_set}')", state="attached")
            if n == 2:
                await looked_at(page)
                await page.reload()  # in mid-set
                await page.wait_for_selector("#count:text-is('2')")
                await shows(page, "set")
                assert await page.locator("#dots .shape").count() == 2
                reach, to = await page.evaluate("['tempo', 'goal'].map((id, i) => Number(document.getElementById(id).style.getPropertyValue(['--reach', '--to'][i])))")
                assert 0 < reach < to < 1  # the tempo's mark goes into the middle of the target
                await tapped(page, "pause")
                await looked_at(page)
                await tapped(page, "less")
                assert await page.text_content("#corrected") == "1"
                await tapped(page, "more")
                await tapped(page, "resume")
            if n == 4:
                clinic.send(session, entries[at : at + 25])  # it comes to its rest
                at += 25
                await shows(page, "rest")
                await looked_at(page)
                assert await page.locator("#roms span").count() == 4
                for tap, count in (("less", 3), ("more", 4)):  # was the set that is over counted rightly?
                    await tapped(page, "pause")
                    await tapped(page, tap)
                    assert await page.text_content("#corrected") == f"{count}"
                    await tapped(page, "resume")
                    await shows(page, "rest")
                    await page.wait_for_selector(f"#roms span:nth-child({count}):last-child")
                await tapped(page, "longer")
                await page.wait_for_selector("#seconds:text-matches('^1:')")
                await page.reload()
                await shows(page, "rest")
                before = await page.text_content("#seconds")
                await page.evaluate("(now => { Date.now = () => now() - 3_600_000; })(Date.now.bind(Date))")  # the clock is put back
                await page.wait_for_function("before => document.getElementById('seconds').textContent !== before", arg=before)
                assert len(await page.text_content("#seconds")) <= 4  # no hour of rest
                assert await page.evaluate("document.getElementById('stop').getBoundingClientRect().bottom <= innerHeight")
                await tapped(page, "skip")
                await page.wait_for_selector("body:not([data-view=rest])")  # whoever holds still goes on at once
        heard = [what for what in await page.evaluate("heard") if what[1] == "counted"]
        assert [what[0] for what in heard] == ["1", "2", "3", "4"] and all(what[0] == what[2] for what in heard)
        clinic.send(session, entries[at:])
        await page.wait_for_url("**/done?stopped=done")
        await looked_at(page)
        assert await page.text_content(".result strong") == "8"
        for name, value in (("pain_after", 1), ("pain_worst", 3), ("exertion", 4)):
            await page.check(f"[name={name}][value='{value}']", force=True)
        await page.click("form.how-was-it button")
        await page.wait_for_url(clinic.house.url + "/")
        await page.wait_for_selector(".done-today")
        await page.goto(f"{clinic.house.url}/history")
        await looked_at(page)
    report = clinic.pat.get(f"/api/v1/sessions/{session}/report").json()
    assert (report["pain_worst"], report["exertion"], report["stopped"]) == (3, 4, "done")


async def test_what_is_old_is_never_drawn_as_now(browser, clinic: Clinic, entries) -> None:
    session = clinic.begin()
    async with looking(browser) as seen:
        await logged_in(seen, clinic.pat)
        await seen.page.goto(f"{clinic.house.url}/sessions/{session}/live")
        clinic.send(session, entries[:120])
        await seen.page.wait_for_selector("#connection.receiving")
        await seen.page.wait_for_selector("#connection.lost")  # two seconds later
        assert await seen.page.text_content("#angle") == "–"
        assert await seen.page.text_content("#explain") != ""
        await looked_at(seen.page)
        clinic.send(session, entries[120:140])
        await seen.page.wait_for_selector("#connection.receiving")


async def test_two_tabs_a_double_tap_and_the_way_back(browser, clinic: Clinic, entries, expected) -> None:
    clinic.prescribe(ITEM)
    session = clinic.begin()
    async with looking(browser) as seen:
        await logged_in(seen, clinic.pat)
        other = await seen.context.new_page()
        for page in (seen.page, other):
            await page.add_init_script(HEARD)
            await page.goto(clinic.house.url)
            await page.click(".going a")
            await page.wait_for_selector("body[data-ready]")
        until = int(expected["reps"][1]["counted_s"] * 10) + 2
        for i in range(0, until, 10):
            clinic.send(session, entries[i : min(until, i + 10)])
        for page in (seen.page, other):
            await page.wait_for_selector("#count:text-is('2')", state="attached")
        voices = [len([1 for what in await page.evaluate("heard") if what[1] == "counted"]) for page in (seen.page, other)]
        assert sorted(voices) == [0, 2]  # one tab has the voice
        await seen.page.go_back()
        assert await seen.page.locator(".going").count() == 1  # the session goes on
        await seen.page.go_forward()
        await seen.page.wait_for_selector("#count:text-is('2')", state="attached")
        await seen.page.evaluate("document.getElementById('stop').click(); document.querySelector('#why [value=pain]').click(); document.getElementById('stop').disabled || document.getElementById('stop').click()")
        await seen.page.wait_for_url("**/done?stopped=pain")
        await other.wait_for_selector("#connection.ended")
        assert "good that you stopped" in await seen.page.text_content("main")
    assert clinic.pat.get(f"/api/v1/sessions/{session}").json()["final"]


async def test_what_was_tapped_lies_over_the_count(browser, clinic: Clinic, entries, expected) -> None:
    clinic.prescribe(ITEM)
    session = clinic.begin()
    async with looking(browser) as seen:
        await logged_in(seen, clinic.pat)
        await seen.page.goto(f"{clinic.house.url}/sessions/{session}/live")
        await seen.page.wait_for_selector("body[data-ready]")
        until = int(expected["reps"][2]["counted_s"] * 10) + 2
        clinic.send(session, entries[:until])
        await seen.page.wait_for_selector("#count:text-is('3')", state="attached")
        for name in ("pause", "less"):
            await seen.page.click(f"#{name}")
        await seen.page.click("#stop")
        await seen.page.click("#why [value=tired]")
        await seen.page.wait_for_url("**/done?stopped=tired")
        assert await seen.page.text_content(".result strong") == "2"
    history = clinic.pat.get(f"/api/v1/sessions/{session}").json()["history"]
    assert [one["action"] for one in history["corrections"]] == ["remove"]


@pytest.mark.parametrize("answers", ["with what was known when it was asked", "with what came meanwhile"])
async def test_what_is_told_twice_is_counted_once(browser, clinic: Clinic, entries, expected, answers: str) -> None:
    """The session so far and its newest repetition come on two ways, in any order."""
    clinic.prescribe(ITEM)
    session = clinic.begin()
    second, third = (int(expected["reps"][n]["counted_s"] * 10) + 2 for n in (1, 2))
    clinic.send(session, entries[:second])
    held: asyncio.Queue = asyncio.Queue()

    async def hold(route) -> None:
        held.put_nowait((route, await route.fetch()))

    async with looking(browser) as seen:
        await logged_in(seen, clinic.pat)
        await seen.page.add_init_script(HEARD)
        await seen.page.add_init_script(TOLD)
        await seen.page.route(f"**/api/v1/sessions/{session}", hold)
        await seen.page.goto(f"{clinic.house.url}/sessions/{session}/live")
        route, old = await held.get()
        await asyncio.to_thread(clinic.send, session, entries[second:third])
        await seen.page.wait_for_function("() => told.some((text) => JSON.parse(text).type === 'rep')")
        await route.fulfill(response=old if answers.startswith("with what was") else await route.fetch())
        await seen.page.wait_for_function("() => heard.length > 0")
        assert [what for what in await seen.page.evaluate("heard") if what[1] == "counted"] == [["3", "counted", "3"]]
        assert await seen.page.locator("#dots .shape").count() == 3


async def test_the_screen_stays_awake_and_a_refused_correction_is_told(browser, clinic: Clinic, entries, expected) -> None:
    session = clinic.begin()
    held = "locks.filter((lock) => !lock.released).length"
    seen_as = "(state) => { Object.defineProperty(document, 'visibilityState', {value: state, configurable: true}); document.dispatchEvent(new Event('visibilitychange')); }"
    async with looking(browser) as seen:
        page = seen.page
        await logged_in(seen, clinic.pat)
        await page.add_init_script(AWAKE)
        await page.goto(f"{clinic.house.url}/sessions/{session}/live")
        await page.wait_for_function(f"() => {held} === 1")
        await page.evaluate(seen_as, "hidden")
        await page.evaluate("locks[0].release()")  # as the browser does to a page that nobody sees
        await page.evaluate(seen_as, "visible")
        await page.wait_for_function(f"() => locks.length === 2 && {held} === 1")
        clinic.send(session, entries[: int(expected["reps"][1]["counted_s"] * 10) + 2])
        await page.wait_for_selector("#count:text-is('2')", state="attached")
        for name in ("pause", "less"):
            await page.click(f"#{name}")
        await page.reload()
        await page.wait_for_selector("#count:text-is('1')", state="attached")  # what was tapped is still known
        await page.route("**/corrections", lambda route: route.fulfill(status=503))
        await page.click("#stop")
        await page.click("#why [value=tired]")
        await page.wait_for_selector("#stored:text-matches('not your correction')")
        assert await page.evaluate(held) == 0
        await looked_at(page)
        await page.click("#done")
        await page.wait_for_url("**/done?stopped=tired")
        seen.complaints = [text for text in seen.complaints if "503" not in text]  # of the browser itself
    assert clinic.pat.get(f"/api/v1/sessions/{session}").json()["history"]["corrections"] == []


def test_today_says_what_there_is_and_nothing_else(clinic: Clinic, entries) -> None:
    assert "Nothing is prescribed yet." in path_of(clinic.pat, "/")
    clinic.prescribe(ITEM, starts_on="2026-01-05")
    assert "Your programme begins on 5 January 2026." in path_of(clinic.pat, "/")
    clinic.house.clock.now += 5 * 86400
    today = path_of(clinic.pat.again(), "/")
    assert "2 × 4" in today and "0 of 3 days this week" in today and "Not done yet" in today and "&lt;b&gt;Patient" in today


def test_a_week_is_the_same_on_each_page(clinic: Clinic, entries) -> None:
    clinic.prescribe(ITEM, starts_on="2026-01-01")  # a Thursday
    clinic.house.clock.now += 5 * 86400
    for key, day in (("before-monday", "2026-01-04"), ("after-monday", "2026-01-06")):
        clinic.whole(entries, key, started_at=f"{day}T00:00:00Z")
    pat, physio = clinic.pat.again(), clinic.physio.again()
    assert "2 of 3 days" in path_of(pat, "/") and "2 of 3 days" in path_of(pat, "/history")
    assert "of 3 days this week</dt><dd>2</dd>" in path_of(physio, f"/patients/{clinic.pat.id}")


def test_what_changed_is_said_only_if_it_can_be_measured(clinic: Clinic, entries) -> None:
    clinic.prescribe(ITEM)
    clinic.whole(entries, "first-session")
    again = clinic.whole(entries, "second-session", started_at="2026-01-01T10:00:00Z")
    done = path_of(clinic.pat, f"/sessions/{again}/done")
    assert "about the same as last time, and that is fine" in done and "of 8" in done
    hurt = clinic.pat.post(f"/sessions/{again}/done", data={"pain_worst": "7", "stopped": "pain"})
    assert hurt.headers["location"] == f"/sessions/{again}/done"
    assert "Pain above 5 of 10" in path_of(clinic.pat, f"/sessions/{again}/done")
    assert "no measurable change" in path_of(clinic.pat, "/history")
    assert clinic.physio.get(f"/sessions/{again}/done").status_code == 303
