from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sensor.driver import REPLAYED, Packet
from sensor.ring import Ring

COUNTS = np.zeros((10, 6), np.int16)


def made(ring: Ring, n: int) -> None:
    for i in range(n):
        ring.put(Packet(0, 0, i, 1, 100, COUNTS))


def taken(ring: Ring, n: int = 10**6) -> list[tuple[int, bool]]:
    """(seq, is it a repetition) of the next n packets."""
    out = []
    while len(out) < n and (packet := ring.take()):
        out.append((packet.seq, bool(packet.flags & REPLAYED)))
    return out


def test_what_was_not_sent_waits_and_the_oldest_goes_first():
    ring = Ring(4)
    made(ring, 3)
    assert taken(ring, 2) == [(0, False), (1, False)]
    made(ring, 3)
    assert taken(ring) == [(2, False), (3, False), (4, False), (5, False)]
    made(ring, 6)
    assert taken(ring) == [(8, False), (9, False), (10, False), (11, False)]


def test_replay_flags_what_was_sent_before():
    ring = Ring(6)
    made(ring, 5)
    taken(ring, 3)
    assert ring.replay(1) == 1
    assert taken(ring) == [(1, True), (2, True), (3, False), (4, False)]
    assert ring.replay(5) == 5 and taken(ring) == []
    made(ring, 4)
    assert ring.replay(0) == 3  # what is gone is gone
    assert taken(ring) == [(3, True), (4, True), (5, False), (6, False), (7, False), (8, False)]


def test_replay_forward_skips():
    ring = Ring(6)
    made(ring, 5)
    assert ring.replay(3) == 3 and taken(ring, 1) == [(3, False)]
    assert ring.replay(1) == 1 and taken(ring) == [(1, True), (2, True), (3, True), (4, False)]


@given(
    start=st.integers(0, 2**16 - 1),
    capacity=st.integers(1, 40),
    steps=st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=8),
)
def test_what_the_ring_still_has_is_never_lost(start, capacity, steps):
    """Steps: packets made, and is the link up. Numbers wrap; each packet comes once unless it fell out unsent."""
    ring, wanted, newest = Ring(capacity), [], start
    ring.seq = start
    for n, up in steps:
        made(ring, n)
        wanted += [(newest + i) % 2**16 for i in range(n)]
        newest += n
        wanted = wanted[-capacity:]
        if up:
            assert taken(ring) == [(seq, False) for seq in wanted]
            wanted = []
