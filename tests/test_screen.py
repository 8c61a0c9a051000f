"""What `hiprep live` draws on a terminal, and that the terminal is as it was afterwards."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.results import Event
from processing.tracker import Tracker
from verbs import screen as module
from verbs.screen import Screen, View, drawn

HIPREP = Path(sys.executable).with_name("hiprep")
VIEW = View("Side-lying hip abduction, left ankle", 10, 1, "9 good · 1 compensated", 20.0, (30.0, 36.0), "slower", "receiving", "server: has it all")
ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"


@given(
    st.integers(1, 300), st.integers(1, 100), st.integers(0, 999), st.none() | st.floats(-400, 400),
    st.none() | st.tuples(st.floats(0, 300), st.floats(0, 300)).map(sorted).map(tuple),
)  # fmt: skip
def test_it_fits_every_terminal(columns: int, rows: int, count: int, angle: float | None, usual) -> None:
    lines = drawn(replace(VIEW, count=count, angle_deg=angle, usual_deg=usual), columns, rows)
    assert 0 < len(lines) <= rows and max(map(len, lines)) <= columns


def test_the_count_is_large_and_everything_is_said() -> None:
    lines = drawn(VIEW, 80, 24)
    assert sum("██████" in line for line in lines[3:-4]) == 15  # three lines a dot
    text = "\n".join(lines)
    for words in (VIEW.title, "band: receiving", "server: has it all", "set 1", "9 good", "20 deg", "slower"):
        assert words in text
    bar = next(line for line in lines if "[" in line)
    assert bar.count("|") == 2 and bar.index("|") > bar.rindex("█")
    assert drawn(VIEW, 40, 3)[:2] == ["10", "slower"]  # the count first, then what to mind
    assert "no angle" in "\n".join(drawn(replace(VIEW, angle_deg=None), 80, 24))


class Terminal:
    """A pseudo-terminal of some size, and what it was sent."""

    def __init__(self, columns: int, rows: int) -> None:
        self.ours, self.theirs = os.openpty()
        self.resize(columns, rows)
        self._sent = b""
        os.set_blocking(self.ours, False)

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self) -> str:
        try:
            while data := os.read(self.ours, 65_536):
                self._sent += data
        except OSError:  # nothing more now, or ever
            pass
        return self.text

    @property
    def text(self) -> str:
        """As it was written: the terminal makes two characters of a new line."""
        return self._sent.decode(errors="ignore").replace("\r\n", "\n")

    async def shows(self, condition) -> str:
        async with asyncio.timeout(20):
            while not condition(self.read()):
                await asyncio.sleep(0.01)
        return self.text


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal(80, 24)
    yield terminal
    os.close(terminal.ours), os.close(terminal.theirs)


@pytest.fixture
def counted(person: Path) -> tuple[Tracker, list[Event]]:
    from sensor.recording import read_recording

    tracker, events = Tracker("hip_abduction", "left"), []
    for block in read_recording(person / "person.parquet").samples.blocks(10):
        events += tracker.update(block)
    return tracker, events


async def test_a_bell_for_each_repetition_and_two_for_a_compensated_one(terminal: Terminal, counted) -> None:
    tracker, events = counted
    first, *_ = [event for event in events if event.kind == "counted"]
    with os.fdopen(os.dup(terminal.theirs), "w") as out:
        async with Screen(tracker, "left ankle", lambda: "here", out) as screen:
            screen.heard([first])
            await terminal.shows(lambda text: text.count("\a") == 1)
            assert "keep your pelvis still" not in terminal.text
            helped = replace(first.rep, compensated=True, flags=("too_fast",))
            screen.heard([first, replace(first, kind="closed", rep=helped)])
            await terminal.shows(lambda text: text.count("\a") == 3 and "keep your pelvis still" in text)
            screen.heard([replace(first, kind="partial", rep=replace(first.rep, counted=False, flags=("partial",)))])
            await terminal.shows(lambda text: "go further" in text)
            screen.note("something")
            await asyncio.sleep(3 * module.FRAME_S)
    text = terminal.read()
    assert text.count("\a") == 3 and "slower" not in text  # one cue at a time
    assert text.startswith(ENTER) and text.endswith(LEAVE)


async def test_a_band_that_falls_silent_is_seen_and_its_angle_is_not(terminal: Terminal, counted, monkeypatch) -> None:
    monkeypatch.setattr(module, "STALE_S", 0.3)
    with os.fdopen(os.dup(terminal.theirs), "w") as out:
        async with Screen(counted[0], "left ankle", lambda: "here", out) as screen:
            await terminal.shows(lambda text: "waiting for it" in text and "no angle" in text)
            screen.heard([])
            await terminal.shows(lambda text: "receiving" in text and " deg" in text)
            at = len(terminal.text)
            await terminal.shows(lambda text: "NO DATA for" in text[at:])
            assert screen.view().angle_deg is None and screen.view().count == 4


async def test_it_follows_the_terminals_size(terminal: Terminal, counted) -> None:
    with os.fdopen(os.dup(terminal.theirs), "w") as out:
        async with Screen(counted[0], "left ankle", lambda: "here", out) as screen:
            for columns, rows in ((80, 24), (40, 14), (20, 4), (200, 60), (1, 1)):
                terminal.resize(columns, rows)
                wanted = drawn(screen.view(), columns, rows)
                at = len(terminal.text)
                await terminal.shows(lambda text: "\r\n".join(f"{line}\x1b[K" for line in wanted) in text[at:])  # noqa: B023


async def test_a_terminal_that_is_stopped_stops_nothing_else(terminal: Terminal, counted) -> None:
    """Ctrl-S, or a remote shell that hangs: nobody takes what is drawn, and the session goes on."""
    turns = 0
    with os.fdopen(os.dup(terminal.theirs), "w") as out:
        async with Screen(counted[0], "left ankle", lambda: f"turn {turns}", out) as screen:
            await terminal.shows(lambda text: "turn 0" in text)
            termios.tcflow(terminal.theirs, termios.TCOOFF)
            await asyncio.sleep(2 * module.FRAME_S)
            for turns in range(1, 50):
                screen.heard([])
                await asyncio.sleep(0.005)
            shown = terminal.read()
            termios.tcflow(terminal.theirs, termios.TCOON)
            await terminal.shows(lambda text: "turn 49" in text)
    assert "turn 49" not in shown


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_the_terminal_is_as_it_was(end: int) -> None:
    """And what happened is told once more, in words."""
    terminal = Terminal(80, 24)
    before = termios.tcgetattr(terminal.theirs)
    command = [HIPREP, "live", "virtual:hip_abduction", "--exercise", "auto", "--side", "left", "--speed", "40"]
    with subprocess.Popen(command, stdout=terminal.theirs, stderr=subprocess.PIPE, env=os.environ | {"TERM": "xterm"}) as process:
        try:
            asyncio.run(terminal.shows(lambda text: "\a" in text and "Side-lying hip abduction, left ankle" in text))
            process.send_signal(end)
            asyncio.run(terminal.shows(lambda text: "under tension" in text))
            assert process.wait(30) == 0 and process.stderr.read() == b""
        finally:
            process.kill()
    text = terminal.read()
    assert termios.tcgetattr(terminal.theirs) == before
    os.close(terminal.ours), os.close(terminal.theirs)
    assert text.startswith(ENTER) and text.count(LEAVE) == 1
    after = text.partition(LEAVE)[2]
    assert "\x1b" not in after and "recognised, left ankle" in after
    assert re.search(r"hip_abduction, \d+ repetitions", after)


def test_no_screen_where_there_is_no_terminal(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    with open(os.devnull, "w") as nothing, os.fdopen(os.dup(terminal.theirs), "w") as out:
        assert not Screen.fits(nothing)
        for term, fits in (("xterm", True), ("dumb", False)):
            monkeypatch.setenv("TERM", term)
            assert Screen.fits(out) is fits
