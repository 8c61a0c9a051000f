"""What the pages say, in one place: a later issue turns this into catalogues."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from processing.exercises import EXERCISES
from processing.words import of_fatigue, of_quality, of_rom

if TYPE_CHECKING:
    from server.access import Who

__all__ = ["of_quality"]  # said there; what the templates call is all here

KINDS = {"good": "good", "compensated": "compensated", "partial": "partial", "out_of_pose": "out of position"}
STATES = {"waiting": "waiting for the band", "receiving": "live", "lost": "no packets", "ended": "finished"}
FLAGS = {
    "partial": "partial",
    "out_of_pose": "out of position",
    "incomplete_return": "did not come all the way back",
    "too_fast": "too fast",
    "missing_terminal_rotation": "foot not turned up at the top",
    "early_rotation": "turned before the top",
    "gap": "packets missing",
}
COMPENSATIONS = {
    "tilt": "pelvis tilted",
    "roll": "pelvis rolled",
    "hike": "pelvis hiked",
    "other": "pelvis moved",
}

ELEVEN = [("", "–"), *((str(number), str(number)) for number in range(11))]  # 0 to 10, or not said
STOPPED = {
    "": "–",
    "done": "everything was done",
    "pain": "it hurt",
    "tired": "too tired",
    "time": "no more time",
    "technical": "something did not work",
    "other": "something else",
}

SAID = [("pain_before", "pain before"), ("pain_worst", "worst pain"), ("pain_after", "pain after"), ("exertion", "exertion")]

TITLES = {name: exercise.title for name, exercise in EXERCISES.items()}


def exercise(name: str | None) -> str:
    return "Any exercise" if name is None else TITLES.get(name, name)


def exercises(result: dict[str, Any]) -> str:
    """What was told, or else what was recognised."""
    seen = dict.fromkeys(done["exercise"] for done in result["sets"])
    if result["exercise"] is not None or not seen:
        return exercise(result["exercise"])
    first, *others = map(exercise, seen)
    return ", ".join([first, *(title[0].lower() + title[1:] for title in others)])


def ways(who: Who | None) -> list[tuple[str, str]]:
    """Where the head of a page leads: (path, title)."""
    open = [("/", "Sessions"), ("/band", "Band"), ("/live", "Live")]
    if who is None:
        found = []
    elif who.staff:
        found = [("/patients", "Patients"), *([("/people", "People")] if who.staff.admin else []), ("/account", "Account")]
    elif who.patient:
        found = [*open, (f"/patients/{who.patient.id}", "Me")]
    else:
        found = open
    return [*found, ("/intended-use", "Intended use")]


def when(iso: str, zone: str | None = None) -> str:
    """zone: the clinic's; None: this computer's, which is that of the one person at it."""
    local = datetime.fromisoformat(iso).astimezone(zone and ZoneInfo(zone))
    return f"{local.day} {local:%B %Y, %H:%M}"


def date_of(iso: str) -> str:
    then = date.fromisoformat(iso)
    return f"{then.day} {then:%B %Y}"


def day(iso: str | None, today: date) -> str:
    if iso is None:
        return "none yet"
    days = (today - date.fromisoformat(iso)).days
    return {0: "today", 1: "yesterday"}.get(days) or (f"{days} days ago" if 1 < days < 14 else date_of(iso))


def attention(line: dict[str, Any]) -> str:
    """Of an overview."""
    return "; ".join(reason["words"] for reason in line["reasons"]) or "–"


def of_week(week: dict[str, int] | None) -> str:
    return "no programme" if week is None else f"{week['sessions']} of {week['prescribed']}"


def share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


def tempo(item: dict[str, Any]) -> str:
    return "-".join(f"{item[name]:g}" for name in ("concentric_s", "hold_s", "eccentric_s")) + " s"


def programme(now: dict[str, Any]) -> str:
    """In one sentence."""
    legs: dict[str, list[str]] = {}
    for item in now["items"]:
        legs.setdefault(item["exercise"], []).append(item["side"])
    names = ", ".join(f"{exercise(name)} ({'both sides' if len(sides) > 1 else sides[0]})" for name, sides in legs.items())
    weeks, times = ({item[key] for item in now["items"]} for key in ("weeks", "per_week"))
    often = f"{max(times)} times a week" if len(times) == 1 else f"{min(times)} to {max(times)} times a week"
    return f"{names}: {often}, {max(weeks)} weeks from {date_of(now['starts_on'])}."


def length(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def number(value: float | None, digits: int = 0) -> str:
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "−")


def flags(rep: dict[str, Any]) -> str:
    return ", ".join(FLAGS.get(flag, flag.replace("_", " ")) for flag in rep["flags"])


def compensation(rep: dict[str, Any]) -> str:
    seen = [f"{COMPENSATIONS.get(c['kind'], c['kind'])} {c['deg']:.0f}°" for c in rep["compensation"]]
    return ", ".join(seen) or ("pelvis moved" if rep["compensated"] else "")


def of_set(result: dict[str, Any], number: int) -> str:
    """What its repetitions have in common; nothing of a set that none was counted in, or that was stored without it."""
    done = next((one for one in result["sets"] if one["set"] == number), {})
    numbers = done.get("numbers")
    if not numbers:
        return ""
    parts = [
        of_rom(numbers, "°"),
        f"{numbers['time_under_tension_s']:.0f} s under tension",
        *([f"{100 * rate:.0f} % compensated"] if (rate := numbers["compensation_rate"]) is not None else []),
        *([of_fatigue(done["fatigue"])] if done["fatigue"] else []),
    ]
    return ", " + ", ".join(parts)


LABELLED = {"add": "added", "remove": "not a repetition", "relabel": "was"}


def place(rep: dict[str, Any]) -> str:
    """Which repetition, in a line."""
    number_ = f"repetition {rep['rep']}" if rep["counted"] else KINDS[kind(rep)]
    return f"set {rep['set']}, {number_}, at {number(rep['start_s'], 1)} s"


def correction(one: dict[str, Any]) -> str:
    label = f" {KINDS[one['label']]}" if one["label"] else ""
    return f"At {number(one['at_s'], 1)} s: {LABELLED[one['action']]}{label}"


def versions(made: Sequence[dict[str, Any]]) -> str:
    counts = [f"version {one['version']} counted {one['tally']['counted']}" for one in made]
    return f"{'; '.join(counts).capitalize()}."


def difference(found: dict[str, Any]) -> str:
    parts = [f"{len(found[what])} {what}" for what in ("added", "removed", "changed")]
    return f"Since the version before, repetitions: {', '.join(parts)}."


def changes(found: dict[str, Any]) -> list[str]:
    """A line each, in the order of time."""
    lines = [(rep["start_s"], f"{place(rep)}: {what}") for what in ("added", "removed") for rep in found[what]]
    for one in found["changed"]:
        told = [f"{name} {_plain(old)} → {_plain(new)}" for name, (old, new) in one["changes"].items()]
        lines.append((one["after"]["start_s"], f"{place(one['after'])}: {', '.join(told)}"))
    return [line for _, line in sorted(lines)]


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_plain, value)) or "none"
    if isinstance(value, dict):
        return " ".join(map(_plain, value.values()))
    return f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


JOBS = {
    "queued": "Waits to be counted again; look again in a moment.",
    "running": "Is being counted again; look again in a moment.",
    "counted": "Counted again.",
    "confirmed": "Counted again: the same result.",
    "differs": "Counted again: not the same result as this version gave before. Please report this.",
}


def job(one: dict[str, Any]) -> str:
    if one["state"] == "failed":
        return f"Could not be counted again: {one['error']}"
    return JOBS[one["outcome"] or one["state"]]


def kind(rep: dict[str, Any]) -> str:
    if not rep["counted"]:
        return "partial" if "partial" in rep["flags"] else "out_of_pose"
    return "compensated" if rep["compensated"] else "good"


def coverage(share: float, gaps: Sequence[dict[str, float]]) -> str:
    """How much of what the band measured is there."""
    text = "Every sample arrived." if share >= 0.99995 else f"{100 * share:.1f} % of the samples arrived."
    if not gaps:
        return f"{text} No gaps."
    longest = max(gap["end_s"] - gap["start_s"] for gap in gaps)
    many = "1 gap" if len(gaps) == 1 else f"{len(gaps)} gaps"
    return f"{text} {many}, the longest {longest:.1f} s. Nothing was filled in."
