"""The curves of ended sessions as they stand in a page from the beginning; static/chart.js then draws them to be zoomed."""

from __future__ import annotations

from typing import Any

import numpy as np

from server import words
from server.api.sessions import find
from server.curve import arrays
from server.drawing import reach, session_curve
from server.service import Service
from server.store import sessions


async def drawn(service: Service, *fulls: dict[str, Any]) -> list[dict[str, Any] | None]:
    """Of each SessionFull, all on one scale; None where no angle is known."""
    curves = [arrays((await service.store.fetch(sessions.result, (await find(service, full["id"])).number)).curve) for full in fulls]
    known = [angle for _t, angle in curves if not np.isnan(angle).all()]
    if not known:
        return [None] * len(fulls)
    last_s = max(max(full["result"]["duration_s"], *t[-1:]) for full, (t, _angle) in zip(fulls, curves, strict=True))
    return [
        None if np.isnan(angle).all() else session_curve(t, angle, last_s, reach(known), _spans(full))
        for full, (t, angle) in zip(fulls, curves, strict=True)
    ]


def _spans(full: dict[str, Any]) -> list[tuple[str, float, float]]:
    """What holds, with corrections by hand."""
    corrected = (full["history"] or {}).get("corrected")
    reps = corrected["reps"] if corrected else full["result"]["reps"]
    return [(words.kind(rep), rep["start_s"], rep["end_s"]) for rep in reps if not rep.get("removed")]
