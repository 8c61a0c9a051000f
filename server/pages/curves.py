"""The curves of ended sessions as they stand in a page from the beginning; static/chart.js then draws them to be zoomed."""

from __future__ import annotations

from typing import Any

import numpy as np

from server import words
from server.api.sessions import Opened
from server.curve import arrays
from server.drawing import reach, session_curve


def drawn(*those: Opened) -> list[dict[str, Any] | None]:
    """Of each session, all on one scale; None where no angle is known."""
    curves = [arrays(one.curve) for one in those]
    known = [angle for _t, angle in curves if not np.isnan(angle).all()]
    if not known:
        return [None] * len(those)
    last_s = max(max(one.full["result"]["duration_s"], *t[-1:]) for one, (t, _angle) in zip(those, curves, strict=True))
    return [
        None if np.isnan(angle).all() else session_curve(t, angle, last_s, reach(known), _spans(one.full))
        for one, (t, angle) in zip(those, curves, strict=True)
    ]


def _spans(full: dict[str, Any]) -> list[tuple[str, float, float]]:
    """What holds, with corrections by hand."""
    corrected = (full["history"] or {}).get("corrected")
    reps = corrected["reps"] if corrected else full["result"]["reps"]
    return [(words.kind(rep), rep["start_s"], rep["end_s"]) for rep in reps if not rep.get("removed")]
