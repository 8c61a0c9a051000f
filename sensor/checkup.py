"""Is everything as it should be between this computer and a band? For `hiprep doctor`: findings, and no sample kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple

from sensor.band import BandClient
from sensor.errors import LinkError
from sensor.patience import LOW_BATTERY, charge
from sensor.platforms import PLATFORM, Backend
from sensor.scan import scan
from sensor.source import Source

# None has a source.
WEAK_DBM = -85
RATE_OFF = 0.02  # of the nominal rate
DRIFT_PPM = 200  # twice what a band may have (firmware_notes/clock.md)
PINGS = 5


class Finding(NamedTuple):
    """good: None where nothing can be said."""

    what: str
    good: bool | None
    text: str


async def look(seconds: float, backend: Backend = PLATFORM) -> list[Finding]:
    """The adapter, its permission, and who is in reach."""
    try:
        bands = await scan(seconds, backend)
    except LinkError as error:
        return [Finding("Bluetooth", False, str(error))]
    there = ", ".join(f"{band.driver.title} ({band.rssi} dBm)" for band in bands)
    found = Finding("scan", bool(bands), there or "no band in reach: is it charged, switched on and near?")
    return [Finding("Bluetooth", True, "switched on, and permitted"), found]


async def examine(source: Source, seconds: float) -> AsyncIterator[Finding]:
    """A source that is not entered yet; it is listened to for so long."""
    try:
        async with source:
            async for finding in _examine(source, seconds):
                yield finding
    except LinkError as error:
        yield Finding("connection", False, str(error))


async def _examine(source: Source, seconds: float) -> AsyncIterator[Finding]:
    client = source.client
    about = await client.about()
    yield Finding("connection", True, f"{client.driver.title}, firmware {about.firmware or 'not said'}")
    yield _battery(about.battery_percent)
    rssi = client.found.rssi
    yield Finding("signal", rssi > WEAK_DBM, f"{rssi} dBm" + ("" if rssi > WEAK_DBM else ": bring band and computer nearer"))
    wanted, mtu = client.driver.packet_bytes + 3, client.mtu
    # On Linux a smaller one may be said than there is: then the packets decide.
    yield Finding("MTU", True if mtu >= wanted else None, f"{mtu} bytes, {wanted} wanted")
    n, last, first = 0, 0.0, None
    async for block in source:
        first = first or await _ping(client)
        n, last = n + len(block), float(block.t[-1])
        if last >= seconds:
            break
    decoder = client.decoder
    held = last - sum(after - before for before, after in decoder.gaps)
    rate = (n - 1) / held if held > 0 else 0.0
    good = abs(rate / decoder.rate_hz - 1) < RATE_OFF and not decoder.lost and not client.damaged and not client.reconnects
    counts = f"{decoder.lost} packets lost, {client.damaged} damaged, {len(decoder.gaps)} gaps, {client.reconnects} reconnections"
    yield Finding("samples", good, f"{rate:.1f} Hz of {decoder.rate_hz:g}; {counts}")
    yield _clock(client, first, await _ping(client))


def _battery(percent: int | None) -> Finding:
    if percent is None:
        return Finding("battery", None, "the band does not say")
    return Finding("battery", percent > LOW_BATTERY, charge(percent))


class Ping(NamedTuple):
    """The band's clock, s; the middle of asking and answer on the host's, s; their distance, s."""

    band_s: float
    host_s: float
    trip_s: float


async def _ping(client: BandClient) -> Ping | None:
    """The quickest of some; None: the model cannot."""
    if "ping" not in client.driver.talk:
        return None
    pings = []
    for _ in range(PINGS):
        begin = client.clock()
        t_us = (await client.command("ping")).values[0]
        end = client.clock()
        pings.append(Ping(t_us * 1e-6, (begin + end) / 2e9, (end - begin) * 1e-9))
    return min(pings, key=lambda ping: ping.trip_s)


def _clock(client: BandClient, first: Ping | None, last: Ping | None) -> Finding:
    if first is None or last is None:
        return Finding("clock", None, client.driver.clock)
    host_s = last.host_s - first.host_s
    ppm = 1e6 * (((last.band_s - first.band_s) % (2**32 * 1e-6)) / host_s - 1) if host_s > 0 else 0.0
    unsure = 1e6 * (first.trip_s + last.trip_s) / 2 / host_s if host_s > 0 else 0.0
    text = f"drifts by {ppm:.0f} ± {unsure:.0f} ppm; a ping takes {1e3 * last.trip_s:.0f} ms"
    return Finding("clock", abs(ppm) <= DRIFT_PPM + unsure, text)
