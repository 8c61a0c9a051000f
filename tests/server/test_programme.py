"""Adherence and attention, on paper: no server, no clock."""

from __future__ import annotations

import random
from dataclasses import asdict, replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.attention import Report, reasons
from server.programme import Done, Item, Programme, adherence, present
from server.store.programmes import day_of, today
from server.words import attention

ROTATION, ABDUCTION = "hip_internal_rotation", "hip_abduction"
MONDAY = date(2026, 3, 2)
ITEM = Item(ROTATION, "left", sets=3, reps=10, per_week=3, weeks=6, concentric_s=2, hold_s=0, eccentric_s=2, rom_target_deg=None, band=None)
PLAN = Programme(1, MONDAY, quiet_days=5, pain_stop=5, note="", made_at="", items=(ITEM,))


def after(days: int) -> date:
    return MONDAY + timedelta(days)


def done(day: int, reps: int = 30, **changes) -> Done:
    told = {"exercise": ROTATION, "side": "left", "watched": 0, "compensated": 0, "rom_deg": None}
    return Done(after(day), f"session-{day:04}", reps=reps, **(told | changes))


def said(found) -> str:
    """The heaviest, as the list of patients says it."""
    return attention({"reasons": [asdict(found[0])]})


def kinds(programmes, sessions, reports, day: int) -> list[str]:
    return [reason.kind for reason in reasons(programmes, sessions, reports, after(day))]


# Adherence


def test_a_programme_kept_to_the_letter() -> None:
    kept = adherence([PLAN], [done(7 * week + day) for week in range(6) for day in (0, 2, 4)], after(60))
    assert len(kept.weeks) == 6 and all(week.over for week in kept.weeks)
    assert (kept.kept, kept.due, kept.kept_reps, kept.due_reps, kept.streak, kept.share) == (18, 18, 540, 540, 6, 1.0)


def test_nobody_owes_what_there_was_no_time_for() -> None:
    dues = [adherence([PLAN], [], after(day)).due for day in range(9)]
    assert dues == [0, 0, 0, 1, 1, 2, 2, 3, 3]  # 3 x days / 7, rounded down
    assert adherence([PLAN], [], after(0)).share is None
    assert adherence([PLAN], [], after(-1)).weeks == ()


def test_more_in_one_week_does_not_make_up_for_another() -> None:
    kept = adherence([PLAN], [done(day) for day in range(6)], after(14))
    assert [(week.sessions, week.due) for week in kept.weeks] == [(6, 3), (0, 3), (0, 0)]
    assert (kept.kept, kept.due) == (3, 6)


def test_two_sessions_of_a_day_are_one_and_their_repetitions_add_up() -> None:
    kept = adherence([PLAN], [done(0, 10), replace(done(0, 12), session="later"), done(1, 0)], after(7))
    assert (kept.weeks[0].sessions, kept.weeks[0].reps) == (1, 22)
    assert (kept.kept_reps, kept.due_reps) == (22, 90)


def test_another_exercise_or_side_is_not_what_was_prescribed() -> None:
    others = [done(0, side="right"), done(2, exercise=ABDUCTION)]
    assert adherence([PLAN], others, after(7)).kept == 0


def test_both_sides_and_exercises_of_their_own_frequency() -> None:
    plan = replace(PLAN, items=(ITEM, replace(ITEM, side="right"), replace(ITEM, exercise=ABDUCTION, per_week=7, weeks=1)))
    first, second, _ = adherence([plan], [done(0), done(0, side="right"), done(1, exercise=ABDUCTION)], after(14)).weeks
    assert (first.prescribed, first.sessions, second.prescribed) == (13, 3, 6)


def test_a_change_cuts_the_week_and_the_older_version_keeps_what_was_due_then() -> None:
    later = replace(PLAN, version=2, starts_on=after(10), items=(replace(ITEM, per_week=7),))
    kept = adherence([PLAN, later], [done(8), done(11)], after(17))
    assert [(week.begins, week.prescribed, week.sessions) for week in kept.weeks] == [
        (after(0), 3, 0), (after(7), 1, 1), (after(10), 7, 1), (after(17), 7, 0),
    ]  # fmt: skip
    assert present([PLAN, later], after(9)) == PLAN and present([PLAN, later], after(10)) == later
    assert present([PLAN], after(-1)) is None
    over = replace(later, items=())
    assert len(adherence([PLAN, over], [], after(40)).weeks) == 2


def test_a_streak_is_of_whole_weeks_and_this_one_breaks_none() -> None:
    sessions = [done(7 * week + day) for week in (0, 2, 3) for day in (0, 2, 4)]
    assert [adherence([PLAN], sessions, after(day)).streak for day in (6, 13, 20, 27, 29)] == [1, 1, 1, 2, 2]
    assert adherence([PLAN], sessions, after(35)).streak == 0


@given(st.lists(st.tuples(st.integers(-5, 60), st.integers(0, 40)), max_size=40), st.integers(-5, 70), st.integers(0, 2**32))
def test_laws_of_adherence(told, day, seed) -> None:
    """The order does not matter; nothing is kept that was not due or not done; a day more never takes away."""
    sessions = [done(at, reps) for at, reps in told if at <= day]
    kept = adherence([PLAN], sessions, after(day))
    shuffled = random.Random(seed).sample(sessions, len(sessions))
    assert adherence([PLAN], shuffled, after(day)) == kept
    assert 0 <= kept.kept <= min(kept.due, sum(week.sessions for week in kept.weeks)) and kept.due <= 18
    assert 0 <= kept.kept_reps <= min(kept.due_reps, sum(one.reps for one in sessions))
    tomorrow = adherence([PLAN], sessions, after(day + 1))
    assert tomorrow.due >= kept.due and tomorrow.kept >= kept.kept


# Attention


def test_silence() -> None:
    assert [kinds([PLAN], [], [], day) for day in (0, 4, 5, 41, 42)] == [[], [], ["quiet"], ["quiet"], []]
    assert [kinds([PLAN], [done(3)], [], day) for day in (7, 8)] == [[], ["quiet"]]
    assert said(reasons([PLAN], [done(3)], [], after(9))) == "no session for 6 days"
    assert said(reasons([PLAN], [], [], after(6))) == "no session yet, 6 days after the start"
    assert kinds([], [done(0)], [], 90) == []  # nothing is prescribed


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ([(2, 3, 2)], []),
        ([(2, 5, 3)], []),
        ([(2, 6, 3)], ["pain"]),
        ([(None, 3, None), (None, 4, None)], []),
        ([(None, 3, None), (None, 5, None)], ["pain up"]),
        ([(None, 3, None), (None, None, None), (None, 6, None)], ["pain", "pain up"]),
        ([(2, None, 4)], ["pain in session"]),
        ([(8, 8, 8), (1, 1, 1)], []),
        ([], []),
    ],
)
def test_pain(told, wanted) -> None:
    reports = [Report(after(day), *pain) for day, pain in enumerate(told)]
    assert kinds([PLAN], [done(0)], reports, 1) == wanted


def test_pain_is_measured_against_what_the_programme_allows() -> None:
    report = [Report(after(0), 2, 3, 2)]
    assert kinds([replace(PLAN, pain_stop=2)], [done(0)], report, 1) == ["pain"]


def test_range_of_motion_counts_only_beyond_the_minimal_detectable_change() -> None:
    was = [done(day, rom_deg=40.0) for day in (0, 2, 4)]
    assert kinds([PLAN], [*was, done(6, rom_deg=34.7)], [], 7) == []  # its minimal detectable change is 5.4
    assert kinds([PLAN], [*was, done(6, rom_deg=34.5)], [], 7) == ["range"]
    assert said(reasons([PLAN], [*was, done(6, rom_deg=34.0)], [], after(7))).startswith("40 → 34° in hip internal rotation")
    unknown = [replace(one, exercise=ABDUCTION) for one in [*was, done(6, rom_deg=10.0)]]
    assert kinds([PLAN], unknown, [], 7) == []  # nobody has published one


def test_compensation_needs_enough_repetitions_to_be_a_rate() -> None:
    was = [done(day, watched=10, compensated=1) for day in (0, 2)]
    assert kinds([PLAN], [*was, done(4, watched=10, compensated=3)], [], 5) == ["pelvis"]
    assert kinds([PLAN], [*was, done(4, watched=10, compensated=2)], [], 5) == []
    assert kinds([PLAN], [*was, done(4, watched=4, compensated=4)], [], 5) == []
    assert kinds([PLAN], [was[0], done(4, watched=10, compensated=0)], [], 5) == []
    assert kinds([PLAN], [done(0, watched=9), done(4, watched=10, compensated=9)], [], 5) == []


def test_the_heaviest_reason_comes_first() -> None:
    sessions = [*(done(day, watched=10, rom_deg=40.0) for day in (0, 1, 2)), done(3, watched=10, compensated=9, rom_deg=20.0)]
    reports = [Report(after(0), 1, 2, 1), Report(after(3), 1, 9, 8)]
    assert kinds([PLAN], sessions, reports, 9) == ["pain", "pain up", "pain in session", "quiet", "range", "pelvis"]


# Days of the clinic


@pytest.mark.parametrize(
    ("zone", "at", "day"),
    [
        ("Europe/Berlin", "2026-03-28T22:59:59.000Z", date(2026, 3, 28)),
        ("Europe/Berlin", "2026-03-28T23:00:00.000Z", date(2026, 3, 29)),  # clocks go forward that night
        ("Europe/Berlin", "2026-03-29T22:00:00.000Z", date(2026, 3, 30)),
        ("Europe/Berlin", "2026-10-24T22:00:00.000Z", date(2026, 10, 25)),  # and back
        ("Europe/Berlin", "2026-10-25T22:59:59.000Z", date(2026, 10, 25)),
        ("America/New_York", "2026-11-01T03:59:59.000Z", date(2026, 10, 31)),
        ("Pacific/Kiritimati", "2026-01-01T10:00:00.000Z", date(2026, 1, 2)),
        ("Asia/Kathmandu", "2026-01-01T18:15:00.000Z", date(2026, 1, 2)),
    ],
)
def test_a_day_is_the_clinics(zone: str, at: str, day: date) -> None:
    assert day_of(at, at, ZoneInfo(zone)) == day
    from server.times import epoch

    assert today(epoch(at), ZoneInfo(zone)) == day


def test_a_clock_that_cannot_be_right_is_not_believed() -> None:
    came = "2026-06-15T12:00:00.000Z"
    zone = ZoneInfo("UTC")
    assert day_of("2025-06-15T12:00:00.000Z", came, zone) == day_of("2027-06-15T12:00:00.000Z", came, zone) == date(2026, 6, 15)
    assert day_of("2026-06-10T12:00:00.000Z", came, zone) == date(2026, 6, 10)  # kept on the patient's computer till then
