"""What went wrong, for who reads a page: clients of the API read problems.py's English."""

from __future__ import annotations

from http import HTTPStatus

from server.language import N_, Vocabulary, _, form_of, present
from server.problems import Problem

TITLES = Vocabulary(
    _400=N_("This was not understood"),
    _401=N_("Please log in"),
    _403=N_("Not allowed"),
    _404=N_("Not found"),
    _409=N_("That does not fit any more"),
    _413=N_("Too large"),
    _422=N_("Something does not fit"),
    _429=N_("Too many attempts"),
    _500=N_("The server made a mistake"),
    _503=N_("The server cannot do this now"),
    _507=N_("The disk is full"),
)


def title_of(status: int) -> str:
    return TITLES.get(f"_{status}") or HTTPStatus(status).phrase


def problem(what: Problem) -> str:
    """As a sentence. What no catalogue knows was said by a part below this one: in English, or not at all."""
    told = form_of(what.english)
    if told == what.english and present() != "en":
        return _("Please check what you entered.") if what.status_code == 422 else title_of(what.status_code) + "."
    text = told.format(**what.values) if what.values else told
    return text[0].upper() + text[1:] + "."
