"""What a person says against the count, laid over it: the counted result itself stays as it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from server.store.history import Correction

LABELS = ("good", "compensated", "partial", "out_of_pose")
COUNTED = ("good", "compensated")
UNCOUNTED = ("partial", "out_of_pose")

Rep = dict[str, Any]


def corrected(document: dict[str, Any], corrections: Iterable[Correction]) -> dict[str, Any]:
    """document (hiprep.session/1) -> {reps, tally, unmatched}, one correction after the other.

    Each repetition has `by_hand`: the ids of the corrections that touched it. A repetition that was removed is there with
    `removed` true. `unmatched`: corrections of repetitions that this version of the result does not have.
    """
    reps = [rep | {"by_hand": [], "removed": False} for rep in document["reps"]]
    unmatched = []
    for one in corrections:
        if one.action == "add":
            reps.append(_added(one, reps, document))
            continue
        rep = rep_at(reps, one.at_s)
        if rep is None:
            unmatched.append(one.id)
            continue
        rep["by_hand"] = [*rep["by_hand"], one.id]
        if one.action == "remove":
            rep["removed"] = True
        else:
            rep |= _labelled(rep["flags"], one.label) | {"removed": False}
    reps.sort(key=lambda rep: rep["start_s"])
    return {"reps": reps, "tally": _tally(rep for rep in reps if not rep["removed"]), "unmatched": unmatched}


def rep_at(reps: Iterable[Rep], at_s: float) -> Rep | None:
    """The repetition that this time is in."""
    return next((rep for rep in reps if rep["start_s"] <= at_s <= rep["end_s"]), None)


def _added(one: Correction, reps: list[Rep], document: dict[str, Any]) -> Rep:
    """In the set that is nearest in time; of its numbers nothing is known."""
    near = min(reps, key=lambda rep: abs(rep["start_s"] - one.at_s), default=None)
    known = {
        "set": near["set"] if near else 1,
        "rep": None,
        "exercise": near["exercise"] if near else document["exercise"],
        "start_s": one.at_s,
        "peak_s": (one.at_s + one.end_s) / 2,
        "end_s": one.end_s,
        "compensation": [],
    }
    return known | _labelled([], one.label) | {"by_hand": [one.id], "removed": False}


def _labelled(flags: list[str], label: str) -> Rep:
    kept = [flag for flag in flags if flag not in UNCOUNTED]
    return {
        "counted": label in COUNTED,
        "compensated": label == "compensated",
        "flags": kept if label in COUNTED else [label, *kept],
    }


def _tally(reps: Iterable[Rep]) -> dict[str, int]:
    kinds = [kind_of(rep) for rep in reps]
    return {"counted": sum(kinds.count(kind) for kind in COUNTED)} | {kind: kinds.count(kind) for kind in LABELS[:3]}


def kind_of(rep: Rep) -> str:
    if not rep["counted"]:
        return "partial" if "partial" in rep["flags"] else "out_of_pose"
    return "compensated" if rep["compensated"] else "good"
