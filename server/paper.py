"""A4 pages with tables and plots: what reports are drawn with. Lengths in mm, y downwards."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from fpdf import FPDF
from fpdf.fonts import TTFFont

from server.fonts import font_of, installed, script_of
from server.language import _, present

LEFT, TOP, WIDTH, BOTTOM = 15.0, 14.0, 180.0, 278.0
INK, GREY, LINE, PALE = "#222222", "#666666", "#CCCCCC", "#F2F2F2"
# Okabe and Ito's colours, which the colour-blind can tell apart, and a shape for each, for who prints in grey.
KINDS = {"good": "#0072B2", "compensated": "#D55E00", "partial": "#E6C700", "out_of_pose": "#CC79A7"}
ROW, AXIS = 4.8, 9.0  # a line of a table; left of a plot
BINS = 1200  # of a curve, over the width of a plot: finer than a printer draws
FIRST_SHAPED, LAST_SHAPED = "\u0300", "\u2000"  # what is between them may be joined, stacked or written from the right
MOST_FONTS = 10  # of a report: each takes its time, and a note may have all the scripts there are
HOLE_S = 0.5  # a longer hole breaks the line


class Paper(FPDF):
    """head, at: whose and of when, at the top of each page; foot: at its end. Letters of which this computer has no font are drawn as boxes."""

    def __init__(self, head: str, at: str, foot: str, title: str) -> None:
        super().__init__("portrait", "mm", "A4")
        self.head, self._at, self._foot = head, at, foot
        # DejaVu, which comes with matplotlib: the fonts that PDF itself knows have western letters only.
        fonts = Path(find_spec("matplotlib").submodule_search_locations[0]) / "mpl-data/fonts/ttf"
        self.add_font("dejavu", "", fonts / "DejaVuSans.ttf")
        self.add_font("dejavu", "B", fonts / "DejaVuSans-Bold.ttf")
        self._others: dict[str, TTFFont] = {}  # of other scripts, as they are needed
        self.set_title(title)
        self.set_creator("hiprep")
        self.set_lang(present())
        self.set_margins(LEFT, TOP, LEFT)
        self.set_auto_page_break(False)
        self.c_margin = 0
        self.alias_nb_pages()

    def header(self) -> None:
        self.put(LEFT, TOP - 4, self._at, 8, GREY, align="R", width=WIDTH)
        self.put(LEFT, TOP - 4, self.head, 8, GREY, width=WIDTH - self.get_string_width(self._at) - 4)
        self.rule(TOP + 0.5)
        self.set_y(TOP + 4)

    def footer(self) -> None:
        self.rule(BOTTOM + 2)
        self.put(LEFT, BOTTOM + 3, self._foot, 7, GREY)
        self.put(LEFT, BOTTOM + 3, f"{self.page_no()} / {{nb}}", 7, GREY, align="R", width=WIDTH)

    @property
    def room(self) -> float:
        """Left on the page."""
        return BOTTOM - self.get_y()

    def has(self, text: str) -> bool:
        """Whether there are fonts with all of its letters; they are looked for as they are needed."""
        return all(letter.isspace() or ord(letter) in self.fonts["dejavu"].cmap or self._found(letter) for letter in text)

    def _found(self, letter: str) -> bool:
        script = script_of(letter)
        if script not in self._others and len(self.fonts) < MOST_FONTS and (path := font_of(script, self._installed)):
            if (key := path.stem.lower()) not in self.fonts:
                self.add_font(key, "", path)
            self._others[script] = self.fonts[key]
            self.set_fallback_fonts(["dejavu", *dict.fromkeys(font.fontkey for font in self._others.values())], exact_match=False)
        return script in self._others and ord(letter) in self._others[script].cmap

    @cached_property
    def _installed(self) -> dict[str, Path]:
        return installed()

    def _legible(self, text: str) -> str:
        """Boxes for letters without a font; from here on letters are joined and ordered as its script does."""
        text = " ".join("".join(letter if letter.isspace() or self.has(letter) else "□" for letter in text).split())
        self.set_text_shaping(any(FIRST_SHAPED <= letter < LAST_SHAPED for letter in text))
        return text

    def put(
        self, x: float, y: float, text: str, size: float = 9, color: str = INK, *, bold: bool = False, align: str = "L", width: float = 0, least: float = 99
    ) -> None:
        """One line; where `width` ends it gets smaller down to `least`, then it is cut."""
        self.set_text_color(color)
        text = self._legible(text)
        self.set_font("dejavu", "B" if bold else "", size)
        while width and size > least and self.get_string_width(text) > width:
            size -= 0.5
            self.set_font_size(size)
        while width and len(text) > 1 and self.get_string_width(text) > width:
            text = text[:-2].rstrip() + "…"
        self.set_xy(x, y)
        self.cell(width or self.get_string_width(text) + 1, size * 0.5, text, align=align)

    def title_line(self, text: str, small: str) -> None:
        y = self.get_y()
        self.put(LEFT, y, text, 15, bold=True, width=WIDTH, least=10)
        self.put(LEFT, y + 8, small, 9, GREY, width=WIDTH)
        self.set_y(y + 15)

    def heading(self, text: str, small: str = "") -> None:
        y = self.get_y() + 2
        self.put(LEFT, y, text, 10, bold=True)
        if small:
            self.put(self.get_x() + 2, y, small, 8, GREY, width=LEFT + WIDTH - self.get_x() - 2, least=6.5)
        self.set_y(y + 6.5)

    def paragraph(self, text: str, lines: int, size: float = 9, color: str = INK) -> None:
        """At most so many lines, and no more than fit on the page."""
        self.has(text)  # its fonts, to be measured with
        self.set_text_shaping(False)  # lines as they are written, not as they are drawn
        self.set_font("dejavu", "", size)
        step = size * 0.5
        fitting = max(1, min(lines, int(self.room / step)))
        cut = self.multi_cell(WIDTH, step, text, dry_run=True, output="LINES")
        kept = [*cut[:fitting]]
        if len(cut) > fitting:
            kept[-1] = f"{kept[-1][:-1]}…"
        for line in kept:
            y = self.get_y()
            self.put(LEFT, y, line, size, color, width=WIDTH)
            self.set_y(y + step)
        self.set_y(self.get_y() + 1)

    def heroes(self, told: Sequence[tuple[str, str]]) -> None:
        """The numbers at the top: (what, how much)."""
        y, width = self.get_y(), WIDTH / len(told)
        self.set_text_shaping(False)
        self.set_font("dejavu", "", 7)
        lines = [self.multi_cell(width - 3, 3.5, what, dry_run=True, output="LINES")[:2] for what, _value in told]
        high = 10.5 + 3.5 * max(map(len, lines))
        self.set_fill_color(PALE)
        self.rect(LEFT, y, WIDTH, high, style="F")
        for number, (_what, value) in enumerate(told):
            self.put(LEFT + number * width, y + 1.8, value, 13, bold=True, align="C", width=width)
            for at, line in enumerate(lines[number]):
                self.put(LEFT + number * width, y + 9 + 3.5 * at, line, 7, GREY, align="C", width=width)
        self.set_y(y + high + 2)

    def table(self, head: Sequence[str], widths: Sequence[float], rows: Sequence[Sequence[str]], keep: float = 0) -> None:
        """Numbers to the right of the first column are right-aligned. What does not fit above `keep` is counted."""
        unit = WIDTH / sum(widths)
        fitting = max(0, int((self.room - keep) / ROW) - 2)
        shown = rows if len(rows) <= fitting + 1 else rows[:fitting]
        numbers = {column for column in range(1, len(head)) if any(row[column].lstrip("−")[:1].isdigit() for row in rows)}
        for number, row in enumerate([head, *shown]):
            x, y = LEFT, self.get_y()
            for column, (text, width) in enumerate(zip(row, widths, strict=True)):
                align = "R" if column in numbers else "L"
                self.put(x, y + 0.6, text, 8 if number else 7, INK if number else GREY, align=align, width=width * unit - 2)
                x += width * unit
            self.set_y(y + ROW)
            self.rule(y + ROW)
        if len(rows) > len(shown):
            y = self.get_y()
            self.put(LEFT, y + 0.6, _("and %(num)s more", num=len(rows) - len(shown)), 8, GREY)
            self.set_y(y + ROW)
        self.set_y(self.get_y() + 1.5)

    def rule(self, y: float) -> None:
        self.set_draw_color(LINE)
        self.set_line_width(0.15)
        self.line(LEFT, y, LEFT + WIDTH, y)

    def frame(self, height: float, x: tuple[float, float], y: tuple[float, float], unit: str, ticks: Sequence[tuple[float, str]] | None = None) -> Frame:
        """An empty plot here, with its axes; ticks: of x, where its numbers are not what is said."""
        top = self.get_y()
        made = Frame(self, LEFT + AXIS, top, WIDTH - AXIS, height, x, y)
        self.set_line_width(0.15)
        for value in steps(*y, 5):
            self.set_draw_color("#E6E6E6")
            self.line(made.left, made.y(value), made.left + made.width, made.y(value))
            self.put(LEFT, made.y(value) - 1.7, f"{value:g}{unit}", 7, GREY, align="R", width=AXIS - 1)
        for value, text in ticks if ticks is not None else [(value, f"{value:g}") for value in steps(*x, 12)]:
            self.put(made.x(value) - 10, top + height + 0.8, text, 7, GREY, align="C", width=20)
        self.set_draw_color(LINE)
        self.rect(made.left, top, made.width, height)
        self.set_y(top + height + 5)
        return made


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a plot is, and which values it shows."""

    paper: Paper
    left: float
    top: float
    width: float
    height: float
    of_x: tuple[float, float]
    of_y: tuple[float, float]

    def x(self, value: float) -> float:
        first, last = self.of_x
        return self.left + self.width * (value - first) / (last - first)

    def y(self, value: float) -> float:
        low, high = self.of_y
        return self.top + self.height * (1 - (min(max(value, low), high) - low) / (high - low))

    def bar(self, first: float, last: float, low: float, high: float, color: str) -> None:
        self.paper.set_fill_color(color)
        x = self.x(first)
        self.paper.rect(x, self.y(high), max(self.x(last) - x, 0.2), self.y(low) - self.y(high), style="F")

    def line(self, points: Iterable[tuple[float, float]], color: str = INK, width: float = 0.25) -> None:
        self.paper.set_draw_color(color)
        self.paper.set_line_width(width)
        made = [(self.x(x), self.y(y)) for x, y in points]
        if len(made) > 1:
            self.paper.polyline(made)

    def level(self, value: float, color: str, text: str) -> None:
        """A dashed line across, and what it is."""
        with self.paper.local_context(dash_pattern={"dash": 1.5, "gap": 1}):
            self.line([(self.of_x[0], value), (self.of_x[1], value)], color)
        below = self.paper.get_y()
        self.paper.put(self.left + self.width - 41, self.y(value) - 3.8, text, 7, color, align="R", width=40)
        self.paper.set_y(below)

    def dot(self, x: float, y: float, color: str) -> None:
        self.paper.set_fill_color(color)
        self.paper.circle(self.x(x), self.y(y), 0.8, style="F")

    def curve(self, t: Sequence[float], values: Sequence[float | None]) -> None:
        """The least and the most of each bin, so that no peak is lost; broken at holes."""
        times, angles = np.array(t), np.array(values, dtype=float)
        cuts = np.flatnonzero((np.diff(times) > HOLE_S) | (np.isnan(angles[1:]) != np.isnan(angles[:-1]))) + 1
        width_s = max((self.of_x[1] - self.of_x[0]) / BINS, 1e-6)
        for part, at in zip(np.split(angles, cuts), np.split(times, cuts), strict=True):
            if not len(part) or np.isnan(part[0]):
                continue
            starts = np.flatnonzero(np.diff(np.floor(at / width_s), prepend=-np.inf))
            low, high = np.minimum.reduceat(part, starts), np.maximum.reduceat(part, starts)
            both = np.stack([low, high], axis=1).ravel() if len(part) > 2 * len(starts) else part
            when = np.repeat(at[starts], 2) if len(part) > 2 * len(starts) else at
            self.line(zip(when.tolist(), both.tolist(), strict=True))


def steps(low: float, high: float, most: int) -> list[float]:
    """Round numbers between the two, at most about so many."""
    rough = (high - low) / most
    size = 10.0 ** math.floor(math.log10(rough))
    size = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= rough)
    return [round(size * number, 9) for number in range(math.ceil(low / size), math.floor(high / size) + 1)]
