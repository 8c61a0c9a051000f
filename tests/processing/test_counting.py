"""Who moves, and how: simulated people with known truth, and real ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from people import TRACKS, count, found, person, sets, track
from scipy.spatial.transform import Rotation

from processing.axis import Lift
from processing.company import Company, alike
from processing.evaluation import score
from processing.exercises import EXERCISES, RECOGNISED
from processing.frames import Stretch
from processing.own import Own
from processing.pose import settles
from processing.results import Rep as Told
from sensor.labels import read_labels
from sensor.motion import CHEAP, Fidget, Movement, Rep, Set, Still, TakePose, Walk, simulate
from sensor.recording import read_recording
from sensor.samples import Samples

RATES = 50, 100, 200


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("exercise", EXERCISES)
def test_every_set_of_a_clean_session_is_counted_exactly(exercise: str, side: str) -> None:
    made = person(exercise, sets=3, reps=10, side=side, rate_hz=RATES[len(exercise) % 3], band_turn_deg=130.0, seed=len(exercise))
    result = count(made)
    assert found(result) == sets(made)
    seen = score(result, made.labels)
    assert (seen.missed, seen.false, seen.sets_exact) == (0, 0, True)
    assert np.median(np.abs(seen.rom_errors_deg)) < 1.0
    assert np.median(np.abs(seen.start_errors_s)) < 0.15
    assert np.median(np.abs(seen.end_errors_s)) < 0.15 + 1 / 25
    assert np.quantile(seen.delays_s, 0.95) <= 0.15


@pytest.mark.parametrize("exercise", EXERCISES)
@pytest.mark.parametrize("options", [{"rom": 0.6}, {"tempo": 0.6}, {"tempo": 2.0}, {"terminal": False}, {"faults": CHEAP}])
def test_other_ways_to_move_and_other_sensors(exercise: str, options: dict) -> None:
    made = person(exercise, sets=2, reps=8, side="left", rate_hz=50, band_turn_deg=250.0, seed=5, **options)
    assert found(count(made)) == sets(made)


@pytest.mark.parametrize("exercise", EXERCISES)
def test_partial_repetitions_are_told_apart(exercise: str) -> None:
    made = person(exercise, sets=2, partials=0.4, side="right", seed=3)
    result = count(made)
    assert found(result) == sets(made)
    assert {rep.flags[0] for rep in result.reps if not rep.counted} == {"partial"}


def test_which_exercise_it_is_is_recognised() -> None:
    made = person(list(RECOGNISED), side="left", seed=4)
    assert made.recording.meta.exercise is None
    result = count(made)
    assert found(result) == sets(made)
    assert result.exercise is None


def test_the_other_leg_turns_the_other_way() -> None:
    made = person("hip_external_rotation", side="left", seed=6)
    result, _ = track(made.recording.samples.blocks(10), "hip_external_rotation", "right")
    assert found(result) != sets(made)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("exercise", [one.name for one in EXERCISES.values() if one.pelvis_shows])
def test_a_pelvis_that_helps_is_seen_against_the_persons_own_way(exercise: str, side: str) -> None:
    cheats = [("tilt", 12.0), None, ("roll", 14.0), None]
    reps = tuple(Rep(compensation=cheat) for cheat in [None] * 4 + 2 * cheats)
    movement = Movement(**TRACKS[exercise])
    made = simulate([Still(5), Set(exercise, movement, reps), Still(5)], pose=movement.pose, side=side, exercise=exercise, seed=2)
    result = count(made)
    assert found(result) == sets(made)
    assert [label.compensated for label in made.labels] == [rep.compensation is not None for rep in reps]
    wrong = [rep.compensated != label.compensated for rep, label in zip(result.reps, made.labels, strict=True)]
    assert sum(wrong) <= 1


BLOCKS = ("correct", "fast", "low")


@pytest.mark.parametrize("subject", ["s1", "s2"])
@pytest.mark.parametrize("exercise", ["hip_abduction", "seated_knee_extension", "straight_leg_raise", "prone_hip_extension"])
def test_real_people_block_by_block(recordings, exercise: str, subject: str) -> None:
    path = recordings / "uci_pte" / f"{subject}-{exercise}.csv"
    samples, labels = read_recording(path).samples, read_labels(path.with_suffix(".labels.csv"))
    ends = [max(label.end_s for label in labels if label.block == block) for block in BLOCKS]
    starts = [min(label.start_s for label in labels if label.block == block) for block in BLOCKS]
    cuts = [0, *np.searchsorted(samples.t, np.add(ends[:-1], starts[1:]) / 2), len(samples)]
    for block, begin, end in zip(BLOCKS, cuts, cuts[1:], strict=False):
        result, _ = track(samples[begin:end].blocks(10), exercise, "right")
        assert found(result) == [(exercise, 10)], block


@pytest.mark.parametrize("exercise", [name for name in EXERCISES if name not in RECOGNISED])
def test_a_band_pushed_round_half_the_leg_is_learnt_anew(exercise: str) -> None:
    first, second = (person(exercise, reps=6, side="right", rate_hz=50.0, seed=8, band_turn_deg=turn) for turn in (20.0, 200.0))
    before, after = first.recording.samples, second.recording.samples
    both = Samples(
        np.concatenate([before.t, before.t[-1] + 3.0 + after.t]),
        np.concatenate([before.acc, after.acc]),
        np.concatenate([before.gyr, after.gyr]),
    )
    result, _ = track(both.blocks(10), exercise, "right")
    assert [one.reps for one in result.sets] == [6, 6]


def test_a_shank_drawn_back_under_the_chair_is_no_knee_extension() -> None:
    exercise = "seated_knee_extension"
    out = Movement(**TRACKS[exercise])
    back = Movement(**{**TRACKS[exercise], "sign": 1, "rom_deg": 20.0})
    plan = [Still(4), Set(exercise, back, (Rep(),)), Still(3), Set(exercise, out, (Rep(),) * 5), Still(4)]
    made = simulate(plan, pose="sitting", exercise=exercise, side="left", seed=3)
    assert found(count(made)) == [(exercise, 5)]


@pytest.mark.parametrize("exercise", [name for name in EXERCISES if name not in RECOGNISED])
def test_walking_there_and_back_is_no_repetition(exercise: str) -> None:
    movement = Movement(**TRACKS[exercise])
    there, back = [Walk(8), TakePose(movement.pose), Still(3)], [Still(4), TakePose("standing"), Walk(8), Still(2)]
    made = simulate([Still(2), *there, Set(exercise, movement, (Rep(),) * 6), *back], exercise=exercise, rate_hz=50.0, seed=2)
    assert found(count(made)) == [(exercise, 6)]


@pytest.mark.parametrize(("told", "done"), [("hip_external_rotation", "hip_abduction"), ("hip_abduction", "hip_internal_rotation")])
def test_another_exercise_than_the_one_told_is_said_and_not_counted(told: str, done: str) -> None:
    result, events = track(person(done, sets=2, side="left", seed=4).recording.samples.blocks(10), told, "left")
    assert found(result) == []
    assert [event.exercise for event in events if event.kind == "other"] == [done]
    assert result.quality["other_movements"] == [done]


def test_a_sensor_that_measures_nothing_at_first_is_counted_from_then_on() -> None:
    """A dead second of zeros ended the counting, and with it a server's session."""
    samples = person("hip_abduction", sets=1, reps=4, side="left", seed=3).recording.samples
    step = samples.t[1] - samples.t[0]
    dead = Samples(samples.t[0] + step * np.arange(-300, 0), np.zeros((300, 3)), np.zeros((300, 3)))
    result, _ = track(Samples.concat([dead, samples]).blocks(10), "hip_abduction", "left")
    assert found(result) == [("hip_abduction", 4)]


def test_a_band_strapped_on_anew_is_recognised_again() -> None:
    """What looked like the other rotation stayed open, and closing it after a long set looked back at frames that were gone."""
    exercise = "hip_internal_rotation"
    made = [person(exercise, reps=12, side="right", rate_hz=50.0, seed=8, band_turn_deg=turn) for turn in (20.0, 110.0)]
    first, second = (one.recording.samples for one in made)
    both = [first, Samples(first.t[-1] + 3.0 + second.t, second.acc, second.gyr)]
    result, _ = track(Samples.concat(both).blocks(10), None, "right")
    assert found(result) == [(exercise, 12)] * 2


@pytest.mark.parametrize("exercise", ["hip_external_rotation", "hip_internal_rotation"])
@pytest.mark.parametrize("begin_rep", [1.3, 1.6])
def test_which_rotation_it_was_that_had_begun_before_the_recording(exercise: str, begin_rep: float) -> None:
    made = person(exercise, sets=2, side="left", rate_hz=50.0, seed=5, begin_rep=begin_rep)
    result, _ = track(made.recording.samples.blocks(10), None, "left")
    assert found(result) == sets(made)


TURNS = ["hip_external_rotation", "hip_internal_rotation"]


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize(("told", "done"), [TURNS, TURNS[::-1]])
def test_the_other_rotation_is_said_and_its_way_back_not_counted(told: str, done: str, side: str) -> None:
    result, events = track(person(done, sets=2, side=side, rate_hz=50.0, seed=4).recording.samples.blocks(10), told, side)
    assert found(result) == []
    assert [event.exercise for event in events if event.kind == "other"][:1] == [done]
    assert result.quality["other_movements"] == [done]


@pytest.mark.parametrize(("told", "done"), [TURNS, TURNS[::-1]])
def test_who_did_the_other_rotation_first_is_counted_once_it_is_the_one_told(told: str, done: str) -> None:
    made = person([done, told], side="left", rate_hz=50.0, seed=4)
    result, _ = track(made.recording.samples.blocks(10), told, "left")
    assert found(result) == [(told, 10)]


@pytest.mark.parametrize("band_turn_deg", [109.0, -70.0, -140.0, 20.0])
def test_a_foot_that_turns_at_the_top_is_no_leg_that_comes_down(band_turn_deg: float) -> None:
    """A band on the thigh, 8 cm from its axis and 20 cm from the hip, falls or rises with the foot by half of a small lift."""
    lift = Movement(**{**TRACKS["hip_abduction"], "rom_deg": 15.0, "terminal_deg": 32.0})
    for hold_s in (0.5, 2.0):  # two seconds: the foot is turned for long enough to be taken for a rest
        plan = [Still(4.0), Set("hip_abduction", replace(lift, hold_s=hold_s), (Rep(1.0),) * 6), Still(4.0)]
        made = simulate(
            plan, pose="side_lying", placement="thigh", side="left", rate_hz=50, band_turn_deg=band_turn_deg,
            exercise="hip_abduction", seed=3,
        )  # fmt: skip
        result = count(made)
        assert found(result) == sets(made)
        for rep, label in zip(result.reps, made.labels, strict=True):
            assert abs(rep.rom_deg - label.rom_deg) < 1.5
        for rep, label in zip(result.reps[1:], made.labels[1:], strict=True):
            assert abs(rep.terminal_rotation_deg - label.terminal_rotation_deg) < 2.0


def test_a_leg_that_is_lowered_and_comes_back_is_no_lift() -> None:
    """What may be any of the three: hip flexion tips the shank on the stool, twice, a while apart."""
    turn, lift = Movement(**TRACKS["hip_internal_rotation"]), Movement(**TRACKS["hip_abduction"])
    made = simulate(
        [
            Still(8.0), Set("hip_internal_rotation", turn, (Rep(1.0),) * 6), Still(12.0),
            Fidget(1.2, 10.0, "hip_flexion"), Still(5.0), Fidget(1.4, 9.5, "hip_flexion", 0.5), Still(4.0),
            TakePose("standing", 2.0), Walk(8.0), TakePose("sitting", 1.8), TakePose("side_lying", 1.8), Still(8.0),
            Set("hip_abduction", lift, (Rep(1.0),) * 6), Still(9.0),
        ],
        pose="kneeling", side="right", rate_hz=100, seed=8,
    )  # fmt: skip
    assert found(count(made)) == sets(made)


@pytest.mark.parametrize("halt_s", [1.2, 2.0])
@pytest.mark.parametrize("exercise", EXERCISES)
def test_who_stops_on_the_way_is_counted_once(exercise: str, halt_s: float) -> None:
    slow = replace(Movement(**TRACKS[exercise]), concentric_s=2.5, eccentric_s=2.5)
    reps = [Rep(halt_up_s=halt_s * (i in (3, 4, 6)), halt_at=0.4 + 0.025 * i) for i in range(8)]
    for seed in (1, 2):
        plan = [Still(4), Set(exercise, slow, tuple(reps)), Still(4)]
        made = simulate(plan, pose=slow.pose, side="left", rate_hz=50, exercise=exercise, seed=seed)
        assert found(count(made)) == sets(made)


@pytest.mark.parametrize("pause_s", [0.0, 0.2])
@pytest.mark.parametrize("exercise", ["hip_abduction", "straight_leg_raise", "prone_hip_extension"])
def test_quick_lifts_without_a_rest_between_them_are_counted_from_the_first(exercise: str, pause_s: float) -> None:
    """Nothing but the first begins at rest, and none is slow enough to be no step."""
    quick = replace(Movement(**TRACKS[exercise]), concentric_s=0.65, hold_s=0.1, eccentric_s=0.8, pause_s=pause_s)
    for seed in (1, 2):
        plan = [Still(5), Set(exercise, quick, (Rep(terminal=False),) * 10), Still(10)]
        made = simulate(plan, pose=quick.pose, side="left", rate_hz=50, exercise=exercise, seed=seed)
        assert found(count(made)) == sets(made)


@pytest.mark.parametrize("exercise", ["hip_external_rotation", "hip_abduction"])
def test_a_third_of_what_a_rested_person_does_is_partial_however_tired_they_were(exercise: str) -> None:
    movement = replace(Movement(**TRACKS[exercise]), pause_s=1.5)
    tired, rested = (Rep(rom=0.6, terminal=False),) * 8, (Rep(terminal=False),)
    partial = (Rep(rom=0.33, tempo=0.6, terminal=False, counted=False),)
    plan = [Still(5), Set(exercise, movement, tired), Still(20), Set(exercise, movement, 2 * rested + partial + 2 * rested), Still(10)]
    made = simulate(plan, pose=movement.pose, side="left", rate_hz=50, exercise=exercise, seed=4)
    assert found(count(made)) == sets(made)


@pytest.mark.parametrize(("steps", "shows"), [
    ([("x", 30.0)], True),
    ([("x", 10.0)], False),  # not as far
    ([("y", 30.0), ("x", 30.0)], False),  # something else in between
])  # fmt: skip
def test_a_quick_lift_is_one_more_of_the_first_where_it_is_as_far_and_nothing_else_was_between(steps: list, shows: bool) -> None:
    lift = Lift(45.0)
    lift.settle(np.array([0.0, 0.0, 1.0]))
    assert lift.look(quick_lift("x", 30.0), True, False, False) == "nothing"
    assert [lift.look(quick_lift(*step), False, False, False) for step in steps][-1] == ("first" if shows else "nothing")


@pytest.mark.parametrize(("exercise", "turned_deg", "up_deg", "settled"), [
    ("hip_external_rotation", 25.0, 8.0, False),
    ("hip_external_rotation", 25.0, 12.0, True),
    ("hip_abduction", 10.0, 19.0, False),
    ("hip_abduction", 25.0, 19.0, True),
])  # fmt: skip
def test_a_set_begins_with_none_that_goes_further_astray_than_a_cheat_or_more_aside_than_up(
    exercise: str, turned_deg: float, up_deg: float, settled: bool
) -> None:
    way = np.sin(np.linspace(0, np.pi, 21))
    turns = Rotation.from_euler("ZY", np.outer(way, [turned_deg, -up_deg]), degrees=True)
    moved = Stretch(0.1 * np.arange(21), np.column_stack([turns.as_quat(scalar_first=True), np.zeros((21, 4))]))
    assert settles(EXERCISES[exercise], moved, 10, up_deg) is settled


def test_what_is_over_sooner_than_any_repetition_shows_no_leg() -> None:
    lift = Lift(45.0)
    lift.settle(np.array([0.0, 0.0, 1.0]))
    assert lift.look(quick_lift("x", 20.0, out_s=0.3), True, True, False) == "nothing"
    assert lift.look(quick_lift("x", 20.0, out_s=0.7), True, True, False) == "first"


def test_what_is_seen_again_teaches_no_other_leg() -> None:
    """Steps before the set are older than the lift that has shown the leg."""
    lift = Lift(45.0)
    lift.settle(np.array([0.0, 0.0, 1.0]))
    slow = quick_lift("x", 30.0, out_s=2.0)
    assert lift.look(slow, True, False, False) == "first"
    for _ in range(2):
        assert lift.look(quick_lift("y", 30.0, out_s=2.0), True, False, True) == "nothing"
    assert lift.look(slow, True, False, False) == "known"


@pytest.mark.parametrize(("counted", "shown"), [(False, "other"), (True, "known")])
def test_a_leg_of_which_nothing_was_counted_gives_way_to_the_next_one(counted: bool, shown: str) -> None:
    """Who settles anew may rise a little as a leg does, about another axis."""
    lift, settling = Lift(45.0), quick_lift("y", 20.0, out_s=2.0)
    lift.settle(np.array([0.0, 0.0, 1.0]))
    assert lift.look(settling, True, False, False) == "first"
    if counted:
        lift.accept(settling)
    assert lift.look(quick_lift("x", 30.0, out_s=2.0), True, False, False) == shown


@pytest.mark.parametrize(("second_deg", "counted"), [(13.0, False), (26.0, False), (40.0, True), (150.0, True)])
def test_one_broken_off_right_after_the_first_is_partial_whatever_has_to_be_sure_of_it(second_deg: float, counted: bool) -> None:
    company = Company(Own(10.0))
    assert company.joined(told(0.0, 5.0, 60.0), True, True, False) == ([], [], False)
    _, both, sure = company.joined(told(6.0, 9.0, second_deg), True, True, False)
    assert sure and [rep.counted for rep in both] == [True, counted]


@pytest.mark.parametrize(("took_s", "company"), [(0.9, False), (2.0, True)])
def test_steps_are_no_company_of_a_movement_that_takes_twice_as_long(took_s: float, company: bool) -> None:
    before = [told(i * took_s, took_s, 60.0) for i in range(5)]
    assert alike(before, told(5 * took_s, 3.5, 40.0)) is company


def told(start_s: float, took_s: float, rom_deg: float) -> Told:
    return Told(
        set=0, rep=0, exercise="hip_external_rotation", counted=True, flags=(), start_s=start_s, peak_s=start_s + took_s / 2,
        end_s=start_s + took_s, counted_s=start_s + took_s, rom_deg=rom_deg, hip_rom_deg=None, terminal_rotation_deg=None,
        concentric_s=0.5 * took_s, hold_s=0.0, eccentric_s=0.5 * took_s, sparc=-1.5, compensated=False, compensation=(),
        deviation_deg=0.0, pelvis_deg=None, time_under_tension_s=took_s,
    )  # fmt: skip


@pytest.mark.parametrize("exercise", ["hip_external_rotation", "hip_abduction"])
def test_who_rests_long_between_repetitions_may_do_so_after_the_first_of_the_next_set(exercise: str) -> None:
    calm = replace(Movement(**TRACKS[exercise]), pause_s=6.0)
    first, rest = Set(exercise, replace(calm, pause_s=3.0), (Rep(terminal=False),)), Set(exercise, calm, (Rep(terminal=False),) * 4)
    plan = [Still(5), rest, Still(25), first, Still(9.5), rest, Still(5)]
    made = simulate(plan, pose=calm.pose, side="left", rate_hz=50, exercise=exercise, seed=4)
    assert found(count(made)) == [(exercise, 4), (exercise, 5)]


def quick_lift(way: str, deg: float, reach_m: float = 0.8, out_s: float = 0.7) -> Stretch:
    """A leg along the sensor's x or y rises from level to `deg`, as evenly as it can."""
    t = np.arange(0.0, out_s + 0.21, 0.05)
    phase = np.pi * np.clip((t - 0.1) / out_s, 0, 1)
    up, rate = np.radians(deg) / 2, np.pi / out_s
    angle, speed, push = up * (1 - np.cos(phase)), up * rate * np.sin(phase), up * rate**2 * np.cos(phase) * (np.sin(phase) > 0)
    still, half = np.zeros(len(t)), angle / 2
    along, across = 9.81 * np.sin(angle) - reach_m * speed**2, 9.81 * np.cos(angle) + reach_m * push
    columns = [np.cos(half), still, -np.sin(half), still, along, still] if way == "x" else [np.cos(half), np.sin(half), still, still, still, along]
    return Stretch(t, np.column_stack([*columns, across, still]))
