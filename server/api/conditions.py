"""Asking only for what is new (If-None-Match), changing only what one has seen (If-Match), doing it once
(Idempotency-Key)."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from fastapi import Header, Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.access import Who
from server.problems import Problem
from server.service import of
from server.store.once import Key

SEEN = "an ETag: change only what is still as it was when that came with it"
AGAIN = "the client's own word for this request: sent again within a day it is answered as the first time, and done once"
IfMatch = Annotated[str | None, Header(description=SEEN, max_length=200)]
IdempotencyKey = Annotated[str | None, Header(description=AGAIN, pattern=r"^[A-Za-z0-9_-]{8,64}$")]


class Tagged:
    """Every JSON that is read from the API carries an ETag, and is not sent to who has it."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app, self._prefix = app, prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(self._prefix):
            return await self._app(scope, receive, send)
        start: Message | None = None
        wanted = Headers(scope=scope).get("if-none-match", "")

        async def sending(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and message["status"] == 200:
                if Headers(raw=message["headers"]).get("content-type") == "application/json":
                    start = message  # and its body, which comes in one piece
                    return
            if start is not None:
                tag = _tag(message.get("body", b""))
                MutableHeaders(raw=start["headers"])["etag"] = tag
                if wanted == "*" or tag in [one.strip().removeprefix("W/") for one in wanted.split(",")]:
                    start["status"], message["body"] = 304, b""
                    del MutableHeaders(raw=start["headers"])["content-length"]
                await send(start)
                start = None
            await send(message)

        await self._app(scope, receive, sending)


def check_seen(if_match: str | None, now: dict[str, Any]) -> None:
    """now: what a GET of the same would answer, in the transaction that changes it. Raises Problem."""
    if if_match is not None and if_match != "*":
        if _tag(JSONResponse(now).body) not in [one.strip() for one in if_match.split(",")]:
            raise Problem(412, "it has changed since you read it (wanted what is in If-Match)", "header.if-match")


async def key_of(request: Request, key: str | None, who: Who, patient: int | None) -> Key | None:
    """For `once`. Who: the same word of two people is two keys."""
    if key is None:
        return None
    by = who.entrance.person.id if who.entrance else who.device.id if who.device else ""
    digest = hashlib.sha256(f"{by} {request.method} {request.url.path} {key}".encode()).hexdigest()
    return Key(digest, hashlib.sha256(await request.body()).hexdigest(), patient, of(request).iso())


def _tag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'
