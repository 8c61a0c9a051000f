"""A model without a radio: its conversations with its own peripheral, and what that then sends."""

from __future__ import annotations

import numpy as np

from sensor.conversation import Ask, Pause, Read, Write
from sensor.devices import DRIVERS
from sensor.driver import Driver
from sensor.samples import STANDARD_GRAVITY, Samples

MODELS = {name: driver for name, driver in DRIVERS.items() if driver.peripheral}
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


def at(samples: Samples, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What was to be measured then."""
    return tuple(np.stack([np.interp(t, samples.t, c) for c in v.T], axis=1) for v in (samples.acc, samples.gyr))
