"""What pages say, by what it is about; templates call all of it as `words.NAME`."""

from __future__ import annotations

from server.words.clinic import FILTERS, of_action, of_rom, of_trend, of_weeks, short_side
from server.words.exercises import BANDS, exercise, exercises, side, titles, together
from server.words.measures import ELEVEN, date_of, day, degrees, length, number, seconds, share, short_date, speed, when
from server.words.people import attention, of_week, programme, tempo, ways
from server.words.poses import how
from server.words.problems import problem, title_of
from server.words.sessions import (
    KINDS, PLACEMENTS, SAID, STATES, STOPPED, change, changes, compensation, correction, coverage, difference, flags, job, kind, label,
    of_quality, of_set, place, spread, versions,
)  # fmt: skip

__all__ = [
    "BANDS", "ELEVEN", "FILTERS", "KINDS", "PLACEMENTS", "SAID", "STATES", "STOPPED", "attention", "change", "changes",
    "compensation", "correction", "coverage", "date_of", "day", "degrees", "difference", "exercise", "exercises", "flags", "how",
    "job", "kind", "label", "length", "number", "of_action", "of_quality", "of_rom", "of_set", "of_trend", "of_week", "of_weeks",
    "place", "problem", "programme", "seconds", "share", "short_date", "short_side", "side", "speed", "spread", "tempo", "title_of",
    "titles", "together", "versions", "ways", "when",
]  # fmt: skip
