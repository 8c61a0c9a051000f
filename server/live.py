"""From the counting to the pages that watch it: newest state, every repetition, and nobody waits for a slow one."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

STALE_S = 2.0  # the uplink sends at least once a second; twice that is silence
MAX_WAITING = 64  # repetitions that a page may be behind before it is told to come again; no source


class Watcher:
    """One page: states are replaced by newer ones, repetitions queue up to MAX_WAITING."""

    def __init__(self) -> None:
        self._news = asyncio.Event()
        self._events: deque[dict[str, Any]] = deque()
        self._state: dict[str, Any] | None = None
        self.dropped = False

    def tell(self, state: dict[str, Any], events: list[dict[str, Any]]) -> None:
        self._state = state
        self._events.extend(events)
        if len(self._events) > MAX_WAITING:
            self.drop()
        self._news.set()

    def drop(self) -> None:
        self.dropped = True
        self._events.clear()
        self._news.set()

    async def news(self, timeout_s: float) -> list[dict[str, Any]]:
        """What happened since the last call, the state last; nothing if nothing did for timeout_s."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._news.wait()
        except TimeoutError:
            return []
        self._news.clear()
        messages = [*self._events, *([self._state] if self._state else [])]
        self._events.clear()
        self._state = None
        return messages


class Channel:
    """The pages that watch one session."""

    def __init__(self) -> None:
        self._watchers: set[Watcher] = set()

    def join(self) -> Watcher:
        watcher = Watcher()
        self._watchers.add(watcher)
        return watcher

    def leave(self, watcher: Watcher) -> None:
        self._watchers.discard(watcher)

    def __bool__(self) -> bool:
        return bool(self._watchers)

    def tell(self, state: dict[str, Any], events: list[dict[str, Any]]) -> None:
        for watcher in self._watchers:
            watcher.tell(state, events)

    def drop(self) -> None:
        """They are to come again: what they were told may not be so."""
        for watcher in self._watchers:
            watcher.drop()
