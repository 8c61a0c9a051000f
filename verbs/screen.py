"""A live session on a terminal: the count in digits that are seen from across the room, and one thing to mind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, TextIO

from processing.exercises import EXERCISES
from processing.results import Event, Rep

if TYPE_CHECKING:
    from processing.tracker import Tracker

FRAME_S = 0.1  # between drawings
STALE_S = 2.0  # without a sample: an angle that is not of now is not shown; as on the server's page
CUE_S = 6.0  # a cue stays until the next repetition, or so long; no source
USUAL = 10  # the last repetitions, whose range is the usual one; no source
BAR_DEG = 45.0  # the bar's end, while nobody went further
SECOND_BELL_S = 0.25  # a terminal makes one bell of two at once

# What to mind, the most important first: (says a repetition so, the words).
CUES: tuple[tuple[Callable[[Rep], bool], str], ...] = (
    (lambda rep: rep.compensated, "keep your pelvis still"),
    (lambda rep: "partial" in rep.flags, "go further: that one was not counted"),
    (lambda rep: "too_fast" in rep.flags, "slower"),
    (lambda rep: "missing_terminal_rotation" in rep.flags, "turn the foot up at the top"),
)

DIGITS = dict(zip("0123456789", (
    "###/#.#/#.#/#.#/###", ".#./##./.#./.#./###", "###/..#/###/#../###", "###/..#/###/..#/###", "#.#/#.#/###/..#/..#",
    "###/#../###/..#/###", "###/#../###/#.#/###", "###/..#/..#/..#/..#", "###/#.#/###/#.#/###", "###/#.#/###/..#/###",
), strict=True))  # fmt: skip


@dataclass(frozen=True, slots=True)
class View:
    """What is to be seen. angle_deg None: not known now. usual_deg: lowest and highest of the last repetitions."""

    title: str
    count: int
    set: int
    tally: str
    angle_deg: float | None
    usual_deg: tuple[float, float] | None
    cue: str | None
    band: str
    server: str


def drawn(view: View, columns: int, rows: int, full: str = "█") -> list[str]:
    """Its lines, at most `rows` of at most `columns`: first the count, then whatever there is room for."""
    state = f"band: {view.band} · {view.server}"
    told = [f"set {view.set}  {view.tally}" if view.set else "no repetition yet", _bar(view, columns, full), view.cue or ""]
    scale = min((rows - 7) // 5, (columns - 2) // (8 * len(str(view.count))))
    big = _digits(str(view.count), scale, full) if scale > 0 else [str(view.count)]
    lines = [view.title, state, "", *big, "", *told]
    if len(lines) > rows:
        lines = [*big, told[2], state, *told[:2], view.title]
    return [line[:columns] for line in lines[:rows]]


def _digits(number: str, scale: int, full: str) -> list[str]:
    """Each dot `scale` rows high and twice as many columns wide."""
    lines = []
    for row in range(5):
        dots = ".".join(DIGITS[digit].split("/")[row] for digit in number)
        lines += ["  " + "".join((full if dot == "#" else " ") * (2 * scale) for dot in dots)] * scale
    return lines


def _bar(view: View, columns: int, full: str) -> str:
    """The angle, with the usual range marked on it."""
    width = min(60, columns - 16)
    if width < 10:
        return "" if view.angle_deg is None else f"{view.angle_deg:.0f}°"
    end = max(BAR_DEG, 1.25 * view.usual_deg[1] if view.usual_deg else 0.0)
    at = lambda deg: min(width - 1, max(0, int(deg / end * width)))  # noqa: E731
    cells = [" "] * width
    if view.usual_deg:
        low, high = map(at, view.usual_deg)
        cells[low : high + 1] = "-" * (high + 1 - low)
    if view.angle_deg is not None and view.angle_deg > 0:
        cells[: at(view.angle_deg)] = full * at(view.angle_deg)
    if view.usual_deg:
        for deg in view.usual_deg:
            cells[at(deg)] = "|"
    return f"  [{''.join(cells)}] " + ("no angle" if view.angle_deg is None else f"{view.angle_deg:4.0f} deg")


class Screen:
    """An async context manager that draws ten times a second, in a thread: a terminal that is stopped (Ctrl-S, a slow
    remote shell) stops nothing else. It leaves the terminal as it was; what was noted meanwhile is said then.
    """

    def __init__(self, tracker: Tracker, leg: str, server: Callable[[], str], out: TextIO) -> None:
        """leg: in words · server: its state in words."""
        self._tracker, self._leg, self._server, self._out = tracker, leg, server, out
        self._full = "█" if "utf" in (out.encoding or "").lower() else "#"
        self._heard_s: float | None = None  # loop time of the last samples
        self._cue: tuple[str, float] | None = None  # and since when
        self._bells = 0  # to be rung
        self._notes: list[str] = []
        self._drawing: asyncio.Task[None] | None = None

    @staticmethod
    def fits(out: TextIO) -> bool:
        """Is it a terminal that can be drawn on?"""
        able = os.environ.get("TERM", "dumb") != "dumb" if os.name != "nt" else "WT_SESSION" in os.environ
        return out.isatty() and able

    async def __aenter__(self) -> Screen:
        self._write("\x1b[?1049h\x1b[?25l")  # another screen, no cursor
        self._drawing = asyncio.create_task(self._draw())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._drawing.cancel()
        await asyncio.wait({self._drawing})
        self._write("\x1b[?25h\x1b[?1049l")
        for note in self._notes:
            print(f"hiprep: {note}", file=sys.stderr)

    def heard(self, events: list[Event]) -> None:
        """Samples came, and this is what they told."""
        now = self._heard_s = asyncio.get_running_loop().time()
        for event in events:
            if event.rep is None:
                continue
            cue = next((words for minds, words in CUES if minds(event.rep)), None)
            if event.kind != "closed" or cue:  # the same repetition again: it may have become worse
                self._cue = (cue, now) if cue else None
            # One for the count; the pelvis is known when the repetition is over, and has one of its own.
            if event.kind == "counted" or (event.kind == "closed" and event.rep.compensated):
                self._bells += 1

    def note(self, text: str) -> None:
        self._notes.append(text)

    def view(self) -> View:
        now, live = asyncio.get_running_loop().time(), self._tracker.live
        silent_s = None if self._heard_s is None else now - self._heard_s
        fresh = silent_s is not None and silent_s < STALE_S
        reps = [rep for rep in self._tracker.reps if rep.set == live.set]
        counted = [rep for rep in reps if rep.counted]
        helped = sum(rep.compensated for rep in counted)
        roms = [rep.rom_deg for rep in counted[-USUAL:]]
        if silent_s is None:
            band = "waiting for it"
        else:
            band = "receiving" if fresh else f"NO DATA for {silent_s:.0f} s"
        if self._cue and now - self._cue[1] > CUE_S:
            self._cue = None
        return View(
            title=f"{EXERCISES[live.exercise].title if live.exercise else 'which exercise?'}, {self._leg}",
            count=len(counted),
            set=live.set,
            tally=f"{len(counted) - helped} good · {helped} compensated · {len(reps) - len(counted)} not counted",
            angle_deg=live.angle_deg if fresh else None,
            usual_deg=(min(roms), max(roms)) if roms else None,
            cue=self._cue[0] if self._cue else None,
            band=band,
            server=self._server(),
        )

    async def _draw(self) -> None:
        before = None
        while True:
            columns, rows = self._size()
            view = self.view()
            lines = drawn(view, columns, rows, self._full)
            if (lines, columns, rows) != before:
                before = (lines, columns, rows)
                text = "\x1b[H" + "\r\n".join(f"{line}\x1b[K" for line in lines) + "\x1b[J"
                if view.cue:  # inverted
                    text = text.replace(view.cue, f"\x1b[7m {view.cue} \x1b[27m")
                await asyncio.to_thread(self._write, text)
            if self._bells:
                self._bells -= 1
                await asyncio.to_thread(self._write, "\a")
                await asyncio.sleep(SECOND_BELL_S - FRAME_S if self._bells else 0.0)
            await asyncio.sleep(FRAME_S)

    def _size(self) -> tuple[int, int]:
        try:
            return tuple(os.get_terminal_size(self._out.fileno()))
        except OSError:
            return 80, 24

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError):  # the terminal is gone; the session is not
            self._out.write(text)
            self._out.flush()
