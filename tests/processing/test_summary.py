"""What a clinician reads, against people whose truth is known."""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean, median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from people import TRACKS, count, person

from processing.errors import ProcessingError
from processing.exercises import RECOGNISED
from processing.results import Change, SessionResult
from processing.summary import against, baselines_of, change
from processing.words import of_change, of_fatigue, of_session
from sensor.motion import Movement, Rep, Set, Still, simulate

EXERCISE = "hip_internal_rotation"


def people_who(reps: list[Rep], exercise: str = EXERCISE, sets: int = 1) -> SessionResult:
    movement = Movement(**TRACKS[exercise])
    plan = [Still(4)] + [segment for _ in range(sets) for segment in (Set(exercise, movement, tuple(reps)), Still(20))]
    return count(simulate(plan, pose=movement.pose, side="right", exercise=exercise, seed=5))


@pytest.fixture(scope="module")
def steady() -> SessionResult:
    return people_who([Rep()] * 8, sets=2)


def test_sums_and_middles_are_those_of_the_counted_repetitions() -> None:
    result = count(person("hip_abduction", sets=2, partials=0.4, side="right", seed=3))
    assert any(not rep.counted for rep in result.reps)
    for done in result.sets:
        own = [rep for rep in result.reps if rep.set == done.set]
        reps = [rep for rep in own if rep.counted]
        roms = [rep.rom_deg for rep in reps]
        assert (done.reps, done.not_counted) == (len(reps), len(own) - len(reps))
        seen = done.numbers
        assert seen.time_under_tension_s == pytest.approx(sum(r.concentric_s + r.hold_s + r.eccentric_s for r in reps))
        assert (seen.rom_mean_deg, seen.rom_median_deg) == pytest.approx((fmean(roms), median(roms)))
        assert seen.rom_sd_deg == pytest.approx(np.std(roms, ddof=1))
        assert seen.sparc == median(rep.sparc for rep in reps)
        assert seen.rest_s == pytest.approx(median(b.start_s - a.end_s for a, b in zip(own, own[1:], strict=False)))
    whole = result.summary
    assert (whole.reps, whole.not_counted) == (sum(s.reps for s in result.sets), sum(s.not_counted for s in result.sets))
    assert whole.time_under_tension_s == pytest.approx(sum(s.numbers.time_under_tension_s for s in result.sets))
    assert [(one.exercise, one.sets, one.reps) for one in whole.exercises] == [("hip_abduction", 2, whole.reps)]


def test_time_under_tension_is_the_time_the_leg_is_away(steady: SessionResult) -> None:
    track = TRACKS[EXERCISE]
    each = track["concentric_s"] + track["hold_s"] + track["eccentric_s"]
    for rep in steady.reps:
        assert rep.time_under_tension_s == pytest.approx(rep.end_s - rep.start_s)
        assert rep.time_under_tension_s == pytest.approx(each, rel=0.15)  # the person varies by a tenth


def test_rests_are_those_that_were_taken(steady: SessionResult) -> None:
    first, second = steady.sets
    assert first.rest_before_s is None
    assert second.rest_before_s == second.start_s - first.end_s == steady.summary.rest_between_sets_s
    assert second.rest_before_s == pytest.approx(20, abs=2)
    assert first.numbers.rest_s == pytest.approx(TRACKS[EXERCISE].get("pause_s", 1.0), abs=0.4)


def test_a_person_who_does_not_tire_shows_no_fatigue(steady: SessionResult) -> None:
    for done in steady.sets:
        assert abs(done.fatigue.rom_percent) < 8 and abs(done.fatigue.concentric_speed_percent) < 12


def test_fatigue_is_the_last_three_against_the_first_three() -> None:
    """Range of motion down to 60 %, each repetition 80 % longer at the end."""
    share = np.linspace(0, 1, 10)
    result = people_who([Rep(rom=1 - 0.4 * s, tempo=1 + 0.8 * s) for s in share])
    (done,) = result.sets
    assert done.reps == 10
    roms, speeds = 1 - 0.4 * share, (1 - 0.4 * share) / (1 + 0.8 * share)
    wanted = [100 * (each[-3:].mean() / each[:3].mean() - 1) for each in (roms, speeds)]
    assert (done.fatigue.rom_percent, done.fatigue.concentric_speed_percent) == pytest.approx(wanted, abs=6)
    assert "less far" in of_fatigue(vars_of(done.fatigue)) and "slower" in of_fatigue(vars_of(done.fatigue))


def vars_of(value: object) -> dict:
    return {name: getattr(value, name) for name in value.__slots__}


def test_too_few_repetitions_show_no_fatigue_and_one_no_spread() -> None:
    assert people_who([Rep()] * 5).sets[0].fatigue is None
    assert people_who([Rep()] * 6).sets[0].fatigue is not None
    one = people_who([Rep()]).sets[0]
    assert one.reps == 1 and one.numbers.rom_sd_deg is one.numbers.rest_s is None


def test_the_rate_of_compensation() -> None:
    result = people_who([Rep()] * 4 + [Rep(compensation=("tilt", 14.0)), Rep()] * 2)
    helped = [rep.compensated for rep in result.reps]
    assert sum(helped) == 2
    assert result.sets[0].numbers.compensation_rate == result.summary.compensation_rate == 2 / 8


def test_exercises_of_one_session_are_not_mixed() -> None:
    result = count(person(list(RECOGNISED), side="left", seed=4))
    assert [one.exercise for one in result.summary.exercises] == list(dict.fromkeys(s.exercise for s in result.sets))
    for one, done in zip(result.summary.exercises, result.sets, strict=True):
        assert replace(one.numbers, rest_s=None) == replace(done.numbers, rest_s=None)


def test_of_nothing_there_is_nothing_to_say() -> None:
    result = count(person(EXERCISE, reps=1, rom=0.02, side="right", seed=1))
    seen = result.summary
    assert (seen.reps, seen.time_under_tension_s, seen.compensation_rate, seen.exercises) == (0, 0, None, ())
    assert of_session(result.as_json()).splitlines()[1] == "no repetition"


# Against another day


@given(st.floats(1, 90), st.floats(1, 90), st.floats(0.1, 20))
def test_a_change_is_measurable_from_the_minimal_detectable_on(before: float, now: float, mdc: float) -> None:
    seen = change(before, now, mdc)
    assert seen == Change(before, now, now - before, mdc, abs(now - before) >= mdc)
    assert change(before, now, None) == Change(before, now, now - before, None, None)
    assert ("no measurable change" in of_change(vars_of(seen))) == (not seen.measurable)
    assert "not known" in of_change(vars_of(change(before, now, None)))


def test_a_session_against_another(steady: SessionResult) -> None:
    document = steady.as_json()
    baselines = baselines_of(document, "right", "ankle")
    (same,) = against(steady, baselines).summary.exercises
    assert same.change.change_deg == pytest.approx(0, abs=1e-3) and same.change.measurable is False
    tired = people_who([Rep(rom=0.7)] * 6)
    (less,) = against(tired, baselines).summary.exercises
    assert less.change.measurable and less.change.change_deg == pytest.approx(-0.3 * TRACKS[EXERCISE]["rom_deg"], abs=2.5)
    assert against(steady, {"hip_abduction": 30.0}) == steady
    assert "a change" in of_session(against(tired, baselines).as_json())


@pytest.mark.parametrize("wrong", [{"side": "left"}, {"placement": "thigh"}, {"schema": "else"}, {"reps": 3}, {"reps": [{}]}])
def test_a_baseline_of_something_else_is_refused(steady: SessionResult, wrong: dict) -> None:
    for document in (steady.as_json() | wrong, None, [], "x"):
        with pytest.raises(ProcessingError, match="wanted"):
            baselines_of(document, "right", "ankle")
