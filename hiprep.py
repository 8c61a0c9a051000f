"""The one door: parses verbs and wires the parts together. It holds no logic of its own."""

from __future__ import annotations

import argparse
import asyncio
import functools
import json
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from processing import words
from processing.errors import ProcessingError
from processing.exercises import EXERCISES, RECOGNISED, exercise_named
from sensor.errors import LinkError, SensorError, UplinkError

if TYPE_CHECKING:
    from processing.results import Event, SessionResult
    from processing.tracker import Tracker
    from sensor.recording import Meta, Recording
    from sensor.samples import Samples
    from sensor.source import Source

PACKET_SAMPLES = 10  # a replay comes in the reference band's packets: 0.1 s at 100 Hz
AUTO = "auto"  # recognise the exercise
PLACEMENTS = ("ankle", "thigh", "pelvis")


class WrongArguments(Exception):
    """What the parser did not understand; its text is one line."""


class _Parser(argparse.ArgumentParser):
    """argparse, but a mistake is one line."""

    def error(self, message: str) -> NoReturn:
        raise WrongArguments(f"{' '.join(message.split())} (see {self.prog} --help)")


def main(argv: list[str] | None = None) -> int:
    """Exit status: 0 done, 2 the input or the arguments are wrong, 1 anything else."""
    try:
        arguments = _parser().parse_args(argv)
        if arguments.run is not serve:  # what libraries log is not for whoever trains; errors come as one line
            logging.getLogger().addHandler(logging.NullHandler())
        status = arguments.run(arguments) or 0
        print(end="", flush=True)  # a full disk shows here, not after the end
        return status
    except (LinkError, UplinkError) as error:
        return _say(error, 1)
    except (WrongArguments, SensorError, ProcessingError) as error:
        return _say(error, 2)
    except BrokenPipeError:
        _speak_no_more()
        return 1
    except OSError as error:
        if error.errno is None:
            raise
        _speak_no_more()
        where = error.filename or "the output"
        return _say(f"cannot write {where} (wanted a writable place, got: {error.strerror})", 2)
    except MemoryError:
        return _say("not enough memory for this", 1)
    except KeyboardInterrupt:
        return 130


def _say(error: Exception | str, status: int) -> int:
    _progress("")
    print("hiprep:", " ".join(str(error).splitlines()), file=sys.stderr)
    return status


def _speak_no_more() -> None:
    """Nobody takes what is left to say: without this Python would complain at its end as well."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


# Verbs


def scan(a: argparse.Namespace) -> None:
    from sensor import ble

    bands = asyncio.run(ble.scan(a.seconds))
    for band in bands:
        print(f"{band.name}\t{band.address}\t{band.rssi} dBm\t{band.driver.title}")
    if not bands:
        print("no band in reach (switched on? charged?)", file=sys.stderr)


def record(a: argparse.Namespace) -> None:
    from sensor.recording import check_target, write_recording

    check_target(a.out)
    if a.source.startswith("ble:") and None in (a.side, a.placement):
        raise WrongArguments("where the band is worn is not said (wanted --side and --placement, got not both)")
    write_recording(a.out, asyncio.run(_record(a)))


async def _record(a: argparse.Namespace) -> Recording:
    from dataclasses import replace
    from datetime import UTC, datetime

    from sensor.recording import Meta, Recording, recording_from_packets
    from sensor.samples import Samples

    packets, blocks = [], []
    async with _open(a) as source:
        source.on_packet = lambda packet, host_ns: packets.append((host_ns, packet))
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with suppress(TimeoutError), _stopped_by_hand():
            async with asyncio.timeout(a.seconds):
                async for block in source:
                    blocks.append(block)
                    _progress(f"{block.t[-1]:.0f} s")
        meta = source.meta or Meta(None, source.driver.rate_hz, a.placement, a.side, started_at=now)
        meta = replace(meta, **_leg(a))
        if source.driver is None:
            return Recording(Samples.concat(blocks), meta)
        return recording_from_packets(source.driver, source.info, packets, replace(meta, device=source.driver.name))


def live(a: argparse.Namespace) -> None:
    asyncio.run(_live(a))


async def _live(a: argparse.Namespace) -> None:
    from processing.tracker import Tracker
    from sensor.uplink import uplink_of

    tracker = Tracker(_exercise(a), a.side, a.placement)
    async with AsyncExitStack() as stack:
        source = await stack.enter_async_context(_open(a))
        uplink, refused = None, 0
        if a.server is not None:
            leg = {"exercise": _exercise(a), "side": a.side, "placement": a.placement}
            uplink = await stack.enter_async_context(uplink_of(source, a.server, **leg))
        tell = (lambda events: None) if a.json else _tell
        with _stopped_by_hand():
            async for block in source:
                tell(tracker.update(block))
                if uplink and uplink.error and not refused:
                    refused = _say(f"{uplink.error}; counting goes on here", 1)
        tell(tracker.finish())
        _show(tracker.result().as_json(), a)
        if uplink:
            await uplink.finish()


def replay(a: argparse.Namespace) -> None:
    from processing.summary import against
    from sensor.recording import read_recording

    plot = None
    if a.plot:
        from server.exports.plot import Plot

        plot = Plot(a.plot)
    recording = read_recording(a.recording, **_overrides(a))
    baselines = _baselines(a.baseline, recording.meta)
    pelvis = _pelvis(a, recording) if a.pelvis is not None else None
    look = plot.look if plot else lambda tracker: None
    result = _counted(recording, a.recording, _with_progress, look, pelvis)
    if plot:
        plot.write()
    _show(against(result, baselines).as_json(), a)


def evaluate(a: argparse.Namespace) -> None:
    from processing.evaluation import score, total
    from sensor.recording import read_labels, read_recording

    labels = sorted(Path(a.dir).rglob("*.labels.csv"))
    if not labels:
        wanted = "NAME.labels.csv beside NAME.csv or NAME.parquet"
        raise WrongArguments(f"nothing to evaluate in {a.dir} (wanted {wanted}, got none)")
    scores, others = {}, []
    for path in _with_progress(labels, len(labels)):
        stem = path.name.removesuffix(".labels.csv")
        found = [p for p in (path.with_name(stem + ".csv"), path.with_name(stem + ".parquet")) if p.exists()]
        recording = read_recording((found or [path.with_name(stem + ".csv")])[0], **_overrides(a))
        if recording.meta.exercise is not None and recording.meta.exercise not in EXERCISES:
            others.append(recording.meta.exercise)
            continue
        name = str(path.relative_to(a.dir)).removesuffix(".labels.csv")
        scores[name] = score(_counted(recording, name), read_labels(path))
    if not scores:
        wanted = f"one of {', '.join(EXERCISES)}"
        raise WrongArguments(f"nothing to evaluate in {a.dir} (wanted {wanted}, got {', '.join(others)})")
    if others:
        print(f"hiprep: left out, because nobody here counts them: {', '.join(others)}", file=sys.stderr)
    table = {name: one.as_json() for name, one in scores.items()} | {"overall": total(scores.values()).as_json()}
    print(json.dumps(table) if a.json else words.of_table(table))


def simulate(a: argparse.Namespace) -> None:
    from sensor.motion import CHEAP, GOOD, IDEAL, session
    from sensor.recording import check_target, labels_path, write_recording, writing_labels

    check_target(a.out)
    names = _names(a.exercise)
    made = session(
        _tracks(names), names, sets=a.sets, reps=a.reps, rest_s=a.rest,
        partials=a.partials, compensations=a.compensations, rom=a.rom, tempo=a.tempo, seed=a.seed, side=a.side,
        placement=a.placement, rate_hz=a.rate, band_turn_deg=a.band_turn,
        faults={"ideal": IDEAL, "good": GOOD, "cheap": CHEAP}[a.sensor],
    )  # fmt: skip
    with writing_labels(labels_path(a.out), made.labels):  # which take their name last, when both are safe
        write_recording(a.out, made.recording)


def convert(a: argparse.Namespace) -> None:
    from sensor.recording import check_target, read_recording, write_recording

    check_target(a.out)
    write_recording(a.out, read_recording(a.recording, **_overrides(a)))


def devices(a: argparse.Namespace) -> None:
    from sensor.devices import DRIVERS

    for driver in DRIVERS.values():
        print(f"{driver.name}\t{driver.title}\t{driver.rate_hz:g} Hz\tclock: {driver.clock}\ttier: {driver.tier}")


def exercises(a: argparse.Namespace) -> None:
    for exercise in EXERCISES.values():
        print(f"{exercise.name}\t{exercise.title}\tband at the {' or '.join(exercise.placements)}")


def serve(a: argparse.Namespace) -> int | None:
    from server.errors import ServerError
    from server.run import serve as run
    from server.settings import Settings

    try:
        run(Settings(data_dir=a.data or _data_dir(), host=a.host, port=a.port))
    except ServerError as error:
        return _say(error, 2)


def demo(a: argparse.Namespace) -> int | None:
    from server.errors import ServerError

    try:
        asyncio.run(_demo(a))
    except ServerError as error:
        return _say(error, 2)


async def _demo(a: argparse.Namespace) -> None:
    import webbrowser

    from processing.tracker import Tracker
    from sensor.recording import read_recording
    from server.demo import playing

    def tell(page: str) -> None:
        print(f"hiprep: a virtual band is counting at {page}", file=sys.stderr)
        if sys.stdout.isatty() and not a.once:
            webbrowser.open(page)

    simulated = a.recording is None
    recording = _simulated(a.exercise or AUTO, a) if simulated else read_recording(a.recording, **_overrides(a))
    Tracker(recording.meta.exercise, recording.meta.side, recording.meta.placement)  # refuses what nobody can count
    async with playing(recording, speed=a.speed, port=a.port, tell=tell) as (url, result):
        _show(result, a)
        if not a.once:
            print(f"hiprep: the session is stored; look at {url} (Ctrl-C ends)", file=sys.stderr)
            with _stopped_by_hand():
                await asyncio.Event().wait()


# Parts that verbs share


def _open(a: argparse.Namespace) -> Source:
    from sensor.source import open_source

    told = _overrides(a) if a.source.startswith("file:") else {}
    return open_source(a.source, virtual=lambda name: _simulated(name, a), speed=a.speed, **told)


@contextmanager
def _stopped_by_hand() -> Iterator[None]:
    """Ctrl-C ends what the band sends, not what is done with it."""
    try:
        yield
    except asyncio.CancelledError:
        if task := asyncio.current_task():
            task.uncancel()


def _counted(
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


def _simulated(name: str, a: argparse.Namespace) -> Recording:
    """What a virtual band plays: one set of the exercise, or of each."""
    from sensor.motion import session

    names = _names(name)
    leg = {"side": a.side or "right", "placement": a.placement or "ankle"}
    return session(_tracks(names), names, rest_s=15.0, seed=1, **leg).recording


def _names(name: str) -> list[str]:
    return list(RECOGNISED) if name == AUTO else [exercise_named(name).name]


def _tracks(names: list[str]) -> dict[str, dict[str, Any]]:
    """The exercises' joint tracks, which the simulator knows nothing of."""
    return {name: EXERCISES[name].track for name in names}


def _exercise(a: argparse.Namespace) -> str | None:
    return None if a.exercise == AUTO else a.exercise and exercise_named(a.exercise).name


def _leg(a: argparse.Namespace) -> dict[str, Any]:
    """What the command line says of the leg; exercise None: recognise it."""
    told = {key: value for key in ("side", "placement") if (value := getattr(a, key)) is not None}
    return told | ({"exercise": _exercise(a)} if a.exercise else {})


def _overrides(a: argparse.Namespace) -> dict[str, Any]:
    """What the command line says of a recording, which wins over what the recording says."""
    return _leg(a) | {key: value for key in ("units", "rate") if (value := getattr(a, key)) is not None}


def _data_dir() -> Path:
    from platformdirs import user_data_path

    return user_data_path("hiprep")


# What a terminal shows


def _tell(events: Iterable[Event]) -> None:
    for event in events:
        if line := words.of_event(event):
            print(line, flush=True)


def _show(result: dict[str, Any], a: argparse.Namespace) -> None:
    print(json.dumps(result) if a.json else words.of_session(result), flush=True)


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text}\033[K", end="", file=sys.stderr, flush=True)


def _with_progress(items: Iterable, count: int) -> Iterator:
    step = max(1, count // 100)
    for i, item in enumerate(items):
        if i % step == 0:
            _progress(f"{100 * i // max(1, count)} %")
        yield item
    _progress("")


# Arguments


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="hiprep", description="Counts hip exercises with a Bluetooth band.")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    source = _parent(("source", {"metavar": "SOURCE", "help": "ble:NAME-OR-ADDRESS, file:PATH or virtual:EXERCISE"}))
    speed = {"type": _positive, "default": 1.0, "metavar": "N"}
    source.add_argument("--speed", **speed, help="of a virtual band: N times life (default: 1)")
    file = _parent(("recording", {"metavar": "RECORDING", "help": "NAME.csv with NAME.json, or NAME.parquet"}))
    units = _parent(
        ("--units", {"metavar": "ACC,GYR", "help": "units of a CSV, as m/s^2,rad/s or g,deg/s"}),
        ("--rate", {"metavar": "HZ", "type": _positive, "help": "nominal sample rate"}),
    )
    which = f"{', '.join(EXERCISES)} or {AUTO}"
    told = {"choices": [*EXERCISES, AUTO], "metavar": "E", "help": f"{which}: recognise it, of {', '.join(RECOGNISED)}"}
    sides = {"choices": ("left", "right"), "metavar": "S", "help": "the leg that wears the band: left or right"}
    places = {"choices": PLACEMENTS, "metavar": "P", "help": "where it is worn: ankle, thigh or pelvis"}
    leg = _parent(("--exercise", told), ("--side", sides), ("--placement", places))

    def verb(run: Callable[[argparse.Namespace], int | None], help: str, *parents: argparse.ArgumentParser):
        made = verbs.add_parser(run.__name__, help=help, description=help, parents=parents)
        made.set_defaults(run=run)
        return made

    one = verb(scan, "list the bands in reach")
    one.add_argument("--seconds", type=_positive, default=5.0, metavar="S", help="how long to look (default: 5)")
    one = verb(record, "write what a band measures to a recording, until it ends or Ctrl-C", source, leg, units)
    one.add_argument("out", metavar="OUT", help="NAME.csv or NAME.parquet")
    one.add_argument("--seconds", type=_positive, metavar="S", help="stop after so long")
    one = verb(live, "count repetitions as they happen, until the source ends or Ctrl-C", source, units)
    one.add_argument("--exercise", required=True, **told)
    one.add_argument("--side", required=True, **sides)
    worn = {"help": "where it is worn: ankle (default) or thigh"}
    one.add_argument("--placement", default="ankle", **(places | worn))
    one.add_argument("--json", action="store_true", help="only at the end: the session as one JSON object")
    one.add_argument("--server", type=_url, metavar="URL", help="send the packets to this server as well")
    one = verb(replay, "count the repetitions of a recording", file, leg, units)
    before = "the person's range of motion on another day: that session's JSON, or degrees"
    one.add_argument("--baseline", type=_baseline, metavar="FILE.json|DEG", help=before)
    second = "the same session from a second band on the sacrum: tells the hip's share and what the pelvis did"
    one.add_argument("--pelvis", metavar="RECORDING", help=second)
    one.add_argument("--json", action="store_true", help="the session as one JSON object")
    one.add_argument("--plot", type=_png, metavar="FILE.png", help="a picture of it: angle, repetitions, pose")
    one = verb(evaluate, "compare counted with labelled repetitions", leg, units)
    one.add_argument("dir", metavar="DIR", help="recordings with NAME.labels.csv beside them")
    one.add_argument("--json", action="store_true", help="the table as one JSON object")
    one = verb(simulate, "write a simulated person's session, with labels")
    one.add_argument("out", metavar="OUT", help="NAME.csv or NAME.parquet")
    each = {"help": f"{which}: those that are recognised, one after the other (default)"}
    one.add_argument("--exercise", default=AUTO, **(told | each))
    one.add_argument("--side", default="right", **sides)
    one.add_argument("--placement", default="ankle", **places)
    whole, number = functools.partial(_within, int), functools.partial(_within, float)
    for name, kind, default, help in (
        ("--sets", whole(1, 100), 3, "sets of each exercise"),
        ("--reps", whole(1, 100), 10, "counted repetitions a set"),
        ("--rest", number(0, 3600), 30.0, "seconds between sets"),
        ("--rate", number(10, 1000), 100.0, "samples a second"),
        ("--rom", number(0.1, 2), 1.0, "range of motion, times the exercise's own"),
        ("--tempo", number(0.1, 10), 1.0, "durations, times the exercise's own"),
        ("--partials", number(0, 1), 0.0, "chance of a partial repetition before each"),
        ("--compensations", number(0, 1), 0.0, "chance that the pelvis helps"),
        ("--band-turn", number(-360, 360), 0.0, "degrees that the band is turned round the leg"),
        ("--seed", whole(0, 2**32 - 1), 0, "another seed is another person"),
    ):
        one.add_argument(name, type=kind, default=default, metavar="N", help=f"{help} (default: {default:g})")
    sensors = {"choices": ("ideal", "good", "cheap"), "metavar": "KIND", "default": "good"}
    one.add_argument("--sensor", **sensors, help="how bad the sensor is: ideal, good (default) or cheap")
    one = verb(convert, "write a recording in the other spelling", file, leg, units)
    one.add_argument("out", metavar="OUT", help="NAME.csv or NAME.parquet")
    verb(devices, "list the bands that are understood")
    verb(exercises, "list the exercises")
    one = verb(serve, "run the server on this computer")
    one.add_argument("--host", default="127.0.0.1", help="of this computer only, until there are accounts (default: 127.0.0.1)")
    one.add_argument("--port", type=int, default=8000, help="8000 unless said; 0: any that is free")
    where = "where sessions are kept (default: the user's data directory)"
    one.add_argument("--data", type=Path, metavar="DIR", help=where)
    one = verb(demo, "a virtual band, counted, stored and shown: no hardware, no account", leg, units)
    one.add_argument("recording", nargs="?", metavar="RECORDING", help="what the band plays; else a simulated person")
    one.add_argument("--speed", **speed, help="N times life (default: 1)")
    one.add_argument("--once", action="store_true", help="end when the session is stored")
    one.add_argument("--json", action="store_true", help="print what the server stored")
    one.add_argument("--port", type=int, default=0, help="of the page (default: any that is free)")
    return parser


def _parent(*arguments: tuple[str, dict[str, Any]]) -> argparse.ArgumentParser:
    parent = _Parser(add_help=False)
    for name, options in arguments:
        parent.add_argument(name, **options)
    return parent


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError
    return value


def _within(kind: type, low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        value = kind(text)
        if not low <= value <= high:
            raise ValueError
        return value

    parse.__name__ = f"{'whole number' if kind is int else 'number'} from {low:g} to {high:g}"
    return parse


def _baseline(text: str) -> float | str:
    return text if text.endswith(".json") else _within(float, 1, 180)(text)


_baseline.__name__ = "session's FILE.json or number of degrees from 1 to 180"


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or (parts.port or 1) < 1:
        raise ValueError
    return text


def _png(text: str) -> str:
    if not text.lower().endswith(".png"):
        raise ValueError
    return text


_positive.__name__, _url.__name__, _png.__name__ = "number above 0", "http://... address", "NAME.png"

if __name__ == "__main__":
    sys.exit(main())
