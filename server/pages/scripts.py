"""A page's module and all that it imports, named in its head: a browser that finds one import after the other waits for the
network once for each."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path, PurePosixPath

from markupsafe import Markup

STATIC = Path(__file__).parents[1] / "static"
IMPORT = re.compile(r"""^(?:import|export)\b[^;"']*["'](\.[^"']+)["']""", re.MULTILINE)


@cache
def script(name: str, later: str | None = None) -> Markup:
    """The head's lines for a module in server/static. later: what it loads once the page has been seen."""
    first = Markup('<script type="module" src="/static/{}"></script>').format(name)
    needed = dict.fromkeys((*imported(name)[1:], *(imported(later) if later else ())))
    return Markup("").join([first, *(Markup('<link rel="modulepreload" href="/static/{}">').format(one) for one in needed)])


def imported(name: str) -> list[str]:
    """name and what it imports, and what that does; not what is imported only when it is needed."""
    found, todo = [], [name]
    while todo:
        one = todo.pop(0)
        if one in found:
            continue
        found.append(one)
        folder = PurePosixPath(one).parent
        todo += [(STATIC / folder / path).resolve().relative_to(STATIC.resolve()).as_posix() for path in IMPORT.findall((STATIC / one).read_text())]
    return found
