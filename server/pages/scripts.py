"""A page's module and all that it imports, named in its head: a browser that finds one import after the other waits for the
network once for each."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path, PurePosixPath

from markupsafe import Markup

from server import language

STATIC = Path(__file__).parents[1] / "static"
IMPORT = re.compile(r"""^(?:import|export)\b[^;"']*["'](\.[^"']+)["']""", re.MULTILINE)
WHEN_NEEDED = re.compile(r"""\bimport\(["'](\.[^"']+)["']\)""")
MODULE = re.compile(r'<script type="module" src="/static/([^"]+)">')


@cache
def script(name: str, later: str | None = None) -> Markup:
    """The head's lines for a module in server/static. later: what it loads once the page has been seen."""
    first = Markup('<script type="module" src="/static/{}"></script>').format(name)
    needed = dict.fromkeys((*imported(name)[1:], *(imported(later) if later else ())))
    return Markup("").join([first, *(Markup('<link rel="modulepreload" href="/static/{}">').format(one) for one in needed)])


def imported(name: str) -> list[str]:
    """name and what it imports, and what that does; not what is imported only when it is needed."""
    return [*_reached((name,), IMPORT)]


def words_for(head: str) -> dict[str, list[str]] | None:
    """What the modules of a page's head may say, also those that they import later; None where none says anything."""
    reached = _reached(tuple(MODULE.findall(head)), IMPORT, WHEN_NEEDED)
    return language.for_scripts(reached.keys()) if "words.js" in reached else None


@cache
def _reached(names: tuple[str, ...], *ways: re.Pattern[str]) -> dict[str, None]:
    found, todo = {}, [*names]
    while todo:
        one = todo.pop(0)
        if one in found:
            continue
        found[one] = None
        folder, code = STATIC / PurePosixPath(one).parent, (STATIC / one).read_text()
        todo += [(folder / path).resolve().relative_to(STATIC.resolve()).as_posix() for way in ways for path in way.findall(code)]
    return found
