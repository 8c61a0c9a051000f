"""The exercises: one small file each, holding one value named EXERCISE. Adding one is adding a file."""

from __future__ import annotations

import importlib
import pkgutil

from processing.errors import UnknownExercise
from processing.exercise import Exercise

EXERCISES: dict[str, Exercise] = {
    module.EXERCISE.name: module.EXERCISE
    for module in (importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
}
RECOGNISED = {name: exercise for name, exercise in EXERCISES.items() if exercise.recognised}


def exercise_named(name: str) -> Exercise:
    """Raises UnknownExercise, naming the ones there are."""
    try:
        return EXERCISES[name]
    except KeyError:
        raise UnknownExercise(f"exercise {name!r} is unknown (wanted one of {', '.join(EXERCISES)})") from None
