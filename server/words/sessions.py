"""A session: its repetitions, its sets, what a later version made of it, what its data do not carry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from processing.results import Change
from server.language import N_, Vocabulary, _, ngettext
from server.words.exercises import exercise
from server.words.measures import number

KINDS = Vocabulary(good=N_("good"), compensated=N_("compensated"), partial=N_("partial"), out_of_pose=N_("out of position"))
STATES = Vocabulary(waiting=N_("waiting for the band"), receiving=N_("live"), lost=N_("no packets"), ended=N_("finished"))
PLACEMENTS = Vocabulary(ankle=N_("band at the ankle"), thigh=N_("band at the thigh"))
FLAGS = Vocabulary(
    partial=N_("partial"),
    out_of_pose=N_("out of position"),
    incomplete_return=N_("did not come all the way back"),
    too_fast=N_("too fast"),
    missing_terminal_rotation=N_("foot not turned up at the top"),
    early_rotation=N_("turned before the top"),
    gap=N_("packets missing"),
)
COMPENSATIONS = Vocabulary(
    tilt=N_("pelvis tilted"), roll=N_("pelvis rolled"), hike=N_("pelvis hiked"), other=N_("pelvis moved")
)
STOPPED = Vocabulary(
    **{"": "–"},
    done=N_("everything was done"),
    pain=N_("it hurt"),
    tired=N_("too tired"),
    time=N_("no more time"),
    technical=N_("something did not work"),
    other=N_("something else"),
)
SAID = Vocabulary(
    pain_before=N_("pain before"), pain_worst=N_("worst pain"), pain_after=N_("pain after"), exertion=N_("exertion")
)
LABELLED = Vocabulary(add=N_("added"), remove=N_("not a repetition"), relabel=N_("was"))
JOBS = Vocabulary(
    queued=N_("Waits to be counted again; look again in a moment."),
    running=N_("Is being counted again; look again in a moment."),
    counted=N_("Counted again."),
    confirmed=N_("Counted again: the same result."),
    differs=N_("Counted again: not the same result as this version gave before. Please report this."),
)


FIELDS = Vocabulary(
    set=N_("set"),
    rep=N_("number"),
    exercise=N_("exercise"),
    counted=N_("counted"),
    flags=N_("remarks"),
    start_s=N_("begins"),
    peak_s=N_("top"),
    end_s=N_("ends"),
    rom_deg=N_("ROM"),
    hip_rom_deg=N_("ROM of the hip alone"),
    terminal_rotation_deg=N_("rotation at the top"),
    concentric_s=N_("out"),
    hold_s=N_("hold"),
    eccentric_s=N_("back"),
    sparc=N_("smoothness"),
    compensated=N_("compensated"),
    compensation=N_("pelvis"),
    deviation_deg=N_("leg off its path"),
    pelvis_deg=N_("pelvis, from its own band"),
    time_under_tension_s=N_("time under tension"),
)


def kind(rep: dict[str, Any]) -> str:
    if not rep["counted"]:
        return "partial" if "partial" in rep["flags"] else "out_of_pose"
    return "compensated" if rep["compensated"] else "good"


def flags(rep: dict[str, Any]) -> str:
    return ", ".join(FLAGS.get(flag, flag.replace("_", " ")) for flag in rep["flags"])


def compensation(rep: dict[str, Any]) -> str:
    seen = [f"{COMPENSATIONS.get(one['kind'], one['kind'])} {number(one['deg'])}°" for one in rep["compensation"]]
    return ", ".join(seen) or (COMPENSATIONS["other"] if rep["compensated"] else "")


def of_set(result: dict[str, Any], number_: int) -> str:
    """What its repetitions have in common; nothing of a set that none was counted in, or that was stored without it."""
    done = next((one for one in result["sets"] if one["set"] == number_), {})
    numbers = done.get("numbers")
    if not numbers:
        return ""
    spread = "" if numbers["rom_sd_deg"] is None else f" ± {number(numbers['rom_sd_deg'])}"
    parts = [
        f"{number(numbers['rom_median_deg'])}{spread}°",
        _("%(s)s s under tension", s=number(numbers["time_under_tension_s"])),
        *([_("%(rate)s %% compensated", rate=number(100 * rate))] if (rate := numbers["compensation_rate"]) is not None else []),
        *([_fatigue(done["fatigue"])] if done["fatigue"] else []),
    ]
    return ", ".join(parts)


def _fatigue(fatigue: dict[str, float]) -> str:
    """The last repetitions of a set against its first."""
    reach, speed = round(fatigue["rom_percent"]), round(fatigue["concentric_speed_percent"])
    far = _("%(n)s %% further", n=reach) if reach > 0 else _("%(n)s %% less far", n=-reach) if reach else _("as far")
    fast = _("%(n)s %% faster", n=speed) if speed > 0 else _("%(n)s %% slower", n=-speed) if speed else _("as fast")
    return _("at its end %(far)s and %(fast)s than at its beginning", far=far, fast=fast)


def spread(numbers: dict[str, Any] | None) -> str:
    """Median and standard deviation of the ranges of motion."""
    if not numbers or numbers["rom_median_deg"] is None:
        return "–"
    sd = numbers["rom_sd_deg"]
    return f"{number(numbers['rom_median_deg'])}{'' if sd is None else f' ± {number(sd)}'}°"


def change(found: Change | None) -> str:
    """Between two days: said only as far as it can be measured."""
    if found is None:
        return _("Nothing was counted in one of them.")
    by, told = number(abs(found.change_deg)), {"was": number(found.baseline_deg), "now": number(found.now_deg)}
    if not found.measurable:
        return _("%(was)s° and %(now)s°: about the same. Under %(mdc)s° nothing can be told from chance.", mdc=number(found.mdc_deg, 1), **told)
    further = _("%(by)s° further: from %(was)s° to %(now)s°.", by=by, **told)
    return further if found.change_deg > 0 else _("%(by)s° less far: from %(was)s° to %(now)s°.", by=by, **told)


def label(rep: dict[str, Any]) -> str:
    """Its number in the set; of one that does not count or was added by hand, none."""
    return str(rep["rep"]) if rep["counted"] and rep["rep"] else "–"


def place(rep: dict[str, Any]) -> str:
    """Which repetition, in a line."""
    which = _("repetition %(n)s", n=rep["rep"]) if rep["counted"] and rep["rep"] else KINDS[kind(rep)]
    return _("set %(set)s, %(which)s, at %(at)s s", set=rep["set"], which=which, at=number(rep["start_s"], 1))


def correction(one: dict[str, Any]) -> str:
    label = f" {KINDS[one['label']]}" if one["label"] else ""
    return _("At %(at)s s: %(what)s", at=number(one["at_s"], 1), what=LABELLED[one["action"]] + label)


def versions(made: Sequence[dict[str, Any]]) -> str:
    counts = [_("version %(version)s counted %(n)s", version=one["version"], n=one["tally"]["counted"]) for one in made]
    text = "; ".join(counts)
    return f"{text[:1].upper()}{text[1:]}."


def difference(found: dict[str, Any]) -> str:
    return _(
        "Since the version before, repetitions: %(added)s added, %(removed)s removed, %(changed)s changed.",
        **{what: len(found[what]) for what in ("added", "removed", "changed")},
    )


def changes(found: dict[str, Any]) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Repetition -> (what, before, now), in the order of time."""
    there, missing = _("there"), "–"
    told = [(rep, [(_("repetition"), missing, there)]) for rep in found["added"]]
    told += [(rep, [(_("repetition"), there, missing)]) for rep in found["removed"]]
    for one in found["changed"]:
        lines = [(FIELDS.get(name, name), _plain(name, old), _plain(name, new)) for name, (old, new) in one["changes"].items()]
        told.append((one["after"], lines))
    return [(place(rep), lines) for rep, lines in sorted(told, key=lambda one: one[0]["start_s"])]


def _plain(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if name == "flags":
        return flags({"flags": value}) or _("none")
    if name == "compensation":
        return compensation({"compensation": value, "compensated": False}) or _("none")
    if isinstance(value, int | float) and name.endswith(("_deg", "_s", "sparc")):
        return number(value, 2 if name == "sparc" else 1) + ("°" if name.endswith("_deg") else " s" if name.endswith("_s") else "")
    return exercise(value) if name == "exercise" else "–" if value is None else str(value)


def job(one: dict[str, Any]) -> str:
    if one["state"] == "failed":
        return _("Could not be counted again: %(error)s", error=one["error"])
    return JOBS[one["outcome"] or one["state"]]


def coverage(share: float, gaps: Sequence[dict[str, float]]) -> str:
    """How much of what the band measured is there."""
    text = _("Every sample arrived.") if share >= 0.99995 else _("%(share)s %% of the samples arrived.", share=number(100 * share, 1))
    if not gaps:
        return _("%(text)s No gaps.", text=text)
    longest = number(max(gap["end_s"] - gap["start_s"] for gap in gaps), 1)
    many = ngettext("%(num)s gap, of %(longest)s s.", "%(num)s gaps, the longest %(longest)s s.", len(gaps), longest=longest)
    return _("%(text)s %(many)s Nothing was filled in.", text=text, many=many)


def of_quality(quality: dict[str, Any]) -> list[str]:
    """What the session does not carry, a sentence each; none of what it says nothing about."""
    told = []
    if quality.get("gyroscope_bias_known") is False:
        told.append(_("The band was never still: angles may have drifted."))
    if quality.get("leg_direction_known") is False:
        told.append(_("No lift showed how the band sits on the leg, so none was counted."))
    if quality.get("axis_clear") is False:
        least = number(quality["compensation_from_deg"])
        told.append(_("The movement varied too much to judge the pelvis: only %(least)s degrees of it would stand out.", least=least))
    if quality.get("exercise_recognised") is False:
        told.append(_("No exercise was recognised."))
    if quality.get("turn_direction_known") is False:
        told.append(_("Outward and inward rotation could not be told apart in some repetitions; they were not counted."))
    if others := quality.get("other_movements"):
        told.append(_("Another exercise was seen, and not counted: %(others)s.", others=", ".join(map(exercise, others))))
    if many := quality.get("reps_with_gaps"):
        told.append(ngettext(
            "In %(num)s repetition missing samples were bridged.", "In %(num)s repetitions missing samples were bridged.", many
        ))  # fmt: skip
    if many := quality.get("restarts"):
        told.append(ngettext(
            "Samples were missing for more than a second once.", "Samples were missing for more than a second %(num)s times.", many
        ))  # fmt: skip
    if many := quality.get("uncounted_packets"):
        told.append(ngettext("%(num)s packet could not be counted.", "%(num)s packets could not be counted.", many))
    if many := quality.get("unspooled_packets"):
        told.append(ngettext(
            "%(num)s packet could not be kept: counted on the patient's computer, but on no server.",
            "%(num)s packets could not be kept: counted on the patient's computer, but on no server.", many,
        ))  # fmt: skip
    return told
