"""Every screen as it stands, on a phone in the dark and on a desk in the light. A new page is a new row of SCREENS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from house import Browser, housing
from looking import FIRST_LOAD, logged_in, looked_at, looking

from server import throttle

# Who looks -> what. {pat}: the patient's id; {ended}, {running}: sessions of theirs.
SCREENS = {
    "nobody": ["/login", "/band", "/invitation", "/intended-use", "/nothing"],
    "patient": [
        "/", "/history", "/sessions", "/sessions/{ended}/done", "/band", "/account", "/consent", "/import", "/patients/{pat}", "/sessions/{ended}", "/sessions/{running}", "/sessions/{running}/live",
        "/questionnaires/knee_week",
    ],
    "physio": ["/patients", "/patients/{pat}", "/patients/{pat}/prescribe", "/patients/{pat}/sheet", "/sessions/{ended}", "/sessions/{running}/live", "/compare?a={ended}&b={ended}", "/account"],
    "admin": ["/people", "/people/trail", "/people/{pat}/erase", "/patients"],
}  # fmt: skip
ITEM = {"exercise": "hip_external_rotation", "side": "left", "rom_target_deg": 40, "band": "red"}
NOTE = "Slowly down, <b>please</b>. " + "Prüfen Sie die Höhe des Hockers. " * 12


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, new_session, entries) -> Iterator[tuple[dict[str, Browser | None], dict[str, str]]]:
    """People by what they are, and what the paths need."""
    patch = pytest.MonkeyPatch()
    patch.setattr(throttle, "LIMITS", {action: {by: "100000/day" for by in limits} for action, limits in throttle.LIMITS.items()})
    with housing(tmp_path_factory.mktemp("home")) as house:
        admin = house.found("Praxis am Hügel", "Ada Admin")
        physio, pat = admin.add("Phil Physio", "staff"), admin.add("Pat Patient with a rather long name", "patient")
        admin.assign(physio, pat)
        plan = {"starts_on": "2026-01-01", "items": [ITEM, ITEM | {"exercise": "hip_abduction", "side": "right"}], "note": NOTE}
        assert physio.post(f"/api/v1/patients/{pat.id}/programme", json=plan).status_code == 201
        device, ids = pat.pair(), {"pat": pat.id}
        from sensor.frames import encode_frame

        for name in ("ended", "running"):
            ids[name] = device.post("/api/v1/sessions", json=new_session(f"{name}-session")).json()["id"]
            for i in range(0, len(entries), 64):
                assert device.post(f"/api/v1/sessions/{ids[name]}/packets", content=encode_frame(entries[i : i + 64])).status_code == 200
        assert device.post(f"/api/v1/sessions/{ids['ended']}/end").status_code == 200
        yield {"nobody": None, "patient": pat, "physio": physio, "admin": admin}, ids
    patch.undo()


@pytest.mark.parametrize("who", SCREENS)
@pytest.mark.parametrize(("look", "language"), [("phone", "de"), ("desktop", "en")])  # German is longer, a phone narrower
async def test_every_screen_can_be_read_by_everybody(browser, home, look: str, who: str, language: str) -> None:
    people, ids = home
    async with looking(browser, look, language) as seen:
        if people[who]:
            await logged_in(seen, people[who])
        base = next(one.house.url for one in people.values() if one)
        for path in SCREENS[who]:
            seen.weight = 0
            await seen.page.goto(base + path.format(**ids), wait_until="load")
            assert await seen.page.get_attribute("html", "lang") == language
            await looked_at(seen.page)
            assert seen.weight < FIRST_LOAD, path
        seen.complaints = [text for text in seen.complaints if "404" not in text]  # the browser itself reports /nothing
