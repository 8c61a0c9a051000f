"""The physio's session, two beside each other, and one that runs: with mouse and keys, in every state there is."""

from __future__ import annotations

import asyncio
import io
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import httpx
import pytest
from house import Browser, House, housing
from looking import logged_in, looked_at, looking
from pypdf import PdfReader

from processing.summary import change
from sensor.frames import Entry, encode_frame
from server import live, words

NAME = '<script>alert("x")</script> Ζωή 李小龍 عمر'
SECOND_NS = 1_000_000_000


@dataclass
class Ward:
    house: House
    physio: Browser
    patient: Browser
    device: httpx.Client
    new_session: object
    packets: list[bytes]

    def begin(self, key: str, packets: list[bytes], **changes: object) -> str:
        id = self.device.post("/api/v1/sessions", json=self.new_session(key) | changes).json()["id"]
        self.send(id, packets)
        return id

    def send(self, id: str, packets: list[bytes], first: int = 0) -> None:
        entries = [Entry(0, first + i, (first + i) * SECOND_NS // 10, packet) for i, packet in enumerate(packets)]
        for i in range(0, len(entries), 64):
            answer = self.device.post(f"/api/v1/sessions/{id}/packets", content=encode_frame(entries[i : i + 64]))
            assert answer.status_code == 200, answer.text

    def done(self, key: str, packets: list[bytes], **changes: object) -> str:
        id = self.begin(key, packets, **changes)
        assert self.device.post(f"/api/v1/sessions/{id}/end").status_code == 200
        return id

    def result(self, id: str) -> dict:
        return self.physio.get(f"/api/v1/sessions/{id}").json()["result"]


@pytest.fixture(scope="module")
def ward(tmp_path_factory, new_session, packets) -> Iterator[Ward]:
    with housing(tmp_path_factory.mktemp("ward")) as house:
        admin = house.found("Hillside", "Ada Admin")
        physio, patient = admin.add("Phil Physio", "staff"), Browser(house)
        patient.id, link = admin.link_for(NAME, "patient")
        patient.take(link, "pat@example.org").agree()
        admin.assign(physio, patient)
        yield Ward(house, physio, patient, patient.pair(), new_session, packets)


@pytest.fixture(scope="module")
def holed(ward: Ward) -> str:
    """A session that lacks four seconds of its first set."""
    return ward.done("with-a-hole", ward.packets[:130] + ward.packets[170:], band="<script>alert(1)</script> =1+1")


async def opened(seen, ward: Ward, path: str):
    await logged_in(seen, ward.physio)
    await seen.page.goto(ward.house.url + path)
    return seen.page


async def test_curve_and_table_light_each_other(browser, ward: Ward, holed: str) -> None:
    result = ward.result(holed)
    assert result["gaps"] and len(result["reps"]) > 5
    async with looking(browser, "desktop") as seen:
        page = await opened(seen, ward, f"/sessions/{holed}")
        await page.wait_for_selector("#curve[data-drawn]")
        assert await page.text_content(".back") == NAME
        await looked_at(page)
        whole = await page.evaluate("[curve.dataset.from, curve.dataset.to].map(Number)")
        assert whole[0] == 0 and whole[1] >= result["duration_s"] - 0.1
        box = await page.locator("#curve .u-over").bounding_box()
        rep = result["reps"][3]
        x = box["x"] + box["width"] * rep["peak_s"] / whole[1]
        await page.mouse.move(x, box["y"] + 100)
        await page.wait_for_selector(f'tr.lit[data-start="{rep["start_s"]}"]')
        await page.mouse.wheel(0, -400)
        await page.wait_for_function("whole => curve.dataset.to - curve.dataset.from < 0.7 * whole", arg=whole[1])
        await page.focus("#curve")
        await page.keyboard.press("0")
        await page.wait_for_function("whole => curve.dataset.to == whole", arg=whole[1])
        await page.mouse.move(box["x"] + 100, box["y"] + 50)
        await page.mouse.down()
        await page.mouse.move(box["x"] + 300, box["y"] + 60, steps=4)
        await page.mouse.up()
        await page.wait_for_function("whole => curve.dataset.to - curve.dataset.from < 0.4 * whole", arg=whole[1])
        await page.click("#all")
        await page.wait_for_function("whole => curve.dataset.to == whole", arg=whole[1])
        await page.mouse.move(0, 0)

        # With keys alone: from repetition to repetition, closer, away; what stands there is said.
        await page.focus("#curve")
        await page.keyboard.press("Home")
        for one in result["reps"][:2]:
            await page.keyboard.press("ArrowRight")
            await page.wait_for_selector(f'tr.lit[data-start="{one["start_s"]}"]')
        said = await page.get_attribute("#at", "aria-valuetext")
        assert f"{result['reps'][1]['rom_deg']:.0f}°" in said or "°, set 1, good" in said
        await page.keyboard.press("+")
        await page.wait_for_function("whole => curve.dataset.to - curve.dataset.from < 0.6 * whole", arg=whole[1])
        await page.focus(f'tr[data-start="{rep["start_s"]}"] .goes')
        await page.wait_for_selector(f'tr.lit[data-start="{rep["start_s"]}"]')
        await page.keyboard.press("Enter")
        assert abs(float(await page.input_value("#at")) - rep["peak_s"]) < 0.06

        # In the hole nothing is known, and nothing is drawn as if it were.
        hole = result["gaps"][0]
        await page.evaluate("s => { at.value = s; at.dispatchEvent(new Event('input')); }", (hole["start_s"] + hole["end_s"]) / 2)
        assert await page.text_content("#angle-now") == "–"
        assert await page.locator("#figure.unknown").count() == 1


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
async def test_a_leg_replays_the_session(browser, ward: Ward, holed: str, motion: str) -> None:
    rep = ward.result(holed)["reps"][0]
    async with looking(browser, "phone", reduced_motion=motion) as seen:
        page = await opened(seen, ward, f"/sessions/{holed}")
        await page.wait_for_selector("#curve[data-drawn]")
        points = "document.querySelector('#figure .moves').getAttribute('points')"
        rests = await page.evaluate(points)
        await page.evaluate("seen = []; new MutationObserver(() => seen.push(Number(at.value))).observe(figure, {subtree: true, attributes: true})")
        await page.click("#play")
        await page.wait_for_function("top => Number(at.value) >= top", arg=rep["peak_s"])
        assert await page.evaluate(points) != rests and float((await page.text_content("#angle-now"))[:-1]) > 20
        assert await page.text_content("#play") == "Pause"
        await page.click("#play")
        stopped = await page.input_value("#at")
        assert await page.text_content("#play") == "Play"
        steps = await page.evaluate("(all => all.slice(1).map((s, i) => s - all[i]).filter(by => by > 0))([...new Set(seen)])")
        assert all(by > 0.3 for by in steps) or motion == "no-preference"
        await page.evaluate("new Promise(requestAnimationFrame)")
        assert await page.input_value("#at") == stopped


async def test_a_correction_in_a_dialog(browser, ward: Ward) -> None:
    session = ward.done("to-correct", ward.packets)
    reps = ward.result(session)["reps"]
    async with looking(browser, "phone", "de") as seen:
        page = await opened(seen, ward, f"/sessions/{session}")
        await page.wait_for_selector("#curve[data-drawn]")
        link = page.locator("a[data-correct]").nth(1)
        await link.focus()
        await page.keyboard.press("Enter")
        await page.wait_for_selector("dialog#wrong[open]")
        assert await page.input_value("#of-at_s") == str(reps[1]["peak_s"])
        await looked_at(page)
        for _ in range(12):  # round and round, and never behind it
            await page.keyboard.press("Tab")
            assert await page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
        await page.keyboard.press("Escape")
        assert await link.evaluate("link => link === document.activeElement")
        await page.keyboard.press("Enter")
        await page.fill("#of-reason", "=HYPERLINK(1) <b>" + "ä" * 480)
        await page.click("dialog#wrong button[type=submit]")
        await page.wait_for_selector(f'tr.removed[data-start="{reps[1]["start_s"]}"]')
        assert await page.locator(".heroes dd").first.text_content() == str(len(reps) - 1)
        await page.wait_for_selector("#curve[data-drawn]")
        await looked_at(page)


async def test_what_is_on_its_way_looks_so(browser, ward: Ward, holed: str) -> None:
    came = asyncio.Event()

    async def later(route) -> None:
        await came.wait()
        await route.continue_()

    async with looking(browser, "phone", "de") as seen:
        await seen.context.route("**/uPlot*.js", later)
        await logged_in(seen, ward.physio)
        await seen.page.goto(f"{ward.house.url}/sessions/{holed}", wait_until="commit")
        await seen.page.wait_for_selector("#curve .first")
        assert await seen.page.locator("#play:enabled, #at:enabled, #closer:enabled, .goes:enabled").count() == 0
        assert "unterwegs" in await seen.page.text_content("#rep-now")
        await looked_at(seen.page)
        came.set()
        await seen.page.wait_for_selector("#tools:enabled")
        assert await seen.page.locator("#play:enabled, .goes:enabled").count() > 5 and "unterwegs" not in await seen.page.text_content("#rep-now")


INKED = """() => {
  const canvas = document.querySelector("#curve canvas"), { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((green, i) => i % 4 === 1 && green < 30 && data[i + 2] > 200).length > 500;
}"""


async def test_a_printed_session_shows_everything(browser, ward: Ward, holed: str) -> None:
    """From a dark screen, and at once: what is laid out late is there."""
    async with looking(browser, "phone") as seen:
        page = await opened(seen, ward, f"/sessions/{holed}")
        text = "".join(each.extract_text() for each in PdfReader(io.BytesIO(await page.pdf())).pages)
        assert "To take along" in text and all(f"{rep['start_s']:.1f} s" in text for rep in ward.result(holed)["reps"])
        await page.wait_for_selector("#curve[data-drawn]")
        assert not await page.evaluate(INKED)
        await page.emulate_media(media="print")
        await page.wait_for_function(INKED)


async def test_what_cannot_be_drawn_is_said(browser, ward: Ward, holed: str) -> None:
    empty, unknown = ward.done("empty-session", []), ward.done("unknown-session", ward.packets[:40], exercise=None)
    async with looking(browser, "phone", "de") as seen:
        page = await opened(seen, ward, f"/sessions/{empty}")
        await page.wait_for_selector("#curve[data-state=empty]")
        assert "kein Winkel bekannt" in await page.text_content("#curve-says")
        assert await page.locator("#replay:visible, tr[data-start]").count() == 0
        await looked_at(page)
        await page.goto(f"{ward.house.url}/sessions/{unknown}")
        await page.wait_for_selector("#curve[data-state=drawn]")
        assert await page.locator("#figure:visible, tr[data-start]").count() == 0  # of which exercise, nobody knows
        await looked_at(page)
        await page.route("**/curve", lambda route: route.abort())
        await page.goto(f"{ward.house.url}/sessions/{holed}")
        await page.wait_for_selector("#curve[data-state=failed]")
        await looked_at(page)
        await page.unroute("**/curve")
        await page.click("#again")
        await page.wait_for_selector("#curve[data-state=drawn]")
        seen.complaints.clear()  # of the browser itself, which was cut off


async def test_five_hundred_repetitions(browser, ward: Ward) -> None:
    session = ward.done("five-hundred", ward.packets)
    document = ward.result(session)
    one, step = document["reps"][0], document["duration_s"] / 500
    document["reps"] = [
        one | {"rep": i + 1, "start_s": i * step, "peak_s": (i + 0.5) * step, "end_s": (i + 0.9) * step} for i in range(500)
    ]
    with closing(sqlite3.connect(ward.house.settings.data_dir / "hiprep.sqlite3")) as database, database:
        database.execute("UPDATE results SET document = ? WHERE session = (SELECT number FROM sessions WHERE id = ?)", [json.dumps(document), session])
    async with looking(browser, "desktop") as seen:
        page = await opened(seen, ward, f"/sessions/{session}")
        await page.wait_for_selector("#curve[data-drawn]")
        assert await page.locator("tr[data-start]").count() == 500
        await page.locator(".goes").nth(499).click()
        await page.wait_for_selector("tr.lit th:has-text('500')")


async def test_two_sessions_move_together(browser, ward: Ward, holed: str) -> None:
    other = ward.done("another-day", ward.packets, started_at="2026-01-03T00:00:00Z")
    async with looking(browser, "phone", "de") as seen:
        page = await opened(seen, ward, f"/sessions/{other}")
        await page.select_option("#a", holed)
        await page.click(".beside-form button")
        await page.wait_for_selector(".chart[data-drawn] >> nth=1")
        assert await page.locator("figcaption a").first.get_attribute("href") == f"/sessions/{holed}"  # the older one
        await looked_at(page)
        await page.locator(".chart").first.focus()
        await page.keyboard.press("+")
        await page.wait_for_function("() => (([a, b]) => a.dataset.to === b.dataset.to && a.dataset.from === b.dataset.from && a.dataset.from > 0)([...document.querySelectorAll('.chart[data-session]')])")
        assert "etwa gleich" in await page.text_content(".verdict")


def test_a_change_is_said_only_where_it_can_be_measured() -> None:
    assert words.change(change(30, 36, 5.4)) == "6° further: from 30° to 36°."
    assert words.change(change(36, 30, 5.4)) == "6° less far: from 36° to 30°."
    assert "about the same" in words.change(change(30, 35.3, 5.4))
    assert "Nothing was counted" in words.change(None)


def test_what_is_not_compared(ward: Ward, holed: str) -> None:
    running = ward.begin("still-running", [])
    assert ward.physio.get(f"/compare?a={holed}&b={running}").status_code == 409
    assert ward.physio.get(f"/compare?a={holed}").status_code == 422
    assert ward.device.post(f"/api/v1/sessions/{running}/end").status_code == 200


async def test_the_physio_watches_and_says_a_word(browser, ward: Ward, monkeypatch) -> None:
    monkeypatch.setattr(live, "STALE_S", 600.0)
    session = ward.begin("watched-session", ward.packets[:150])
    async with looking(browser, "desktop") as seen:
        page = await opened(seen, ward, f"/sessions/{session}/live")
        await page.wait_for_selector("#connection.receiving")
        await page.wait_for_selector("#curve[data-drawn]")
        await asyncio.to_thread(ward.send, session, ward.packets[150:240], 150)
        counted = ward.physio.get(f"/api/v1/sessions/{session}").json()["tally"]["counted"]
        assert counted > 1
        await page.wait_for_selector(f"#count:text-is('{counted}')")
        assert (await page.text_content("#angle")).endswith("°")
        await page.fill("#text", "Slowly <img src=x onerror=alert(1)>")
        await page.press("#text", "Enter")
        await page.wait_for_selector("#said:text-is('Phil Physio: Slowly <img src=x onerror=alert(1)>')")
        await looked_at(page)
        async with looking(browser, "phone", "de") as theirs:
            await logged_in(theirs, ward.patient)
            await theirs.page.goto(f"{ward.house.url}/sessions/{session}/live")
            await theirs.page.wait_for_selector("#physio:text-is('Phil Physio: Slowly <img src=x onerror=alert(1)>')")
            await looked_at(theirs.page)
        monkeypatch.setattr(live, "STALE_S", 0.0)
        await page.wait_for_selector("#connection.lost")
        assert await page.text_content("#angle") == "–" and await page.locator("#curve.old, #figure.unknown").count() == 2
        assert ward.device.post(f"/api/v1/sessions/{session}/end").status_code == 200
        await page.wait_for_selector("#connection.ended")
        late = ward.physio.post(f"/api/v1/sessions/{session}/message", json={"text": "well done"})
        assert late.status_code == 409
        for text in ("", "x" * 201, "two\nlines"):
            assert ward.physio.post(f"/api/v1/sessions/{session}/message", json={"text": text}).status_code == 422
        await page.click("#open")
        await page.wait_for_selector("#curve[data-drawn]")
