"""Results in words, for a terminal."""

from __future__ import annotations

from typing import Any

from processing.results import Event


def of_event(event: Event) -> str | None:
    """A line for whoever trains, None where there is nothing to say."""
    if event.kind == "set_ended":
        return f"set {event.set.set} ended: {event.set.reps} repetitions"
    if event.kind == "other":
        return f"this looks like {event.exercise}; it is not counted"
    rep = event.rep
    if event.kind == "closed":
        return "     keep your pelvis still" if rep.compensated else None
    return f"{rep.rep:>3}  {rep.rom_deg:.0f} degrees" if rep.counted else f"  -  {', '.join(rep.flags)}"


def of_session(result: dict[str, Any]) -> str:
    """A session in the contract's JSON: a line for it, one for each set, each baseline and each thing it cannot say."""
    lines = [
        f"{result['exercise'] or 'recognised'}, {result['side']} {result['placement']}, "
        f"{result['duration_s']:.0f} s, {100 * result['coverage']:.1f} % of the samples"
    ]
    lines += [_of_set(done, [rep for rep in result["reps"] if rep["set"] == done["set"]]) for done in result["sets"]]
    if not result["sets"]:
        lines.append("no repetition")
    changes = [(one["exercise"], one["change"]) for one in result["summary"]["exercises"] if one["change"]]
    lines += [f"{name}: {of_change(change)}" for name, change in changes]
    return "\n".join(lines + of_quality(result["quality"]))


def _of_set(done: dict[str, Any], reps: list[dict[str, Any]]) -> str:
    helped = sum(rep["counted"] and rep["compensated"] for rep in reps)
    parts = [
        f"set {done['set']}: {done['exercise']}",
        f"{done['reps']} repetitions",
        *([f"{helped} with the pelvis helping"] if done["numbers"]["compensation_rate"] is not None else []),
        f"{done['not_counted']} not counted",
        of_rom(done["numbers"]),
        f"{done['numbers']['time_under_tension_s']:.0f} s under tension",
        *([of_fatigue(done["fatigue"])] if done["fatigue"] else []),
    ]
    return ", ".join(parts)


def of_rom(numbers: dict[str, Any], unit: str = " degrees") -> str:
    """The median and how much it varies."""
    spread = "" if numbers["rom_sd_deg"] is None else f" ± {numbers['rom_sd_deg']:.0f}"
    return f"{numbers['rom_median_deg']:.0f}{spread}{unit}"


def of_fatigue(fatigue: dict[str, float]) -> str:
    """The last repetitions of a set against its first."""
    reach, speed = round(fatigue["rom_percent"]), round(fatigue["concentric_speed_percent"])
    further = f"{abs(reach)} % {'further' if reach > 0 else 'less far'}" if reach else "as far"
    faster = f"{abs(speed)} % {'faster' if speed > 0 else 'slower'}" if speed else "as fast"
    return f"at its end {further} and {faster} than at its beginning"


def of_change(change: dict[str, Any]) -> str:
    """A range of motion against another day's; said to have changed only if that can be measured."""
    by, mdc = change["change_deg"], change["mdc_deg"]
    than = f"{abs(by):.0f} {'less' if by < 0 else 'more'} than the baseline's {change['baseline_deg']:.0f}"
    text = f"{change['now_deg']:.0f} degrees, {than}"
    if mdc is None:
        return f"{text}; what change can be measured here is not known"
    return f"{text}: a change" if change["measurable"] else f"{text}: no measurable change (under {mdc:g})"


def of_quality(quality: dict[str, Any]) -> list[str]:
    """What the session does not carry, a sentence each; none of what it says nothing about."""
    told = []
    if quality.get("gyroscope_bias_known") is False:
        told.append("The band was never still: angles may have drifted.")
    if quality.get("leg_direction_known") is False:
        told.append("No lift showed how the band sits on the leg, so none was counted.")
    if quality.get("axis_clear") is False:
        least = quality["compensation_from_deg"]
        told.append(f"The movement varied too much to judge the pelvis: only {least:.0f} degrees of it would stand out.")
    if quality.get("exercise_recognised") is False:
        told.append("No exercise was recognised.")
    if quality.get("turn_direction_known") is False:
        told.append("Outward and inward rotation could not be told apart in some repetitions; they were not counted.")
    if others := quality.get("other_movements"):
        told.append(f"Another exercise was seen, and not counted: {', '.join(others)}.")
    if many := quality.get("reps_with_gaps"):
        told.append(f"In {many} {'repetition' if many == 1 else 'repetitions'} missing samples were bridged.")
    if many := quality.get("restarts"):
        told.append(f"Samples were missing for more than a second {'once' if many == 1 else f'{many} times'}.")
    if many := quality.get("uncounted_packets"):
        told.append(f"{many} {'packet' if many == 1 else 'packets'} could not be counted.")
    if many := quality.get("unspooled_packets"):
        told.append(f"{many} {'packet' if many == 1 else 'packets'} could not be kept: counted here, but on no server.")
    return told


def of_table(rows: dict[str, dict[str, Any]]) -> str:
    """Rows by name, all with the same columns."""
    head = ["recording", *next(iter(rows.values()))]
    cells = [head] + [[name, *("-" if value is None else str(value) for value in row.values())] for name, row in rows.items()]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells)
