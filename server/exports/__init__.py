"""What others take away: one small file each, found by listing. A file here holds an EXPORT, and that is all it takes."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from server.chart import Chart


@dataclass(frozen=True, slots=True)
class Export:
    """name: the end of its address, and of the file's name · title: on the button · make: the file, of a whole chart or
    one session; runs in a worker thread, and what is heavy is imported there."""

    name: str
    title: str
    media_type: str
    make: Callable[[Chart], bytes]


def listed() -> list[Export]:
    return [import_module(f"{__name__}.{module.name}").EXPORT for module in pkgutil.iter_modules(__path__)]
