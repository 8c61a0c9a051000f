"""What a physio prescribes, and how much of it is done. Pure arithmetic on days of the clinic's time zone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

WEEK = 7
PAIN_STOP = 5  # of 10, where nobody says otherwise: pain that is more than tolerable (Thomee, Phys Ther 1997;77:1690)


@dataclass(frozen=True, slots=True)
class Item:
    """One exercise of one side. Tempo: s of concentric, hold, eccentric. band: the elastic's colour."""

    exercise: str
    side: str
    sets: int
    reps: int
    per_week: int
    weeks: int
    concentric_s: float
    hold_s: float
    eccentric_s: float
    rom_target_deg: float | None
    band: str | None


@dataclass(frozen=True, slots=True)
class Programme:
    """A version, which holds from starts_on until a later one starts. quiet_days without a session raise attention,
    and so does pain above pain_stop, which stops the session."""

    version: int
    starts_on: date
    quiet_days: int
    pain_stop: int
    note: str
    made_at: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """An exercise in a session. reps: counted; watched, compensated: of them; rom_deg: their median."""

    day: date
    session: str
    exercise: str
    side: str
    reps: int
    watched: int
    compensated: int
    rom_deg: float | None


@dataclass(frozen=True, slots=True)
class Week:
    """`sessions` counts an exercise of a side on a day once. due: what is prescribed for the days that have passed,
    rounded down: nobody owes what there was no time for."""

    begins: date
    sessions: int
    prescribed: int
    due: int
    reps: int
    prescribed_reps: int
    due_reps: int
    over: bool


@dataclass(frozen=True, slots=True)
class Adherence:
    """Of all weeks so far. What is done beyond what was due in a week does not make up for another week, so `kept`
    may be less than what was done. streak: weeks in a row with everything done, this one only once it is."""

    weeks: tuple[Week, ...]
    kept: int
    due: int
    kept_reps: int
    due_reps: int
    streak: int

    @property
    def share(self) -> float | None:
        """None while nothing is due."""
        return self.kept / self.due if self.due else None


def ends_on(programme: Programme) -> date:
    """The first day after it."""
    return programme.starts_on + timedelta(WEEK * max((item.weeks for item in programme.items), default=0))


def present(programmes: Sequence[Programme], today: date) -> Programme | None:
    """The version that holds: the newest that has started, even if its weeks are over."""
    started = [one for one in programmes if one.starts_on <= today]
    return max(started, key=lambda one: (one.starts_on, one.version), default=None)


def adherence(programmes: Sequence[Programme], done: Iterable[Done], today: date) -> Adherence:
    days: dict[tuple[str, str], dict[date, int]] = {}
    for one in done:
        if one.reps:
            reps = days.setdefault((one.exercise, one.side), {})
            reps[one.day] = reps.get(one.day, 0) + one.reps
    weeks: list[Week] = []
    order = sorted(programmes, key=lambda one: (one.starts_on, one.version))
    for number, programme in enumerate(order):
        later = order[number + 1].starts_on if number + 1 < len(order) else date.max
        begins, end = programme.starts_on, min(later, ends_on(programme), today + timedelta(1))
        while begins < end:
            weeks.append(_week(programme, begins, later, today, days))
            begins += timedelta(WEEK)
    return Adherence(
        tuple(weeks),
        kept=sum(min(week.sessions, week.due) for week in weeks),
        due=sum(week.due for week in weeks),
        kept_reps=sum(min(week.reps, week.due_reps) for week in weeks),
        due_reps=sum(week.due_reps for week in weeks),
        streak=_streak(weeks),
    )


def _week(
    programme: Programme, begins: date, later: date, today: date, days: dict[tuple[str, str], dict[date, int]]
) -> Week:
    """The week of this version, cut short where a later one starts."""
    end = min(begins + timedelta(WEEK), later)
    length = (end - begins).days
    passed = min(length, (today - begins).days)  # today still has time
    number = (begins - programme.starts_on).days // WEEK
    sums = dict.fromkeys(("sessions", "prescribed", "due", "reps", "prescribed_reps", "due_reps"), 0)
    for item in programme.items:
        if number >= item.weeks:
            continue
        per_session = item.sets * item.reps
        prescribed, due = (item.per_week * part // WEEK for part in (length, passed))
        reps = [count for day, count in days.get((item.exercise, item.side), {}).items() if begins <= day < end]
        for name, value in (
            ("sessions", len(reps)), ("prescribed", prescribed), ("due", due),
            ("reps", sum(reps)), ("prescribed_reps", prescribed * per_session), ("due_reps", due * per_session),
        ):  # fmt: skip
            sums[name] += value
    return Week(begins, **sums, over=today >= end)


def _streak(weeks: Sequence[Week]) -> int:
    count = 0
    for week in reversed(weeks):
        if week.sessions >= week.prescribed:
            count += 1
        elif week.over:
            break
    return count
