"""What one sensor on the leg sees of a pelvis that helps, and of a foot that turns when it should not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from people import TRACKS, count, sets, found
from scipy.spatial.transform import Rotation

from processing.axis import Lift
from processing.compensation import LiftWatch, TurnWatch, _longest
from processing.exercises import EXERCISES
from processing.frames import Stretch
from processing.results import SessionResult
from processing.way import OwnWay, Point
from sensor.motion import CHEAP, GOOD, Movement, Rep, Set, Simulation, Still, simulate
from sensor.motion.profiles import Skewed

quaternions = st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: sum(x * x for x in q) > 0.01)
TURNS = ["hip_external_rotation", "hip_internal_rotation"]


def turn(degrees: float, lean_deg: float = 0.0, axis_deg: float = 3.0, band: Rotation = Rotation.identity()) -> Stretch:
    """There and back about an axis that stands axis_deg from the vertical; the leg leans by lean_deg at the top."""
    t = np.arange(0, 4, 0.04)
    share = np.sin(np.pi * t / 4) ** 2
    axis = Rotation.from_euler("x", axis_deg, degrees=True)
    lean = Rotation.from_rotvec(np.outer(lean_deg * share, [0, 1, 0]), degrees=True)
    poses = lean * axis * Rotation.from_rotvec(np.outer(degrees * share, [0, 0, 1]), degrees=True) * band
    up = poses.inv().apply([0.0, 0.0, 1.0])
    return Stretch(t, np.column_stack([poses.as_quat(scalar_first=True), 9.81 * up, np.zeros(len(t))]))


def looks(watch: TurnWatch, stretches: list[Stretch]) -> list[bool]:
    return [bool(watch.look(one, True).compensation) for one in stretches]


@settings(max_examples=20)
@given(st.floats(15, 60), st.floats(-4, 4), quaternions)
def test_a_turn_about_any_axis_deviates_by_nothing_once_known(degrees: float, axis_deg: float, band: tuple) -> None:
    watch = TurnWatch()
    moved = turn(degrees, axis_deg=axis_deg, band=Rotation.from_quat(band))
    for _ in range(8):
        seen = watch.look(moved, True)
    assert seen.deviation_deg < 0.5
    assert not seen.compensation


@pytest.mark.parametrize("lean_deg", [-9.0, -5.0, 4.0, 7.0])
def test_a_leg_that_leans_with_the_turn_deviates_by_as_much(lean_deg: float) -> None:
    watch = TurnWatch()
    looks(watch, [turn(35.0)] * 5)
    moved = turn(35.0, lean_deg)
    seen = watch.look(moved, True)
    assert seen.deviation_deg == pytest.approx(abs(lean_deg), abs=0.4)
    assert [one.kind for one in seen.compensation] == ["other"]


def test_who_is_helped_from_the_first_repetition_on_is_told_so_at_once() -> None:
    leans = [7.0, -6.0, 0.0, 9.0, 0.2, -8.0, 0.0, 5.0, -0.1, 6.0]
    assert looks(TurnWatch(), [turn(35.0, lean) for lean in leans]) == [abs(lean) > 2 for lean in leans]


def test_help_that_is_always_the_same_cannot_be_told_from_the_persons_own_way() -> None:
    assert looks(TurnWatch(), [turn(35.0, 6.0)] * 10)[-1] is False


def test_a_band_that_sits_elsewhere_is_learnt_anew() -> None:
    watch = TurnWatch()
    looks(watch, [turn(35.0)] * 5)
    pushed = Rotation.from_euler("x", 12, degrees=True)
    assert looks(watch, [turn(35.0, band=pushed)] * 3 + [turn(35.0, 6.0, band=pushed)]) == [False] * 3 + [True]


def test_who_stands_far_from_upright_is_known_by_their_second_turn() -> None:
    assert looks(TurnWatch(), [turn(35.0, axis_deg=11.0)] * 3) == [True, False, False]


def test_a_set_that_begins_with_help_is_told_by_how_far_the_person_turned_before() -> None:
    watch = TurnWatch()
    looks(watch, [turn(35.0)] * 6)
    elsewhere = Rotation.from_euler("x", 8, degrees=True)
    further = [turn(46.0, lean, band=elsewhere) for lean in (5.0, 5.2, 4.9, 5.1)]
    assert looks(watch, [*further, turn(35.0, band=elsewhere)]) == [True] * 4 + [False]


def test_who_turns_further_in_the_first_set_than_ever_and_does_not_lean_is_left_alone() -> None:
    watch = TurnWatch()
    assert not any(looks(watch, [turn(35.0)] * 6 + [turn(50.0)] * 4))


def lift(bend_deg: float) -> Stretch:
    """Up by 25 degrees and down; half-way up and down the leg, which is x, has rolled by bend_deg."""
    t = np.arange(0, 4, 0.04)
    share = np.sin(np.pi * t / 4) ** 2
    raised = Rotation.from_rotvec(np.outer(25 * share, [0, -1, 0]), degrees=True)
    poses = raised * Rotation.from_rotvec(np.outer(bend_deg * np.sin(np.pi * share), [1, 0, 0]), degrees=True)
    up = poses.inv().apply([0.0, 0.0, 1.0])
    return Stretch(t, np.column_stack([poses.as_quat(scalar_first=True), 9.81 * up, np.zeros(len(t))]))


def test_a_leg_that_always_rolls_alike_on_its_way_is_no_pelvis() -> None:
    told = Lift(0.0)
    told.leg = np.array([1.0, 0.0, 0.0])
    watch = LiftWatch(told, terminal_rotation=False)
    said = [bool(watch.look(lift(bend), True).compensation) for bend in (7.0, 7.2, 6.9, 7.1, 16.0, 7.0)]
    assert said == [False] * 4 + [True, False]


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(4, 12), st.floats(-3, 3), st.floats(-3, 3))
def test_the_own_way_is_where_repetitions_lie_close_together(seed: int, clean: int, x: float, y: float) -> None:
    """However many lie elsewhere, as long as they lie apart."""
    rng = np.random.default_rng(seed)
    own = np.array([x, y])
    points = [own + rng.normal(0, 0.25, 2) for _ in range(clean)]
    points += [own + 6 * (i + 1) * np.array([np.cos(i), np.sin(i)]) for i in range(clean)]
    way = OwnWay(np.array([3.0, 3.0]))
    for i in rng.permutation(len(points)):
        way.keep(Point(points[i], 2.0))
    found, spread = way.find(np.zeros(2), Point(own, 2.0))
    np.testing.assert_allclose(found, own, atol=0.5)
    assert spread < 0.5


def test_a_person_who_is_never_twice_alike_has_a_wide_way() -> None:
    rng = np.random.default_rng(1)
    way = OwnWay(np.array([3.0, 5.0]), widest=8.0)
    for _ in range(15):
        way.keep(Point(rng.normal(10, 4, 2), 2.0))
    centre, spread = way.find(np.zeros(2), Point(np.full(2, 10.0), 2.0))
    np.testing.assert_allclose(centre, 10, atol=3)
    assert spread > 1.5  # three of it are no compensation


def people(exercise: str, reps: list[Rep], ways: dict[str, float] | None = None, **options: object) -> Simulation:
    movement = Movement(**TRACKS[exercise] | (ways or {}))
    plan = [Still(5), Set(exercise, movement, tuple(reps)), Still(5)]
    return simulate(plan, pose=movement.pose, exercise=exercise, **options)


def wrong(result: SessionResult, helped: list[bool]) -> int:
    return sum(rep.compensated != truth for rep, truth in zip(result.reps, helped, strict=True))


SHOWING = [one.name for one in EXERCISES.values() if one.pelvis_shows]
HALF = [("tilt", 12.0), None, ("roll", 14.0), None, ("tilt", -9.0), None, None, ("roll", 9.0), None, ("tilt", 15.0)]


@pytest.mark.parametrize("faults", [GOOD, CHEAP], ids=["good", "cheap"])
@pytest.mark.parametrize("placement", ["ankle", "thigh"])
@pytest.mark.parametrize("exercise", SHOWING)
def test_half_of_the_repetitions_helped_the_first_one_too(exercise: str, placement: str, faults: object) -> None:
    sign = TRACKS[exercise]["sign"]
    cheats = [cheat and (cheat[0], cheat[1] * (sign if cheat[0] == "roll" else 1)) for cheat in HALF] * 2
    options = {"placement": placement, "faults": faults, "side": "left", "rate_hz": 50.0, "seed": 6}
    made = people(exercise, [Rep(compensation=cheat) for cheat in cheats], **options)
    result = count(made)
    assert found(result) == sets(made)
    assert wrong(result, [cheat is not None for cheat in cheats]) <= 1
    kinds = {one.kind for rep in result.reps for one in rep.compensation}
    assert kinds <= ({"other"} if exercise in TURNS else {"tilt", "roll"})


@pytest.mark.parametrize("placement", ["ankle", "thigh"])
@pytest.mark.parametrize("exercise", SHOWING)
def test_who_only_sways_is_not_told_so(exercise: str, placement: str) -> None:
    made = people(exercise, [Rep()] * 12, placement=placement, side="right", rate_hz=25.0, seed=8)
    assert wrong(count(made), [False] * 12) == 0


@pytest.mark.parametrize("terminal_deg", [3.0, 6.0, 8.0, 10.0, 11.5, 14.0])
def test_a_foot_that_always_turns_a_little_at_the_top_is_no_pelvis(terminal_deg: float) -> None:
    cheats = [("roll", 14.0) if i in (4, 7, 11) else None for i in range(14)]
    reps = [Rep(compensation=cheat) for cheat in cheats]
    result = count(people("hip_abduction", reps, {"terminal_deg": terminal_deg}, side="left", rate_hz=50.0, seed=2))
    assert wrong(result, [cheat is not None for cheat in cheats]) == 0


@pytest.mark.parametrize("placement", ["ankle", "thigh"])
def test_a_terminal_rotation_that_is_missing_is_missed(placement: str) -> None:
    done = [True, True, False, True, True, True, False, True, False, True]
    reps = [Rep(terminal=one) for one in done]
    made = people("hip_abduction", reps, placement=placement, side="left", rate_hz=100.0, seed=4)
    result = count(made)
    assert ["missing_terminal_rotation" not in rep.flags for rep in result.reps] == done
    turned = [label.terminal_rotation_deg or 0.0 for label in made.labels]
    np.testing.assert_allclose([rep.terminal_rotation_deg for rep in result.reps], turned, atol=4.0)


@pytest.mark.parametrize("placement", ["ankle", "thigh"])
def test_a_leg_that_rolls_while_it_rises_turns_early(placement: str) -> None:
    cheats = [("roll", 12.0) if i in (3, 6, 7) else None for i in range(10)]
    reps = [Rep(compensation=cheat) for cheat in cheats]
    result = count(people("hip_abduction", reps, placement=placement, side="right", rate_hz=50.0, seed=5))
    assert ["early_rotation" in rep.flags for rep in result.reps] == [cheat is not None for cheat in cheats]


@pytest.mark.parametrize("rotate_at", [0.1, 0.4])
def test_a_foot_that_turns_on_the_way_of_a_quick_lift_turns_early(rotate_at: float) -> None:
    early = [i in (2, 5, 8) for i in range(10)]
    reps = [Rep(rotate_at=rotate_at if one else 1.0) for one in early]
    quick = {"concentric_s": 0.9, "terminal_deg": 18.0, "up": Skewed(0.6)}
    result = count(people("hip_abduction", reps, quick, side="left", rate_hz=50.0, seed=3))
    assert ["early_rotation" in rep.flags for rep in result.reps] == early


@given(st.lists(quaternions, min_size=1, max_size=5))
def test_what_turns_least_in_space_is_the_first_singular_vector_of_the_mean_turn(turns: list[tuple]) -> None:
    mean = Rotation.from_quat(turns).as_matrix().mean(axis=0)
    least, further = _longest(mean.tolist())
    _, sizes, _ = np.linalg.svd(mean)
    assert np.linalg.norm(least) == pytest.approx(1.0)
    assert np.linalg.norm(mean @ least) == pytest.approx(sizes[0], abs=1e-6)
    assert further == pytest.approx(sizes[0] - sizes[1], abs=1e-6)
