"""What others take away: CSV, PDF, FHIR."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import date

import pytest
from conftest import EXERCISE, SIDE
from fhir.resources.R4B.bundle import Bundle
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from house import housing
from pypdf import PdfReader

from processing.exercises import EXERCISES
from server import exports, words
from server.chart import Chart, Visit
from server.exports import fhir, repetitions, report
from server.language import speaking
from server.programme import Done, Item, Programme, adherence
from server.questionnaires import KNEE_WEEK
from server.rows import Session
from server.store.people import Clinic, Person

ID, OTHER, HOUSE = (f"01900000-0000-7000-8000-00000000000{number}" for number in range(3))
AT = "2026-01-01T09:00:00.000Z"
EVIL = ("=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "＝1", "=cmd|' /C calc'!A0")
SAID = {"pain_before": 2, "pain_worst": 6, "pain_after": None, "exertion": 4, "stopped": "pain", "note": EVIL[0], "made_at": AT}


@pytest.fixture(scope="module")
def visit(expected) -> Visit:
    session = Session(1, ID, "k", EXERCISE, SIDE, "ankle", "hiprep-band", EVIL[-1], b"", AT, AT, AT, None, 1, None)
    t = [i / 25 for i in range(int(25 * expected["duration_s"]))]
    angle = [None if i % 500 < 20 else 30.0 * (i % 100) / 100 for i in range(len(t))]
    return Visit(session, "2", expected, expected["reps"], t, angle, SAID, "2026-01-01")


@pytest.fixture(scope="module")
def whole(visit) -> Chart:
    clinic = Clinic(1, HOUSE, "Hillside", "Europe/Berlin", AT)
    patient = Person(1, OTHER, 1, "patient", False, "@Łucja Ångström", "l@example.org", "secret-hash", None, 0, AT, None)
    items = tuple(Item(name, SIDE, 3, 10, 3, 6, 2, 0, 2, 40.0, "red") for name in (EXERCISE, "straight_leg_raise"))
    plans = tuple(Programme(n + 1, date(2025, 12, 1 + 20 * n), 5, 5, "Breathe.", AT, items) for n in range(2))
    visits = tuple(
        replace(visit, day=f"2025-12-{day:02}", session=replace(visit.session, id=f"{ID[:-2]}{day}")) for day in (12, 15, 22, 25)
    )
    done = [Done(date.fromisoformat(one.day), ID, EXERCISE, SIDE, 8, 8, 0, 35.0) for one in visits]
    weeks = adherence(plans, done, date(2026, 1, 2)).weeks
    return Chart(AT, "https://hip.example", "Europe/Berlin", clinic, patient, True, visits, plans, weeks)


@pytest.fixture(scope="module")
def alone(visit) -> Chart:
    """A session of a server without accounts."""
    return Chart(AT, "http://127.0.0.1:8000", None, None, None, False, (visit,))


def test_a_row_a_repetition(alone, expected) -> None:
    rows = list(csv.DictReader(io.StringIO(repetitions.make(alone).decode(), newline="")))
    assert len(rows) == len(expected["reps"])
    for row, rep in zip(rows, expected["reps"], strict=True):
        assert float(row["rom_deg"]) == rep["rom_deg"] and float(row["sparc"]) == rep["sparc"] < 0
        assert (row["set"], row["rep"], row["kind"]) == (str(rep["set"]), str(rep["rep"]), "good")


@pytest.fixture(scope="module")
def asked(whole) -> Chart:
    """With an answer to a questionnaire that is here, and one of whose words nobody has any more."""
    mine = {"questionnaire": "knee_week", "version": "1", "given": [3, 0, 10], "score": 13.0, "made_at": AT}
    return replace(whole, asked={"knee_week": KNEE_WEEK}, answers=(mine | {"version": "0", "given": [1], "score": 1.0}, mine))


def test_answers_to_questionnaires_go_along(asked) -> None:
    bundle = fhir.bundle(asked)
    Bundle.model_validate(bundle)
    old, new = [one["resource"] for one in bundle["entry"] if one["resource"]["id"] not in str(fhir.bundle(replace(asked, answers=())))]
    assert [one["linkId"] for one in new["item"]] == ["item_0", "item_1", "item_2", "score"]
    assert [list(one["answer"][0].values())[0] for one in new["item"]] == ["3", "0", "10", 13.0]
    assert new["item"][0]["text"] == KNEE_WEEK.items[0].text and new["contained"][0]["title"] == KNEE_WEEK.title
    assert [list(one["answer"][0].values())[0] for one in old["item"]] == [1, 1.0] and "text" not in old["item"][0]
    page = PdfReader(io.BytesIO(report.make(asked))).pages[-1].extract_text()
    for text in ("Questionnaires", KNEE_WEEK.title, "13 of 30", "knee_week, version 0", "not validated"):
        assert text in page


@pytest.mark.parametrize("text", EVIL)
def test_no_text_is_a_formula(whole, text: str) -> None:
    session = replace(whole.visits[0].session, band=text)
    visit = replace(whole.visits[0], session=session, report=SAID | {"note": text})
    named = replace(whole, visits=(visit,), patient=replace(whole.patient, name=text))
    for row in csv.DictReader(io.StringIO(repetitions.make(named).decode(), newline="")):
        assert [row[name] for name in ("patient", "band", "note")] == [f"'{text}"] * 3


def pages(chart: Chart) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(report.make(chart))).pages]


def test_a_report_speaks_the_readers_language(whole) -> None:
    with speaking("de"):
        told = " ".join(pages(whole))
    assert "Programm, Version 1" in told and "Bewegungsumfang" in told and "kein Medizinprodukt" in told
    for english in ("Range", "prescribed", "counted", "Sets", "good", "left", "training aid", "January"):
        assert english not in told, english


def test_a_report_has_a_page_for_each_programme_and_each_session(whole, alone) -> None:
    told = pages(whole)
    assert len(told) == 2 + 4
    assert all("@Łucja Ångström · Hillside" in page and "not a medical device" in page for page in told)
    assert "Programme, version 1" in told[0] and "1 December 2025 to 20 December 2025" in told[0] and EXERCISES["straight_leg_raise"].title in told[0]
    assert all(text in told[1] for text in ("Programme, version 2", "Breathe.", "Week by week", "stop above 5", "±5.4°"))
    for page in told[2:]:
        assert all(text in page for text in ("Hip external rotation, left", "target 40°", "worst pain 6", "it hurt", EVIL[0], "set 2"))
    assert len(pages(alone)) == 1
    assert "Nothing yet" in pages(replace(whole, visits=(), programmes=(), weeks=()))[0]


def test_a_page_stays_a_page_however_much_there_is(whole, visit) -> None:
    many = [one | {"set": number} for number in range(1, 81) for one in visit.result["sets"][:1]]
    visit = replace(visit, result=visit.result | {"sets": many, "gaps": [{"start_s": 3.0, "end_s": 9.0}]}, report=SAID | {"note": "x\n" * 999})
    items = tuple(replace(whole.programmes[0].items[0], band=str(number)) for number in range(24))
    plan = replace(whole.programmes[0], items=items, note="y " * 1000)
    told = pages(replace(whole, visits=(visit,), programmes=(plan,)))
    assert len(told) == 2 and "more" in told[1] and "1 / 2" in told[0]


@pytest.mark.parametrize("name", ["Maximiliane Freifrau von " + "Überlingen-" * 12, "山田太郎", "हिन्दी 🦵"])
def test_whose_report_it_is_and_of_when_stands_on_each_page(whole, visit, name: str) -> None:
    """However long the name; where the font has not its letters, by the patient's number."""
    three = [one | {"exercise": each} for one in visit.result["sets"][:1] for each in (EXERCISE, "hip_abduction", "hip_internal_rotation")]
    visit = replace(visit, result=visit.result | {"sets": three})
    chart = replace(whole, patient=replace(whole.patient, name=name), visits=(visit,))
    for page in PdfReader(io.BytesIO(report.make(chart))).pages:
        told = page.extract_text()
        assert "report of 1 January 2026" in told and (name[:40] in told or (OTHER in told and "□" in told) or name in told.replace(" ", ""))
    assert words.exercises(visit.result) + ", left" in told


def test_arabic_letters_are_joined(whole) -> None:
    chart = replace(whole, patient=replace(whole.patient, name="ب ببب"), visits=(), answers=())
    [font, *_] = [font.get_object() for page in PdfReader(io.BytesIO(report.make(chart))).pages for font in page["/Resources"]["/Font"].values()]
    assert font["/ToUnicode"].get_data().upper().count(b"<0628>") == 4  # alone, first, in the middle, last


def test_a_name_is_written_in_a_font_that_is_installed(whole, tmp_path, monkeypatch) -> None:
    name = "\U00012000\U00012010\U000120FB"  # cuneiform, which DejaVu has not
    folder = tmp_path / ".local/share/fonts"
    folder.mkdir(parents=True)
    font_with(name).save(folder / "NotoSansCuneiform-Regular.ttf")
    monkeypatch.setenv("HOME", str(tmp_path))
    chart = replace(whole, patient=replace(whole.patient, name=name), visits=(), answers=())
    for told in pages(chart):
        assert name in told.replace(" ", "") and OTHER not in told and "□" not in told


def font_with(letters: str) -> FontBuilder:
    """Each of them a square."""
    pen = TTGlyphPen(None)
    for move, to in ((pen.moveTo, (0, 0)), (pen.lineTo, (0, 700)), (pen.lineTo, (700, 700)), (pen.lineTo, (700, 0))):
        move(to)
    pen.closePath()
    square, names = pen.glyph(), [".notdef", *(f"u{ord(letter):X}" for letter in letters)]
    made = FontBuilder(1000, isTTF=True)
    made.setupGlyphOrder(names)
    made.setupCharacterMap({ord(letter): f"u{ord(letter):X}" for letter in letters})
    made.setupGlyf(dict.fromkeys(names, square))
    made.setupHorizontalMetrics(dict.fromkeys(names, (800, 0)))
    made.setupHorizontalHeader(ascent=800, descent=-200)
    made.setupNameTable({"familyName": "Squares", "styleName": "Regular"})
    made.setupOS2()
    made.setupPost()
    return made


def test_a_session_without_anything_is_a_page_too(alone, visit) -> None:
    empty = visit.result | {"sets": [], "reps": [], "duration_s": 0.0, "coverage": 0.0}
    nothing = replace(alone, visits=(replace(visit, result=empty, reps=[], t_s=[], angle_deg=[], report=None),))
    assert len(pages(nothing)) == 1 and len(list(csv.reader(io.StringIO(repetitions.make(nothing).decode())))) == 1
    Bundle.model_validate_json(fhir.make(nothing))


def references(value) -> list[str]:
    if isinstance(value, dict):
        own = [value["reference"]] if "reference" in value else []
        return own + [one for part in value.values() for one in references(part)]
    return [one for part in value for one in references(part)] if isinstance(value, list) else []


def test_a_bundle_is_fhir_and_whole(whole, alone, expected) -> None:
    for chart, sessions in ((whole, 4), (alone, 1)):
        made = json.loads(fhir.make(chart))
        Bundle.model_validate(made)  # refuses what it does not know
        names = [entry["fullUrl"] for entry in made["entry"]]
        assert set(references(made)) <= set(names) and len(set(names)) == len(names)
        found = [entry["resource"] for entry in made["entry"]]
        kinds = [one["resourceType"] for one in found]
        assert kinds.count("Procedure") == kinds.count("QuestionnaireResponse") == kinds.count("DocumentReference") == sessions
        assert kinds.count("ServiceRequest") == (4 if chart is whole else 0)
        assert kinds.count("Observation") == sessions * len(expected["sets"])
        assert "secret-hash" not in fhir.make(chart).decode()
        done = next(one for one in found if one["resourceType"] == "Procedure")
        assert done["status"] == "stopped" and done["code"]["coding"][0]["code"] == "229065009"
        assert len(done.get("basedOn", [])) == (chart is whole)  # of two exercises one was done
        first = next(one for one in found if one["resourceType"] == "Observation")
        by_code = {part["code"]["coding"][0]["code"]: part["valueQuantity"] for part in first["component"]}
        assert by_code["repetitions"]["value"] == 4
        rom = {"value": expected["sets"][0]["numbers"]["rom_median_deg"], "unit": "deg", "system": "http://unitsofmeasure.org", "code": "deg"}
        assert by_code["range-of-motion"] == rom
        said = next(one for one in found if one["resourceType"] == "QuestionnaireResponse")
        assert [item["answer"][0]["valueInteger"] for item in said["item"]] == [2, 6, 4]
        assert said["contained"][0]["item"][1]["code"][0]["code"] == "72514-3"


def test_what_was_corrected_by_hand_is_what_is_exported(alone, visit) -> None:
    added = {"set": 1, "rep": None, "exercise": EXERCISE, "start_s": 1.0, "peak_s": 2.0, "end_s": 3.0, "compensation": [], "counted": True,
             "compensated": True, "flags": [], "by_hand": ["x"], "removed": False}  # fmt: skip
    chart = replace(alone, visits=(replace(visit, reps=[added, *visit.reps[1:]]),))
    row = next(csv.DictReader(io.StringIO(repetitions.make(chart).decode())))
    assert (row["rom_deg"], row["kind"], row["corrected_by_hand"]) == ("", "compensated", "True")
    assert "1 repetition was corrected by hand" in pages(chart)[0].replace("\n", " ")
    made = json.loads(fhir.make(chart))
    Bundle.model_validate(made)
    assert [one["resource"]["status"] for one in made["entry"] if one["resource"]["resourceType"] == "Observation"] == ["amended", "final"]


def test_from_the_pages_to_the_files(tmp_path, entries, new_session) -> None:
    with housing(tmp_path) as house:
        admin = house.found("Hillside", "Ada Admin")
        physio, patient = admin.add("Phil Physio", "staff"), admin.add("Pat Patient", "patient")
        admin.assign(physio, patient)
        session = patient.post("/api/v1/sessions", json=new_session("a-session")).json()["id"]
        early = patient.get(f"/api/v1/sessions/{session}/exports/report.pdf", headers={"accept": "*/*"})
        assert early.status_code == 409 and early.headers["content-type"] == "application/problem+json"
        assert patient.post(f"/api/v1/sessions/{session}/end").status_code == 200
        for page in (f"/sessions/{session}", f"/patients/{patient.id}"):
            shown = physio.get(page).text
            for export in exports.listed():
                path = f"/api/v1{page}/exports/{export.name}"
                assert f'href="{path}"' in shown
                got = physio.get(path)
                assert got.status_code == 200 and got.headers["content-type"].startswith(export.media_type)
                assert got.headers["content-disposition"].startswith('attachment; filename="hiprep-2026-01-01-')
