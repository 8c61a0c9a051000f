"""A model without a radio: its conversations with its own peripheral, and what that then sends."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from processing.exercises import EXERCISES
from sensor.conversation import Ask, Declined, Pause, Read, Write
from sensor.devices import DRIVERS
from sensor.devices.reference import encode_info, info_of
from sensor.driver import Driver
from sensor.errors import PacketError
from sensor.motion import session
from sensor.recording import Recording
from sensor.samples import STANDARD_GRAVITY, Samples
from sensor.virtual_band import packets as reference_packets

MODELS = {name: driver for name, driver in DRIVERS.items() if driver.peripheral}
EXERCISE, REPS = "hip_abduction", 3
START_NS = 1_767_225_600_000_000_000  # 2026-01-01


def talk(model, conversation):
    """To its end; its result."""
    answer = None
    while True:
        try:
            step = conversation.send(answer)
        except StopIteration as end:
            return end.value
        match step:
            case Read(uuid):
                answer = model.read(uuid)
            case Write(uuid, data):
                assert not list(model.write(uuid, data))
                answer = b""
            case Ask(uuid, data, is_answer):
                (answer,) = [value for _, value in model.write(uuid, data) if is_answer(value)]
            case Pause():
                answer = b""


def started(driver: Driver):
    """A peripheral that streams, and its info."""
    model = driver.peripheral()
    info = talk(model, driver.talk["hello"]())
    assert not model.streaming
    talk(model, driver.talk["start"](driver.decode_info(info)))
    assert model.streaming
    return model, info


def wire(driver: Driver, samples: Samples) -> tuple[bytes, list[tuple[bytes, int]]]:
    """Info, and packets with their arrival at the next of the radio's events, 15 ms apart."""
    model, info = started(driver)
    played = model.play(samples)
    return info, [(data, START_NS + -(-round(due * 1e9) // 15_000_000) * 15_000_000) for due, _, data in played]


def decoded(driver: Driver, info: bytes, packets, **options) -> tuple[Samples, object]:
    decoder = driver.decoder(info, **options)
    parts = [decoder.feed(*packet) for packet in packets]
    return Samples.concat([*parts, decoder.flush()]), decoder


def movement(n: int, rate: float = 100.0, speed: float = 0.4) -> Samples:
    """Slow enough that linear interpolation is good, and no two moments are alike."""
    t = np.arange(n) / rate
    angle = 2 * np.pi * speed * t[:, None] * (1 + np.arange(6) / 7) + np.arange(6)
    return Samples(t, 7 * np.sin(angle[:, :3]) + [0, 0, STANDARD_GRAVITY], 3 * np.sin(angle[:, 3:]))


def lag_s(moved: Samples, samples: Samples) -> float:
    """How much later than it says it was measured, to half a millisecond."""
    shifts = np.arange(-400, 401) * 5e-4
    return float(shifts[np.argmin([np.median(np.abs(samples.acc - at(moved, samples.t + shift)[0])) for shift in shifts])])


def short_set() -> Recording:
    """A simulated person's REPS quick leg raises, without what comes long before and after."""
    track = {EXERCISE: EXERCISES[EXERCISE].track}
    recording = session(track, EXERCISE, sets=1, reps=REPS, tempo=0.6, side="right", seed=1).recording
    t = recording.samples.t - recording.samples.t[0]
    return replace(recording, samples=recording.samples[int(np.searchsorted(t, 3.5)) : int(np.searchsorted(t, 20.5))])


def at(samples: Samples, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What was to be measured then."""
    return tuple(np.stack([np.interp(t, samples.t, c) for c in v.T], axis=1) for v in (samples.acc, samples.gyr))


# Hostile bytes: what must hold, for hypothesis and for atheris alike.

MOST_SAMPLES = 1100  # of one packet of at most 512 bytes


def material(name: str, seconds: int = 3) -> tuple[bytes, list[tuple[bytes, int]]]:
    """Info and good packets of a model."""
    driver = DRIVERS[name]
    if driver.peripheral:
        return wire(driver, movement(100 * seconds))
    info = info_of(1)
    made = enumerate(reference_packets(movement(100 * seconds), driver, info))
    return encode_info(info), [(driver.encode_packet(p._replace(seq=i)), START_NS + i * 10**8) for i, (_, p) in made]


def swallow(driver: Driver, info: bytes, stream) -> None:
    """Samples or an error of ours, alike for the check and the decoder, and never nonsense."""
    decoder, parts = driver.decoder(info, keep_raw=True), []
    for packet, ns in stream:
        problem = one_line(driver.check_packet, packet)
        try:
            parts.append(decoder.feed(packet, ns))
            assert problem is None, "a server would have refused it"
        except PacketError:
            assert problem is not None, "a server would have taken it"
    parts.append(decoder.flush())
    samples = Samples.concat(parts)
    assert len(samples) <= MOST_SAMPLES * len(stream)
    for values in (samples.t, samples.acc, samples.gyr):
        assert np.isfinite(values).all()
    assert (np.diff(samples.t) > 0).all()
    assert all(before < after for before, after in decoder.gaps)
    assert len(samples) == 0 or len(samples.raw.flags) == len(samples)


def one_line(take, *values):
    """What was wrong with it, if anything, in one line."""
    try:
        take(*values)
    except PacketError as error:
        assert "\n" not in str(error) and "wanted" in str(error)
        return error
    return None


def converse(driver: Driver, kind: str, values, answer_of) -> None:
    """With a band that answers anything: it ends with a result, a refusal or an error of ours."""
    conversation, answer = driver.talk[kind](*values), None
    try:
        for _ in range(60):
            step = conversation.send(answer)
            answer = answer_of(step)
            if not getattr(step, "is_answer", lambda _: True)(answer):  # nobody would hand it on
                return
        raise AssertionError("a conversation without an end")
    except StopIteration as end:
        if kind == "hello":
            one_line(driver.decoder, end.value)
    except (Declined, PacketError) as error:
        assert "\n" not in str(error)
