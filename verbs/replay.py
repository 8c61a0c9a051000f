"""A recording, counted as if it came from a band."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from processing.errors import ProcessingError
from verbs.arguments import FILE_PARENT, LEG_PARENT, UNITS_PARENT, WrongArguments, overrides_of, within
from verbs.terminal import show, with_progress

if TYPE_CHECKING:
    from processing.results import SessionResult
    from processing.tracker import Tracker
    from sensor.recording import Meta, Recording
    from sensor.samples import Samples

HELP = "count the repetitions of a recording"
PARENTS = (FILE_PARENT, LEG_PARENT, UNITS_PARENT)

PACKET_SAMPLES = 10  # a replay comes in the reference band's packets: 0.1 s at 100 Hz


def arguments(parser: argparse.ArgumentParser) -> None:
    before = "the person's range of motion on another day: that session's JSON, or degrees"
    parser.add_argument("--baseline", type=_baseline, metavar="FILE.json|DEG", help=before)
    second = "the same session from a second band on the sacrum: tells the hip's share and what the pelvis did"
    parser.add_argument("--pelvis", metavar="RECORDING", help=second)
    parser.add_argument("--json", action="store_true", help="the session as one JSON object")
    parser.add_argument("--plot", type=_png, metavar="FILE.png", help="a picture of it: angle, repetitions, pose")


def _baseline(text: str) -> float | str:
    return text if text.endswith(".json") else within(float, 1, 180)(text)


def _png(text: str) -> str:
    if not text.lower().endswith(".png"):
        raise ValueError
    return text


_baseline.__name__, _png.__name__ = "session's FILE.json or number of degrees from 1 to 180", "NAME.png"


def run(a: argparse.Namespace) -> None:
    from processing.summary import against
    from sensor.recording import read_recording

    plot = None
    if a.plot:
        from server.plot import Plot

        plot = Plot(a.plot)
    recording = read_recording(a.recording, **overrides_of(a))
    baselines = _baselines(a.baseline, recording.meta)
    pelvis = _pelvis(a, recording) if a.pelvis is not None else None
    look = plot.look if plot else lambda tracker: None
    result = counted(recording, a.recording, with_progress, look, pelvis)
    if plot:
        plot.write()
    show(against(result, baselines).as_json(), a)


def counted(
    recording: Recording,
    name: str,
    progress: Callable = lambda blocks, _: blocks,
    look: Callable[[Tracker], None] = lambda tracker: None,
    pelvis: tuple[Samples, str] | None = None,
) -> SessionResult:
    """Through the same code as a live band's packets; look: at the tracker, after each.

    pelvis: a second band's samples in the leg's time, and how that is known.
    """
    from processing.pelvis import Pelvis
    from processing.tracker import Tracker
    from sensor.samples import Samples

    meta, samples = recording.meta, recording.samples
    second, known_by = pelvis or (Samples.empty(), None)
    other, given = Pelvis(known_by) if pelvis else None, 0
    try:
        tracker = Tracker(meta.exercise, meta.side, meta.placement, other)
        for block in progress(samples.blocks(PACKET_SAMPLES), len(samples) // PACKET_SAMPLES):
            if other:
                come = int(second.t.searchsorted(block.t[-1], side="right"))
                other.update(second[given:come])
                given = come
            tracker.update(block)
            look(tracker)
    except ProcessingError as error:
        raise ProcessingError(f"{name}: {error}") from error
    if other:
        other.finish()
    tracker.finish()
    return tracker.result()


def _baselines(told: float | str | None, meta: Meta) -> dict[str, float]:
    """Exercise -> the person's own range of motion on another day: a session's JSON, or degrees of the one exercise."""
    from processing.summary import baselines_of
    from sensor.files import checked, json_object

    if told is None:
        return {}
    if isinstance(told, str):
        return baselines_of(json_object(checked(told)), meta.side, meta.placement)
    if meta.exercise is None:
        raise WrongArguments("--baseline is a number, of which exercise is not said (wanted FILE.json, or --exercise)")
    return {meta.exercise: told}


def _pelvis(a: argparse.Namespace, leg: Recording) -> tuple[Samples, str]:
    """The pelvis' samples in the leg's time, and how that is known."""
    from processing.alignment import align
    from sensor.files import checked
    from sensor.recording import read_recording

    path = checked(a.pelvis)
    told = {"exercise": leg.meta.exercise, "side": leg.meta.side}
    if path.suffix.lower() == ".csv" and not path.with_suffix(".json").exists():
        told |= {"placement": "pelvis", "units": a.units, "rate": a.rate}
    recording = read_recording(path, **told)
    if recording.meta.placement != "pelvis":
        got = repr(recording.meta.placement)
        raise WrongArguments(f"the band of {path} was worn elsewhere (wanted placement pelvis, got {got})")
    try:
        clock = align(leg.samples, recording.samples, _apart_s(leg.meta.started_at, recording.meta.started_at))
    except ProcessingError as error:
        raise ProcessingError(f"{a.recording} and {path}: {error}") from error
    return clock.bring(recording.samples), clock.known_by


def _apart_s(first: str | None, second: str | None) -> float | None:
    """How much later the second began, where both say when."""
    from datetime import UTC, datetime

    if first is None or second is None:
        return None
    began = [datetime.fromisoformat(text) for text in (first, second)]
    one, other = (time if time.tzinfo else time.replace(tzinfo=UTC) for time in began)
    return (other - one).total_seconds()
