"""Connections that never finish asking: each holds a place that somebody else needs."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S = 10.0  # from a connection's beginning, or the answer before, to the whole head of a request; twice that at most; no source
BODY_S = 60.0  # from one part of what is sent with it to the next; twice that and HEAD_S at most; as nginx's client_body_timeout


class Bounded(H11Protocol):
    """What is asked and answered, or a socket, is left alone."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._parts = 0
        self._look(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._next.cancel()
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        self._parts += 1
        super().data_received(data)

    def _look(self, before: tuple[str, Any] | None) -> None:
        """before: what we waited for when we last looked, if for anything."""
        if self.transport.get_protocol() is not self:  # it has become a socket
            return
        waits, after_s = None, HEAD_S
        if self.cycle is None or self.cycle.response_complete:
            waits = "head", self.cycle
        elif self.cycle.more_body and not self.flow.read_paused:
            waits, after_s = ("body", self._parts), BODY_S
        if waits is not None and waits == before:
            return self.transport.abort()
        self._next = self.loop.call_later(after_s, self._look, waits)
