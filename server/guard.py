"""What every request passes first: host, origin and size; and the headers that every answer carries.

Only this computer is served, without accounts, so a foreign web page in the same browser is the stranger
to keep out: it can make the browser send requests here, but not with our host and origin.
"""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sensor.frames import MAX_FRAME
from server.problems import Problem, answer
from server.settings import is_loopback

MAX_BODY = MAX_FRAME  # the largest thing anybody sends
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
    " connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Guard:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        refusal = _refusal(scope, headers)
        if scope["type"] == "websocket":
            if refusal:
                await receive()
                return await send({"type": "websocket.close", "code": 1008})
            return await self._app(scope, receive, send)

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                out = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    out.setdefault(name, value)
                if scope["path"].startswith("/api/"):
                    out.setdefault("Cache-Control", "no-store")
            await send(message)

        if refusal:
            return await answer(*refusal)(scope, receive, sending)
        await self._app(scope, _counting(receive), sending)


def _refusal(scope: Scope, headers: Headers) -> tuple[int, str, str] | None:
    host = headers.get("host", "")
    if not is_loopback(_split(f"//{host}").hostname or ""):
        return 421, f"this server answers to this computer only (wanted a loopback host, got {host!r})", "header.host"
    origin = headers.get("origin")
    safe = scope["type"] == "http" and scope["method"] in ("GET", "HEAD", "OPTIONS")
    if origin is not None and not safe and _split(origin).netloc != host:
        return 403, f"requests from other sites are refused (wanted {host!r}, got {origin!r})", "header.origin"
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > MAX_BODY:
        return 413, f"body too large (wanted {MAX_BODY} bytes at most, got {length})", "body"
    return None


def _split(url: str) -> SplitResult:
    """Empty for what is no URL, such as a bracket that nothing closes."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def _counting(receive: Receive) -> Receive:
    """Bodies without a length are counted as they come."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > MAX_BODY:
            raise Problem(413, f"body too large (wanted {MAX_BODY} bytes at most, got more)", "body")
        return message

    return counted
