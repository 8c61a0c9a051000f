from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sensor.clock import Clock

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
