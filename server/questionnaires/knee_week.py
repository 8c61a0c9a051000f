"""Three questions of our own about the last week. They are for talking about, not for measuring: nobody validated them."""

from __future__ import annotations

from server.language import N_
from server.questionnaires.shape import Item, Option, Questionnaire

ELEVEN = tuple(Option(str(number), number) for number in range(11))

KNEE_WEEK = Questionnaire(
    "knee_week",
    "1",
    N_("The knee in the last week"),
    N_("our own, not validated; lower is better"),
    (
        Item(N_("How bad was the pain at its worst, from 0 (none) to 10 (the worst you can think of)?"), ELEVEN),
        Item(N_("How much was the knee in the way of everyday things, from 0 (not at all) to 10 (completely)?"), ELEVEN),
        Item(N_("How hard was it to do the exercises, from 0 (not at all) to 10 (impossible)?"), ELEVEN),
    ),
)
