"""Results in words, for a terminal."""

from __future__ import annotations

from typing import Any

from processing.results import Event


def of_event(event: Event) -> str | None:
    """A line for whoever trains, None where there is nothing to say."""
    if event.kind == "set_ended":
        return f"set {event.set.set} ended: {event.set.reps} repetitions"
    if event.kind == "closed":
        return None
    rep = event.rep
    what = f"{rep.rep:>3}  {rep.rom_deg:.0f} degrees" if rep.counted else f"  -  {', '.join(rep.flags)}"
    return what + ("  keep your pelvis still" if rep.compensated else "")


def of_session(result: dict[str, Any]) -> str:
    """A session in the contract's JSON: a line for it and one for each set."""
    lines = [
        f"{result['exercise'] or 'recognised'}, {result['side']} {result['placement']}, "
        f"{result['duration_s']:.0f} s, {100 * result['coverage']:.1f} % of the samples"
    ]
    for done in result["sets"]:
        reps = [rep for rep in result["reps"] if rep["set"] == done["set"]]
        helped = sum(rep["counted"] and rep["compensated"] for rep in reps)
        lines.append(
            f"set {done['set']}: {done['exercise']}, {done['reps']} repetitions, {helped} with the pelvis helping, "
            f"{sum(not rep['counted'] for rep in reps)} not counted"
        )
    return "\n".join(lines if result["sets"] else [*lines, "no repetition"])


def of_table(rows: dict[str, dict[str, Any]]) -> str:
    """Rows by name, all with the same columns."""
    head = ["recording", *next(iter(rows.values()))]
    cells = [head] + [[name, *("-" if value is None else str(value) for value in row.values())] for name, row in rows.items()]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells)
