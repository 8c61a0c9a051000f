"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest

RECORDINGS = Path(__file__).parents[2] / "shared" / "recordings"

# Same examples every run, no deadline: a slow machine is not a failing test.
hypothesis.settings.register_profile("hiprep", derandomize=True, deadline=None, max_examples=50)
hypothesis.settings.load_profile("hiprep")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Recordings of real people, which live beside the project and are never part of it."""
    if not RECORDINGS.is_dir():
        pytest.skip("needs ../shared/recordings")
    return RECORDINGS
