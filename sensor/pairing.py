"""This computer's way into a server with accounts: a short code becomes a token, kept where only its owner reads."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
import platform
from pathlib import Path
from urllib.parse import urlsplit

from sensor.errors import SourceError, UplinkError


def pair(server_url: str, code: str) -> None:
    """Uses the code up and keeps the token. Raises UplinkError, SourceError."""
    from sensor.client import Client, Trouble

    parts = urlsplit(server_url)
    if parts.scheme != "https" and not _is_loopback(parts.hostname or ""):
        raise SourceError(f"a token goes over TLS only (wanted https://..., got {server_url})")

    async def ask() -> str:
        async with Client(_origin(server_url)) as client:
            return (await client.pair(code, platform.node()[:64] or "computer")).token

    try:
        token = asyncio.run(ask())
    except Trouble as trouble:
        raise UplinkError(f"server {server_url} {trouble}") from trouble
    _keep(_tokens() | {_origin(server_url): token})


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
