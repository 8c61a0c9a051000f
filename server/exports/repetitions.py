"""Repetitions as CSV (RFC 4180), a row each: for spreadsheets and statistics."""

from __future__ import annotations

import csv
import io
from typing import Any

from server.chart import Chart, Visit
from server.corrections import kind_of
from server.exports import Export

OF_REP = (
    "set", "rep", "exercise", "counted", "start_s", "peak_s", "end_s", "counted_s", "rom_deg", "hip_rom_deg",
    "terminal_rotation_deg", "concentric_s", "hold_s", "eccentric_s", "time_under_tension_s", "sparc", "compensated",
    "deviation_deg", "pelvis_deg",
)  # fmt: skip
OF_REPORT = ("pain_before", "pain_worst", "pain_after", "exertion", "stopped", "note")
COLUMNS = (
    "patient", "session", "started_at", "side", "placement", "band", "processing", *OF_REP, "kind", "flags",
    "compensation", "corrected_by_hand", *OF_REPORT,
)  # fmt: skip
# What a spreadsheet takes for the beginning of a formula (OWASP, CSV Injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def make(chart: Chart) -> bytes:
    out = io.StringIO()
    rows = csv.DictWriter(out, COLUMNS)
    rows.writeheader()
    for visit in chart.visits:
        about = _about(chart, visit)
        for rep in visit.reps:
            rows.writerow({name: defused(value) for name, value in (about | _of(rep)).items()})
    return out.getvalue().encode()


def defused(value: Any) -> Any:
    """Texts that a spreadsheet would calculate become texts that it shows."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _about(chart: Chart, visit: Visit) -> dict[str, Any]:
    session, said = visit.session, visit.report or {}
    return {
        "patient": chart.patient and chart.patient.name,
        "session": session.id,
        "started_at": session.started_at,
        "side": session.side,
        "placement": session.placement,
        "band": session.band,
        "processing": visit.version,
    } | {name: said.get(name) for name in OF_REPORT}


def _of(rep: dict[str, Any]) -> dict[str, Any]:
    kinds = "; ".join(f"{one['kind']} {one['deg']:.1f}" for one in rep["compensation"])
    told = {"kind": kind_of(rep), "flags": " ".join(rep["flags"]), "compensation": kinds}
    return {name: rep.get(name) for name in OF_REP} | told | {"corrected_by_hand": bool(rep.get("by_hand"))}


EXPORT = Export("repetitions.csv", "Repetitions (CSV)", "text/csv", make)
