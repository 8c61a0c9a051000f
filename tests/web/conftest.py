"""Pages in Debian's Chromium with its Bluetooth emulation, on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from emulated import FLAG

from server.run import running
from server.settings import Settings


@pytest.fixture(scope="session")
def chromium_flags(chromium_flags: list[str]) -> list[str]:
    return [*chromium_flags, FLAG]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Of a server without accounts."""
    with running(Settings(tmp_path / "data", port=0)) as url:
        yield url
