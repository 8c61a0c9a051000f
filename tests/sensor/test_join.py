from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sensor.join import PENDING_US, Join

PERIOD_US = 20_000
runs = st.lists(st.tuples(st.integers(1, 12), st.booleans(), st.booleans()), min_size=1, max_size=40)


def joined(pieces, phase_us: int = 7_000):
    """Pieces of both streams as they are heard: of a straight line, so that interpolation is exact."""
    join, got, heard, at = Join(PERIOD_US), [], {"acc": [], "gyr": []}, 0
    for n, has_acc, has_gyr in pieces:
        t = (at + np.arange(n)) * PERIOD_US
        at += n
        if has_acc:
            heard["acc"] += list(t)
            got += join.put_acc(t, np.repeat(t[:, None] * 1e-6, 3, axis=1))
        if has_gyr:
            heard["gyr"] += list(t + phase_us)
            got += join.put_gyr(t + phase_us, np.repeat((t + phase_us)[:, None] * -2e-6, 3, axis=1))
    return got, heard, join


@given(runs)
def test_what_is_joined_belongs_together(pieces):
    """However pieces are missing: times of the acceleration, between neighbours of the angular velocity, once, in order."""
    got, heard, _ = joined(pieces)
    gyr = np.array(heard["gyr"])
    t = np.concatenate([times for times, _ in got]) if got else np.empty(0, np.int64)
    both = np.concatenate([values for _, values in got]) if got else np.empty((0, 6))
    assert set(t) <= set(heard["acc"]) and (np.diff(t) > 0).all()
    np.testing.assert_allclose(both[:, 0], t * 1e-6)
    np.testing.assert_allclose(both[:, 3], t * -2e-6, atol=1e-9)
    for times, _ in got:
        assert (np.diff(times) == PERIOD_US).all()
    for time in t:
        right = int(np.searchsorted(gyr, time))
        assert gyr[right] - gyr[right - 1] == PERIOD_US
    # And all that could be: whoever has both neighbours is there.
    wanted = [a for a in heard["acc"] if a - 13_000 in gyr and a + 7_000 in gyr]
    assert list(t) == wanted


def test_a_stream_that_stays_away_costs_no_memory():
    join, t = Join(PERIOD_US), np.arange(50) * PERIOD_US
    for second in range(100):
        assert join.put_acc(t + second * 1_000_000, np.zeros((50, 3))) == []
    assert len(join._acc[0]) <= PENDING_US / PERIOD_US + 50 and join.dropped > 0
    join.clear()
    for second in range(100):
        assert join.put_gyr(t + second * 1_000_000, np.zeros((50, 3))) == []
    assert len(join._gyr[0]) <= PENDING_US / PERIOD_US + 50
