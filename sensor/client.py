"""A server's API as this computer uses it: a method a request, typed answers, errors that say whether to ask again.

Nothing is sent twice by itself; every request here may be sent twice without harm, but for `pair`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import httpx

from sensor.errors import UplinkError
from sensor.frames import Entry, encode_frame

TIMEOUT_S = 10.0  # for one answer, a fsync on a busy disk included; no source
AGAIN = {408, 425, 429, 500, 502, 503, 504, 507}  # nothing was acknowledged, and it may go better later


@dataclass(frozen=True, slots=True)
class Begun:
    id: str


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """All packets of `epoch` up to `acknowledged` are on the server's disk; None: not even the first."""

    epoch: int
    acknowledged: int | None


@dataclass(frozen=True, slots=True)
class Ended:
    """result: the contract's object; final: nothing will be added to it."""

    final: bool
    result: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Paired:
    token: str


class Trouble(UplinkError):
    """Nothing was acknowledged, and it may go better later. Its text goes after the server's name."""


class NotOurs(UplinkError):
    """A good answer that is none of hiprep's: another server, or a network's login page."""

    def __init__(self, server_url: str, error: Exception) -> None:
        super().__init__(f"server {server_url} does not answer as hiprep does ({type(error).__name__}: {error})")


class Refused(UplinkError):
    """Asking again would not help. ended: the session takes no more packets."""

    def __init__(self, server_url: str, path: str, answer: httpx.Response) -> None:
        try:
            problem = answer.json()
            self.detail, where = problem["detail"], problem.get("where")
        except (ValueError, LookupError, TypeError, AttributeError):
            self.detail, where = answer.reason_phrase, None
        self.status = answer.status_code
        super().__init__(f"server {server_url} refuses {path}: {self.detail} ({self.status})")
        self.ended = (self.status, where) == (409, "path.session_id")  # the other conflict is about a packet


Answer = TypeVar("Answer", Begun, Acknowledged, Ended, Paired)


class Client:
    """An async context manager. http: for tests; it is closed as well."""

    def __init__(self, server_url: str, headers: Mapping[str, str] | None = None, http: httpx.AsyncClient | None = None) -> None:
        self.server_url = server_url.rstrip("/")
        self._http = http or httpx.AsyncClient(timeout=TIMEOUT_S, headers=headers)

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def pair(self, code: str, name: str) -> Paired:
        return await self._post(Paired, "/api/v1/devices", json={"code": code, "name": name})

    async def begin(self, told: Mapping[str, Any]) -> Begun:
        """told: `NewSession` of the API's description; its `key` says whether it was begun before. And `battery_percent`, which
        goes as a header: servers that do not know it yet refuse what they do not know in a body."""
        battery = told.get("battery_percent")
        headers = {} if battery is None else {"Hiprep-Battery": str(battery)}
        return await self._post(Begun, "/api/v1/sessions", headers=headers, json={name: told[name] for name in told if name != "battery_percent"})

    async def send(self, session_id: str, entries: Sequence[Entry]) -> Acknowledged:
        return await self._post(Acknowledged, f"/api/v1/sessions/{session_id}/packets", content=encode_frame(entries))

    async def end(self, session_id: str) -> Ended:
        return await self._post(Ended, f"/api/v1/sessions/{session_id}/end")

    async def _post(self, kind: type[Answer], path: str, **more: Any) -> Answer:
        """Raises Refused, Trouble, NotOurs; UplinkError for what is no URL."""
        try:
            answer = await self._http.post(self.server_url + path, **more)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise UplinkError(f"server is not a URL (wanted http://..., got {self.server_url!r})") from error
        except httpx.TransportError as error:
            raise Trouble(f"cannot be reached ({error or type(error).__name__})") from error
        if answer.is_redirect:
            raise Trouble("does not answer as hiprep does")
        if not answer.is_success:
            if answer.status_code in AGAIN or "retry-after" in answer.headers:
                raise Trouble(f"answers {answer.status_code}")
            raise Refused(self.server_url, path, answer)
        try:
            found = answer.json()
            return kind(**{field.name: found[field.name] for field in fields(kind)})
        except (ValueError, LookupError, TypeError) as error:
            raise NotOurs(self.server_url, error) from error
