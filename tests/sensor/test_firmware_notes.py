"""The hex and the tables of the notes mean what the code does."""

from __future__ import annotations

import re
from itertools import groupby
from math import prod
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from processing.tracker import Tracker
from sensor.band import Patience
from sensor.devices.reference import (
    ACC_RANGE_G, ACC_RANGES_G, ANSWER, BUFFER_S, DRIVER, ENDED, FLAGS, GYR_RANGE_DPS, GYR_RANGES_DPS, HEADER, INFO,
    MAX_SAMPLES, OPCODES, PACKET_SAMPLES, PROBLEMS, RATES_HZ, VERSION_TYPE, WIRE_FLAGS, info_of,
)  # fmt: skip
from sensor.driver import ACC_CLIP, GAP_BEFORE, GYR_CLIP, REORDER_WINDOW, REPLAYED, Info, Message
from sensor.recording import read_recording
from sensor.samples import Samples
from sensor.virtual_band import NAME_BYTES
from sensor.virtual_radio import ADVERTISING_INTERVAL_MS, CONNECTION_INTERVAL_S, LINK_LAYER_BYTES, MTU, SUPERVISION_TIMEOUT_S

NOTES = Path(__file__).parents[2] / "firmware_notes"


def page(name: str) -> str:
    return (NOTES / name).read_text(encoding="utf-8")


def block(text: str, kind: str) -> bytes:
    return bytes.fromhex(re.search(rf"```{kind}\n(.*?)```", text, re.S)[1])


def tables(name: str) -> list[list[list[str]]]:
    """Of each table its rows below the header, of each row its cells."""
    lines = page(name).splitlines()
    found = [list(run) for is_row, run in groupby(lines, lambda line: line.startswith("|")) if is_row]
    return [[[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]] for rows in found]


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", text)]


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


def test_offsets_are_the_structs():
    sizes = {"u8": 1, "u16": 2, "u32": 4, "f32": 4, "3 × i8": 3}
    for rows, struct in ((tables("packet.md")[0][:-1], HEADER), (tables("services.md")[1], INFO)):
        at = 0
        for offset, kind, *_ in rows:
            assert int(offset) == at
            at += sizes[kind]
        assert at == struct.size
    assert tables("packet.md")[0][-1][:2] == [f"{HEADER.size} + 12 i", "6 × i16"]
    assert f"{HEADER.size} bytes of header" in page("packet.md") and f"1 to {MAX_SAMPLES}" in page("packet.md")
    assert all(f"{code} = {rate} Hz" in page("packet.md") for code, rate in RATES_HZ.items())


def test_uuids_commands_and_statuses():
    services, control = page("services.md"), page("control_point.md")
    for uuid in (DRIVER.service_uuid, DRIVER.data_uuid, DRIVER.control_uuid, DRIVER.info_uuid):
        assert uuid in services
    assert f"`{DRIVER.name}`" in services
    assert all(f"{code} {problem}" in control for code, problem in PROBLEMS.items())
    commands, messages = tables("control_point.md")[:2]
    assert {name: int(cell.strip("`")[:2], 16) for name, cell, _ in commands} == OPCODES
    assert messages[0][1].startswith(f"`{ANSWER:02x}`") and messages[-1][1].startswith(f"`{ENDED:02x}`")
    for reserved in (6, 7, 8):  # flash.md
        assert reserved not in OPCODES.values() and f"`{reserved:02d}`" in page("flash.md")


def test_the_c_header_has_the_same_numbers():
    text = (NOTES / "reference" / "hiprep_band.h").read_text()
    values = re.findall(r"HB_(\w+) = ([^,}\n/]+)", text)
    c = {name: eval(value, {"HB_PACKET_SAMPLES": PACKET_SAMPLES}) for name, value in values}
    assert (c["VERSION_TYPE"], c["PACKET_SAMPLES"], c["BUFFER_S"]) == (VERSION_TYPE, PACKET_SAMPLES, BUFFER_S)
    assert (c["PACKET_BYTES"], c["INFO_BYTES"]) == (DRIVER.packet_bytes, INFO.size)
    assert {name: c[name.upper()] for name in OPCODES} == OPCODES and (c["ANSWER"], c["ENDED"]) == (ANSWER, ENDED)
    assert {c[problem.upper().replace(" ", "_")]: problem for problem in PROBLEMS.values()} == PROBLEMS
    flags = {"ACC_CLIP": ACC_CLIP, "GYR_CLIP": GYR_CLIP, "FIFO_OVERRUN": GAP_BEFORE, "REPLAYED": REPLAYED}
    assert {c[name]: flag for name, flag in flags.items()} == WIRE_FLAGS
    rows = tables("packet.md")[1]
    assert [(1 << int(bit), name.strip("`")) for bit, name, _ in rows[:-1]] == [
        (c[name], f"HB_{name}") for name in (*flags, "CHARGING")
    ]


def test_ranges_and_buffer():
    text = page("hardware.md")
    assert f"± {ACC_RANGE_G} g and ± {GYR_RANGE_DPS} deg/s." in text
    assert (ACC_RANGE_G, GYR_RANGE_DPS) == (max(ACC_RANGES_G), max(GYR_RANGES_DPS))
    asked = re.search(r"ask for less in `start`: ± (.*) g and ± (.*) deg/s", text)
    assert (tuple(numbers(asked[1])), tuple(numbers(asked[2]))) == (ACC_RANGES_G, GYR_RANGES_DPS)
    for (rate, held, ram), rate_hz in zip(tables("buffer.md")[0], RATES_HZ.values(), strict=True):
        assert numbers(rate) == [rate_hz]
        assert int(held) == DRIVER.buffer_s * rate_hz / PACKET_SAMPLES
        assert numbers(ram) == [int(held) * 128 / 1000]
        assert ram in text or rate_hz < 100
    assert f"up to {REORDER_WINDOW} later packets" in page("buffer.md")
    assert f"last {BUFFER_S} s" in page("buffer.md")


@pytest.mark.parametrize("name", ["abduction", "external_rotation", "internal_rotation"])
def test_the_largest_ranges_cost_nothing(name):
    """What hardware.md says of the recordings of real people, on ours."""
    recording = read_recording(Path(__file__).parents[1] / "recordings" / f"{name}.parquet")
    fine, meta, info = recording.samples, recording.meta, info_of(1)
    coarse = [np.rint(x / lsb) * lsb for x, lsb in ((fine.acc, info.acc_mps2_per_lsb), (fine.gyr, info.gyr_rads_per_lsb))]
    roms = []
    for samples in (fine, Samples(fine.t, *coarse)):
        tracker = Tracker(meta.exercise, meta.side, meta.placement)
        tracker.update(samples)
        tracker.finish()
        roms.append([rep.rom_deg for rep in tracker.result().reps if rep.counted])
    assert len(roms[0]) == 10
    np.testing.assert_allclose(*roms, atol=numbers(re.search(r"more than (.*) degrees \(sensor", page("hardware.md"))[1])[0])


def test_advertisement():
    data, name = block(page("advertising.md"), "advertisement"), b"hiprep-1"
    assert data == bytes.fromhex("0201061107") + UUID(DRIVER.service_uuid).bytes[::-1] + bytes([9, 9]) + name
    assert len(data) == 31 and len(name) == NAME_BYTES and f"at most {NAME_BYTES} bytes" in page("advertising.md")
    fast = numbers(tables("advertising.md")[1][0][1])
    assert fast[0] <= ADVERTISING_INTERVAL_MS <= fast[1]


def test_connection():
    rows, patience = {row[0]: numbers(row[1]) for row in tables("connection.md")[0]}, Patience()
    assert rows["ATT MTU"][:2] == [MTU, DRIVER.packet_bytes + 3] and rows["data length extension"] == [LINK_LAYER_BYTES]
    low, high = rows["connection interval"]
    assert low <= CONNECTION_INTERVAL_S * 1000 <= high
    low, high = rows["supervision timeout"]
    assert low <= SUPERVISION_TIMEOUT_S <= high
    text = page("connection.md")
    assert f"{patience.silence:g} s without a packet" in text
    assert f"({patience.backoff} s doubled up to {patience.backoff_most:g} s" in text
    assert f"for {patience.give_up / 60:g} minutes" in text and patience.give_up == 600  # "ten minutes" in other pages


def test_power_adds_up():
    measuring, advertising = tables("power.md")
    for row in measuring[:-1] + advertising:
        *factors, average = (float(cell) for cell in row[1:])
        assert prod(factors) == pytest.approx(average, abs=0.5)
    total = float(measuring[-1][-1].strip("*"))
    assert total == sum(float(row[-1]) for row in measuring[:-1])
    sums = re.findall(r"80 / (\d[\d.]*) = (\d+) h", page("power.md"))
    assert float(sums[0][0]) * 1000 == total and len(sums) == 3
    assert all(80 / float(ma) == pytest.approx(float(hours), abs=0.7) for ma, hours in sums)


def test_flash_adds_up():
    sector, header, sizes = tables("flash.md")
    assert int(header[-1][1]) + 2 == int(sector[0][2]) and 16 + 30 * int(sector[1][2]) == 4096
    assert int(sector[1][2]) == DRIVER.packet_bytes + 4
    for flash, packets, *minutes in sizes:
        assert int(packets) == numbers(flash)[0] * 2**20 / 4096 * 30
        for cell, rate in zip(minutes, (100, 50, 25), strict=True):
            assert numbers(cell)[0] == pytest.approx(int(packets) * PACKET_SAMPLES / rate / 60)


def test_the_plan_names_tests_that_exist():
    for _, where in tables("test_plan.md")[0]:
        assert (NOTES.parent / where.strip("`")).is_file()


def test_every_page_is_listed():
    listed = set(re.findall(r"\]\((.*?\.md)\)", page("README.md")))
    assert listed == {path.name for path in NOTES.glob("*.md")} - {"README.md"}
    for path in NOTES.glob("*.md"):
        for link in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
            assert (NOTES / link).exists(), f"{path.name} links to {link}"
