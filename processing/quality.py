"""What a session's data do not carry, said instead of guessed. One entry a question; None where it does not arise.

gyroscope_bias_known: the band was once still long enough. If not, a turn's angle drifts with the unknown bias.
leg_direction_known: a lift or a swing has shown how the band sits on the leg. If not, none could be counted.
axis_clear: a pelvis that moves by 10 degrees, SIGNALS' fault, would stand out from the person's own way to move.
compensation_from_deg: so much pelvis rotation would; CONTRACT's 5 or, of a person who moves unevenly, more;
    None where the pelvis does not show in the leg.
exercise_recognised: null was asked for, and something was recognised.
turn_direction_known: null was asked for, and where the leg rested told outward from inward rotation. If not, some
    repetitions were counted as neither.
lifts_taken_for: null was asked for, and a lift was counted as this: which way a leg is lifted, and which way up its
    owner lies, would need the strap's orientation (SIGNALS).
other_movements: exercises that were seen while another one was told; none of it was counted.
reps_with_gaps: counted repetitions with missing samples bridged. restarts: longer gaps, after which heading and
    repetition begin anew.
The server and `live` add uncounted_packets: blocks of samples that could not follow the ones before. `live` adds
unspooled_packets: counted here, but the disk was full and no server took them.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from processing.compensation import PELVIS_WARN_DEG, ROLL_LEVER, SPREAD, TURN_LEVER
from processing.counter import Counter
from processing.orientation import BRIDGE_S, Orientation
from processing.recognise import Recogniser
from processing.results import Rep, SetSummary

PELVIS_FAULT_DEG = 10.0  # SIGNALS
ENOUGH = 3  # repetitions show a person's own way: with fewer the median is one of them or between two (ours)


def quality_of(
    told: str | None, seen: Orientation, counters: Sequence[Counter], sets: Sequence[SetSummary], reps: Sequence[Rep],
    others: Sequence[str], recogniser: Recogniser | None,
) -> dict[str, Any]:
    counted = [rep for rep in reps if rep.counted]
    done = [counter for counter in counters if any(rep.exercise == counter.exercise.name for rep in counted)]
    legs = [counter.leg_known for counter in (done if told is None else counters) if counter.leg_known is not None]
    from_deg = _compensation_from(done, counted)
    return {
        "gyroscope_bias_known": seen.bias_known,
        "leg_direction_known": all(legs) if legs else None,
        "axis_clear": None if from_deg is None else from_deg <= PELVIS_FAULT_DEG,
        "compensation_from_deg": from_deg,
        "exercise_recognised": bool(sets) if told is None else None,
        "turn_direction_known": not recogniser.undecided if recogniser else None,
        "lifts_taken_for": next((c.exercise.name for c in done if c.exercise.movement == "lift"), None) if told is None else None,
        "other_movements": list(others),
        "reps_with_gaps": sum("gap" in rep.flags for rep in counted),
        "restarts": sum(end - start > BRIDGE_S for start, end in seen.gaps),
    }


def _compensation_from(done: Sequence[Counter], counted: Sequence[Rep]) -> float | None:
    """Of the exercise in which the least is seen; None while no exercise has enough repetitions."""
    found = []
    for counter in done:
        if not counter.exercise.pelvis_shows:
            continue
        every = [rep for rep in counted if rep.exercise == counter.exercise.name]
        own = [rep for rep in every if not rep.compensated]
        # Who is helped in all but so few has shown no way of their own: what is seen of all of them is its width.
        deviations = [rep.deviation_deg for rep in (own if len(own) >= ENOUGH else every)]
        lever = TURN_LEVER if counter.exercise.movement == "turn" else ROLL_LEVER
        if len(deviations) >= ENOUGH:
            found.append(max(PELVIS_WARN_DEG, SPREAD * median(deviations) / lever))
    return max(found, default=None)
