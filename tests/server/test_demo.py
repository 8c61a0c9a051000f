"""The clinic of the demo: who is in it, what becomes of them, and that nothing else opens its door."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import httpx
import pytest
from house import START

from server import demo_clinic
from server.demo_clinic import STORIES, Story, sessions
from server.errors import SettingsError
from server.run import running
from server.settings import Settings

TODAY = date(2026, 1, 1)  # of START
SERVE = "import sys; from server.run import serve; from server.settings import Settings; serve(Settings(sys.argv[1], port=0, demo='token'))"
SHORT = (
    Story("Anna Keller", ("hip_abduction",), "right", 40),
    Story("Ben Okafor", ("hip_external_rotation",), "left", 3, pain=(3, 3), days=(0, 2), last=6),
)


def browser(url: str) -> httpx.Client:
    return httpx.Client(base_url=url, timeout=30, verify=False, headers={"origin": url, "accept": "text/html"})


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_no_session_is_older_than_the_programme_or_of_today(story: Story) -> None:
    for ahead in range(7):
        today = TODAY + timedelta(ahead)
        made = list(sessions(story, today))
        assert bool(made) == (story.begun > 0) and [one.last for one in made] == [False] * (len(made) - 1) + [True] * bool(made)
        for one in made:
            ago = (today - one.at.date()).days
            assert max(story.quiet, 1) <= ago <= story.begun and one.at.weekday() in story.days
            assert 0 <= one.pain <= 10 and 0 <= one.helps <= 1
        assert len({one.seed for one in made}) == len(made)


def test_the_door_lets_look_as_either_and_the_weeks_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_clinic, "STORIES", (SHORT[0], SHORT[1]))
    monkeypatch.setattr(demo_clinic, "sessions", lambda story, today: [*sessions(story, today)][-1:])
    done = asyncio.Event()
    fill = demo_clinic.fill

    async def watched(service):
        await fill(service)
        done.set()

    monkeypatch.setattr(demo_clinic, "fill", watched)
    with running(Settings(tmp_path, port=0, demo="a band's token", clock=lambda: START)) as url:
        with browser(url) as physio, browser(url) as patient:
            assert physio.get("/login").headers["location"] == "/demo"
            assert "simulated" in physio.get("/demo").text
            assert physio.post("/demo/physio").headers["location"] == "/"
            assert patient.post("/demo/patient").headers["location"] == "/"
            while not done.is_set():  # the pages answer meanwhile
                assert physio.get("/patients").status_code == 200
            page = physio.get("/patients").text
            assert all(story.name in page for story in SHORT) and page.index("Ben") < page.index("Anna")
            assert physio.post("/demo/admin").status_code in (404, 422)
            begin = {"key": "k" * 36, "exercise": "hip_abduction", "side": "left", "placement": "ankle", "driver": "hiprep-band"}
            mine = {"authorization": "Bearer a band's token"}
            assert httpx.post(f"{url}/api/v1/sessions", json=begin, headers=mine, verify=False).status_code == 422  # known, not 401


def test_nobody_else_has_the_door(tmp_path: Path) -> None:
    with running(Settings(tmp_path, port=0, clinic=True)) as url, browser(url) as somebody:
        assert somebody.get("/demo").status_code == 404
        assert somebody.post("/demo/physio").status_code == 404
    with pytest.raises(SettingsError, match="this computer only"):
        Settings(tmp_path, host="127.0.0.1", url="https://hiprep.example", behind_proxy=True, demo="token")


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_killed_demo_leaves_nobody_simulating(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SERVE, tmp_path]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        server.stdout.readline()
        while not simulates(server.pid):
            assert server.poll() is None
        server.kill()
        server.communicate(timeout=60)  # once nobody holds the pipe any more
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)


def simulates(parent: int) -> bool:
    """Whether it has a process that does."""
    with contextlib.suppress(OSError):  # a thread of it may end meanwhile
        children = " ".join(path.read_text() for path in Path(f"/proc/{parent}/task").glob("*/children")).split()
        return any(b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children)
    return False
