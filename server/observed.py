"""Outermost: each request and socket is counted and said, by its route, never by its address."""

from __future__ import annotations

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.api import PREFIX
from server.metrics import Metrics

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}  # a client may send any word

log = logging.getLogger("hiprep.requests")


class Observed:
    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        status, began = 0, time.monotonic()

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "websocket.close":
                status = message.get("code", 1000)
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            took_s = time.monotonic() - began
            route = _route(scope)
            if scope["type"] == "http":
                method = scope["method"] if scope["method"] in METHODS else "other"
                self._metrics.answered(method, route, status, took_s)
                told = {"method": method, "status": status}
            else:
                self._metrics.closed(route, status)
                told = {"method": "socket", "code": status}
            log.info("%s %s %s", told["method"], route, status, extra=told | {"route": route, "ms": round(1e3 * took_s, 1)})


def _route(scope: Scope) -> str:
    """As it is written in the code; a part of the API says it without the prefix."""
    path = getattr(scope.get("route"), "path", "none")
    return PREFIX + path if scope["path"].startswith(PREFIX) and path != "none" and not path.startswith(PREFIX) else path
