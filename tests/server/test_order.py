from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor.frames import Entry
from server.order import AHEAD, Order
from server.problems import Problem


def entry(epoch: int, index: int) -> Entry:
    return Entry(epoch, index, 0, b"%d/%d" % (epoch, index))


@given(st.permutations(range(12)), st.lists(st.integers(0, 11)), st.lists(st.integers(1, 5)))
def test_any_arrival_gives_the_same_order(arrival: list[int], again: list[int], cuts: list[int]) -> None:
    queue, order, due = arrival + again, Order(), []
    for size in [*cuts, len(queue)]:
        due += order.take([entry(0, index) for index in queue[:size]])
        queue = queue[size:]
    assert [e.index for e in due] == list(range(12))
    assert order.acknowledged == 11
    assert order.rest() == []


def test_nothing_is_handed_on_behind_a_hole_until_the_end() -> None:
    order = Order()
    assert order.take([entry(0, 1), entry(0, 3)]) == []
    assert order.acknowledged is None
    assert order.take([entry(0, 0)]) == [entry(0, 0), entry(0, 1)]
    assert order.rest() == [entry(0, 3)]


def test_a_later_epoch_closes_the_earlier_one() -> None:
    order = Order()
    order.take([entry(0, 0), entry(0, 2)])
    assert order.take([entry(1, 0)]) == [entry(0, 2), entry(1, 0)]
    assert (order.epoch, order.acknowledged) == (1, 0)
    assert order.take([entry(0, 1)]) == []


def test_what_could_not_be_kept_in_memory_is_refused() -> None:
    order = Order()
    order.check([entry(0, AHEAD - 1), entry(5, AHEAD - 1)])
    with pytest.raises(Problem, match=r"too far ahead at entries\[1\]"):
        order.check([entry(0, 0), entry(0, AHEAD)])
