"""From the band to the page: virtual band -> Bluetooth -> driver -> tracker -> server -> browser."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx
import numpy as np
import pytest

from sensor.devices import driver_named
from sensor.devices.reference import info_of
from sensor.peripheral import BATTERY_PERCENT
from sensor.recording import read_recording, recording_from_packets, write_recording
from sensor.source import open_source
from sensor.spool import spool_of
from sensor.uplink import Uplink
from sensor.virtual_band import packets
from server.run import running
from server.settings import Settings

SPEED = 25


def played(run, recording: Path, *more: str) -> dict:
    done = run("demo", recording, "--once", "--json", "--speed", SPEED, *more)
    assert done.status == 0, done.err
    return json.loads(done.out)


@pytest.fixture(params=["whole", "with a hole"])
def recording(request, person: Path, tmp_path: Path) -> Path:
    """Four leg raises; and the same with a fifth of a second missing while the leg is lifted."""
    path = tmp_path / "recording.csv"
    lines = (person / "person.csv").read_text().splitlines(keepends=True)
    path.write_text("".join(lines if request.param == "whole" else lines[:900] + lines[920:]))
    path.with_suffix(".json").write_bytes((person / "person.json").read_bytes())
    return path


def test_what_the_server_stored_is_what_a_replay_finds(run, recording: Path, tmp_path: Path) -> None:
    stored = played(run, recording)
    assert [one["reps"] for one in stored["sets"]] == [4]

    # The band's own packets, without radio and server: the same to the last digit. Only where the blocks are cut
    # differs after a hole, and with it counted_s.
    driver, info = driver_named("hiprep-band"), info_of(1)
    source = read_recording(recording)
    made = enumerate(packet for _, packet in packets(source.samples, driver, info))
    numbered = [(0, driver.encode_packet(packet._replace(seq=seq))) for seq, packet in made]
    sent = recording_from_packets(driver, driver.encode_info(info), numbered, source.meta)
    write_recording(tmp_path / "sent.parquet", sent)
    again = json.loads(run("replay", tmp_path / "sent.parquet", "--json").out)
    for there, here in zip(stored["reps"], again["reps"], strict=True):
        assert there.pop("counted_s") == pytest.approx(here.pop("counted_s"), abs=0.1)
    assert again == stored

    # The recording itself, before the band measured it anew with its own counts.
    replayed = json.loads(run("replay", recording, "--json").out)
    assert [one["reps"] for one in replayed["sets"]] == [4] and len(replayed["gaps"]) == len(stored["gaps"])
    for there, here in zip(stored["reps"], replayed["reps"], strict=True):
        same = ("set", "rep", "counted", "flags", "compensated")
        assert [there[key] for key in same] == [here[key] for key in same]
        assert there["rom_deg"] == pytest.approx(here["rom_deg"], abs=0.5)
        for key in ("start_s", "peak_s", "end_s"):
            assert there[key] == pytest.approx(here[key], abs=0.05)


def test_twice_the_same(run, person: Path) -> None:
    assert played(run, person / "person.parquet") == played(run, person / "person.parquet")


def test_a_real_persons_leg_raises(run, recordings: Path) -> None:
    """Thirty of them: ten held, ten fast, ten small."""
    stored = played(run, recordings / "uci_pte" / "s2-hip_abduction.csv")
    assert [one["reps"] for one in stored["sets"]] == [10, 10, 10]
    assert (stored["coverage"], stored["gaps"]) == (1.0, [])


async def test_from_the_band_to_the_page(browser, person: Path, tmp_path: Path) -> None:
    page = await browser.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    # Every number that the page shows, in order.
    await page.add_init_script(
        """window.shown = [];
        addEventListener("DOMContentLoaded", () => {
          const count = document.getElementById("count");
          if (count) new MutationObserver(() => shown.push(count.textContent)).observe(count, {childList: true});
        });"""
    )
    recording = read_recording(person / "person.parquet")
    with running(Settings(tmp_path, port=0)) as url:
        await page.goto(f"{url}/live")
        async with open_source("virtual:person", virtual=lambda _: recording, speed=8) as source:
            leg = {"exercise": None, "side": "left", "placement": "ankle"}
            spool = spool_of(source, tmp_path / "spool", **leg, server=url)
            async with spool, Uplink(spool, url) as uplink:
                await uplink.opened()
                await page.wait_for_url(f"{uplink.page_url}/live")
                async for _ in source:
                    pass
                stored = await uplink.finish()
        counted = sum(rep["counted"] for rep in stored.result["reps"])
        await page.wait_for_selector("#connection.ended")
        numbers = [int(text) for text in await page.evaluate("shown")]
        assert numbers == sorted(numbers) and numbers[-1] == counted == 4 and len(set(numbers)) >= 3
        assert await page.text_content("#battery-left") == f"Battery of the band: {BATTERY_PERCENT} %"
        assert await page.text_content("#exercise") == "Side-lying hip abduction, left"  # recognised
        await page.click("#open")
        await page.wait_for_selector("#curve[data-drawn] canvas")
        assert await page.locator("tr[data-start]").count() == len(stored.result["reps"])
        curve = (await asyncio.to_thread(httpx.get, f"{url}/api/v1/sessions/{uplink.session_id}/curve")).json()
        assert len(curve["t_s"]) > 20 * stored.result["duration_s"]
        assert np.nanmax(np.array(curve["angle_deg"], float)) > 20
        await page.goto(url)
        assert await page.locator(f"a[href='/sessions/{uplink.session_id}']").count() == 1
    assert complaints == []
    await page.close()
