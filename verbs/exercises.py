"""The exercises that are counted."""

from __future__ import annotations

import argparse

from processing.exercises import EXERCISES

HELP = "list the exercises"
PARENTS = ()


def arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(a: argparse.Namespace) -> None:
    for exercise in EXERCISES.values():
        print(f"{exercise.name}\t{exercise.title}\tband at the {' or '.join(exercise.placements)}")
