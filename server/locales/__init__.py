"""The catalogues, and what brings them up to the code: `make words`, which is `python -m server.locales`."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
METHODS = [
    ("server/static/vendor/**", "ignore"),
    ("server/**.py", "python"),
    ("processing/exercises/*.py", "python"),
    ("server/templates/**.html", "jinja2"),
    ("server/static/**.js", "javascript"),
]
OPTIONS = {"server/templates/**.html": {"trimmed": "true", "silent": "false"}}
# Function -> which of its arguments is a text.
KEYWORDS = {
    "_": None, "gettext": None, "ngettext": (1, 2), "N_": None,
    "Problem": (2,), "Export": (2,), "Exercise": (2,),
}  # fmt: skip
HEADER = "# What hiprep says. `make words` adds what is new and drops what is gone; translations are written here by hand."


def extracted() -> Catalog:
    """Every text of the code, with the files that it stands in."""
    found = Catalog(charset="utf-8", header_comment=HEADER, fuzzy=False)
    for folder in ("processing", "server"):
        for name, _line, text, _comments, _context in extract_from_dir(
            ROOT / folder, [(pattern.removeprefix(f"{folder}/"), method) for pattern, method in METHODS if pattern.startswith(folder)],
            {pattern.removeprefix(f"{folder}/"): told for pattern, told in OPTIONS.items()}, KEYWORDS,
        ):  # fmt: skip
            found.add(text, locations=[(f"{folder}/{name}", None)])
    return found


def updated(language: str) -> bytes:
    """The catalogue with exactly what the code says, and the translations that it has of it."""
    path = HERE / f"{language}.po"
    old = read_po(BytesIO(path.read_bytes()), locale=language) if path.exists() else Catalog()
    new = Catalog(locale=language, charset="utf-8", header_comment=HEADER, fuzzy=False)
    for message in extracted():
        if message.id:
            known = old.get(message.id if isinstance(message.id, str) else message.id[0])
            same = known is not None and known.id == message.id
            new.add(message.id, known.string if same else None, locations=sorted(set(message.locations)))
    out = BytesIO()
    write_po(out, new, width=0, omit_header=False, sort_output=True, include_lineno=False)
    lines = out.getvalue().decode().splitlines(keepends=True)
    dated = ("POT-Creation-Date", "PO-Revision-Date", "Generated-By", "Last-Translator", "Report-Msgid-Bugs-To", "Project-Id", "Language-Team")
    return "".join(line for line in lines if not line.startswith(tuple(f'"{name}' for name in dated))).encode()
