"""A report for a patient's chart as PDF: one page a programme, one page a session, with the plots; in the reader's language."""

from __future__ import annotations

from bisect import bisect_left
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from processing.exercises import EXERCISES
from server import words
from server.language import N_, _, form_of, ngettext
from server.chart import Chart, Visit
from server.corrections import kind_of
from server.exports import Export
from server.programme import Item, Programme, Week, ends_on, present

if TYPE_CHECKING:
    from server.paper import Paper

FOOT = N_("hiprep is a training aid and not a medical device: no decision about treatment should rest on these numbers alone.")
NO_CHANGE_DEG = 5.0  # days that differ by less do not differ measurably (SERVICE.md)
LONGEST_NOTE = 5  # lines


def make(chart: Chart) -> bytes:
    from server.paper import Paper  # fonts and PDF take their time

    who = " · ".join(part for part in (chart.patient and chart.patient.name, chart.clinic and chart.clinic.name) if part)
    at = _("report of %(made_at)s", made_at=words.when(chart.made_at, chart.zone))
    paper = Paper(who or "hiprep", at, _(FOOT), _("%(who)s: report", who=who or "hiprep"))
    if chart.patient and not paper.has(chart.patient.name):  # boxes alone name nobody
        paper.head = f"{chart.patient.id} · {who}"
    paper.set_creation_date(datetime.fromisoformat(chart.made_at))
    for number, programme in enumerate(chart.programmes if chart.whole else ()):
        until = chart.programmes[number + 1].starts_on if number + 1 < len(chart.programmes) else None
        _programme(paper, chart, programme, until)
    for visit in chart.visits:
        _session(paper, chart, visit)
    if chart.answers:
        _answers(paper, chart)
    if not paper.pages:
        paper.add_page()
        paper.title_line(_("Nothing yet"), _("No programme was prescribed and no session has ended."))
    return bytes(paper.output())


# A session


def _session(paper: Paper, chart: Chart, visit: Visit) -> None:
    result, session, tally = visit.result, visit.session, visit.tally()
    paper.add_page()
    length, where = words.length(result["duration_s"]), words.PLACEMENTS[session.placement]
    paper.title_line(
        f"{words.exercises(result)}, {words.side(session.side)}", f"{words.when(session.started_at, chart.zone)} · {length} · {where}"
    )
    usual = visit.rom_deg()
    paper.heroes([
        (_("counted"), str(tally["counted"])),
        *((words.KINDS[kind], str(tally[kind])) for kind in ("good", "compensated", "partial")),
        (_("usual range of motion"), words.degrees(usual)),
        (_("worst pain of 10"), words.number(visit.report and visit.report["pain_worst"])),
    ])  # fmt: skip
    _curve(paper, visit)
    _ranges(paper, visit, _items_of(chart, visit))
    _sets(paper, visit)
    _said(paper, visit)
    _known(paper, visit)


def _curve(paper: Paper, visit: Visit) -> None:
    from server.paper import KINDS

    angles = [angle for angle in visit.angle_deg if angle is not None]
    if not angles:
        return
    paper.heading(_("Angle of the leg"), _("degrees over seconds; the bars below: each repetition"))
    ordered = sorted(angles)
    low, high = ordered[len(ordered) // 100], ordered[-1 - len(ordered) // 100]  # walking about may leave the picture
    tops = [visit.angle_deg[min(bisect_left(visit.t_s, rep["peak_s"]), len(visit.t_s) - 1)] for rep in visit.reps]
    high = max([high, *(angle for angle in tops if angle is not None)])
    room = max(high - low, 10.0)
    first, last = visit.t_s[0], max(visit.t_s[-1], visit.t_s[0] + 1)
    frame = paper.frame(52, (first, last), (low - 0.25 * room, high + 0.15 * room), "°")
    bottom = frame.of_y[0]
    for gap in visit.result["gaps"]:
        frame.bar(max(gap["start_s"], first), min(gap["end_s"], last), *frame.of_y, "#E0E0E0")
    for rep in visit.reps:
        if first <= rep["start_s"] < last:
            frame.bar(rep["start_s"], min(rep["end_s"], last), bottom, bottom + 0.08 * room, KINDS[kind_of(rep)])
    with paper.rect_clip(frame.left, frame.top, frame.width, frame.height):
        frame.curve(visit.t_s, visit.angle_deg)
    _legend(paper, bool(visit.result["gaps"]))


def _legend(paper: Paper, gaps: bool) -> None:
    from server.paper import KINDS, LEFT

    x, y = LEFT + 9, paper.get_y()
    for color, text in [*((KINDS[kind], word) for kind, word in words.KINDS.items()), *([("#E0E0E0", _("samples missing"))] if gaps else [])]:
        paper.set_fill_color(color)
        paper.rect(x, y + 0.4, 3, 2.6, style="F")
        paper.put(x + 4, y, text, 7)
        x = paper.get_x() + 5
    paper.set_y(y + 4)


def _ranges(paper: Paper, visit: Visit, items: list[Item]) -> None:
    from server.paper import KINDS

    reps = [rep for rep in visit.reps if rep.get("rom_deg") is not None]
    if not reps:
        return
    paper.heading(_("Range of motion"), _("degrees, repetition by repetition"))
    targets = {item.rom_target_deg for item in items if item.rom_target_deg}
    most = max([rep["rom_deg"] for rep in reps] + list(targets))
    begins = [i for i, rep in enumerate(reps) if i == 0 or rep["set"] != reps[i - 1]["set"]]
    frame = paper.frame(32, (0, len(reps)), (0, 1.15 * most + 1), "°", [(i + 0.5, _("set %(number)s", number=reps[i]["set"])) for i in begins])
    for i, rep in enumerate(reps):
        frame.bar(i + 0.15, i + 0.85, 0, rep["rom_deg"], KINDS[kind_of(rep)])
    for target in sorted(targets):
        frame.level(target, "#222222", _("target %(target)s°", target=words.number(target)))


def _sets(paper: Paper, visit: Visit) -> None:
    if not visit.result["sets"]:
        return
    paper.heading(_("Sets"))
    rows = []
    for done in visit.result["sets"]:
        mine = [rep for rep in visit.reps if rep["set"] == done["set"]]
        numbers, fatigue = done.get("numbers") or {}, done.get("fatigue") or {}
        counted = sum(rep["counted"] for rep in mine)
        rows.append([
            f"{done['set']}: {words.exercise(done['exercise'])}",
            str(counted),
            str(len(mine) - counted),
            _with_unit(numbers.get("rom_mean_deg"), "°", numbers.get("rom_sd_deg")),
            _with_unit(numbers.get("time_under_tension_s"), " s"),
            words.share(numbers.get("compensation_rate")),
            _with_unit(fatigue.get("rom_percent"), " %"),
        ])  # fmt: skip
    head = [_("Set"), _("Counted"), _("Not counted"), _("ROM (SD)"), _("Under tension"), _("Compensated"), _("ROM, last 3 to first")]
    paper.table(head, [46, 16, 20, 24, 24, 22, 28], rows, keep=36)


def _said(paper: Paper, visit: Visit) -> None:
    if not visit.report:
        return
    said = visit.report
    paper.heading(_("What the patient said"))
    parts = [f"{title} {words.number(said[name])}" for name, title in words.SAID.items()]
    if said["stopped"]:
        parts.append(_("ended because: %(reason)s", reason=words.STOPPED[said["stopped"]]))
    paper.paragraph("; ".join(parts) + ".", 2)
    if said["note"]:
        paper.paragraph(f"“{said['note']}”", LONGEST_NOTE)


def _known(paper: Paper, visit: Visit) -> None:
    by_hand = sum(bool(rep.get("by_hand")) for rep in visit.reps)
    parts = [words.coverage(visit.result["coverage"], visit.result["gaps"])]
    parts += [ngettext("%(num)s repetition was corrected by hand.", "%(num)s repetitions were corrected by hand.", by_hand)] if by_hand else []
    parts += [
        _("Counted by processing version %(version)s.", version=visit.version),
        _("One band sees one leg: it cannot tell a turning pelvis from a turning hip."),
    ]
    paper.set_y(paper.get_y() + 2)
    paper.paragraph(" ".join(parts), 3, 8, "#666666")


def _items_of(chart: Chart, visit: Visit) -> list[Item]:
    """What was prescribed of what was done."""
    held = present(chart.programmes, date.fromisoformat(visit.day))
    done = {one["exercise"] for one in visit.result["sets"]}
    return [item for item in held.items if item.side == visit.session.side and item.exercise in done] if held else []


def _answers(paper: Paper, chart: Chart) -> None:
    """A page of all that was answered, the newest first."""
    paper.add_page()
    paper.title_line(_("Questionnaires"), _("as the patient answered them"))
    rows = []
    for answer in reversed(chart.answers):
        asked = chart.asked_in(answer)
        title = form_of(asked.title) if asked else _("%(name)s, version %(version)s", name=answer["questionnaire"], version=answer["version"])
        score = words.number(answer["score"])
        most = words.number(asked.most) if asked else None
        rows.append([title, words.when(answer["made_at"], chart.zone), _("%(score)s of %(most)s", score=score, most=most) if most else score])
    paper.table([_("Questionnaire"), _("When"), _("Score")], [90, 50, 30], rows)
    for asked in {asked.name: asked for answer in chart.answers if (asked := chart.asked_in(answer))}.values():
        paper.paragraph(f"{form_of(asked.title)}: {asked.source}.", 2, 8, "#666666")


# A programme


def _programme(paper: Paper, chart: Chart, programme: Programme, until: date | None) -> None:
    """until: when a later version begins."""
    paper.add_page()
    over = ends_on(programme)
    end = min(over, until) if until else over
    begins, last = (words.date_of(day.isoformat()) for day in (programme.starts_on, end - timedelta(1)))
    told = _("%(first)s to %(last)s", first=begins, last=last) if programme.items else _("over since %(day)s", day=begins)
    paper.title_line(_("Programme, version %(version)s", version=programme.version), told)
    weeks = [week for week in chart.weeks if programme.starts_on <= week.begins and (until is None or week.begins < until)]
    visits = [visit for visit in chart.visits if programme.starts_on.isoformat() <= visit.day and (until is None or visit.day < until.isoformat())]
    due, kept = sum(week.due for week in weeks), sum(min(week.sessions, week.due) for week in weeks)
    paper.heroes([
        (_("planned exercises done"), _("%(kept)s of %(due)s", kept=kept, due=due)),
        (_("of the plan kept"), words.share(kept / due if due else None)),
        (_("repetitions done"), str(sum(week.reps for week in weeks))),
        (_("repetitions planned so far"), str(sum(week.due_reps for week in weeks))),
        (_("stop above this pain"), str(programme.pain_stop)),
    ])  # fmt: skip
    rows = [
        [words.exercise(item.exercise), words.side(item.side), f"{item.sets} × {item.reps}", _("%(per_week)s times", per_week=item.per_week),
         str(item.weeks), words.tempo(_dict(item)), words.degrees(item.rom_target_deg), words.BANDS.get(item.band, item.band or "–")]
        for item in programme.items
    ]  # fmt: skip
    if rows:
        paper.heading(_("Prescribed"))
        head = [_("Exercise"), _("Side"), _("Sets × reps"), _("A week"), _("Weeks"), _("Tempo"), _("Target"), _("Band")]
        paper.table(head, [52, 14, 22, 20, 20, 22, 16, 16], rows, keep=150)
    if programme.note:
        paper.paragraph(f"“{programme.note}”", LONGEST_NOTE)
    _weeks(paper, weeks)
    _trend(paper, visits)
    _pain(paper, visits, programme.pain_stop)


def _weeks(paper: Paper, weeks: list[Week]) -> None:
    from server.paper import KINDS, LINE

    if not weeks:
        return
    paper.heading(_("Week by week"), _("exercises done (blue) of those planned (grey); each exercise of a side counts once a day"))
    most = max(max(week.sessions, week.prescribed) for week in weeks)
    frame = paper.frame(28, (0, len(weeks)), (0, most + 1), "", [(i + 0.5, words.short_date(week.begins.isoformat())) for i, week in enumerate(weeks)][:: 1 + len(weeks) // 13])
    for i, week in enumerate(weeks):
        frame.bar(i + 0.1, i + 0.9, 0, week.prescribed, LINE)
        frame.bar(i + 0.25, i + 0.75, 0, week.sessions, KINDS["good"])


def _trend(paper: Paper, visits: list[Visit]) -> None:
    """One plot for each exercise and side: the session's median, and the band of no measurable change about the first."""
    from server.paper import KINDS

    legs: dict[tuple[str, str], list[tuple[date, float]]] = {}
    for visit in visits:
        for name in dict.fromkeys(rep["exercise"] for rep in visit.reps if rep["exercise"]):
            roms = sorted(rep["rom_deg"] for rep in visit.reps if rep["exercise"] == name and rep["counted"] and rep.get("rom_deg"))
            if roms:
                legs.setdefault((name, visit.session.side), []).append((date.fromisoformat(visit.day), roms[len(roms) // 2]))
    for (name, side), points in legs.items():
        if paper.room < 48 or len(points) < 2:
            continue
        mdc = (EXERCISES[name].mdc_deg if name in EXERCISES else None) or NO_CHANGE_DEG
        base = points[0][1]
        leg = f"{words.exercise(name)}, {words.side(side)}"
        paper.heading(_("Range of motion: %(leg)s", leg=leg), _("medians; grey: ±%(mdc)s°, no measurable change from the first", mdc=words.number(mdc, 1)))
        values = [value for _, value in points] + [base + mdc, base - mdc]
        frame = paper.frame(28, _days(points), (max(0, min(values) - 4), max(values) + 4), "°", _ticks(points))
        frame.bar(*frame.of_x, base - mdc, base + mdc, "#E8E8E8")
        frame.line([(day.toordinal(), value) for day, value in points], KINDS["good"], 0.4)
        for day, value in points:
            frame.dot(day.toordinal(), value, KINDS["good"])


def _pain(paper: Paper, visits: list[Visit], stop: int) -> None:
    from server.paper import KINDS

    points = [(date.fromisoformat(v.day), v.report["pain_worst"]) for v in visits if v.report and v.report["pain_worst"] is not None]
    if len(points) < 2 or paper.room < 45:
        return
    paper.heading(_("Worst pain"), _("0 to 10, as the patient said it of each session"))
    frame = paper.frame(26, _days(points), (0, 10), "", _ticks(points))
    frame.level(stop, KINDS["compensated"], _("stop above %(pain)s", pain=stop))
    frame.line([(day.toordinal(), value) for day, value in points], "#222222", 0.4)
    for day, value in points:
        frame.dot(day.toordinal(), value, "#222222")


def _days(points: list[tuple[date, Any]]) -> tuple[float, float]:
    return points[0][0].toordinal() - 0.5, points[-1][0].toordinal() + 0.5


def _ticks(points: list[tuple[date, Any]]) -> list[tuple[float, str]]:
    days = sorted({day for day, _ in points})
    return [(day.toordinal(), words.short_date(day.isoformat())) for day in days[:: 1 + len(days) // 9]]


def _with_unit(value: float | None, unit: str, spread: float | None = None) -> str:
    return "–" if value is None else f"{words.number(round(value))}{unit}" + (f" ({words.number(spread, 1)})" if spread is not None else "")


def _dict(item: Item) -> dict[str, Any]:
    return {name: getattr(item, name) for name in ("concentric_s", "hold_s", "eccentric_s")}


EXPORT = Export("report.pdf", N_("Report (PDF)"), "application/pdf", make)
