from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor.clock import ArrivalClock, Clock

TURN = 2**32
SECOND = 10**9


@given(
    start=st.integers(0, TURN - 1),
    steps=st.lists(st.tuples(st.integers(100_000, 40 * 3_600_000_000), st.floats(-600, 600)), max_size=20),
)
def test_unwraps_any_pause_while_the_clocks_agree_to_minutes(start, steps):
    """Pauses of up to 40 hours, over many turns; the host's clock is off by up to ten minutes each time."""
    clock, true_us, host_ns = Clock(), start, 0
    clock.accept(clock.unwrap(start, 0), 0, 10, 0.01)
    for step_us, error_s in steps:
        true_us += step_us
        host_ns += step_us * 1000 + round(error_s * SECOND)
        ticks = clock.unwrap(true_us % TURN, host_ns)
        assert ticks == true_us
        t, gap = clock.accept(ticks, host_ns, 10, 0.01)
        assert t == (true_us - start) * 1e-6
        assert gap == (step_us > 105_000)


@given(start=st.integers(0, TURN - 1), age_us=st.integers(1, 60_000_000))
def test_an_old_packet_is_old_even_across_the_wrap(start, age_us):
    clock = Clock()
    clock.accept(clock.unwrap(start, 0), 0, 10, 0.01)
    assert clock.unwrap((start - age_us) % TURN, 3 * SECOND) == start - age_us


def test_gaps_are_reported_and_not_filled():
    clock = Clock()
    for t_us in (0, 100_000, 300_000, 400_000):
        clock.accept(t_us, 0, 10, 0.01)
    (before, after), = clock.gaps
    assert (round(before, 6), after) == (0.19, 0.3)


def test_a_reboot_goes_on_by_the_hosts_clock():
    clock = Clock()
    clock.accept(5_000_000, 0, 10, 0.01)
    clock.reboot(7 * SECOND, 0.01)
    t, gap = clock.accept(clock.unwrap(123, 7 * SECOND), 7 * SECOND, 10, 0.01)
    assert (t, gap, clock.segment) == (7.0, True, 1)


def test_a_reboot_never_goes_back():
    clock = Clock()
    clock.accept(0, 0, 10, 0.01)
    clock.reboot(-5 * SECOND, 0.01)
    t, gap = clock.accept(0, 0, 10, 0.01)
    assert t > 0.09 and not gap


@pytest.mark.parametrize("rate_hz", [33.3, 50, 100])
@pytest.mark.parametrize("drift", [-0.03, 0.0, 0.03])
def test_a_rebuilt_clock_follows_the_bands_own(rate_hz, drift):
    """Two minutes at a rate that is not quite the nominal one, with the jitter of connection events and stalls."""
    rng, clock, latest, placed = np.random.default_rng(5), ArrivalClock(1 / rate_hz), 0, []
    n = int(120 * rate_hz)
    true_t = np.arange(n) / rate_hz * (1 + drift)
    for number, t in enumerate(true_t):
        stall = rng.uniform(0.05, 0.25) if rng.random() < 0.003 else 0.0
        latest = max(latest, round((t + rng.uniform(0, 0.015) + stall) * 1e9))  # a link keeps the order
        placed += clock.put(1, latest, number)
    placed += clock.flush()
    assert [one.what for one in placed] == list(range(n)) and not clock.gaps
    error = np.array([one.t for one in placed]) - true_t
    assert np.abs(error - np.median(error)).max() < 0.12
    assert np.ptp(error[n // 2 :]) < 0.05  # settled


def arrivals(rate_hz: float, n: int, interval_s: float, drift: float, lost: range) -> list[int]:
    """ns at which packets of n samples come through on a grid of connection events, in a minute; the lost ones do not."""
    packets = int(60 * rate_hz) // n
    measured = (np.arange(packets) * n + n - 1) / rate_hz * (1 + drift)
    came = (np.ceil(measured / interval_s - 0.4) + 0.4) * interval_s
    return [round(t * 1e9) for i, t in enumerate(came) if i not in lost]


@pytest.mark.parametrize("interval_s", [0.0075, 0.015, 0.03, 0.06])
@pytest.mark.parametrize(("rate_hz", "n"), [(50, 1), (100, 3)])
def test_a_rebuilt_clock_sees_losses_from_80_ms_on_and_makes_none_up(rate_hz, n, interval_s):
    """firmware_notes/clock.md. For a band that is up to 3 % slow or fast, from its first second on."""
    for drift in (-0.03, -0.01, 0.0, 0.01, 0.03):
        for missing in (0, 40, 80, 200) if n == 1 else (0, 80, 200):
            many = -(-missing * rate_hz // (1000 * n))
            clock = ArrivalClock(1 / rate_hz)
            for ns in arrivals(rate_hz, n, interval_s, drift, range(900, 900 + many)):
                clock.put(n, ns, None)
            clock.flush()
            assert len(clock.gaps) == (missing > 40), (drift, missing)
            for before, after in clock.gaps:
                assert after - before == pytest.approx((many * n + 1) / rate_hz, abs=0.031)


@given(st.lists(st.tuples(st.integers(1, 20), st.integers(0, 2**62)), max_size=60), st.sampled_from([5e-4, 0.01, 1.0]))
def test_a_rebuilt_clock_hands_on_everything_once_and_forward(packets, period):
    clock, placed = ArrivalClock(period), []
    for number, (n, host_ns) in enumerate(packets):
        placed += clock.put(n, host_ns, (number, n))
    placed += clock.flush()
    assert [one.what[0] for one in placed] == list(range(len(packets)))
    for one, after in zip(placed, placed[1:]):
        assert after.t >= one.t + (one.what[1] - 0.5) * one.step
    assert all(before < after for before, after in clock.gaps)
