"""One repetition's numbers, against movements whose numbers are known."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from people import TRACKS, count

from processing.measure import shape, sparc
from sensor.motion import IDEAL, Movement, Rep, Set, Still, Variation, simulate

MINIMUM_JERK = -1.408  # of the continuous spectrum, integrated below


def minimum_jerk(t: np.ndarray) -> np.ndarray:
    """Place (n,) from 0 to 1 at times in units of the duration; Flash and Hogan, J Neurosci 1985."""
    t = np.clip(t, 0.0, 1.0)
    return 10 * t**3 - 15 * t**4 + 6 * t**5


def test_the_known_value_of_the_smoothest_movement() -> None:
    """The definition (Balasubramanian et al. 2015), by quadrature: nothing padded, nothing sampled."""
    t = np.linspace(0, 1, 4001)
    speed = 30 * t**2 * (1 - t) ** 2
    frequency = np.linspace(0, 3, 1501)  # in cycles a movement; at 3 the spectrum is far below the threshold
    spectrum = np.abs([np.trapezoid(speed * np.exp(-2j * np.pi * f * t), t) for f in frequency])
    spectrum /= spectrum[0]
    end = np.flatnonzero(spectrum >= 0.05)[-1] + 1
    arc = np.hypot(np.diff(frequency[:end]) / frequency[end - 1], np.diff(spectrum[:end])).sum()
    assert -arc == pytest.approx(MINIMUM_JERK, abs=5e-4)


@given(
    st.floats(0.6, 8.0), st.floats(5.0, 80.0), st.sampled_from([25.0, 26.7, 30.0, 50.0, 100.0]), st.floats(0.0, 1.0)
)
def test_sparc_depends_on_neither_size_nor_duration_nor_rate_nor_phase(
    seconds: float, deg: float, rate: float, phase: float
) -> None:
    t = (np.arange(int(seconds * rate) + 3) - phase) / rate
    angle = deg * minimum_jerk(t / seconds)
    assert sparc(np.abs(np.diff(angle)), 1 / rate) == pytest.approx(MINIMUM_JERK, abs=0.02)


@given(st.floats(1.0, 6.0), st.floats(0.3, 4.0), st.floats(1.0, 6.0))
def test_a_whole_repetition_gives_the_way_out_and_its_phases(out_s: float, hold_s: float, back_s: float) -> None:
    t = np.arange(0, out_s + hold_s + back_s + 0.04, 0.04)
    angle = 30 * (minimum_jerk(t / out_s) - minimum_jerk((t - out_s - hold_s) / back_s))
    seen = shape(t, angle)
    assert sparc(np.abs(np.diff(angle[: seen.risen + 1])), 0.04) == pytest.approx(MINIMUM_JERK, abs=0.02)
    assert seen.concentric_s + seen.hold_s + seen.eccentric_s == pytest.approx(seen.end_s - seen.start_s)
    assert seen.rom_deg == pytest.approx(30, abs=0.1)


def test_who_stops_on_the_way_is_less_smooth_the_more_often() -> None:
    t = np.arange(0, 6, 0.04)
    found = []
    for stops in range(4):
        angle = sum(minimum_jerk((t - 1.2 * i) / 1.2) for i in range(stops + 1))
        found.append(sparc(np.abs(np.diff(angle[: int((stops + 1) * 30) + 2])), 0.04))
    assert sorted(found, reverse=True) == found and found[1] < MINIMUM_JERK - 0.3


def test_the_edges_of_sparc() -> None:
    assert sparc(np.zeros(10), 0.04) == sparc(np.ones(1), 0.04) == sparc(np.array([]), 0.04) == 0.0
    assert np.isfinite(sparc(np.array([0.0, 1.0]), 0.04))
    noise = np.random.default_rng(0).random(100)
    assert sparc(noise, 0.04) < -2


@cache
def smoothness(exercise: str, rate_hz: float, tremor_deg: float) -> np.ndarray:
    movement = Movement(**TRACKS[exercise])
    plan = [Still(4), Set(exercise, movement, tuple(Rep() for _ in range(6))), Still(4)]
    varied = Variation(tremor_deg=tremor_deg)
    options = {"pose": movement.pose, "side": "right", "exercise": exercise, "faults": IDEAL, "variation": varied, "seed": 1}
    return np.array([rep.sparc for rep in count(simulate(plan, rate_hz=rate_hz, **options)).reps[1:]])


@pytest.mark.parametrize("rate_hz", [25.0, 50.0, 200.0])
@pytest.mark.parametrize(("tremor_deg", "atol"), [(0.0, 0.02), (0.02, 0.02), (0.1, 0.25)])
@pytest.mark.parametrize("exercise", ["hip_external_rotation", "hip_abduction"])
def test_smoothness_is_the_same_at_every_rate(exercise: str, tremor_deg: float, atol: float, rate_hz: float) -> None:
    """With a tremor too, below SPARC's threshold and above it; just at the threshold the published cut-off jumps."""
    found, other = smoothness(exercise, rate_hz, tremor_deg), smoothness(exercise, 100.0, tremor_deg)
    np.testing.assert_allclose(found, other, atol=atol)


def test_a_tremor_is_not_smooth() -> None:
    assert (smoothness("hip_abduction", 100.0, 0.1) < smoothness("hip_abduction", 100.0, 0.0) - 0.3).all()
    assert smoothness("hip_abduction", 100.0, 0.0) == pytest.approx(MINIMUM_JERK, abs=0.03)
