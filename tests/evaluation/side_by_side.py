"""hiprep beside the baselines, on the same recordings: `compared` for one, `side_by_side` for the table of all."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from baselines import BASELINES, Found

from processing.exercises import EXERCISES
from processing.results import SessionResult
from processing.tracker import SET_PAUSE_S, Tracker
from sensor.recording import Label, Recording, labels_path, read_labels, read_recording

PACKET_SAMPLES = 10
REAL = "real"  # how the name of a group of real people begins


class Compared(NamedTuple):
    """One method on one recording. Sets are the labels'. delays_s: how long after the labelled end it was counted."""

    sets: int
    exact: int
    within_one: int
    labelled: int
    missed: int
    false: int
    delays_s: tuple[float, ...]


def compared(recording: Recording, labels: Sequence[Label], result: SessionResult | None = None) -> dict[str, Compared]:
    """Every method by name, hiprep first; its result, when it is known already."""
    got: dict[str, Found] = {"hiprep": counted(result or tracked(recording))}
    got |= {name: baseline(recording) for name, baseline in BASELINES.items()}
    return {name: compare(found, labels) for name, found in got.items()}


def tracked(recording: Recording) -> SessionResult:
    tracker = Tracker(recording.meta.exercise, recording.meta.side, recording.meta.placement)
    for block in recording.samples.blocks(PACKET_SAMPLES):
        tracker.update(block)
    tracker.finish()
    return tracker.result()


def counted(result: SessionResult) -> Found:
    return [(rep.start_s, rep.end_s, rep.counted_s) for rep in result.reps if rep.counted]


def compare(found: Found, labels: Sequence[Label]) -> Compared:
    """A labelled repetition is found where a counted one overlaps it, each used once, those first that overlap most.
    What is counted belongs to the labelled set that is nearest."""
    wanted = [label for label in labels if label.counted is not False]
    overlaps = sorted(
        (max(label.start_s, start) - min(label.end_s, end), i, j)
        for i, label in enumerate(wanted)
        for j, (start, end, _) in enumerate(found)
        if start < label.end_s and end > label.start_s
    )
    pairs: dict[int, int] = {}
    used: set[int] = set()
    for _, i, j in overlaps:
        if i not in pairs and j not in used:
            pairs[i] = j
            used.add(j)
    spans = [(one[0].start_s, one[-1].end_s, len(one)) for one in sets_of(wanted)]
    got = [0] * len(spans)
    for start, end, _ in found if spans else ():
        got[int(np.argmin([max(first - end, start - last, 0.0) for first, last, _ in spans]))] += 1
    off = [abs(number - size) for number, (_, _, size) in zip(got, spans, strict=True)]
    return Compared(
        sets=len(spans),
        exact=sum(one == 0 for one in off),
        within_one=sum(one <= 1 for one in off),
        labelled=len(wanted),
        missed=len(wanted) - len(pairs),
        false=len(found) - len(pairs),
        delays_s=tuple(found[j][2] - wanted[i].end_s for i, j in pairs.items() if not math.isnan(found[j][2])),
    )


def sets_of(labels: Sequence[Label]) -> list[list[Label]]:
    """As the labels say; where they do not, the contract's pause of 8 s ends a set."""
    sets: list[list[Label]] = []
    for label in sorted(labels, key=lambda label: label.start_s):
        last = sets[-1][-1] if sets else None
        said = label.set is not None or label.block is not None
        if last and (label.set, label.block) == (last.set, last.block) and (
            said or label.start_s - last.end_s <= SET_PAUSE_S
        ):
            sets[-1].append(label)
        else:
            sets.append([label])
    return sets


def real_blocks(folder: Path) -> Iterator[tuple[str, Recording, list[Label]]]:
    """Each block of each recording in uci_pte/ of an exercise that is known, cut in the middle of the rests."""
    for path in sorted(folder.glob("*.csv")):
        if path.name.endswith(".labels.csv"):
            continue
        recording, labels = read_recording(path), read_labels(labels_path(path))
        if recording.meta.exercise not in EXERCISES:
            continue
        t, blocks = recording.samples.t, sets_of(labels)
        rests = [(one[-1].end_s + other[0].start_s) / 2 for one, other in zip(blocks, blocks[1:], strict=False)]
        cuts = [0, *np.searchsorted(t, rests).tolist(), len(t)]
        for block, first, last in zip(blocks, cuts, cuts[1:], strict=False):
            yield f"{path.stem} {block[0].block}", Recording(recording.samples[first:last], recording.meta), block


# The table


def side_by_side(groups: Mapping[str, Iterable[Mapping[str, Compared]]]) -> str:
    """Markdown: all measures over the real people and over the simulated ones, then the exact sets of each group."""
    kept = {name: list(group) for name, group in groups.items()}
    kept = {name: group for name, group in kept.items() if group}
    kinds = {
        "real": [one for name, group in kept.items() if name.startswith(REAL) for one in group],
        "simulated": [one for name, group in kept.items() if not name.startswith(REAL) for one in group],
    }
    methods = ["hiprep", *BASELINES]
    measures: dict[str, Callable[[Compared], str]] = {
        "exact %": lambda c: percent(c.exact, c.sets), "within 1 %": lambda c: percent(c.within_one, c.sets),
        "missed %": lambda c: percent(c.missed, c.labelled), "false %": lambda c: percent(c.false, c.labelled),
    }  # fmt: skip
    there = [kind for kind, group in kinds.items() if group]
    head = ["method", *(f"{kind}: {measure}" for kind in there for measure in measures), "counted after the labelled end, s"]
    rows = []
    for method in methods:
        sums = {kind: total(one[method] for one in kinds[kind]) for kind in there}
        cells = [measure(sums[kind]) for kind in there for measure in measures.values()]
        rows.append([method, *cells, delay([s for one in sums.values() for s in one.delays_s])])
    exact = []
    for name, group in kept.items():
        sums = [total(one[method] for one in group) for method in methods]
        exact.append([f"{name} ({sums[0].sets})", *map(measures["exact %"], sums)])
    return f"{markdown(head, rows)}\n\nExact sets, %:\n\n{markdown(['sets', *methods], exact)}"


def total(parts: Iterable[Compared]) -> Compared:
    columns = list(zip(*parts, strict=True))
    return Compared(*map(sum, columns[:-1]), tuple(delay for delays in columns[-1] for delay in delays))


def percent(part: int, whole: int) -> str:
    """Rounded, but never to a 0 or a 100 that it is not."""
    if not whole:
        return "-"
    share = 100 * part / whole
    for digits in (1, 2, 3):
        if part in (0, whole) or round(share, digits) not in (0, 100):
            break
    return f"{share:.{digits}f}".removesuffix(".0")


def delay(delays_s: Sequence[float]) -> str:
    if not delays_s:
        return "offline"
    return f"{np.median(delays_s):.2f}, p95 {np.quantile(delays_s, 0.95):.2f}"


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
