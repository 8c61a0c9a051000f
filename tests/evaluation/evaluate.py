"""`make evaluate`: families of simulated people through the streaming code, a table, and what falls short of the goals.

    .venv/bin/python tests/evaluation/evaluate.py --family walking reseat --n 30
    .venv/bin/python tests/evaluation/evaluate.py --family walking --only 7 --verbose    (why did this one fail?)
"""

from __future__ import annotations

import os

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(threads, "1")

import argparse
import json
import math
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent))

import two_bands
from families import FAMILIES, draw_session
from score import Judged, Rate, judge, match, median_size, p95, total
from side_by_side import Compared, compared, real_blocks, side_by_side

from processing.results import SessionResult
from processing.tracker import Tracker
from sensor.motion import Simulation


PACKET = 10
REAL_PEOPLE = Path(__file__).parents[3] / "shared" / "recordings" / "uci_pte"
WHOLE = ("walking", "reseat", "partials", "fidgets", "lossy")  # where the goal is every set
TWO_BANDS = ("pelvis", "pelvis_thigh", "pelvis_cheap", "pelvis_hard", "everything")  # with --pelvis
PELVIC = (*TWO_BANDS, "rotation", "all_at_once")  # no ROM to hold to


class Job(NamedTuple):
    family: str
    seed: int
    i: int
    apart: bool
    baselines: bool


class Ran(NamedTuple):
    job: Job
    judged: Judged
    line: str | None  # of a session that is not exact
    compared: dict[str, Compared]  # hiprep and the baselines, which have to be told the exercise


def main() -> int:
    a = arguments()
    begun = time.time()
    names = a.family or list(TWO_BANDS if a.pelvis else FAMILIES)
    numbers = range(a.n) if a.only is None else [a.only]
    if a.pelvis:
        two_bands.table(names, numbers, a.seed, a.apart, a.jobs, a.lines)
        return 0
    if a.verbose:
        for name in names:
            for i in numbers:
                explain(Job(name, a.seed, i, a.apart, False), a.write)
        return 0
    jobs = [Job(name, a.seed, i, a.apart, not a.no_baselines) for name in names for i in numbers]
    ran: dict[str, list[Ran]] = {name: [] for name in names}
    if not a.json:
        print(head())
    with ProcessPoolExecutor(a.jobs) as pool:
        real = None if a.no_baselines or a.family else pool.submit(run_real)
        for one in pool.map(run, jobs, chunksize=4):
            ran[one.job.family].append(one)
            if not a.json and len(ran[one.job.family]) == len(numbers):
                print(row(one.job.family, total(r.judged for r in ran[one.job.family])), flush=True)
        beside = real.result() if real else {}
    beside |= {name: [one.compared for one in of if one.compared] for name, of in ran.items()}
    families = {name: total(one.judged for one in of) for name, of in ran.items()}
    goals = [(what, met) for what, met in judged_goals(families) if ": nan" not in what]
    failed = [one.line for of in ran.values() for one in of if one.line]
    if a.json:
        rows = {name: values(j) for name, j in families.items()}
        print(json.dumps({"families": rows, "goals": goals, "failed": failed}))
        return 0
    print(row("all", total(families.values())))
    print("\nFaults seen / left alone: share (number)")
    for name, j in families.items():
        if j.found or any(rate.yes < rate.of for rate in j.clear.values()):
            print(f"  {name:14}", "; ".join(_faults(j)))
    print(f"  {'all families':14}", "; ".join(_faults(total(families.values()))))
    if any(beside.values()):
        print(f"\nSide by side\n\n{side_by_side(beside)}")
    if failed:
        more = [f"and {len(failed) - a.lines} more"] if len(failed) > a.lines else []
        print("\nNot exact:", *failed[: a.lines], *more, sep="\n  ")
    print("\nGoals:", *(f"{'met  ' if met else 'SHORT'} {what}" for what, met in goals), sep="\n  ")
    print(f"\n{len(jobs)} sessions in {time.time() - begun:.0f} s; seed {a.seed}{', the set apart' if a.apart else ''}")
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--family", nargs="*", choices=list(FAMILIES), metavar="NAME", help=", ".join(FAMILIES))
    parser.add_argument("--n", type=int, default=24, help="sessions of each family (24)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--apart", action="store_true", help="the second set, other ranges and people: only at the end")
    parser.add_argument("--pelvis", action="store_true", help=f"with a second band on the sacrum ({', '.join(TWO_BANDS)})")
    parser.add_argument("--only", type=int, metavar="I", help="one session of each family")
    parser.add_argument("--verbose", action="store_true", help="labels against repetitions, session by session")
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="with --verbose: the recordings and their labels")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--no-baselines", action="store_true", help="without the side-by-side table")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--lines", type=int, default=40, help="most lines about sessions that are not exact (40)")
    return parser.parse_args()


def run(job: Job) -> Ran:
    made = draw_session(job.family, job.seed, job.i, job.apart).make()
    try:
        result, broken = count(made), ""
    except Exception as error:  # one that breaks is a session of which nothing was found, not the end of the others
        meta = made.recording.meta
        result = Tracker(meta.exercise, meta.side, meta.placement).result()
        broken = f", {type(error).__name__}: {error}"
    judged = judge(made, result)
    beside = {}
    if job.baselines and made.recording.meta.exercise and not made.truth.cut_s:
        beside = compared(made.recording, made.labels, result)
    failed = None if judged.sessions.yes else line(job, made, result, judged) + broken
    return Ran(job, judged, failed, beside)


def run_real() -> dict[str, list[dict[str, Compared]]]:
    """The blocks of real people, where their recordings lie beside the project."""
    groups: dict[str, list[dict[str, Compared]]] = {}
    for _, recording, labels in real_blocks(REAL_PEOPLE):
        groups.setdefault(f"real, {labels[0].block}", []).append(compared(recording, labels))
    return groups


def count(made: Simulation) -> SessionResult:
    """Through the streaming code, in packets."""
    meta = made.recording.meta
    tracker = Tracker(meta.exercise, meta.side, meta.placement)
    for block in made.recording.samples.blocks(PACKET):
        tracker.update(block)
    tracker.finish()
    return tracker.result()


# One session


def line(job: Job, made: Simulation, result: SessionResult, j: Judged) -> str:
    meta, wanted = made.recording.meta, [label for label in made.labels if label.counted]
    want = [sum(label.set == number for label in wanted) for number in sorted({label.set for label in wanted})]
    apart = " --apart" if job.apart else ""
    return (
        f"--family {job.family} --seed {job.seed} --only {job.i}{apart}: {meta.exercise or 'null'} {meta.side} "
        f"{meta.placement} {meta.sample_rate_hz:g} Hz, wanted {want}, got {[one.reps for one in result.sets]}, "
        f"missed {j.missed.yes}, false {j.false.yes}, misnamed {j.named.of - j.named.yes}"
    )


def explain(job: Job, folder: Path | None) -> None:
    """Labels against repetitions in the order of time."""
    made = draw_session(job.family, job.seed, job.i, job.apart).make()
    result = count(made)
    judged = judge(made, result)
    print(line(job, made, result, judged) if not judged.sessions.yes else f"{job.family} {job.i}: exact")
    if folder:
        from sensor.recording import labels_path, write_labels, write_recording

        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{job.family}_{job.seed}_{job.i}.parquet"
        write_recording(path, made.recording)
        write_labels(labels_path(path), made.labels)
    pairs = match([label for label in made.labels if label.counted], [rep for rep in result.reps if rep.counted])
    paired = {id(rep) for rep in pairs.values()}
    rows = [(label.start_s, "label", label, pairs.get(id(label))) for label in made.labels]
    rows += [(rep.start_s, "rep", None, rep) for rep in result.reps if id(rep) not in paired]
    rows += [(done.end_s, f"-- set {done.set} ended: {done.reps} {done.exercise}", None, None) for done in result.sets]
    if made.truth.cut_s:
        rows.append((made.recording.samples.t[0], "-- the recording begins in mid-movement", None, None))
    for _, what, label, rep in sorted(rows, key=lambda one: one[0]):
        if label is None and rep is None:
            print("  ", what)
            continue
        print("  ", f"{_true(label):62}", "|", _seen(rep) if rep else "" if not label.counted else "MISSED",
              "" if label else "FALSE" if rep.counted else "")  # fmt: skip


def _true(label) -> str:
    if label is None:
        return ""
    fault = f"{label.kind or ''} {label.pelvis_deg:.0f}" if label.kind else ""
    turn = f" turn {label.terminal_rotation_deg:.0f}" if label.terminal_rotation_deg is not None else ""
    size = f"rom {label.rom_deg:.1f}{turn}"
    return f"{label.set} {label.start_s:8.2f}-{label.end_s:.2f} {size} {'' if label.counted else 'partial'} {fault}"


def _seen(rep) -> str:
    turn = f" turn {rep.terminal_rotation_deg:.0f}" if rep.terminal_rotation_deg is not None else ""
    kinds = ",".join(f"{one.kind} {one.deg:.1f}" for one in rep.compensation)
    return (
        f"{rep.set}.{rep.rep} {rep.start_s:8.2f}-{rep.end_s:.2f} ({rep.counted_s - rep.end_s:+.2f}) "
        f"rom {rep.rom_deg:.1f}{turn} {'' if rep.counted else 'NOT COUNTED '}{' '.join(rep.flags)} {kinds}"
    )


# Many sessions

COLUMNS = {
    "exact %": lambda j: _percent(j.sessions), "sets %": lambda j: _percent(j.sets),
    "number %": lambda j: _percent(j.numbers), "reps": lambda j: str(j.missed.of),
    "missed %": lambda j: _percent(j.missed, 2), "false %": lambda j: _percent(j.false, 2),
    "named %": lambda j: _percent(j.named), "delay95": lambda j: f"{p95(j.delay_s):+.2f}",
    "start": lambda j: f"{median_size(j.start_s):.2f}", "end": lambda j: f"{median_size(j.end_s):.2f}",
    "rom": lambda j: f"{median_size(j.rom_deg):.1f}", "rom95": lambda j: f"{p95(_sizes(j.rom_deg)):.1f}",
    "turn95": lambda j: f"{p95(_sizes(j.terminal_deg)):.1f}", "phases %": lambda j: _percent(j.phases),
}  # fmt: skip


def values(j: Judged) -> dict[str, object]:
    """A row for a program; None where there is nothing to measure."""
    row = {name: None if math.isnan(value := float(of(j))) else value for name, of in COLUMNS.items()}
    return row | {
        "found": {kind: [rate.yes, rate.of] for kind, rate in j.found.items()},
        "clear": {kind: [rate.yes, rate.of] for kind, rate in j.clear.items()},
    }


def head() -> str:
    return "family          n " + " ".join(f"{name:>8}" for name in COLUMNS)


def row(name: str, j: Judged) -> str:
    cells = ("-" if (text := of(j)).strip("+") == "nan" else text for of in COLUMNS.values())
    return f"{name:13} {j.sessions.of:3d} " + " ".join(f"{cell:>8}" for cell in cells)


def _faults(j: Judged) -> Iterable[str]:
    for kind, rate in sorted(j.found.items()):
        yield f"{kind} {rate.share:.3f} ({rate.of})"
    for kind, rate in sorted(j.clear.items()):
        yield f"no {kind} {rate.share:.4f} ({rate.of})"


def judged_goals(families: dict[str, Judged]) -> Iterable[tuple[str, bool]]:
    """The issue's goals, each with what was measured."""
    every = total(families.values())
    calm = total(j for name, j in families.items() if name not in PELVIC)
    ankle = total(j for name, j in families.items() if name not in PELVIC and "thigh" not in name)
    yield goal("sessions exact", every.sessions.share, 0.99)
    yield goal("sets exact", every.sets.share, 0.99)
    for name in WHOLE:
        if name in families:
            yield goal(f"sets exact, {name}", families[name].sets.share, 1.0)
    yield goal("set numbers right", every.numbers.share, 0.99)
    yield goal("missed", every.missed.share, 0.005, most=True)
    yield goal("false", every.false.share, 0.002, most=True)
    for name, j in families.items():
        if j.sets.share < 0.99 and name not in WHOLE:
            yield goal(f"sets exact, {name}", j.sets.share, 0.99)
    yield goal("counted after the end, p95, s", p95(every.delay_s), 0.15, most=True)
    yield goal("start, median error, s", median_size(every.start_s), 0.15, most=True)
    yield goal("end, median error, s", median_size(every.end_s), 0.15, most=True)
    yield goal("ROM, ankle, median error, degrees", median_size(ankle.rom_deg), 1.0, most=True)
    yield goal("ROM, ankle, p95, degrees", p95(_sizes(ankle.rom_deg)), 3.0, most=True)
    yield goal("terminal rotation, p95, degrees", p95(_sizes(ankle.terminal_deg)), 4.0, most=True)
    for phase, errors in calm.phases_s.items():
        yield goal(f"{phase}, median error, s", median_size(errors), 0.1, most=True)
    yield goal("phases within 10 % or 100 ms", calm.phases.share, 0.9)
    for name, j in families.items():
        seen = j.found.get("tilt", Rate()) + j.found.get("roll", Rate())
        if seen.of:
            yield goal(f"tilt and roll seen, {name}", seen.share, 0.95)
        if (clear := j.clear.get("compensation")) and clear.of and (seen.of or clear.share < 0.97):
            yield goal(f"no compensation left alone, {name}", clear.share, 0.97)
    for kind in ("early_rotation", "missing_terminal_rotation"):
        if kind in every.found:
            yield goal(f"{kind} seen", every.found[kind].share, 0.95)
        if kind in every.clear:
            yield goal(f"no {kind} left alone", every.clear[kind].share, 0.97)


def goal(what: str, got: float, wanted: float, most: bool = False) -> tuple[str, bool]:
    met = got <= wanted if most else got >= wanted
    return f"{what}: {got:.4g} (wanted {'at most' if most else 'at least'} {wanted:g})", met


def _percent(rate: Rate, digits: int = 1) -> str:
    return f"{100 * rate.share:.{digits}f}"


def _sizes(errors: list[float]) -> list[float]:
    return [abs(error) for error in errors]


if __name__ == "__main__":
    sys.exit(main())
