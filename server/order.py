"""Packets in the order of counting, whatever order they arrive in."""

from __future__ import annotations

from collections.abc import Sequence

from sensor.frames import Entry
from server.problems import Problem

AHEAD = 20_000  # packets that may wait behind a missing one: what a band sends in half an hour; no source


class Order:
    """Hands on each packet once, by (epoch, index), as soon as none before it is missing.

    The first packet of a later epoch closes the earlier one: what waited behind a hole is handed on, and the
    journal takes no more of it. So the order that the journal holds is the order of counting.
    """

    def __init__(self) -> None:
        self.epoch = 0
        self.next_index = 0  # of that epoch: all before it have been handed on
        self._waiting: dict[int, Entry] = {}

    @property
    def acknowledged(self) -> int | None:
        """All up to this index of the epoch are there; None: not even the first."""
        return self.next_index - 1 if self.next_index else None

    def check(self, entries: Sequence[Entry]) -> None:
        """Raises Problem for what could never be handed on in bounded memory."""
        for number, entry in enumerate(entries):
            first = self.next_index if entry.epoch == self.epoch else 0
            if entry.epoch >= self.epoch and entry.index >= first + AHEAD:
                wanted = f"wanted less than {first + AHEAD}, got {entry.index}"
                raise Problem(422, f"index too far ahead at entries[{number}] ({wanted})", f"entries[{number}].index")

    def take(self, entries: Sequence[Entry]) -> list[Entry]:
        """What is due now that these are stored."""
        due: list[Entry] = []
        for entry in sorted(entries, key=lambda entry: entry.epoch):
            if entry.epoch > self.epoch:
                due += self.rest()
                self.epoch, self.next_index = entry.epoch, 0
            if entry.epoch == self.epoch and entry.index >= self.next_index:
                self._waiting.setdefault(entry.index, entry)
            while (entry := self._waiting.pop(self.next_index, None)) is not None:
                due.append(entry)
                self.next_index += 1
        return due

    def rest(self) -> list[Entry]:
        """What waits behind holes, now that they will not be filled."""
        due = [self._waiting[index] for index in sorted(self._waiting)]
        self._waiting.clear()
        return due
