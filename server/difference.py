"""What another version made of the same session, repetition by repetition."""

from __future__ import annotations

from typing import Any

ROUNDING = 1.5e-4  # stored numbers are rounded to 1e-4; two that are the same differ by one of them at most
ARRIVAL = "counted_s"  # says when the packets came, not what the leg did

Rep = dict[str, Any]


def difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Two documents (hiprep.session/1) -> repetitions added, removed and changed.

    Two repetitions are the same one where they share more than half of the shorter. What only one of the documents
    says (a newer version says more) has not changed.
    """
    left, added, changed = list(before["reps"]), [], []
    for rep in after["reps"]:
        same = max(left, key=lambda other: _shared(rep, other), default=None)
        if same is None or _shared(rep, same) <= 0.5:
            added.append(rep)
            continue
        left.remove(same)
        if numbers := _changes(same, rep):
            changed.append({"before": same, "after": rep, "changes": numbers})
    return {"added": added, "removed": left, "changed": changed}


def any_of(found: dict[str, Any]) -> bool:
    return any(found.values())


def _shared(one: Rep, other: Rep) -> float:
    """Of the shorter: how much of it is in the other as well."""
    shorter = min(one["end_s"] - one["start_s"], other["end_s"] - other["start_s"])
    both = min(one["end_s"], other["end_s"]) - max(one["start_s"], other["start_s"])
    return both / shorter if shorter > 0 else float(one["start_s"] == other["start_s"])


def _changes(before: Rep, after: Rep) -> dict[str, list[Any]]:
    fields = [name for name in before if name in after and name != ARRIVAL]
    return {name: [before[name], after[name]] for name in fields if not _same(before[name], after[name])}


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float) and not isinstance(one, bool):
        return abs(one - other) < ROUNDING
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(value, other[name]) for name, value in one.items())
    return one == other
