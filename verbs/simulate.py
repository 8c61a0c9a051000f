"""A simulated person's session, with known truth."""

from __future__ import annotations

import argparse
from functools import partial

from processing.exercises import exercise_named
from verbs.arguments import AUTO, EXERCISE, PLACEMENT, SIDE, WHICH, WrongArguments, names_of, tracks_of, within

HELP = "write a simulated person's session, with labels"
PARENTS = ()


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("out", metavar="OUT", help="NAME.csv or NAME.parquet")
    each = {"help": f"{WHICH}: those that are recognised, one after the other (default)"}
    parser.add_argument("--exercise", default=AUTO, **(EXERCISE | each))
    parser.add_argument("--side", default="right", **SIDE)
    parser.add_argument("--placement", default="ankle", **PLACEMENT)
    whole, number = partial(within, int), partial(within, float)
    for name, kind, default, help in (
        ("--sets", whole(1, 100), 3, "sets of each exercise"),
        ("--reps", whole(1, 100), 10, "counted repetitions a set"),
        ("--rest", number(0, 3600), 30.0, "seconds between sets"),
        ("--rate", number(10, 1000), 100.0, "samples a second"),
        ("--rom", number(0.1, 2), 1.0, "range of motion, times the exercise's own"),
        ("--tempo", number(0.1, 10), 1.0, "durations, times the exercise's own"),
        ("--partials", number(0, 1), 0.0, "chance of a partial repetition before each"),
        ("--compensations", number(0, 1), 0.0, "chance that the pelvis helps"),
        ("--band-turn", number(-360, 360), 0.0, "degrees that the band is turned round the leg"),
        ("--seed", whole(0, 2**32 - 1), 0, "another seed is another person"),
    ):
        parser.add_argument(name, type=kind, default=default, metavar="N", help=f"{help} (default: {default:g})")
    sensors = {"choices": ("ideal", "good", "cheap"), "metavar": "KIND", "default": "good"}
    parser.add_argument("--sensor", **sensors, help="how bad the sensor is: ideal, good (default) or cheap")


def run(a: argparse.Namespace) -> None:
    from sensor.motion import CHEAP, GOOD, IDEAL, session
    from sensor.recording import check_target, labels_path, write_recording, writing_labels

    check_target(a.out)
    names = names_of(a.exercise)
    for name in names:
        counts = (*exercise_named(name).placements, "pelvis")
        if a.placement not in counts:
            raise WrongArguments(f"--placement: nobody counts {name} there (wanted {' or '.join(counts)}, got {a.placement!r})")
    made = session(
        tracks_of(names), names, sets=a.sets, reps=a.reps, rest_s=a.rest,
        partials=a.partials, compensations=a.compensations, rom=a.rom, tempo=a.tempo, seed=a.seed, side=a.side,
        placement=a.placement, rate_hz=a.rate, band_turn_deg=a.band_turn,
        faults={"ideal": IDEAL, "good": GOOD, "cheap": CHEAP}[a.sensor],
    )  # fmt: skip
    with writing_labels(labels_path(a.out), made.labels):  # which take their name last, when both are safe
        write_recording(a.out, made.recording)
