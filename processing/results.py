"""What the processing found: frozen values, which are also the wire format `hiprep.session/1`.

Times are seconds on the recording's own clock; angles are degrees because people read them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

SCHEMA = "hiprep.session/1"
SET_PAUSE_S = 8.0  # CONTRACT: a set ends after so long without the exercise's movement

Kind = Literal["tilt", "roll", "hike", "other"]


@dataclass(frozen=True, slots=True)
class Compensation:
    """How the pelvis left its place, and how far the sensor saw it go."""

    kind: Kind
    deg: float


@dataclass(frozen=True, slots=True)
class Gap:
    """A hole of more than 1.5 sample periods."""

    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Rep:
    """One repetition.

    start_s: the leg leaves rest · peak_s: middle of the top · end_s: back at rest, or the turning point
    where the next begins · counted_s: newest sample time consumed when it was first reported.
    rom_deg: what the leg did from this repetition's resting pose · hip_rom_deg: the hip's own share, only
    with a pelvis sensor · deviation_deg: how far the leg left its path · pelvis_deg: pelvis sensor only.
    rep: its number in the set; of one that does not count, how many had been counted before it.
    counted is false only for the flags `partial` and `out_of_pose`.
    time_under_tension_s: concentric + hold + eccentric, without the rest (Faber et al., PeerJ 2015;3:e1102).
    """

    set: int
    rep: int
    exercise: str
    counted: bool
    flags: tuple[str, ...]
    start_s: float
    peak_s: float
    end_s: float
    counted_s: float
    rom_deg: float
    hip_rom_deg: float | None
    terminal_rotation_deg: float | None
    concentric_s: float
    hold_s: float
    eccentric_s: float
    sparc: float
    compensated: bool
    compensation: tuple[Compensation, ...]
    deviation_deg: float
    pelvis_deg: float | None
    time_under_tension_s: float


@dataclass(frozen=True, slots=True)
class Numbers:
    """What several counted repetitions have in common; None where there are too few.

    time_under_tension_s: their sum · compensation_rate: share of them that are compensated · rom_sd_deg: from
    repetition to repetition, of two or more · concentric_speed_dps: median of their mean speeds on the way out ·
    sparc: median · rest_s: median pause from one movement of the exercise to the next in the same set.
    """

    time_under_tension_s: float
    compensation_rate: float | None
    rom_mean_deg: float | None
    rom_median_deg: float | None
    rom_sd_deg: float | None
    concentric_speed_dps: float | None
    sparc: float | None
    rest_s: float | None


@dataclass(frozen=True, slots=True)
class Fatigue:
    """The last three counted repetitions of a set against its first three, mean against mean: change in percent.

    Negative: less range of motion, slower on the way out.
    """

    rom_percent: float
    concentric_speed_percent: float


@dataclass(frozen=True, slots=True)
class SetSummary:
    """Repetitions with no longer pause between them; reps counts the counted ones.

    not_counted: partial and out of pose · rest_before_s: since the set before; None of the first ·
    fatigue: None under six counted repetitions, whose first and last three overlap.
    """

    set: int
    exercise: str
    side: str
    reps: int
    start_s: float
    end_s: float
    not_counted: int | None = None
    rest_before_s: float | None = None
    fatigue: Fatigue | None = None
    numbers: Numbers | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A range of motion against the person's own from another day.

    mdc_deg: the minimal detectable change, None where nobody has published one; measurable: whether the change
    is as large as that, None where that cannot be said.
    """

    baseline_deg: float
    now_deg: float
    change_deg: float
    mdc_deg: float | None
    measurable: bool | None


@dataclass(frozen=True, slots=True)
class ExerciseSummary:
    """One exercise of a session. change: of the median range of motion, where a baseline was given."""

    exercise: str
    sets: int
    reps: int
    numbers: Numbers
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """A session. reps: counted ones · time_under_tension_s: theirs · rest_between_sets_s: median."""

    reps: int
    not_counted: int
    time_under_tension_s: float
    compensation_rate: float | None
    rest_between_sets_s: float | None
    exercises: tuple[ExerciseSummary, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that has just become known.

    kind: `counted` (a repetition, for good: it is never taken back), `partial` (a movement that does
    not count), `closed` (the same repetition again, its numbers now final, and what the pelvis did in it),
    `set_ended`, `other` (another exercise than the one told is being done, `exercise`; it is not counted).
    """

    kind: Literal["counted", "partial", "closed", "set_ended", "other"]
    at_s: float
    rep: Rep | None = None
    set: SetSummary | None = None
    exercise: str | None = None


@dataclass(frozen=True, slots=True)
class SessionResult:
    """A whole session, or what is known of it so far. quality: see quality.py."""

    exercise: str | None
    side: str
    placement: str
    duration_s: float
    samples: int
    coverage: float
    gaps: tuple[Gap, ...]
    sets: tuple[SetSummary, ...]
    reps: tuple[Rep, ...]
    quality: dict[str, Any] = field(default_factory=dict)
    summary: Summary | None = None
    schema: str = SCHEMA

    def as_json(self) -> dict[str, Any]:
        """The contract's object, ready for a JSON encoder; numbers rounded to the measurable (1e-4)."""
        return rounded({"schema": self.schema, **asdict(self)})


def rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return value
