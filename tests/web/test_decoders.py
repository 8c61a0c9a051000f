"""The browser's decoders against the Python drivers: the same bytes, the same samples, the same refusals."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from sansio import START_NS, movement, wire

from sensor.devices import DRIVERS, movella_dot, reference, witmotion
from sensor.devices import polar_verity_sense as polar
from sensor.driver import Packet
from sensor.errors import PacketError
from sensor.frames import Entry, encode_frame
from sensor.samples import STANDARD_GRAVITY
from sensor.stream import counts_of
from server.run import running
from server.settings import Settings

VECTORS = json.loads((Path(__file__).parents[1] / "sensor" / "vectors.json").read_text())
DECODE = """async ([path, packets, more]) => {
  const { decode } = await import(`/static/bands/${path}.js`);
  return packets.map((text) => {
    try {
      const found = decode(Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16)), more);
      return { ...found, ns: found.ns === undefined ? null : `${found.ns}` };
    } catch (error) {
      return error.constructor.name;
    }
  });
}"""


def damaged(packets: list[bytes], seed: int) -> list[bytes]:
    """As they are, cut off, longer, and with a wrong byte, mostly in the head."""
    chance, made = random.Random(seed), list(packets)
    for packet in packets:
        made += packet[: chance.randrange(len(packet) + 1)], packet + chance.randbytes(chance.randint(1, 3))
        wrong = bytearray(packet)
        wrong[chance.randrange(min(len(packet), 14))] ^= 1 << chance.randrange(8)
        made.append(bytes(wrong))
    return made


def refused(decode, packet: bytes):
    try:
        return decode(packet)
    except PacketError:
        return "PacketError"


def check_alike(theirs: list, ours: list, compare) -> None:
    assert len(theirs) == len(ours)
    for there, here in zip(theirs, ours, strict=True):
        if "PacketError" in (there, here):
            assert there == here
        else:
            compare(there, here)
    assert len(ours) / 8 <= ours.count("PacketError") <= 3 * len(ours) / 4


@pytest.fixture(scope="module")
def page(tmp_path_factory, chromium_path, chromium_flags):
    """One for all: nothing here changes it."""
    from playwright.sync_api import sync_playwright

    with running(Settings(tmp_path_factory.mktemp("decoders"), port=0)) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=chromium_flags)
        page = browser.new_page()
        page.goto(f"{url}/static/icon.svg")
        yield page
        browser.close()


UNITS = {"g": STANDARD_GRAVITY, "mg": 1e-3 * STANDARD_GRAVITY, "m/s2": 1.0, "deg/s": np.pi / 180}


def test_published_bytes(page) -> None:
    """The same file that holds the Python drivers."""
    read = """async (vectors) => {
      const [reference, wit, polar, dot, { unhex, hex }] = await Promise.all(
        ["reference", "witmotion", "polar_verity_sense", "movella_dot", "steps"].map((name) => import(`/static/bands/${name}.js`)));
      const bytes = (text) => unhex(text.replaceAll(" ", ""));
      const all = (model, kind, read) => vectors[model][kind].map((one) => read(bytes(one.hex)));
      // What a conversation writes first, in hex; its answers are not waited for.
      const writes = (talk) => hex(talk.next().value.data);
      const band = reference.default, info = bytes(vectors["hiprep-band"].info[0].hex);
      return {
        reference: {
          frames: all("hiprep-band", "frames", reference.decode), info: all("hiprep-band", "info", reference.decodeInfo),
          answers: all("hiprep-band", "answers", reference.decodeMessage),
          writes: [band.start(info), band.stop(), band.replay(513), band.ping(), band.identify()].map(writes),
        },
        witmotion: {
          frames: all("witmotion", "frames", (data) => new wit.Frames().read(data, 0)),
          writes: [wit.UNLOCK, wit.RATE, wit.READ_RATE].map(hex), rates: all("witmotion", "rates", wit.rateTold),
        },
        polar: {
          frames: all("polar-verity-sense", "frames", polar.decode).map((found) => ({ ...found, ns: `${found.ns}` })),
          deltas: all("polar-verity-sense", "deltas", (data) => polar.deltas(data, 16)),
          settings: all("polar-verity-sense", "settings", polar.decodeSettings),
          stopped: all("polar-verity-sense", "unasked", polar.default.stopped),
          chosen: [2, 5].map((stream) => hex(polar.chosen(stream))),
        },
        dot: { frames: all("movella-dot", "frames", dot.decode), stop: writes(dot.default.stop()) },
      };
    }"""
    found = page.evaluate(read, VECTORS)
    flat = lambda text: text.replace(" ", "")  # noqa: E731

    theirs, wanted = found["reference"], VECTORS["hiprep-band"]
    (there,), (here,) = theirs["frames"], wanted["frames"]
    assert (there["seq"], there["us"], there["boot"], there["rateHz"]) == tuple(here[k] for k in ("seq", "us", "boot_id", "rate_hz"))
    assert there["counts"] == here["values"] and there["flags"] == 2 | 8  # angular velocity clipped, sent again
    (there,), (here,) = theirs["info"], wanted["info"]
    names = {"rateHz": "rate_hz", "accG": "acc_range_g", "gyrDps": "gyr_range_dps", "boot": "boot_id"}
    assert there == {k: here[v] for k, v in (names | {"acc": "acc_mps2_per_lsb", "gyr": "gyr_rads_per_lsb"}).items()}
    for there, here in zip(theirs["answers"], wanted["answers"], strict=True):
        assert (there["kind"], there["values"]) == (here["kind"], here.get("values", []))
        assert there.get("problem") == here.get("problem")
    assert theirs["writes"] == [flat(text) for text in wanted["writes"].values()]

    theirs, wanted = found["witmotion"], VECTORS["witmotion"]
    scaled = np.array(theirs["frames"][0]) * np.repeat((16 / 2**15, 2000 / 2**15), 3)
    np.testing.assert_allclose(scaled, wanted["frames"][0]["values"], atol=wanted["frames"][0]["within"])
    assert theirs["writes"] == [flat(wanted["writes"][k]) for k in ("unlock", "rate 50 Hz", "ask the rate")]
    assert theirs["rates"] == [one["code"] for one in wanted["rates"]]

    theirs, wanted = found["polar"], VECTORS["polar-verity-sense"]
    for there, here in zip(theirs["frames"], wanted["frames"], strict=True):
        assert (there["stream"], there["ns"]) == (here["stream"], here["ns"])
        np.testing.assert_allclose(np.array(there["values"]) / UNITS[here["unit"]], here["values"])
    assert theirs["deltas"] == [one["values"] for one in wanted["deltas"]]
    assert theirs["settings"] == [one["values"] for one in wanted["settings"]]
    assert theirs["stopped"] == [one["stopped"] for one in wanted["unasked"]]
    assert theirs["chosen"] == [flat(wanted["writes"][f"start {stream}"])[4:] for stream in (2, 5)]

    theirs, wanted = found["dot"], VECTORS["movella-dot"]
    (there,), (here,) = theirs["frames"], wanted["frames"]
    assert there["us"] == here["us"] and theirs["stop"] == flat(wanted["writes"]["stop"])
    np.testing.assert_allclose(there["values"][:3], here["values"][0][:3], atol=here["within"])


def test_frames_to_the_server(page) -> None:
    chance = random.Random(5)
    sent = [Entry(0, i + (1 << 40), START_NS + i, chance.randbytes(chance.randint(1, 512))) for i in range(100)]
    told = [[entry.index, str(entry.host_ns), entry.packet.hex()] for entry in sent]
    frame = page.evaluate(
        """async (entries) => {
          const [{ encodeFrame }, { hex, unhex }] = await Promise.all([import("/static/bands/frames.js"), import("/static/bands/steps.js")]);
          return hex(encodeFrame(entries.map(([index, ns, packet]) => ({ index, ns: BigInt(ns), packet: unhex(packet) }))));
        }""",
        told,
    )
    assert bytes.fromhex(frame) == encode_frame(sent)


def test_reference(page) -> None:
    chance = np.random.default_rng(1)
    packets = [
        reference.encode_packet(
            Packet(
                reference.FLAGS[int(chance.integers(16))], int(chance.integers(1 << 16)), int(chance.integers(1 << 32)),
                int(chance.integers(1 << 16)), int(chance.choice([25, 50, 100, 200])),
                chance.integers(-(2**15), 2**15, (int(chance.integers(1, 20)), 6)).astype(np.int16),
            )
        )
        for _ in range(60)
    ]  # fmt: skip
    sent = damaged(packets, 1)

    def compare(there, here: Packet) -> None:
        assert (there["seq"], there["us"], there["boot"], there["rateHz"]) == (here.seq, here.t_us, here.boot_id, here.rate_hz)
        assert reference.FLAGS[there["flags"]] == here.flags
        assert there["counts"] == here.counts.tolist()

    theirs = page.evaluate(DECODE, ["reference", [packet.hex() for packet in sent], None])
    check_alike(theirs, [refused(reference.decode_packet, packet) for packet in sent], compare)


def test_movella_dot(page) -> None:
    chance = np.random.default_rng(2)
    packets = [movella_dot.encode_sample(int(chance.integers(1 << 32)), chance.normal(0, 20, 6)) for _ in range(60)]
    packets.append(bytes(4) + bytes.fromhex("0000c07f") + bytes(32))  # not a number
    sent = damaged(packets, 2)

    def compare(there, here) -> None:
        assert there["us"] == here[0]
        np.testing.assert_allclose(there["values"], here[1], rtol=1e-12)

    theirs = page.evaluate(DECODE, ["movella_dot", [packet.hex() for packet in sent], None])
    check_alike(theirs, [refused(movella_dot.decode_sample, packet) for packet in sent], compare)


def test_polar(page) -> None:
    chance = np.random.default_rng(3)
    info = polar.info_of(52, 2.44140625e-4, 0.0625)
    packets = []
    for stream, frame, width in ((2, 1, 0), (2, 0x80, 16), (2, 0x81, 16), (5, 0x80, 16), (5, 0x81, 32)) * 12:
        head = polar.HEAD.pack(stream, int(chance.integers(1 << 62)), frame)
        n = int(chance.integers(1, 60))
        if width == 0:
            body = chance.integers(-(2**15), 2**15, (n, 3)).astype("<i2").tobytes()
        elif width == 16:
            values = np.clip(np.cumsum(chance.integers(-300, 300, (n, 3)), axis=0), -(2**15), 2**15 - 1)
            body = polar.encode_deltas(values, block=int(chance.integers(1, 30)))
        else:
            body = polar.encode_deltas(chance.normal(0, 200, (n, 3)).astype(np.float32).view(np.int32), 32)
        packets.append(head + body)
    sent = damaged(packets, 3)

    def compare(there, here) -> None:
        assert (there["stream"], int(there["ns"])) == here[:2]
        np.testing.assert_allclose(there["values"], here[2], rtol=1e-12)

    factors = {"accFactor": info.acc_factor, "gyrFactor": info.gyr_factor}
    theirs = page.evaluate(DECODE, ["polar_verity_sense", [packet.hex() for packet in sent], factors])
    check_alike(theirs, [refused(lambda packet: polar.decode_frame(packet, info), packet) for packet in sent], compare)


@pytest.mark.parametrize("short", [False, True], ids=["long frames", "short frames"])
def test_witmotion(page, short: bool) -> None:
    """Frames of random counts in any pieces, some lost, some wrong, some late."""
    chance = random.Random(4)
    encode = witmotion.encode_short_frames if short else witmotion.encode_frame
    rows = np.random.default_rng(4).integers(-(2**15), 2**15, (300, 6)).astype(np.int16)
    data = bytearray(b"".join(map(encode, rows)))
    for _ in range(20):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    pieces, ns = [], START_NS
    while data:
        size = chance.choice([20, 20, 11, 7, 40, 60])
        ns += chance.choice([5, 20, 20, 30, 400]) * 1_000_000
        if chance.random() > 0.05:
            pieces.append((bytes(data[:size]), ns))
        del data[:size]
    reader = witmotion.Reader(witmotion.INFO)
    ours = [[row for part in reader.read(*piece) for row in part.counts.tolist()] for piece in pieces]
    theirs, dropped = page.evaluate(
        """async (pieces) => {
          const frames = new (await import("/static/bands/witmotion.js")).Frames();
          const { unhex } = await import("/static/bands/steps.js");
          return [pieces.map(([text, ms]) => frames.read(unhex(text), ms)), frames.dropped];
        }""",
        [[piece.hex(), ns / 1e6] for piece, ns in pieces],
    )
    assert theirs == ours and dropped == reader.dropped > 5
    assert sum(map(len, ours)) > 200


@pytest.mark.parametrize("name", ["witmotion", "witmotion-fff0", "polar-verity-sense", "movella-dot"])
def test_what_is_drawn_is_what_is_counted(page, name: str) -> None:
    """A virtual band's movement: the reader of the page makes of it what the driver makes, but for the joining of
    streams and the counts of a recording."""
    driver = DRIVERS[name]
    info, packets = wire(driver, movement(1000))
    theirs, gaps = page.evaluate(
        """async ([name, info, packets]) => {
          const { modelNamed } = await import("/static/bands/models.js");
          const { unhex } = await import("/static/bands/steps.js");
          const reader = modelNamed(name).reader(unhex(info));
          return [packets.flatMap(([text, ms]) => reader.read(unhex(text), ms)), reader.gaps];
        }""",
        [name, info.hex(), [[packet.hex(), ns / 1e6] for packet, ns in packets]],
    )
    theirs = np.array(theirs)
    decoder = driver.decoder(info)
    samples = [decoder.feed(*packet) for packet in packets]
    acc = np.concatenate([block.acc for block in samples])
    gyr = np.concatenate([block.gyr for block in samples])
    assert gaps == len(decoder.gaps) == 0
    assert theirs[:, 0] == pytest.approx(1 / driver.rate_hz)
    n = min(len(acc), len(theirs))
    assert n > 9 * driver.rate_hz
    if name == "polar-verity-sense":  # one stream is half a sample later, and drawn with the newest of the other
        assert np.linalg.norm(theirs[:, 1:4], axis=1).max() == pytest.approx(np.linalg.norm(acc, axis=1).max(), rel=0.1)
        assert theirs[:, 4:].max(0) == pytest.approx(gyr.max(0), abs=0.05)
    else:
        counts, _ = counts_of(theirs[:n, 1:], decoder.info)
        np.testing.assert_array_equal(counts, counts_of(np.hstack((acc, gyr))[:n], decoder.info)[0])
