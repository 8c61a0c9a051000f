"""Counted against labelled repetitions."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from processing import words
from processing.exercises import EXERCISES
from verbs.arguments import LEG_PARENT, UNITS_PARENT, WrongArguments, overrides_of
from verbs.replay import counted
from verbs.terminal import with_progress

HELP = "compare counted with labelled repetitions"
PARENTS = (LEG_PARENT, UNITS_PARENT)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dir", metavar="DIR", help="recordings with NAME.labels.csv beside them")
    parser.add_argument("--json", action="store_true", help="the table as one JSON object")


def run(a: argparse.Namespace) -> None:
    from processing.evaluation import score, total
    from sensor.recording import read_labels, read_recording

    labels = sorted(Path(a.dir).rglob("*.labels.csv"))
    if not labels:
        wanted = "NAME.labels.csv beside NAME.csv or NAME.parquet"
        raise WrongArguments(f"nothing to evaluate in {a.dir} (wanted {wanted}, got none)")
    scores, others = {}, []
    for path in with_progress(labels, len(labels)):
        stem = path.name.removesuffix(".labels.csv")
        found = [p for p in (path.with_name(stem + ".csv"), path.with_name(stem + ".parquet")) if p.exists()]
        recording = read_recording((found or [path.with_name(stem + ".csv")])[0], **overrides_of(a))
        if recording.meta.exercise is not None and recording.meta.exercise not in EXERCISES:
            others.append(recording.meta.exercise)
            continue
        name = str(path.relative_to(a.dir)).removesuffix(".labels.csv")
        scores[name] = score(counted(recording, name), read_labels(path))
    if not scores:
        wanted = f"one of {', '.join(EXERCISES)}"
        raise WrongArguments(f"nothing to evaluate in {a.dir} (wanted {wanted}, got {', '.join(others)})")
    if others:
        print(f"hiprep: left out, because nobody here counts them: {', '.join(others)}", file=sys.stderr)
    table = {name: one.as_json() for name, one in scores.items()} | {"overall": total(scores.values()).as_json()}
    print(json.dumps(table) if a.json else words.of_table(table))
