"""How soon a page can be there on a slow phone, from what it asks for before it can be used: no clock, no browser.

As Lighthouse reckons it: a round trip of 150 ms, 1.6 Mbit/s, six requests at a time; the second that a page may take
leaves the rest to a slow processor.
"""

from __future__ import annotations

import math
import re

import httpx
import pytest

from server.pages.scripts import imported

TRIP_S, BYTES_S, AT_ONCE = 0.15, 1.6e6 / 8, 6
BUDGET_S = 0.6  # of the network; no source
CODED = {"accept-encoding": "gzip", "sec-fetch-site": "same-origin", "accept-language": "de"}  # longer than English
NEEDED = re.compile(r'<link rel="stylesheet" href="(/static/[^"]+)">|<script[^>]* src="(/static/[^"]+)"')
PAGES = {
    "patient": ["/", "/band", "/history", "/sessions", "/account", "/consent", "/sessions/{ended}", "/sessions/{running}/live"],
    "physio": ["/patients", "/patients/{pat}", "/patients/{pat}/prescribe", "/patients/{pat}/sheet", "/sessions/{ended}", "/sessions/{running}/live", "/compare?a={ended}&b={ended}"],
    "admin": ["/people", "/people/trail"],
}


def sent(person: httpx.Client, path: str) -> tuple[str, int]:
    """(text, bytes on the wire)."""
    with person.stream("GET", path, headers=CODED) as answer:
        assert answer.status_code == 200, path
        raw = b"".join(answer.iter_raw())
    return httpx.Response(200, headers=answer.headers, content=raw).text, len(raw)


def first_of(page: str) -> tuple[list[str], int]:
    """(what a page asks for before it can be used, in how many steps one after the other)."""
    named = [style or code for style, code in NEEDED.findall(page)]
    modules = dict.fromkeys(f"/static/{one}" for path in named if path.endswith(".js") and "/vendor/" not in path for one in imported(path.removeprefix("/static/")))
    hidden = [path for path in modules if f'"{path}"' not in page]  # found only when another one is there
    return list(dict.fromkeys([*named, *modules])), 1 + bool(hidden)


@pytest.mark.parametrize("who", PAGES)
def test_the_network_leaves_time_for_the_rest(home, who: str) -> None:
    people, ids = home
    for path in PAGES[who]:
        path = path.format(**ids)
        page, weight = sent(people[who], path)
        needed, steps = first_of(page)
        assert steps == 1, f"{path} finds modules one after the other"
        weight += sum(sent(people[who], one)[1] for one in needed)
        took_s = TRIP_S * (1 + math.ceil(len(needed) / AT_ONCE)) + weight / BYTES_S
        assert took_s < BUDGET_S, f"{path}: {took_s:.2f} s for {len(needed)} requests and {weight} bytes"


def test_who_comes_from_another_site_learns_nothing_from_a_page_s_size(home) -> None:
    people, ids = home
    for site, packed in (("same-origin", "gzip"), ("none", "gzip"), ("cross-site", None), ("same-site", None)):
        answer = people["physio"].get(f"/patients/{ids['pat']}", headers={"sec-fetch-site": site})
        assert answer.headers.get("content-encoding") == packed, site
    api = people["physio"].get(f"/api/v1/patients/{ids['pat']}/programme", headers=CODED)
    assert "content-encoding" not in api.headers


def test_a_curve_is_in_its_page_and_its_etag_is_of_what_is_sent(home) -> None:
    people, ids = home
    url = f"/api/v1/sessions/{ids['ended']}/curve"
    packed, plain = people["physio"].get(url, headers=CODED), people["physio"].get(url)
    assert packed.headers["content-encoding"] == "gzip" and packed.json() == plain.json()
    assert packed.headers["etag"] != plain.headers["etag"]
    assert people["physio"].get(url, headers=CODED | {"if-none-match": packed.headers["etag"]}).status_code == 304
    page = people["physio"].get(f"/sessions/{ids['ended']}").text
    drawn = re.search(r'<svg class="first" viewBox="0 0 (\d+) 200".*?<path d="(M[^"]+)"', page, re.DOTALL)
    columns = [int(at) for at in re.findall(r"[ML](\d+) ", drawn[2])]
    assert columns == sorted(set(columns)) and len(columns) > 0.9 * int(drawn[1])
    counted = sum(rep["counted"] for rep in people["physio"].get(f"/api/v1/sessions/{ids['ended']}").json()["result"]["reps"])
    assert sum(marked.count("M") for marked in re.findall(r'<path class="span (?:good|compensated)" d="([^"]+)"', page)) == counted
