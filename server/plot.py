"""A counted session as a picture, for whoever would rather look: `hiprep replay RECORDING --plot FILE.png`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from processing.exercises import exercise_named
from processing.results import Rep, SessionResult
from processing.tracker import Tracker
from sensor.files import check_target, replacing

ROW_S, MOST_ROWS = 300.0, 24  # a row of the picture, until there are so many; then rows get longer
INCHES_S, WIDTHS, HEIGHT, DPI = 1 / 15, (10.0, 20.0), 2.7, 100
SHOWN = (0.01, 0.99)  # quantiles of the angle: a first one may begin where the leg had not been seen to rest
HOLE_S = 0.5  # a longer hole breaks the line
STRIP, TOP = 0.05, 0.93  # of the height: the pose below, compensations above
# Okabe and Ito's colours, which the colour-blind can tell apart.
SETS = ("#0072B2", "#56B4E9")
PARTIAL, OUT_OF_POSE, COMPENSATED, IN_POSE, NOT_IN_POSE = "#F0E442", "#CC79A7", "#D55E00", "#009E73", "#CCCCCC"
SHADE, INK = 0.35, "#222222"
SMALL = {"fontsize": 7, "clip_on": True, "linespacing": 0.95}
MARKERS = {"start_s": ">", "peak_s": "o", "end_s": "<"}

Spans = list[tuple[float, float]]


class Plot:
    """Looks at a tracker after every packet; `write` draws what it has come to. Raises RecordingError."""

    def __init__(self, path: str | Path) -> None:
        check_target(path)
        self._path = path
        self._t: list[float] = []
        self._in_pose: list[bool] = []

    def look(self, tracker: Tracker) -> None:
        self._tracker, live = tracker, tracker.live
        if live.t is not None:
            self._t.append(live.t)
            self._in_pose.append(live.in_pose)

    def write(self) -> None:
        """Whole or not at all."""
        with matplotlib.rc_context(), replacing(self._path) as [new]:
            matplotlib.rcdefaults()  # not as this computer's user likes it
            t, angle = self._tracker.curve()
            pose = spans(self._t, self._in_pose)
            drawn = figure(self._tracker.result(), np.array(t), np.array(angle, dtype=float), pose)
            FigureCanvasAgg(drawn).print_png(new)


def spans(t: Sequence[float], inside: Sequence[bool]) -> Spans:
    """From when to when it was so; each answer holds from the packet before until its own."""
    found: Spans = []
    for start, end, now in zip([*t[:1], *t], t, inside, strict=False):
        if now and found and found[-1][1] == start and end - start <= HOLE_S:
            found[-1] = (found[-1][0], end)
        elif now:
            found.append((start if end - start <= HOLE_S else end, end))
    return found


def figure(result: SessionResult, t: np.ndarray, angle: np.ndarray, pose: Spans) -> Figure:
    """t (n,) s and angle (n,) degrees, nan where unknown; pose: when the leg was in it."""
    first, last = (float(t[0]), float(t[-1])) if len(t) else (0.0, 0.0)
    last = max(last, first + 1.0)
    rows = min(MOST_ROWS, math.ceil((last - first) / ROW_S))
    row_s = (last - first) / rows
    width = min(max(row_s * INCHES_S, WIDTHS[0]), WIDTHS[1])
    drawn = Figure(figsize=(width, HEIGHT * rows + 1.1), dpi=DPI, layout="constrained")
    axes = drawn.subplots(rows, 1, squeeze=False)[:, 0]
    low, high = limits(result, t, angle)
    holes = np.flatnonzero(np.diff(t) > HOLE_S) + 1
    t_line, angle_line = np.insert(t, holes, t[holes - 1]), np.insert(angle, holes, np.nan)
    for i, ax in enumerate(axes):
        ax.set_xlim(first + i * row_s, first + (i + 1) * row_s)
        ax.set_ylim(low, high)
        ax.xaxis.set_major_locator(MaxNLocator(int(1.5 * width), steps=[1, 2, 5, 10]))
        ax.set_ylabel("angle, degrees")
        ax.margins(0)
        ax.grid(color="#EEEEEE")
        ax.set_axisbelow(True)
        row(ax, result, t, angle, pose)
        ax.plot(t_line, angle_line, color=INK, linewidth=1)
    axes[-1].set_xlabel("time, s")
    drawn.suptitle(title(result), x=0.01, ha="left", fontsize=11)
    drawn.legend(handles=legend(), loc="outside lower left", ncols=6 if width < 15 else 12, fontsize=8, frameon=False)
    return drawn


def row(ax: Axes, result: SessionResult, t: np.ndarray, angle: np.ndarray, pose: Spans) -> None:
    first, last = ax.get_xlim()
    of_row = ax.get_xaxis_transform()  # x in s, y as a share of the height

    def shade(parts: Iterable[tuple[float, float]], bottom: float, top: float, **how: object) -> None:
        bars = [(start, end - start) for start, end in parts if end > first and start < last]
        ax.broken_barh(bars, (bottom, top - bottom), transform=of_row, linewidth=0, **how)

    reps = [rep for rep in result.reps if rep.end_s > first and rep.start_s < last]
    for color in (*SETS, PARTIAL, OUT_OF_POSE):
        shade(((rep.start_s, rep.end_s) for rep in reps if color_of(rep) == color), STRIP, 1, color=color, alpha=SHADE)
    shade([(first, last)], 0, STRIP, color=NOT_IN_POSE)
    shade(pose, 0, STRIP, color=IN_POSE)
    gaps = ((gap.start_s, gap.end_s) for gap in result.gaps)
    shade(gaps, 0, 1, facecolor="none", edgecolor="#777777", hatch="////")
    shade(((rep.start_s, rep.end_s) for rep in reps if helped(rep)), TOP, 1, color=COMPENSATED)
    for name, marker in MARKERS.items() if reps else ():
        when = np.array([getattr(rep, name) for rep in reps])
        colors = [color_of(rep) for rep in reps]
        ax.scatter(when, np.interp(when, t, angle), 20, colors, marker=marker, edgecolors=INK, zorder=3)
    for rep in reps:
        most = [f"{one.kind} {one.deg:.0f}°" for one in rep.compensation[:1]] if helped(rep) else []
        said, color = [str(rep.rep) if rep.counted else "-", *most], COMPENSATED if most else INK
        ax.text(rep.peak_s, TOP - 0.02, "\n".join(said), color=color, va="top", ha="center", **SMALL, transform=of_row)
    for done in result.sets:
        if first <= done.start_s < last:
            said = f"set {done.set}" if result.exercise else f"set {done.set}: {exercise_named(done.exercise).title}"
            ax.text(done.start_s, STRIP + 0.02, said, color=INK, va="bottom", **SMALL, transform=of_row)


def color_of(rep: Rep) -> str:
    if rep.counted:
        return SETS[(rep.set - 1) % len(SETS)]
    return OUT_OF_POSE if "out_of_pose" in rep.flags else PARTIAL


def helped(rep: Rep) -> bool:
    """What does not count is not judged."""
    return rep.counted and rep.compensated


def limits(result: SessionResult, t: np.ndarray, angle: np.ndarray) -> tuple[float, float]:
    """In degrees: what the repetitions need, with room for what is written above; walking may leave the picture."""
    shown = np.zeros(len(t), dtype=bool)
    for rep in result.reps:
        if rep.counted:
            shown |= (t >= rep.start_s) & (t <= rep.end_s)
    known = angle[np.isfinite(angle) & (shown if shown.any() else True)]
    low, high = np.quantile(known, SHOWN) if len(known) else (0.0, 0.0)
    room = max(high - low, 10.0)
    return float(low - 0.25 * room), float(high + 0.4 * room)


def title(result: SessionResult) -> str:
    counted = [rep for rep in result.reps if rep.counted]
    names = [result.exercise] if result.exercise else sorted({rep.exercise for rep in counted})
    what = ", ".join(exercise_named(name).title for name in names) or "No exercise recognised"
    sets = " + ".join(str(done.reps) for done in result.sets) or "0"
    return (
        f"{what}, {result.side} {result.placement}\n"
        f"{sets} repetitions, {sum(map(helped, counted))} with the pelvis helping, "
        f"{len(result.reps) - len(counted)} not counted; {100 * result.coverage:.1f} % of the samples"
    )


def legend() -> list[Patch | Line2D]:
    shades = {SETS[0]: "set 1, 3, ...", SETS[1]: "set 2, 4, ...", PARTIAL: "partial", OUT_OF_POSE: "out of pose"}
    white = {"linestyle": "", "color": "#FFFFFF", "markeredgecolor": INK}
    return [
        *(Patch(color=color, alpha=SHADE, linewidth=0, label=label) for color, label in shades.items()),
        Patch(color=COMPENSATED, label="pelvis helped"),
        Patch(facecolor="none", edgecolor="#777777", hatch="////", label="samples missing"),
        Patch(color=IN_POSE, label="in pose"),
        Patch(color=NOT_IN_POSE, label="not in pose"),
        *(Line2D([], [], marker=marker, label=name.removesuffix("_s"), **white) for name, marker in MARKERS.items()),
    ]
