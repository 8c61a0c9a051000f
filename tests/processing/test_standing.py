"""A leg that sways while it stands: what of its turning is the gyroscope's bias."""

from __future__ import annotations

import math

import numpy as np
import pytest
from people import found, person, sets, track

from processing.standing import LEAST, WINDOW_S, Standing
from sensor.motion import Faults
from sensor.samples import Samples


@pytest.mark.parametrize(("hertz", "sway_deg"), [(0.41, 1.24), (0.46, 1.16), (0.56, 1.1)])
def test_a_bias_that_a_sway_has_hidden_costs_no_set(hertz: float, sway_deg: float) -> None:
    """The whole person turns to and fro by so much: gravity stays where it is, the gyroscope says 3 to 4 degrees/s."""
    faults = Faults(gyr_bias_deg=1.0, gyr_noise_deg=0.01)
    made = person("hip_external_rotation", side="right", sets=3, reps=8, rest_s=20.0, faults=faults, seed=7)
    samples = made.recording.samples
    up = samples.acc / np.linalg.norm(samples.acc, axis=1)[:, None]
    for phase in (0.0, np.pi / 2, np.pi):
        swaying = math.radians(sway_deg) * 2 * np.pi * hertz * np.cos(2 * np.pi * hertz * samples.t + phase)
        swayed = Samples(samples.t, samples.acc, samples.gyr + swaying[:, None] * up)
        assert found(track(swayed.blocks(10), "hip_external_rotation", "right")[0]) == sets(made)


def stood(*turns_deg: float) -> list[float]:
    """The rates, degrees/s, that a leg shows that turns by so much about the vertical in each window."""
    standing, told, heading = Standing(), [], 0.0
    for turn in (0.0, *turns_deg):
        heading += math.radians(turn)
        seen = standing.add([math.cos(heading / 2), 0.0, 0.0, math.sin(heading / 2)], None)
        told += [] if seen is None else [math.degrees(seen.rate)]
    return told


def test_what_a_leg_seems_to_turn_evenly_is_the_bias() -> None:
    assert stood(*[2.0] * LEAST) == [pytest.approx(2.0 / WINDOW_S)]
    assert stood(*[2.0, 2.6, 1.4, 2.0]) == [pytest.approx(2.0 / WINDOW_S)]
    assert stood(*[2.0] * (LEAST - 1)) == []


def test_who_turns_and_stays_or_only_sways_shows_none() -> None:
    assert stood(5.0, 5.0, 0.0, 0.0) == []  # raised slowly, and held
    assert stood(0.0, 0.0, 30.0, 0.0, 0.0) == []
    assert stood(0.6, -0.6, 0.5, -0.6) == [0.0]
