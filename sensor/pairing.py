"""This computer's way into a server with accounts: a short code becomes a token, kept where only its owner reads."""

from __future__ import annotations

import ipaddress
import json
import os
import platform
from pathlib import Path
from urllib.parse import urlsplit

from sensor.errors import SourceError, UplinkError

TIMEOUT_S = 10.0  # for one answer; no source


def pair(server_url: str, code: str) -> None:
    """Uses the code up and keeps the token. Raises UplinkError, SourceError."""
    import httpx

    parts = urlsplit(server_url)
    if parts.scheme != "https" and not _is_loopback(parts.hostname or ""):
        raise SourceError(f"a token goes over TLS only (wanted https://..., got {server_url})")
    told = {"code": code, "name": platform.node()[:64] or "computer"}
    try:
        answer = httpx.post(f"{_origin(server_url)}/api/v1/devices", json=told, timeout=TIMEOUT_S)
        given = answer.json()
        if answer.status_code != 201:
            raise UplinkError(f"server {server_url} does not pair: {given['detail']} ({answer.status_code})")
        tokens = _tokens() | {_origin(server_url): given["token"]}
    except httpx.HTTPError as error:
        raise UplinkError(f"server {server_url} cannot be reached ({error or type(error).__name__})") from error
    except (ValueError, LookupError, TypeError) as error:
        raise UplinkError(f"server {server_url} does not answer as hiprep does ({type(error).__name__})") from error
    _keep(tokens)


def authorization(server_url: str, token: str | None = None) -> dict[str, str]:
    """The header for a server that this computer is paired with, or of this token; none for others."""
    token = token or _tokens().get(_origin(server_url))
    return {"Authorization": f"Bearer {token}"} if token else {}


def _path() -> Path:
    from platformdirs import user_config_path

    return user_config_path("hiprep") / "servers.json"


def _tokens() -> dict[str, str]:
    """Server -> token."""
    try:
        found = json.loads(_path().read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SourceError(f"{_path()} cannot be read (wanted what hiprep pair writes, got {error})") from error
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise SourceError(f"{_path()} cannot be read (wanted a token for each server)")
    return found


def _keep(tokens: dict[str, str]) -> None:
    """In a file that nobody else could read at any moment."""
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(tokens, file)
    os.replace(fresh, path)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower()}"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
