"""Movements that nobody can call repetitions alone: they wait for more like them."""

from __future__ import annotations

from dataclasses import replace
from statistics import median

from processing.own import PARTIAL, Own
from processing.results import Rep

SMALL_SET = 3  # a partial repetition comes between full ones, not in a row (ours)
ALIKE = 0.5  # two movements are alike when neither is less than half of the other: so far apart is partial (CONTRACT)
BROKEN_OFF = 1 / 3  # and this is the most of a partial one (the issue); before the first whole one there is none
COMPANY_S = 10.0  # and not further apart: SIGNALS, slow people rest so long


class Company:
    """waiting: each a repetition if more like it follow."""

    def __init__(self, own: Own) -> None:
        self._own = own
        self.waiting: list[Rep] = []

    def joined(self, rep: Rep, unsure: bool, fresh: bool, likely: bool) -> tuple[list[Rep], list[Rep], bool]:
        """A movement of the exercise has come: those that no more like them followed, those that are sure now, and whether
        these are repetitions. unsure, fresh: as in Own.judged · likely: one if others are.
        """
        own, company, alone = self._own, self.waiting, []
        self.waiting = []
        sure, fidget = own.judged(rep, unsure, fresh)
        while company and not (
            alike(company, rep)
            or (sure and own.is_as_ever(company[0]) and rep.start_s - company[-1].end_s <= COMPANY_S)
            or (own.rom_deg is None and in_rhythm(company[-1], rep))
        ):
            alone.append(company.pop(0))
        company.append(rep)
        if fidget:
            return alone, company, False
        if likely or not (sure or len(company) >= (SMALL_SET if own.is_partial(rep) else 2)):
            self.waiting = company
            return alone, [], False
        if not sure:
            own.today_anew()
        return alone, company if own.rom_deg is not None else _without_partial(company), True


def _without_partial(company: list[Rep]) -> list[Rep]:
    """The first that are told of a person: what is partial beside those before it, of which the first is none."""
    told = company[:1]
    for one in company[1:]:
        whole = median(before.rom_deg for before in told if before.counted)
        told.append(one if one.rom_deg >= PARTIAL * whole else as_partial(one))
    return told


def as_partial(rep: Rep) -> Rep:
    return replace(rep, counted=False, flags=("partial", *rep.flags))


def alike(company: list[Rep], rep: Rep) -> bool:
    """Whether a movement is like those before it taken together, which were no steps beside it, and follows soon."""
    usual, span = median(one.rom_deg for one in company), median(one.end_s - one.start_s for one in company)
    as_far = ALIKE * rep.rom_deg <= usual <= rep.rom_deg / ALIKE
    return as_far and span >= ALIKE * (rep.end_s - rep.start_s) and rep.start_s - company[-1].end_s <= COMPANY_S


def in_rhythm(last: Rep, rep: Rep) -> bool:
    """Whether a movement goes on from the last one as the next repetition does: no later, and as long as it took."""
    span, took = last.end_s - last.start_s, rep.end_s - rep.start_s
    as_long = ALIKE * took <= span <= took / ALIKE
    return as_long and rep.start_s - last.end_s <= min(span, took) and last.rom_deg >= BROKEN_OFF * rep.rom_deg
