"""What a questionnaire is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Option:
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Item:
    text: str
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """version: another wording or scoring is another version, and answers keep theirs. The score is the options' sum."""

    name: str
    version: str
    title: str
    source: str
    items: tuple[Item, ...]

    @property
    def most(self) -> float:
        return sum(max(option.score for option in item.options) for item in self.items)

    def score(self, given: Sequence[int]) -> float:
        """given: the number of the option chosen, of each item. Raises ValueError."""
        if len(given) != len(self.items):
            raise ValueError(f"not an answer to each item (wanted {len(self.items)}, got {len(given)})")
        for number, (item, chosen) in enumerate(zip(self.items, given, strict=True)):
            if not 0 <= chosen < len(item.options):
                raise ValueError(f"no such option of item {number} (wanted 0 to {len(item.options) - 1}, got {chosen})")
        return sum(item.options[chosen].score for item, chosen in zip(self.items, given, strict=True))
