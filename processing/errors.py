"""Everything this package raises on purpose.

ProcessingError             the root; its text is one line: WHAT is wrong WHERE (wanted X, got Y)
├── UnknownExercise         a name that no file in exercises/ has
└── BadSamples              samples that cannot follow the ones before: time backwards, not finite
"""

from __future__ import annotations


class ProcessingError(ValueError):
    """The root: catch this to catch all of them."""


class UnknownExercise(ProcessingError):
    """A name that no file in exercises/ has."""


class BadSamples(ProcessingError):
    """Samples that cannot follow the ones before."""
