"""Open sockets, so that what was allowed when they opened can be looked at again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator


class Sockets:
    """By the person they were opened for."""

    def __init__(self) -> None:
        self._open: dict[int, set[asyncio.Event]] = {}

    @contextlib.contextmanager
    def watched(self, person: int) -> Iterator[asyncio.Event]:
        """An event that is set when the socket has to look again whether it may stay open."""
        event = asyncio.Event()
        mine = self._open.setdefault(person, set())
        mine.add(event)
        try:
            yield event
        finally:
            mine.discard(event)
            if not mine:
                self._open.pop(person, None)

    def look_again(self, person: int) -> None:
        """Something that lets this person in was taken away."""
        for event in self._open.get(person, ()):
            event.set()
