from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import re
import sqlite3
from pathlib import Path

import pytest

import server
from server import live
from server.run import running
from server.settings import Settings

STATIC = Path(server.__file__).parent / "static"
TEMPLATES = Path(server.__file__).parent / "templates"


def test_vendored_files_are_what_was_fetched() -> None:
    vendor = STATIC / "vendor"
    sums = dict(reversed(line.split()) for line in (vendor / "SHA256SUMS").read_text().splitlines())
    files = {str(path.relative_to(vendor)): path for path in vendor.rglob("*") if path.is_file()}
    files.pop("SHA256SUMS")
    assert sums == {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
    assert "uplot/LICENSE" in files


def test_no_inline_code_no_other_host_no_colour_outside_the_tokens() -> None:
    for path in TEMPLATES.glob("*.html"):
        text = path.read_text()
        assert not re.search(r"\s(style|on[a-z]+)=", text), path
        assert not re.search(r"<script(?![^>]*(\bsrc=|type=\"application/json\"))|<style", text), path
        assert not re.search(r"(src|href)=\"(https?:)?//", text), path
    rules = (STATIC / "style.css").read_text().partition("/* Ground */")[2]
    assert not re.search(r"#[0-9a-f]{3,8}\b|rgba?\(", rules)


def contrast(a: str, b: str) -> float:
    """WCAG 2.2, relative luminance."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def test_every_pair_of_colours_can_be_read() -> None:
    css = (STATIC / "style.css").read_text()
    light, dark = (dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})", part)) for part in css.split("@media", 1))
    for tokens in (light, light | dark):
        for surface in ("surface", "surface-2"):
            assert contrast(tokens["text"], tokens[surface]) >= 7
            for name in ("text-2", "accent", "good", "partial", "compensated", "stop"):
                assert contrast(tokens[name], tokens[surface]) >= 4.5, (name, surface)
        assert contrast(tokens["on-accent"], tokens["accent"]) >= 4.5


def test_words_from_outside_stay_words(client) -> None:
    session = client.create(band="<script>alert(1)</script>")
    for path in (f"/sessions/{session['id']}", f"/sessions/{session['id']}/live", "/"):
        assert "<script>alert" not in client.get(path).text
    client.end(session["id"])
    page = client.get(f"/sessions/{session['id']}").text
    assert "<script>alert" not in page and "&lt;script&gt;" in page


def test_a_page_names_its_modules_and_the_phone_keeps_them(client) -> None:
    page, worker = client.get("/band").text, client.get("/sw.js").text
    needed = [f"/static/bands/{path.name}" for path in (STATIC / "bands").glob("*.js")] + ["/static/words.js", "/static/awake.js"]
    assert len(needed) > 15 and all(f'href="{path}"' in page and f'"{path}"' in worker for path in needed)
    assert '"/static/phone.js"' in worker and "chart.js" not in worker


def test_pages_lead_to_where_the_session_is(client) -> None:
    assert "Waiting for a band" in client.get("/live").text
    session = client.create()
    assert client.get("/live").headers["location"] == f"/sessions/{session['id']}/live"
    assert "has not ended" in client.get(f"/sessions/{session['id']}").text
    client.end(session["id"])
    gone = client.get(f"/sessions/{session['id']}/live")
    assert (gone.status_code, gone.headers["location"]) == (303, f"/sessions/{session['id']}")


def test_a_session_is_summed_up_for_who_reads_it(client, entries) -> None:
    session = client.create()
    client.send_all(session["id"], entries)
    result = client.end(session["id"])["result"]
    page = " ".join(client.get(f"/sessions/{session['id']}").text.split())
    assert "<dt>time under tension</dt>" in page
    for done in result["sets"]:
        numbers = done["numbers"]
        assert f"{numbers['rom_median_deg']:.0f} ± {numbers['rom_sd_deg']:.0f}°, " in page
        assert f"{numbers['time_under_tension_s']:.0f} s under tension" in page


def test_what_an_older_version_stored_can_still_be_read(client, entries, tmp_path) -> None:
    session = client.create()
    client.send_all(session["id"], entries)
    old = client.end(session["id"])["result"]
    del old["summary"]
    old["sets"] = [{key: done[key] for key in ("set", "exercise", "side", "reps", "start_s", "end_s")} for done in old["sets"]]
    for rep in old["reps"]:
        del rep["time_under_tension_s"]
    old["quality"] = {"gyroscope_bias_known": False}
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "hiprep.sqlite3")) as database, database:
        database.execute("UPDATE results SET document = ?", [json.dumps(old)])
    assert client.get(f"/api/v1/sessions/{session['id']}").json()["result"] == old
    page = client.get(f"/sessions/{session['id']}").text
    assert "never still" in page and "time under tension" not in page


def test_a_browser_gets_an_error_it_can_show(client) -> None:
    answer = client.get("/sessions/nothing", headers={"accept": "text/html"})
    assert answer.status_code == 422 and answer.headers["content-type"].startswith("text/html")
    answer = client.get("/nothing", headers={"accept": "text/html"})
    assert answer.status_code == 404 and "Back to the start" in answer.text


def test_the_intended_use_is_said(client) -> None:
    page = client.get("/intended-use").text
    assert "training aid" in page and "Not a medical device" in page and "Stop when it hurts" in page


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "light")])
async def test_a_session_in_a_real_browser(browser, client, entries, expected, width, scheme) -> None:
    context = await browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    base = str(client.base_url).rstrip("/")

    async def no_overflow() -> None:
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        assert await page.evaluate("[...document.querySelectorAll('.list')].every(e => e.scrollWidth <= e.clientWidth)")

    await page.goto(f"{base}/live")
    session = client.create()
    await page.wait_for_url(f"**/sessions/{session['id']}/live")
    await page.wait_for_selector("#connection.waiting")
    seen: list[int] = []
    for i in range(0, len(entries), 20):
        client.send_all(session["id"], entries[i : i + 20])
        counted = client.get(f"/api/v1/sessions/{session['id']}").json()["tally"]["counted"]
        if counted not in seen:
            seen.append(counted)
            in_set = (counted - 1) % 4 + 1 if counted else 0
            await page.wait_for_selector(f"#count:text-is('{in_set}')")
            await page.wait_for_selector("#connection.receiving")
    assert seen[-1] == 8 and len(seen) > 5
    assert await page.text_content("#good") == "4"
    assert await page.locator("#dots .shape.good").count() == 4
    await no_overflow()

    client.end(session["id"])
    await page.wait_for_selector("#connection.ended")
    assert await page.text_content("#angle") == "–"
    await page.click("#open")
    await page.wait_for_selector("#curve[data-drawn] canvas")
    assert await page.locator("tr[data-start]").count() == len(expected["reps"])
    drawn = await page.evaluate(
        """() => {
          const canvas = document.querySelector("#curve canvas");
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return data.filter((value, i) => i % 4 === 3 && value > 0).length;
        }"""
    )
    assert drawn > 5000
    await no_overflow()
    for path in ("/", "/intended-use"):
        await page.goto(base + path)
        await no_overflow()
    assert complaints == []
    await context.close()


async def test_the_live_page_never_shows_old_news_as_new(browser, tmp_path, connect, entries, monkeypatch) -> None:
    stack = contextlib.ExitStack()
    url = stack.enter_context(running(Settings(tmp_path, port=0)))
    client = stack.enter_context(connect(url))
    session = client.create()
    page = await browser.new_page()
    await page.goto(f"{url}/sessions/{session['id']}/live")
    client.send_all(session["id"], entries[:200])
    await page.wait_for_selector("#connection.receiving")
    assert await page.text_content("#angle") != "–"
    monkeypatch.setattr(live, "STALE_S", 0.0)
    await page.wait_for_selector("#connection.lost:text-is('no packets')")
    assert await page.text_content("#angle") == "–"
    await asyncio.to_thread(stack.close)
    await page.wait_for_selector("#connection:text-is('no word from the server')")
    assert await page.text_content("#angle") == "–"
