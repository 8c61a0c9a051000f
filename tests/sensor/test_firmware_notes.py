"""The hex of the notes means what the notes say."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from sensor.devices.reference import DRIVER, FLAGS, HEADER, PROBLEMS
from sensor.driver import GYR_CLIP, REPLAYED, Info, Message

NOTES = Path(__file__).parents[2] / "firmware_notes"


def page(name: str) -> str:
    return (NOTES / name).read_text(encoding="utf-8")


def block(text: str, kind: str) -> bytes:
    return bytes.fromhex(re.search(rf"```{kind}\n(.*?)```", text, re.S)[1])


def column(text: str, field: str) -> str:
    """The last cell of the row that describes a field."""
    return re.search(rf"^\|[^|]*\|[^|]*\| {field}[^|]*\|([^|]*)\|$", text, re.M)[1].strip().strip("`")


def test_packet():
    text = page("packet.md")
    data = block(text, "packet")
    packet = DRIVER.decode_packet(data)
    assert data[0] == int(column(text, "version"), 16)
    assert packet.flags == FLAGS[int(column(text, "flags"), 16)] == GYR_CLIP | REPLAYED
    assert packet.seq == int(column(text, "seq"))
    assert packet.t_us == int(column(text, "t_first"))
    assert packet.boot_id == int(column(text, "boot_id"))
    assert len(packet.counts) == int(column(text, "n,"))
    assert packet.rate_hz == 100 and data[11] == int(column(text, "rate code"))
    rows = re.findall(r"^\| \d+ \|(( -?\d+ \|){6})$", text, re.M)
    np.testing.assert_array_equal(packet.counts, [[int(cell) for cell in row[0].split("|")[:6]] for row in rows])
    assert DRIVER.encode_packet(packet) == data
    first = DRIVER.decoder(block(page("services.md"), "info")).feed(data, 0).acc[0, 0]
    assert f"{first:.3f} m/s²" in text


def test_info():
    text = page("services.md")
    data = block(text, "info")
    info = DRIVER.decode_info(data)
    assert info == Info(
        int(re.search(r"\((\d+) Hz\)", column(text, "rate code"))[1]),
        int(column(text, "acceleration range")),
        int(column(text, "angular velocity range")),
        pytest.approx(float(column(text, "m/s² of one count")), rel=1e-7),
        pytest.approx(float(column(text, "rad/s of one count")), rel=1e-7),
        int(column(text, "boot_id")),
    )
    assert DRIVER.encode_info(info) == data
    assert data[19] == int(column(text, "seconds the ring buffer")) == DRIVER.buffer_s
    assert data[3] == int(column(text, "samples in a packet")) == DRIVER.packet_samples


def test_control_point():
    row = re.compile(r"^\| `([0-9a-f ]+)` \| (command|answer) (\w+)([ \d]*)(?:: (.*?))? \|$", re.M)
    rows = row.findall(page("control_point.md"))
    assert len(rows) == 11
    for hexes, direction, kind, values, problem in rows:
        data, decode = bytes.fromhex(hexes), DRIVER.decode_command if direction == "command" else DRIVER.decode_message
        wanted = Message(kind, tuple(map(int, values.split())), problem or None)
        assert decode(data) == wanted
        if direction == "answer":
            assert DRIVER.encode_message(wanted) == data


def test_uuids_sizes_and_statuses():
    services, control = page("services.md"), page("control_point.md")
    for uuid in (DRIVER.service_uuid, DRIVER.data_uuid, DRIVER.control_uuid, DRIVER.info_uuid):
        assert uuid in services
    assert all(f"{code} {problem}" in control for code, problem in PROBLEMS.items())
    assert f"{HEADER.size} bytes of header" in page("packet.md")
    assert f"at least {DRIVER.packet_bytes + 3} for" in page("radio.md")


def test_every_page_is_listed():
    listed = set(re.findall(r"\]\((.*?\.md)\)", page("README.md")))
    assert listed == {path.name for path in NOTES.glob("*.md")} - {"README.md"}
