"""What all tests share."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import hypothesis
import pytest

import hiprep

RECORDINGS = Path(__file__).parents[2] / "shared" / "recordings"
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# Else every process that a test starts compiles all of the project anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Same examples every run, no deadline: a slow machine is not a failing test.
hypothesis.settings.register_profile("hiprep", derandomize=True, deadline=None, max_examples=50)
hypothesis.settings.load_profile("hiprep")


@pytest.fixture(autouse=True, scope="session")
def nobodys_data(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests leave the user's data directory alone."""
    os.environ["XDG_DATA_HOME"] = str(tmp_path_factory.mktemp("data"))


@pytest.fixture(autouse=True)
def nobodys_log() -> Iterator[None]:
    """A server in this process writes what every logger says; it is not the next test's."""
    yield
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if type(handler.formatter).__module__ == "server.logs":
            root.removeHandler(handler)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Recordings of real people, which live beside the project and are never part of it."""
    if not RECORDINGS.is_dir():
        pytest.skip("needs ../shared/recordings")
    return RECORDINGS


class Done(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """The command, in this process: `run("replay", path, "--json")`."""

    def run(*arguments: object) -> Done:
        capsys.readouterr()
        status = hiprep.main([str(argument) for argument in arguments])
        return Done(status, *capsys.readouterr())

    return run


def listing(folder: Path) -> dict[Path, bytes | None]:
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def said(status: int, out: str, err: str) -> str:
    """The one line."""
    assert (status, out) == (2, ""), err
    assert err.startswith("hiprep: ") and err.endswith("\n") and err.count("\n") == 1 and len(err) < 600, err
    assert "Traceback" not in err
    return err


@pytest.fixture
def refused(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """The command in an empty directory, which it leaves as it found it."""
    monkeypatch.chdir(tmp_path)

    def refused(*arguments: object) -> str:
        before = listing(tmp_path)
        line = said(*run(*arguments))
        assert listing(tmp_path) == before
        return line

    return refused


@pytest.fixture(scope="session")
def person(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated person's four leg raises: person.csv and person.parquet, with labels, in this directory."""
    folder = tmp_path_factory.mktemp("person")
    plan = ["--exercise", "hip_abduction", "--side", "left", "--sets", "1", "--reps", "4", "--seed", "3"]
    for name in ("person.csv", "person.parquet"):
        assert hiprep.main(["simulate", str(folder / name), *plan]) == 0
    return folder


@pytest.fixture
def rows(person: Path) -> list[list[str]]:
    """Header and samples of a good CSV."""
    return [line.split(",") for line in (person / "person.csv").read_text().splitlines()]


@pytest.fixture
def sidecar(person: Path) -> dict:
    return json.loads((person / "person.json").read_text())


@pytest.fixture(scope="session")
def chromium_path() -> str:
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("needs chromium (Debian: apt-get install chromium)")
    return path


@pytest.fixture(scope="session")
def chromium_flags() -> list[str]:
    return CHROMIUM_FLAGS


@pytest.fixture(scope="module")
async def chromium(chromium_path: str, chromium_flags: list[str]):
    """A test file's."""
    from chromium import launched

    async with launched(chromium_path, chromium_flags) as browser:
        yield browser


@pytest.fixture
async def browser(chromium):
    """Without anything that an earlier test opened."""
    yield chromium
    for context in chromium.contexts:
        await context.close()
