"""Connections that never finish asking: each holds a place that somebody else needs."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S = 10.0  # from a connection's beginning, or the answer before, to the whole head of a request; twice that at most; no source


class Bounded(H11Protocol):
    """What is asked and answered, or a socket, is left alone."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._look(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._next.cancel()
        super().connection_lost(error)

    def _look(self, before: tuple[Any] | None) -> None:
        """before: the last request, where it had been answered already when we last looked."""
        if self.transport.get_protocol() is not self:  # it has become a socket
            return
        waits = (self.cycle,) if self.cycle is None or self.cycle.response_complete else None
        if before is not None and waits == before:
            return self.transport.abort()
        self._next = self.loop.call_later(HEAD_S, self._look, waits)
