"""What every request passes first: host, origin and size; and the headers that every answer carries.

A foreign web page in the same browser can make it send requests here, with its cookies even, but not with our host and
origin. Without accounts (this computer only) it is the stranger to keep out; and so is a proxy, which would let in
everybody whom it serves.
"""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sensor.frames import MAX_FRAME
from server.importing import FILE_LIMIT
from server.problems import Problem, answer
from server.settings import Settings, is_loopback

MAX_BODY = MAX_FRAME  # the largest thing anybody sends, but for recordings
PROBES = {"/healthz", "/readyz", "/metrics"}  # asked by address, not by name; what they let out is their own affair
UPLOADS = {"/api/v1/recordings", "/import"}
MAX_UPLOAD = FILE_LIMIT + (1 << 16)  # with what a form adds
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
    " connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


COOKIES = ("hiprep", "__Host-hiprep")
OWN = {"same-origin", "none"}  # Sec-Fetch-Site of our own pages, and of what a person typed
# What proxies say of themselves; nginx says nothing, but speaks HTTP/1.0 unless told otherwise, as no browser does.
PROXIES = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")


class Guard:
    """open: without accounts."""

    def __init__(self, app: ASGIApp, settings: Settings, open: bool) -> None:
        self._app, self._url, self._open = app, settings.url, open
        self._headers = HEADERS | ({"Strict-Transport-Security": "max-age=31536000"} if settings.secure else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if scope["type"] == "websocket":
            if refusal:
                await receive()
                return await send({"type": "websocket.close", "code": 1008})
            return await self._app(scope, receive, send)

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                out = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    out.setdefault(name, value)
                if not scope["path"].startswith("/static/"):
                    out.setdefault("Cache-Control", "no-store")
            await send(message)

        if refusal:
            return await answer(*refusal)(scope, receive, sending)
        await self._app(scope, _counting(receive, _most(scope)), sending)

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str, str] | None:
        host = headers.get("host", "")
        if scope["path"] in PROBES and scope.get("method") in ("GET", "HEAD"):
            return None
        if self._url is None and not is_loopback(_split(f"//{host}").hostname or ""):
            return 421, f"this server answers to this computer only (wanted a loopback host, got {host!r})", "header.host"
        if self._url is not None and _origin(f"https://{host}") != _origin(self._url):
            return 421, f"this server answers to another name (wanted {self._url}, got {host!r})", "header.host"
        if self._open and (scope["http_version"] == "1.0" or any(name in headers for name in PROXIES)):
            return 403, "a server without accounts cannot stand behind a proxy (wanted serve --behind-proxy)", "header"
        if not (scope["type"] == "http" and scope["method"] in ("GET", "HEAD", "OPTIONS")):
            if refusal := self._foreign(headers, host):
                return 403, f"requests from other sites are refused (wanted {host!r}, got {refusal[1]!r})", refusal[0]
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > _most(scope):
            return 413, f"body too large (wanted {_most(scope)} bytes at most, got {length})", "body"
        return None

    def _foreign(self, headers: Headers, host: str) -> tuple[str, str | None] | None:
        """What of a request that changes something, or of a socket, says that no page of ours sent it; or, where it
        comes with a cookie of ours, what does not say that one did."""
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if origin is not None:
            ours = _origin(origin) == _origin(self._url) if self._url else _split(origin).netloc == host
            return None if ours else ("header.origin", origin)
        if site is not None and site not in OWN:
            return "header.sec-fetch-site", site
        if site is None and any(name in cookie_parser(headers.get("cookie", "")) for name in COOKIES):
            return "header.origin", None
        return None


def _origin(url: str) -> tuple[str, str | None, int | None]:
    """RFC 6454: scheme, host, port."""
    parts = _split(url)
    try:
        return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:  # of a port that is none
        return "", None, None


def _split(url: str) -> SplitResult:
    """Empty for what is no URL, such as a bracket that nothing closes."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def _most(scope: Scope) -> int:
    return MAX_UPLOAD if scope["path"] in UPLOADS else MAX_BODY


def _counting(receive: Receive, most: int) -> Receive:
    """Bodies without a length are counted as they come."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most:
            raise Problem(413, f"body too large (wanted {most} bytes at most, got more)", "body")
        return message

    return counted
