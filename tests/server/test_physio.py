"""What a physio looks at: the list of patients, found by what is typed, and one of them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from datetime import date, timedelta
from html import unescape

import pytest
import segno
from house import Browser, House, housing
from looking import logged_in, looked_at, looking
from playwright.async_api import expect

from server import throttle
from server.attention import Report
from server.drawing import spark, ticks
from server.overview import overview
from server.programme import Done, Item, Programme
from server.trend import shown, trends

TODAY = date(2026, 1, 1)
ITEM = {"exercise": "hip_external_rotation", "side": "left"}
HOSTILE = "<script>alert(1)</script>"
NAMES = ("Zoë Ångström", "王小明", "مريم الخطيب", HOSTILE, "{{ 7*7 }}", "=cmd|'/c calc'!A0")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Phil looks after everybody; Pat has a programme of which nothing was done for a week, and so attention."""
    patch = pytest.MonkeyPatch()
    patch.setattr(throttle, "LIMITS", {action: {by: "100000/day" for by in limits} for action, limits in throttle.LIMITS.items()})
    with housing(tmp_path_factory.mktemp("physio")) as house:
        house.admin = house.found("Hillside", "Ada Admin")
        house.phil, house.pat = house.admin.add("Phil Physio", "staff"), house.admin.add("Pat Patient", "patient")
        house.others = {name: house.admin.link_for(name, "patient")[0] for name in NAMES}
        for id in (house.pat.id, *house.others.values()):
            told = {"staff": house.phil.id, "to": "true"}
            assert house.admin.post(f"/people/{id}/assignment", data=told).status_code == 303
        plan = {"starts_on": TODAY.isoformat(), "items": [ITEM]}
        assert house.phil.post(f"/api/v1/patients/{house.pat.id}/programme", json=plan).status_code == 201
        house.clock.now += 7 * 86400
        house.phil, house.admin = house.phil.again(), house.admin.again()
        yield house
    patch.undo()


def names(page: str) -> list[str]:
    return [unescape(name) for name in re.findall(r'<bdi><a href="/patients/[0-9a-f-]{36}">(.*?)</a></bdi>', page)]


def listed(browser: Browser, **asked: object) -> list[str]:
    answer = browser.get("/patients", params=asked)
    assert answer.status_code == 200, answer.text
    return names(answer.text)


def test_the_list_is_sorted_by_attention_and_found_by_what_is_typed(house: House) -> None:
    assert listed(house.phil)[0] == "Pat Patient" and set(listed(house.phil)) == {"Pat Patient", *NAMES}
    assert listed(house.phil, q="zoe ang") == ["Zoë Ångström"]
    assert listed(house.phil, q="小明") == ["王小明"] and listed(house.phil, q="<SCRIPT>") == [HOSTILE]
    assert listed(house.phil, q="7 days after") == ["Pat Patient"]
    assert listed(house.phil, show="attention") == listed(house.phil, show="quiet") == ["Pat Patient"]
    assert listed(house.phil, show="pain") == listed(house.phil, q="nobody", show="all") == []
    assert "Nobody is like that" in house.phil.get("/patients?q=nobody").text
    assert len(listed(house.phil, lines=2)) == 2 and "Show the other 5" in house.phil.get("/patients?lines=2").text
    for bad in ({"q": "x" * 129}, {"show": "everything"}, {"lines": 0}, {"lines": "many"}):
        assert house.phil.get("/patients", params=bad).status_code == 422
    assert HOSTILE not in house.phil.get("/patients", params={"q": HOSTILE}).text


async def test_typing_finds_without_loading_the_page_anew(browser, house: House) -> None:
    async with looking(browser, "desktop") as seen:
        page = seen.page
        await logged_in(seen, house.phil)
        await page.goto(f"{house.url}/patients")
        await page.evaluate("document.body.dataset.same = 'yes'")
        await page.get_by_role("searchbox").press_sequentially("zoe")
        await expect(page.locator("#found tbody tr")).to_have_count(1)
        assert page.url.endswith("/patients?q=zoe&show=all")
        assert await page.evaluate("document.activeElement.id") == "q"
        await page.get_by_role("searchbox").fill("")
        await page.get_by_label("No session").focus()
        await page.keyboard.press("Space")
        await expect(page.locator("#found tbody")).to_contain_text("7 days")
        assert await page.evaluate("document.body.dataset.same") == "yes"
        await looked_at(page)
        await page.get_by_label("Pain").check()
        await page.get_by_text("Nobody is like that").wait_for()
        await looked_at(page)


async def test_what_is_typed_before_the_page_can_answer_is_not_lost(browser, house: House) -> None:
    async with looking(browser, "phone") as seen:
        page, there = seen.page, asyncio.Event()
        await logged_in(seen, house.phil)

        async def later(route) -> None:
            await there.wait()
            await route.continue_()

        await page.route("**/htmx.min.js", later)
        await page.goto(f"{house.url}/patients")
        await page.get_by_role("searchbox").fill("zoe")
        there.set()
        await expect(page.locator("#found tbody tr")).to_have_count(1)
        assert page.url.endswith("/patients?q=zoe&show=all")


# One patient


def test_notes_are_kept_and_a_message_stands_until_it_is_taken_back(house: House) -> None:
    path = f"/patients/{house.pat.id}"
    long = f"{HOSTILE} 王 " + "ä\r\n" * 3300
    for told in ({"text": long}, {"text": "Turn the foot\r\nup.", "to_patient": "true"}, {"text": "Slower.", "to_patient": "true"}):
        assert house.phil.post(f"{path}/notes", data=told).status_code == 303
    page = house.phil.get(path).text
    assert HOSTILE not in page and "&lt;script&gt;alert(1)" in page and page.count("ä\n") > 3300
    assert page.index("Slower.") < page.index("Turn the foot\nup.") and "was a message" in page
    back = re.findall(rf'action="({path}/notes/[0-9a-f-]+/take-back)"', page)
    assert len(back) == 1
    told = house.pat.again().get("/").text
    assert "Slower." in told and "Phil Physio" in told and "Turn the foot" not in told
    assert house.phil.post(back[0]).status_code == 303
    assert house.phil.post(back[0]).status_code == 404
    assert "take-back" not in house.phil.get(path).text and "Slower." in house.phil.get(path).text
    for bad in ({"text": ""}, {"text": "  "}, {"text": "x" * 10_001}, {"text": "a\0b"}, {"text": "x" * 2001, "to_patient": "true"}, {"text": "x", "made_by": "1"}):
        assert house.phil.post(f"{path}/notes", data=bad).status_code == 422, bad
    assert "Slower." not in house.pat.again().get("/").text


def test_the_card_beside_the_form_is_what_the_form_says(house: House) -> None:
    told = {
        "exercise_0": "hip_abduction", "side_0": "both", "sets_0": "2", "reps_0": "12", "per_week_0": "4", "weeks_0": "6",
        "tempo_0": "2-1-3", "left_deg_0": "", "right_deg_0": "35", "band_0": "red", "starts_on": "2026-01-08",
        "quiet_days": "5", "pain_stop": "5", "note": HOSTILE,
    }  # fmt: skip
    path = f"/patients/{house.pat.id}/prescribe/preview"
    card = house.phil.post(path, data=told).text
    assert card.count("2 × 12") == 2 and "target 35°" in card and "4 times a week" in card and HOSTILE not in card
    assert "not a tempo" in house.phil.post(path, data=told | {"tempo_0": "slow"}).text.lower()
    assert "its card appears here" in house.phil.post(path, data=told | {"exercise_0": ""}).text
    assert len(house.phil.get(f"/api/v1/patients/{house.pat.id}/programme").json()["versions"]) == 1


async def test_a_programme_is_changed_in_place_with_the_keyboard(browser, house: House) -> None:
    async with looking(browser, "phone") as seen:
        page = seen.page
        await logged_in(seen, house.phil)
        await page.goto(f"{house.url}/patients/{house.pat.id}")
        await looked_at(page)
        while not await page.evaluate("'htmx' in window"):  # wait_for_function would need the policy to allow eval
            await asyncio.sleep(0.05)
        await page.get_by_text("Change the programme").focus()
        await page.keyboard.press("Enter")
        await page.get_by_label("Exercise", exact=True).first.select_option("hip_abduction")
        await expect(page.locator("#preview")).to_contain_text("Side-lying hip abduction")
        await looked_at(page)
        await page.get_by_text("Leave as it is").click()
        await expect(page.locator("#programme form")).to_have_count(0)  # its list of exercises and its heading say the same words
        await expect(page.locator("#programme")).to_contain_text("Hip external rotation")
        await page.get_by_text("Change the programme").click()
        further = page.get_by_text("Another exercise").filter(visible=True)
        await expect(further).to_have_count(1)
        await further.click()
        await expect(page.get_by_text("Exercise 2")).to_be_visible()
        await expect(further).to_have_count(1)
        await further.click()
        await expect(further).to_have_count(0)
        await page.get_by_label("Note to Pat Patient").fill("Slowly.\nBreathe.")
        await page.get_by_role("button", name="Prescribe").click()
        await expect(page.locator("#programme")).to_contain_text("Version 2")
        await expect(page.locator("#programme .lines")).to_have_text("Slowly.\nBreathe.")
        await looked_at(page)


async def test_instructions_are_printed_without_the_pages_frame(browser, house: House) -> None:
    async with looking(browser, "desktop") as seen:
        await logged_in(seen, house.phil)
        await seen.page.goto(f"{house.url}/patients/{house.pat.id}/sheet")
        await looked_at(seen.page)
        assert await seen.page.get_by_role("button", name="Print").is_visible()
        await seen.page.emulate_media(media="print", color_scheme="dark")
        assert not await seen.page.locator(".top").is_visible() and not await seen.page.locator(".sheet .actions").is_visible()
        assert await seen.page.locator(".box").count() == 7 * 6
        assert await seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


# The clinic


def test_a_new_patient_is_looked_after_at_once_and_gets_a_code_to_point_at(house: House) -> None:
    told = {"name": HOSTILE, "kind": "patient", "by": house.phil.id}
    page = house.admin.post("/people", data=told).text
    link = re.search(r"<code>(\S+#\S+)</code>", page)[1]
    drawn = re.search(r'<svg class="qr" viewBox="0 0 (\d+) \d+".*?<path class="ink" d="(.*?)"', page)
    code = segno.make_qr(link, error="m")
    assert int(drawn[1]) == code.symbol_size(border=4)[0]
    dark = {(x + n, y) for x, y, wide in (map(int, run) for run in re.findall(r"M(\d+) (\d+)h(\d+)v1", drawn[2])) for n in range(wide)}
    assert dark == {(x, y) for y, row in enumerate(code.matrix_iter(border=4)) for x, module in enumerate(row) if module}
    assert HOSTILE not in page and listed(house.phil).count(HOSTILE) == 2
    for bad in ({"by": house.pat.id}, {"by": "x"}, {"by": "x" * 37}):
        assert house.admin.post("/people", data=told | bad).status_code == 422
    pairing = house.phil.post(f"/patients/{house.pat.id}/pairing").text
    assert 'class="qr"' in pairing and f"<code>{house.url}/band</code>" in pairing


def test_the_trail_is_shown_to_admins_in_words(house: House) -> None:
    assert house.phil.get("/patients").status_code == 200
    page = house.admin.get("/people/trail").text
    assert "The trail is whole" in page and "looked at the list of patients" in page and "Phil Physio" in page
    assert re.search(r"It ends with <code>[0-9a-f]{16}</code>", page)
    first = house.admin.get("/people/trail?before=5").text
    assert "made the clinic" in first and "looked at the list of patients" not in first
    assert house.admin.get("/people/trail?before=0").status_code == 422


async def test_an_empty_clinic_says_what_to_do_next(browser, tmp_path) -> None:
    with housing(tmp_path) as house:
        admin = house.found("Hillside", "Ada Admin")
        async with looking(browser, "phone", "de") as seen:
            await logged_in(seen, admin)
            for path, says in (("/patients", "Die erste Person aufnehmen"), ("/people", "Drei Schritte"), ("/people/trail", "vollständig")):
                await seen.page.goto(house.url + path)
                await expect(seen.page.locator("main")).to_contain_text(says)
                await looked_at(seen.page)


# What the lines show, on paper


def done(day: int, rom: float | None = 30.0, side: str = "left", watched: int = 10, compensated: int = 0) -> Done:
    return Done(TODAY + timedelta(day), f"session-{day:03}", "hip_abduction", side, 10, watched, compensated, rom)


def test_a_range_of_motion_has_changed_only_beyond_what_is_measurable() -> None:
    mdc = trends([done(0)])[0].mdc
    same, more, less = (trends([done(0), done(1), done(2), done(3, 30 + by * mdc)])[0] for by in (1.0, 1.1, -1.1))
    assert same.change is None and more.change == pytest.approx(1.1 * mdc) and less.change == pytest.approx(-1.1 * mdc)
    assert trends([done(0, None)]) == []
    both = trends([done(0, side="right"), done(1, side="left"), done(1, 40.0, side="left")])
    assert [(one.side, one.values) for one in both] == [("left", (35.0,)), ("right", (30.0,))]
    assert [one.side for one in shown(both, "hip_abduction")] == ["left", "right"] == [one.side for one in shown(both, "juggling")]
    assert shown([], None) == []


def test_a_line_of_the_list_carries_all_that_it_draws() -> None:
    item = Item("hip_abduction", "left", 3, 10, 3, 6, 2, 0, 2, None, None)
    plan = Programme(1, TODAY, 5, 5, "", "", (item,))
    line = overview([plan], [done(0, compensated=10), done(8, compensated=1), done(9, compensated=4)], [Report(TODAY, 1, 4, 2)], TODAY + timedelta(9))
    assert line["week"] == {"sessions": 2, "prescribed": 3, "ticks": 3} and line["compensated"] == 0.25 and line["worst_pain"] == 4
    assert line["rom"] == [{"exercise": "hip_abduction", "side": "left", "values": [30.0] * 3, "base": 30.0, "mdc": trends([done(0)])[0].mdc}]
    over = overview([plan], [done(0)], [], TODAY + timedelta(60))
    assert over["week"] is None and overview([], [], [], TODAY)["rom"] == [] and overview([], [], [], TODAY)["compensated"] is None


def test_drawings_stay_within_their_frame() -> None:
    for values in ([30.0], [30.0] * 12, [-500.0, 500.0], [0.0, 90.0, 12.5]):
        drawn = spark(values, values[0], 5.0)
        points = [tuple(map(float, point.split(","))) for point in drawn["points"].split()]
        assert len(points) == len(values) and all(0 <= x <= drawn["wide"] and 0 <= y <= drawn["high"] for x, y in points)
        assert drawn["band"][1] > 0
    assert [full for _x, full in ticks({"sessions": 1, "prescribed": 6, "ticks": 3})] == [0.5, 0, 0]
    assert [full for _x, full in ticks({"sessions": 9, "prescribed": 6, "ticks": 3})] == [1, 1, 1]
    assert [full for _x, full in ticks({"sessions": 0, "prescribed": 0, "ticks": 2})] == [0, 0]
