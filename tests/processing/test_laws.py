"""What never changes a count, however the numbers fall."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from people import TRACKS, count, found, person, sets, track
from scipy.spatial.transform import Rotation

from processing.axis import Lift
from processing.errors import BadSamples
from processing.exercises import EXERCISES
from processing.orientation import Orientation
from processing.recognise import steadied
from processing.results import SessionResult
from processing.tracker import Tracker
from sensor.motion import Movement, Rep, Set, Simulation, Still, Variation, simulate
from sensor.samples import Samples

exercises = st.sampled_from(list(EXERCISES))


@cache
def one_set(exercise: str, side: str = "right") -> Simulation:
    return person(exercise, reps=4, lead_in_s=3.0, side=side, rate_hz=50.0, seed=11)


@cache
def as_is(exercise: str) -> SessionResult:
    return count(one_set(exercise))


def without_counted_s(result: SessionResult) -> SessionResult:
    return replace(result, reps=tuple(replace(rep, counted_s=0.0) for rep in result.reps))


@settings(max_examples=15)
@given(exercises, st.lists(st.integers(1, 400), min_size=1))
@example("hip_abduction", [1])
@example("hip_external_rotation", [100_000])
def test_where_the_blocks_are_cut_changes_nothing_but_counted_s(exercise: str, sizes: list[int]) -> None:
    samples = one_set(exercise).recording.samples
    cuts = np.cumsum(sizes * (1 + len(samples) // sum(sizes)))
    cuts = [0, *cuts[cuts < len(samples)].tolist(), len(samples)]
    blocks = [samples[a:b] for a, b in zip(cuts, cuts[1:], strict=False)]
    result, _ = track(blocks, exercise, "right")
    assert without_counted_s(result) == without_counted_s(as_is(exercise))


@settings(max_examples=12)
@given(exercises, st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: sum(x * x for x in q) > 0.01))
def test_how_the_band_sits_changes_no_count(exercise: str, quaternion: tuple) -> None:
    made = one_set(exercise)
    turn = Rotation.from_quat(quaternion)
    samples = made.recording.samples
    turned = Samples(samples.t, turn.apply(samples.acc), turn.apply(samples.gyr))
    result, _ = track(turned.blocks(10), exercise, "right")
    assert found(result) == sets(made)
    np.testing.assert_allclose([rep.rom_deg for rep in result.reps], [rep.rom_deg for rep in as_is(exercise).reps], atol=0.5)


@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_mirrored_person_is_the_same_person_on_the_other_side(exercise: str) -> None:
    samples = one_set(exercise).recording.samples
    mirror = np.array([1.0, -1.0, 1.0])  # of a vector; an axial vector turns the other way
    mirrored = Samples(samples.t, samples.acc * mirror, -samples.gyr * mirror)
    result, _ = track(mirrored.blocks(10), exercise, "left")
    assert found(result) == found(as_is(exercise))
    np.testing.assert_allclose([rep.rom_deg for rep in result.reps], [rep.rom_deg for rep in as_is(exercise).reps], atol=0.1)


@settings(max_examples=8)
@given(exercises, st.floats(-1e5, 1e6))
def test_when_it_happened_changes_nothing(exercise: str, shift: float) -> None:
    samples = one_set(exercise).recording.samples
    result, _ = track(Samples(samples.t + shift, samples.acc, samples.gyr).blocks(10), exercise, "right")
    assert found(result) == found(as_is(exercise))
    assert [rep.start_s - shift for rep in result.reps] == pytest.approx([rep.start_s for rep in as_is(exercise).reps], abs=1e-3)


@settings(max_examples=12)
@given(exercises, st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda way: max(map(abs, way)) > 0.1), st.floats(0, 5))
@example("hip_external_rotation", (0.0, 0.0, 1.0), 5.0)
def test_a_gyroscope_bias_changes_no_count(exercise: str, way: tuple, size_dps: float) -> None:
    made = one_set(exercise)
    samples = made.recording.samples
    bias = np.radians(size_dps) * np.array(way) / np.linalg.norm(way)
    result, _ = track(Samples(samples.t, samples.acc, samples.gyr + bias).blocks(10), exercise, "right")
    assert found(result) == sets(made)


@settings(max_examples=8)
@given(st.sampled_from(["hip_external_rotation", "hip_abduction"]), st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda way: max(map(abs, way)) > 0.1), st.floats(8, 12))
def test_a_tremor_hides_no_bias(exercise: str, way: tuple, hz: float) -> None:
    """Of 0.03 degrees, which at 9 Hz is 1.7 degrees/s and at a shank's end 0.6 m/s²: in all that it does, at rest too."""
    made = one_set(exercise)
    samples = made.recording.samples
    way, shake = np.array(way) / np.linalg.norm(way), np.sin(2 * np.pi * hz * samples.t)[:, None]
    trembling = Samples(samples.t, samples.acc + 0.6 * shake * way, samples.gyr + np.radians(2.0 * way[::-1] + 1.7 * shake * way))
    result, _ = track(trembling.blocks(10), exercise, "right")
    assert found(result) == sets(made) and result.quality["gyroscope_bias_known"]
    np.testing.assert_allclose([rep.rom_deg for rep in result.reps], [rep.rom_deg for rep in as_is(exercise).reps], atol=3.0)


@settings(max_examples=6)
@given(st.floats(0, 17), st.floats(0, 360), st.floats(2.6, 3.8), st.sampled_from([-1, 1]))
def test_a_slow_turn_is_no_bias_where_another_one_had_been_told_at_rest(off_deg: float, way_deg: float, size_dps: float, sign: int) -> None:
    """A bias nearly along the vertical, which a rest alone tells from no turn: 5 s of rest, something done, a turn by 7.2 degrees in 3 s."""
    rate, rng = 50.0, np.random.default_rng(3)
    bias = np.radians(size_dps) * Rotation.from_euler("zyz", [0.0, off_deg, way_deg], degrees=True).apply([0.0, 0.0, sign])
    rest, turn = np.zeros(int(5 * rate)), np.full(int(3 * rate), np.radians(-2.4 * sign))
    work = np.radians(40.0) * np.sin(np.linspace(0, 2 * np.pi, int(4 * rate)))  # there and back
    about_up = np.concatenate([rest, work, turn, work, rest])
    gyr = about_up[:, None] * [0.0, 0.0, 1.0] + bias + np.radians(rng.normal(0, 0.1, (len(about_up), 3)))
    seen = Orientation()
    seen.update(Samples(np.arange(len(gyr)) / rate, np.tile([0.0, 0.0, 9.81], (len(gyr), 1)), gyr))
    turned = np.degrees(np.unwrap(seen.past.stretch(seen.past.since(9.0), seen.past.next - 1).heading))
    assert seen.bias_known and abs(turned[-1] + 7.2 * sign) < 2.0


@settings(max_examples=6)
@given(st.floats(0, 360), st.floats(2.2, 3.5))
def test_a_slow_turn_is_no_bias_where_pauses_had_told_one_across_it(way_deg: float, size_dps: float) -> None:
    """A recording begun in mid-movement, a pause too short to be a rest for sure, and then slow turns by 21 degrees, there and back."""
    rate, rng = 50.0, np.random.default_rng(4)
    bias = np.radians(size_dps) * Rotation.from_euler("z", way_deg, degrees=True).apply([1.0, 0.0, -0.4])
    work = np.radians(40.0) * np.sin(np.linspace(0, 2 * np.pi, int(4 * rate)))  # there and back
    pause, out = np.zeros(int(1.7 * rate)), np.full(int(3 * rate), np.radians(7.0))
    about_up = np.concatenate([work, pause, *[out, pause, -out, pause] * 3])
    gyr = about_up[:, None] * [0.0, 0.0, 1.0] + bias + np.radians(rng.normal(0, 0.1, (len(about_up), 3)))
    seen = Orientation()
    seen.update(Samples(np.arange(len(gyr)) / rate, np.tile([0.0, 0.0, 9.81], (len(gyr), 1)), gyr))
    for begin in 5.7 + 9.4 * np.arange(3):
        turn = np.degrees(seen.past.stretch(seen.past.since(begin), seen.past.since(begin + 3.0)).heading)
        assert abs(turn[-1] - 21.0) < 3.0


@settings(max_examples=12)
@given(st.floats(-2.5, 2.5), st.floats(10, 40), st.integers(1, 3))
def test_a_drift_of_the_heading_moves_no_place_where_a_leg_had_rested(drift_dps: float, rom_deg: float, turns: int) -> None:
    out = rom_deg * (1 - np.cos(np.linspace(0, 2 * np.pi, 60))) / 2
    heading = np.radians(np.concatenate([np.zeros(120), *[out] * turns, np.zeros(60)]))
    t = 0.05 * np.arange(len(heading))
    np.testing.assert_allclose(steadied(heading + np.radians(drift_dps) * t, 0.05), heading, atol=np.radians(0.05 * rom_deg))


@cache
def begun(exercise: str) -> Simulation:
    """From the middle of a repetition on, with pauses of a second and a half."""
    movement = replace(Movement(**TRACKS[exercise]), pause_s=1.7)
    plan = [Still(2.0), Set(exercise, movement, (Rep(),) * 7), Still(2.0)]
    return simulate(plan, pose=movement.pose, exercise=exercise, side="right", rate_hz=50.0, seed=3, begin_rep=0.5,
                    variation=Variation(pause=0.05))  # fmt: skip


@settings(max_examples=8)
@given(exercises, st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda way: max(map(abs, way)) > 0.1), st.floats(0, 5))
@example("hip_external_rotation", (1.0, 0.0, 1.0), 5.0)
def test_nor_does_it_where_there_was_only_a_second_to_learn_it(exercise: str, way: tuple, size_dps: float) -> None:
    made = begun(exercise)
    samples = made.recording.samples
    bias, up = np.radians(size_dps) * np.array(way) / np.linalg.norm(way), samples.acc[-50:].mean(axis=0)
    assume(abs(bias @ up) < np.radians(size_dps) * np.cos(np.radians(25)) * np.linalg.norm(up))  # that nobody tells from a turn
    result, _ = track(Samples(samples.t, samples.acc, samples.gyr + bias).blocks(10), exercise, "right")
    assert found(result) == sets(made)
    assert not any(rep.compensated for rep in result.reps[3:])
    roms = [[one.rom_deg for one in some[2:]] for some in (result.reps, made.labels)]
    np.testing.assert_allclose(*roms, atol=3.0)


@settings(max_examples=20)
@given(exercises, st.data())
def test_holes_up_to_a_second_are_bridged_and_told(exercise: str, data: st.DataObject) -> None:
    made = one_set(exercise)
    samples = made.recording.samples
    keep = np.ones(len(samples), bool)
    at = data.draw(st.integers(100, len(samples) - 100))
    keep[at : at + data.draw(st.integers(1, 20))] = False
    holed = Samples(samples.t[keep], samples.acc[keep], samples.gyr[keep])
    result, _ = track(holed.blocks(10), exercise, "right")
    assert found(result) == sets(made)
    assert len(result.gaps) == 1
    assert result.gaps[0].start_s == samples.t[at - 1]
    assert result.coverage == pytest.approx(len(holed) / len(samples), abs=1e-3)


@settings(max_examples=15)
@given(exercises, st.lists(st.tuples(st.integers(5, 2500), st.sampled_from([1, 2, 30, 60, 200])), max_size=8), st.integers(1, 300))
@example("hip_abduction", [(6, 75), (9, 1), (12, 60)], 50)
def test_holes_of_any_length_are_the_same_however_the_blocks_are_cut(exercise: str, holes: list, size: int) -> None:
    samples = one_set(exercise).recording.samples
    keep = np.ones(len(samples), bool)
    for at, length in holes:
        keep[at : at + length] = False
    holed = Samples(samples.t[keep], samples.acc[keep], samples.gyr[keep])
    whole, _ = track([holed], exercise, "right")
    pieces, _ = track(holed.blocks(size), exercise, "right")
    assert without_counted_s(whole) == without_counted_s(pieces)


@settings(max_examples=8)
@given(exercises, st.integers(0, 2**32 - 1), st.integers(1, 120))
def test_times_that_jitter_over_holes_are_the_same_however_the_blocks_are_cut(exercise: str, seed: int, size: int) -> None:
    samples = one_set(exercise).recording.samples
    rng = np.random.default_rng(seed)
    keep = rng.random(len(samples)) > 0.02
    t = (samples.t + rng.uniform(-0.25, 0.25, len(samples)) / 50.0)[keep]
    jittered = Samples(t, samples.acc[keep], samples.gyr[keep])
    whole, _ = track([jittered], exercise, "right")
    pieces, _ = track(jittered.blocks(size), exercise, "right")
    assert without_counted_s(whole) == without_counted_s(pieces)
    assert found(whole) == sets(one_set(exercise))


@pytest.mark.parametrize("before", [1, 2, 5])
def test_a_hole_right_after_the_first_samples_costs_nothing(before: int) -> None:
    samples = one_set("hip_abduction").recording.samples
    t = samples.t.copy()
    t[:before] -= 30.0
    result, _ = track(Samples(t, samples.acc, samples.gyr).blocks(10), "hip_abduction", "right")
    assert found(result) == found(as_is("hip_abduction"))
    assert len(result.gaps) == 1


def test_times_rounded_to_milliseconds_change_no_range_of_motion() -> None:
    made = person("hip_external_rotation", reps=4, side="right", rate_hz=128.0, seed=11)
    samples = made.recording.samples
    exact, _ = track(samples.blocks(10), "hip_external_rotation", "right")
    rounded, _ = track(Samples(samples.t.round(3), samples.acc, samples.gyr).blocks(10), "hip_external_rotation", "right")
    np.testing.assert_allclose([rep.rom_deg for rep in rounded.reps], [rep.rom_deg for rep in exact.reps], atol=0.1)


def test_nothing_reported_is_taken_back() -> None:
    made = person("hip_abduction", sets=2, partials=0.3, side="right", rate_hz=50, seed=12)
    result, events = track(made.recording.samples.blocks(7), "hip_abduction", "right")
    told = [event.rep for event in events if event.kind in ("counted", "partial")]
    assert [(rep.set, rep.rep, rep.counted, rep.counted_s) for rep in told] == [
        (rep.set, rep.rep, rep.counted, rep.counted_s) for rep in result.reps
    ]
    closed = [event.rep for event in events if event.kind == "closed"]
    assert closed == list(result.reps)
    assert [event.set for event in events if event.kind == "set_ended"] == list(result.sets)


@pytest.mark.parametrize("bad", ["nan", "inf", "backwards", "twice"])
def test_bad_samples_are_refused_and_change_nothing(bad: str) -> None:
    made = one_set("hip_external_rotation")
    blocks = list(made.recording.samples.blocks(10))
    tracker = Tracker("hip_external_rotation", "right")
    for i, block in enumerate(blocks):
        if i in (3, 40):
            t, acc = block.t.copy(), block.acc.copy()
            if bad == "backwards":
                t[5] = t[3]
            elif bad == "twice":
                t -= 0.2
            else:
                acc[4, 1] = float(bad)
            with pytest.raises(BadSamples):
                tracker.update(Samples(t, acc, block.gyr))
        tracker.update(block)
    tracker.finish()
    assert tracker.result() == as_is("hip_external_rotation")


def test_no_samples_is_an_empty_session() -> None:
    tracker = Tracker("hip_abduction", "left")
    assert tracker.update(Samples.empty()) == tracker.finish() == []
    assert tracker.result().as_json()["reps"] == []
    assert tracker.live.t is None


def test_a_leg_turned_upside_down_is_an_angle_not_an_error() -> None:
    """Just beyond -1 by rounding, the cosine of no angle."""
    lift, more = Lift(), 1 + 1e-15
    lift.settle(np.array([0.0, 0.0, 1.0]))
    assert lift.angle((0.04, 0.0, more, 0.0, 0.0, 1, 1)) == 180.0
