"""Questionnaires as data: items with options that have scores. One is one small file, here or, where its text is
somebody else's, in the server's data directory: `questionnaires/NAME.json`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from server.errors import StartError
from server.questionnaires.akps import SCORES as AKPS
from server.questionnaires.knee_week import KNEE_WEEK
from server.questionnaires.shape import Item, Option, Questionnaire

SLOTS = {"akps": AKPS}  # questionnaires whose text does not come with hiprep: NAME -> the scores of each item's options


def load(directory: Path) -> dict[str, Questionnaire]:
    """By name: our own, and those whose text the clinic put there. Raises StartError."""
    found = {KNEE_WEEK.name: KNEE_WEEK}
    for path in sorted(directory.glob("*.json")):
        try:
            found[path.stem] = _read(path.stem, json.loads(path.read_text("utf-8")))
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise StartError(f"questionnaire {path} cannot be used ({type(error).__name__}: {error})") from error
    return found


def _read(name: str, told: dict[str, Any]) -> Questionnaire:
    """`{"title", "version", "source", "items": [{"text", "options": [text or {"text", "score"}]}]}`; where the scores
    are known (SLOTS), options are texts, in the order of the scores."""
    items: Sequence[dict[str, Any]] = told["items"]
    known = SLOTS.get(name)
    if known is not None and [len(item["options"]) for item in items] != [len(scores) for scores in known]:
        raise ValueError(f"other items than {name} has (wanted options {[len(scores) for scores in known]})")
    made = []
    for number, item in enumerate(items):
        if known is None:
            options = tuple(Option(str(one["text"]), float(one["score"])) for one in item["options"])
        else:
            options = tuple(Option(str(text), score) for text, score in zip(item["options"], known[number], strict=True))
        made.append(Item(str(item["text"]), options))
    return Questionnaire(name, str(told["version"]), str(told["title"]), str(told["source"]), tuple(made))


__all__ = ["SLOTS", "Item", "Option", "Questionnaire", "load"]
