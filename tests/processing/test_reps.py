"""One angle over time: where an excursion begins, whatever the person does on the way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.reps import Excursions, Move

FRAME_S = 0.05
shares = st.floats(0.9, 1.1)


def moves(own_deg: float, *ways: tuple[float, float, float]) -> list[tuple[Move, float]]:
    """What is decided, and the angle where each began; ways: seconds to an angle, the angle, seconds spent there."""
    angles = [0.0] * 40
    for travel_s, to_deg, stay_s in ways:
        share = np.linspace(0, 1, round(travel_s / FRAME_S) + 1)[1:]
        way = angles[-1] + (to_deg - angles[-1]) * share**3 * (10 - 15 * share + 6 * share**2)
        angles += [*way.tolist(), *[to_deg] * round(stay_s / FRAME_S)]
    seen = Excursions()
    seen.pace(FRAME_S)
    seen.expect(own_deg)
    return [(move, seen.angle(move.start)) for angle in angles for move in seen.update(angle)]


@settings(max_examples=25)
@given(st.floats(25, 60), st.floats(0.25, 0.7), st.floats(0.0, 2.0), shares)
def test_who_stops_on_the_way_began_where_they_had_rested(own: float, at: float, stay_s: float, rom: float) -> None:
    decided = moves(own, (1.5, at * own, stay_s), (1.5, rom * own, 0.2), (2.0, 0.0, 1.0))
    assert [move.kind for move, _ in decided] == ["turned", "closed"]
    assert all(abs(began) < 2.0 for _, began in decided)


@settings(max_examples=25)
@given(st.floats(25, 60), st.floats(0.3, 0.5), st.floats(1.7, 10.0), shares)
def test_who_goes_from_a_new_place_as_far_as_ever_has_rested_there(own: float, at: float, stay_s: float, rom: float) -> None:
    decided = moves(own, (1.5, at * own, stay_s), (1.5, (at + rom) * own, 0.2), (2.0, at * own, 1.0))
    assert [move.kind for move, _ in decided] == ["dropped", "turned", "closed"]
    assert all(abs(began - at * own) < 2.0 for _, began in decided[1:])


@settings(max_examples=25)
@given(st.floats(25, 60), st.floats(0.4, 0.6), st.floats(3.5, 10.0))
def test_who_stays_for_longer_than_anybody_stops_has_rested_there(own: float, at: float, stay_s: float) -> None:
    decided = moves(own, (1.5, at * own, stay_s), (1.5, own, 0.2), (2.0, at * own, 1.0))
    assert [move.kind for move, _ in decided] == ["dropped", "turned", "closed"]


@settings(max_examples=25)
@given(st.floats(25, 60), st.floats(0.25, 0.4), st.floats(1.7, 2.9))
def test_who_lowers_the_leg_and_comes_back_has_rested_there(own: float, dip: float, stay_s: float) -> None:
    up = (0.5, 0.25 * own, 0.0)
    decided = moves(own, (0.6, -dip * own, 0.0), (0.6, 0.0, stay_s), up, (0.5, 0.0, 2.0), (0.6, -dip * own, 0.0), (0.6, 0.0, 1.0))
    assert decided[0][0].kind == "dropped"
    assert [move.kind for move, began in decided if abs(began) < 2.0] == ["turned", "closed"]


@settings(max_examples=25)
@given(st.floats(25, 60), st.floats(0.2, 0.38), st.floats(0.5, 1.3))
def test_who_stops_on_the_way_back_is_back_where_they_go_on_to(own: float, at: float, stay_s: float) -> None:
    decided = moves(own, (1.5, own, 0.2), (1.0, at * own, stay_s), (1.0, 0.0, 2.0))
    assert [move.kind for move, _ in decided] == ["turned", "closed"]
    assert decided[1][0].end >= round((2.0 + 1.5 + 0.2 + 1.0 + stay_s + 0.5) / FRAME_S)


@pytest.mark.parametrize(("deg", "travel_s"), [(3.2, 0.6), (3.2, 0.9), (3.3, 0.9), (4.0, 0.7)])
def test_one_that_slows_down_where_it_is_first_seen_began_at_rest(deg: float, travel_s: float) -> None:
    decided = moves(15.0, (travel_s, deg, 0.1), (travel_s, 0.0, 2.0))
    assert [move.kind for move, _ in decided] == ["turned", "closed"]
    assert all(abs(began) < 0.5 for _, began in decided)
