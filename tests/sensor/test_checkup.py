"""`hiprep doctor` on the virtual radio."""

from __future__ import annotations

import json
import re
import zipfile

import pytest

from on_air import noise, on_air
from sensor.checkup import Finding, examine, look
from sensor.source import Source
from simulated_time import BACKEND


@pytest.fixture
def anyio_backend():
    return BACKEND


async def found(client, seconds: float = 10) -> dict[str, Finding]:
    source = Source(lambda source, stack: source.listen(client, stack))
    return {finding.what: finding async for finding in examine(source, seconds)}


async def test_a_good_band():
    async with on_air(noise(8000), speed=1 - 150e-6) as (_, _, client, _):
        there = await look(1, client._backend)
        findings = await found(client, 70)
    assert [finding.what for finding in there] == ["Bluetooth", "scan"] and all(one.good for one in there)
    assert list(findings) == ["connection", "battery", "signal", "MTU", "samples", "clock"]
    assert all(finding.good for finding in findings.values()), findings
    assert findings["battery"].text == "87 %" and findings["samples"].text.startswith("100.0 Hz of 100; 0 packets lost")
    ppm, unsure = map(float, re.match(r"drifts by (-?\d+) ± (\d+) ppm", findings["clock"].text).groups())
    assert abs(ppm + 150) <= unsure < 700


@pytest.mark.parametrize("percent,good,says", [(3, False, "3 %: charge it now"), (15, True, "15 %: charge it soon")])
async def test_a_low_battery(percent, good, says):
    async with on_air(noise(2000), battery_percent=percent) as (_, _, client, _):
        assert (await found(client))["battery"] == Finding("battery", good, says)


async def test_samples_that_do_not_come_as_they_should():
    """One break in ten seconds, and a clock that is a thousandth off."""
    async with on_air(noise(7000), speed=1.002) as (radio, band, client, faults):
        source = Source(lambda source, stack: source.listen(client, stack))
        findings = {}
        async for finding in examine(source, 60):
            findings[finding.what] = finding
            if finding.what == "MTU":
                radio.break_links(band.device)
    assert findings["samples"].good is False and "1 reconnections" in findings["samples"].text
    assert findings["clock"].good is False


async def test_no_bluetooth_and_no_band():
    async with on_air(noise(100)) as (radio, band, client, faults):
        radio.out_of_range(band.device)
        assert [one.good for one in await look(1, client._backend)] == [True, False]
        (finding,) = (await found(client)).values()
        assert finding.good is False and "band not found" in finding.text
        faults.scan_errors = [PermissionError(13, "no")]
        (finding,) = await look(1, client._backend)
        assert finding.good is False and "may not use Bluetooth" in finding.text


def test_a_bundle_without_names_and_samples(run, tmp_path):
    path = tmp_path / "bundle.zip"
    done = run("doctor", "virtual:hip_abduction", "--device", "witmotion", "--speed", 20, "--seconds", 4, "--bundle", path)
    assert done.status == 0 and "ok\tbattery\t87 %" in done.out and "-\tclock\tnone: rebuilt" in done.out
    with zipfile.ZipFile(path) as bundle:
        assert bundle.namelist() == ["doctor.json", "log.txt"]
        text = bundle.read("doctor.json").decode()
        report = json.loads(text)
        assert "F0:F0" not in text + bundle.read("log.txt").decode() and "hip_abduction" not in text
    assert [one["what"] for one in report["findings"]][-2:] == ["samples", "clock"] and report["versions"]["bleak"]


def test_what_cannot_be_checked(refused):
    assert "only a band can be checked" in refused("doctor", "file:x.csv")
    assert "unknown source" in refused("doctor", "nonsense")
    assert "unknown device model" in refused("doctor", "virtual:hip_abduction", "--device", "nonsense")
