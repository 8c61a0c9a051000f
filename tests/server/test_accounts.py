"""Doors: how people and devices come in, and how they are kept out (S2, S4 to S9, S13, S14)."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from house import PASSWORD, START, Browser, House, housing
from websockets.asyncio.client import connect as open_socket
from websockets.exceptions import ConnectionClosed, InvalidStatus

from server import accounts, devices, totp
from server.passwords import Passwords, check
from server.problems import Problem
from server.store import Store, trail

WRONG = "a wrong password, surely"


both_stores = pytest.mark.both_stores


@pytest.fixture
def house(tmp_path: Path, database: str | None) -> Iterator[House]:
    with housing(tmp_path / "data", database=database) as house:
        yield house


@pytest.fixture
def admin(house: House) -> Browser:
    return house.found("Hillside", "Ada Admin")


def try_in(house: House, email: str, password: str) -> httpx.Response:
    return Browser(house).post("/login", data={"email": email, "password": password})


def text_of(answer: httpx.Response, *hidden: str) -> str:
    """The page without what was typed into it."""
    text = answer.text
    for word in hidden:
        text = text.replace(word, "")
    return text


# RFC 4226 appendix D and RFC 6238 appendix B.


def test_codes_of_rfc_4226() -> None:
    wanted = "755224 287082 359152 969429 338314 254676 287922 162583 399871 520489".split()
    assert [totp.code("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", count) for count in range(10)] == wanted


@pytest.mark.parametrize(("now", "wanted"), [
    (59, "94287082"), (1111111109, "07081804"), (1111111111, "14050471"), (1234567890, "89005924"),
    (2000000000, "69279037"), (20000000000, "65353130"),
])  # fmt: skip
def test_codes_of_rfc_6238(now: int, wanted: str) -> None:
    key = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert totp.code(key, now // 30, digits=8) == wanted
    assert totp.step_of(key, wanted[2:], now) == totp.step_of(key, f" {wanted[2:5]} {wanted[5:]}", now + 30) == now // 30
    assert totp.step_of(key, wanted[2:], now + 60) is totp.step_of(key, wanted[2:], now - 60) is None
    assert totp.step_of(key, "", now) is totp.step_of(key, "٠٠٠٠٠٠", now) is None


async def test_passwords_are_argon2id_and_salted() -> None:
    hasher = Passwords((1, 8, 1))
    one, two = await hasher.hash(PASSWORD), await hasher.hash(PASSWORD)
    assert one != two and one.startswith("$argon2id$")
    assert await hasher.verify(PASSWORD, one) and not await hasher.verify(WRONG, one)
    assert not await hasher.verify(PASSWORD, None) and not await hasher.verify(PASSWORD, "plain")


@pytest.mark.parametrize("password", ["short", "a" * 257, "aaaaaaaaaaaaaa", "my password is it", "Ada4ever ada4ever", "hiprep hiprep"])
def test_passwords_that_are_easily_guessed(password: str) -> None:
    with pytest.raises(Problem, match="wanted"):
        check(password, "Ada4ever")


# Coming in


def test_the_first_link_works_once_and_not_for_ever(tmp_path: Path) -> None:
    with housing(tmp_path) as house:
        told = {"secret": house.link.partition("#")[2], "email": "a@b.example", "password": PASSWORD, "clinic": "C", "name": "N"}
        for zone in ("", "Mars/Olympus", "../../etc/passwd"):
            assert Browser(house).post("/invitation", data=told | {"time_zone": zone}).status_code == 422
        house.clock.now += accounts.INVITED_S
        assert Browser(house).post("/invitation", data=told | {"time_zone": "Asia/Tokyo"}).status_code == 404
        house.clock.now -= 1
        admin = house.found("Hillside", "Ada Admin", zone="Asia/Tokyo")
        assert "Asia/Tokyo" in admin.get("/people").text
        assert Browser(house).post("/invitation", data=told | {"time_zone": "Asia/Tokyo"}).status_code == 404


@both_stores
def test_a_newer_link_makes_the_older_worthless_and_lets_in_nobody_else(house: House, admin: Browser) -> None:
    pat = admin.add("Pat Patient", "patient")
    links = [re.search(r"<code>(\S+)</code>", admin.post(f"/people/{pat.id}/link").text)[1] for _ in range(2)]
    old, new = ({"secret": link.partition("#")[2], "email": "p@b.example", "password": "quite another one"} for link in links)
    assert Browser(house).post("/invitation", data=old).status_code == 404
    assert pat.get("/").status_code == 200
    assert Browser(house).post("/invitation", data=new).status_code == 303
    assert pat.get("/").headers["location"].startswith("/login")  # who had the old password is out
    assert try_in(house, "p@b.example", PASSWORD).status_code == 401
    assert try_in(house, " P@B.example ", "quite another one").status_code == 303


@both_stores
def test_an_address_is_one_persons(house: House, admin: Browser) -> None:
    _, link = admin.link_for("Pat Patient", "patient")
    told = {"secret": link.partition("#")[2], "password": PASSWORD}
    assert Browser(house).post("/invitation", data=told | {"email": admin.email.upper()}).status_code == 409
    for email in ("nobody", "a b@c", "@", "a@b\u202ec"):
        assert Browser(house).post("/invitation", data=told | {"email": email}).status_code == 422
    Browser(house).take(link, "pat@b.example")


@both_stores
def test_staff_need_a_second_factor_that_works_once(house: House, admin: Browser) -> None:
    half = Browser(house)
    assert half.post("/login", data={"email": admin.email, "password": PASSWORD}).headers["location"] == "/login/code?next=/"
    for path in ("/people", "/patients", "/", "/api/v1/sessions"):
        assert half.get(path, headers={"accept": "*/*"}).status_code == 401
    now = int(house.clock.now // 30)
    for code in (totp.code(admin.key, now), "000000", "", totp.code(admin.key, now + 9)):  # the first one was used
        assert half.post("/login/code", data={"code": code}).status_code == 401
    house.clock.now += 30
    assert half.post("/login/code", data={"code": totp.code(admin.key, now + 1)}).status_code == 303
    assert half.get("/people").status_code == 200
    late = Browser(house)
    late.post("/login", data={"email": admin.email, "password": PASSWORD})
    house.clock.now += accounts.HALF_S
    assert late.post("/login/code", data={"code": totp.code(admin.key, now + 21)}, headers={"accept": "*/*"}).status_code == 401


def test_the_second_factor_cannot_be_tried_through(house: House, admin: Browser) -> None:
    half = Browser(house)
    half.post("/login", data={"email": admin.email, "password": PASSWORD})
    answers = [half.post("/login/code", data={"code": f"{n:06}"}).status_code for n in range(8)]
    assert answers == [401] * 6 + [429] * 2


# S4


def test_who_is_there_cannot_be_learnt(house: House, admin: Browser) -> None:
    gone = admin.add("Gone Person", "patient")
    invited, _ = admin.link_for("Not Yet", "patient")
    admin.post(f"/people/{gone.id}/disable")
    answers = [try_in(house, email, password) for email, password in (
        ("unknown@b.example", WRONG), (admin.email, WRONG), (gone.email, PASSWORD), ("not.yet@b.example", WRONG), ("", ""),
    )]  # fmt: skip
    assert {answer.status_code for answer in answers} == {401}
    shown = {text_of(a, "unknown@b.example", admin.email, gone.email, "not.yet@b.example") for a in answers}
    assert len(shown) == 1 and accounts.WRONG[1:] in shown.pop()
    assert all("set-cookie" not in answer.headers for answer in answers)


@pytest.mark.parametrize("known", [True, False])
def test_passwords_cannot_be_tried_through(house: House, admin: Browser, known: bool) -> None:
    email = admin.email if known else "unknown@b.example"
    answers = [try_in(house, email, WRONG) for _ in range(12)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 2
    assert 0 < int(answers[-1].headers["retry-after"]) <= 900
    assert try_in(house, email, PASSWORD).status_code == 429  # right, and yet not
    assert try_in(house, "somebody.else@b.example", WRONG).status_code == 401


def test_pairing_codes_cannot_be_tried_through(house: House) -> None:
    tries = [httpx.post(f"{house.url}/api/v1/devices", json={"code": f"{n:08}", "name": "x"}, verify=False).status_code for n in range(12)]
    assert tries == [404] * 10 + [429] * 2


def test_invitations_cannot_be_tried_through(house: House) -> None:
    told = {"email": "a@b.example", "password": PASSWORD}
    tries = [Browser(house).post("/invitation", data=told | {"secret": f"{n:043}"}).status_code for n in range(32)]
    assert tries == [404] * 30 + [429] * 2


# S5


def test_a_cookie_from_before_the_login_is_worth_nothing_after(house: House, admin: Browser) -> None:
    admin.add("Pat Patient", "patient")
    browser = Browser(house)
    browser.cookies.set("hiprep", "chosen-by-somebody-else", domain="127.0.0.1")
    browser.log_in("pat.patient@example.org")
    assert browser.cookies["hiprep"] != "chosen-by-somebody-else" and len(browser.cookies["hiprep"]) == 43
    staff = Browser(house)
    staff.post("/login", data={"email": admin.email, "password": PASSWORD})
    half = staff.cookies["hiprep"]
    house.clock.now += 30
    staff.post("/login/code", data={"code": totp.code(admin.key, int(house.clock.now // 30))})
    assert staff.cookies["hiprep"] != half
    other = Browser(house)
    other.cookies.set("hiprep", half)
    assert other.get("/people").headers["location"].startswith("/login")


@both_stores
def test_logins_end(house: House, admin: Browser) -> None:
    pat = admin.add("Pat Patient", "patient")
    for _ in range(11):  # used once an hour, a minute before it would be too late
        house.clock.now += accounts.IDLE_S["staff"] - 60
        assert admin.get("/people").status_code == 200
    house.clock.now = START + accounts.ABSOLUTE_S["staff"] + 60
    assert admin.get("/people").status_code == 303
    again = admin.again()
    house.clock.now += accounts.IDLE_S["staff"]
    assert again.get("/people").status_code == 303
    assert pat.get("/").status_code == 200
    house.clock.now += accounts.IDLE_S["patient"]
    assert pat.get("/").status_code == 303


async def test_logging_out_everywhere_closes_every_login_and_socket(house: House, admin: Browser, new_session) -> None:
    pat = admin.add("Pat Patient", "patient")
    other, third = pat.again(), pat.again()
    session = pat.post("/api/v1/sessions", json=new_session("a-session")).json()["id"]
    async with socket_of(other, session) as socket:
        await socket.recv()
        assert (await asyncio.to_thread(third.post, "/logout", data={})).status_code == 303
        assert third.get("/").status_code == 303 and other.get("/").status_code == 200
        await asyncio.to_thread(pat.post, "/logout", data={"everywhere": "true"})
        assert await closed(socket) == 4001
    assert other.get("/").status_code == pat.get("/").status_code == 303


async def test_a_login_that_expires_closes_its_socket(house: House, admin: Browser, new_session) -> None:
    phil, pat = admin.add("Phil Physio", "staff"), admin.add("Pat Patient", "patient")
    admin.assign(phil, pat)
    session = pat.post("/api/v1/sessions", json=new_session("a-session")).json()["id"]
    async with socket_of(phil, session) as socket:
        await socket.recv()
        house.clock.now += accounts.IDLE_S["staff"]
        assert await closed(socket) == 4001


@both_stores
async def test_who_no_longer_looks_after_somebody_no_longer_watches(house: House, admin: Browser, new_session) -> None:
    phil, pat = admin.add("Phil Physio", "staff"), admin.add("Pat Patient", "patient")
    admin.assign(phil, pat)
    session = pat.post("/api/v1/sessions", json=new_session("a-session")).json()["id"]
    async with socket_of(phil, session) as socket, socket_of(pat, session) as own:
        await socket.recv()
        await asyncio.to_thread(admin.assign, phil, pat, False)
        assert await closed(socket) == 4004
        assert '"state"' in await own.recv()
        await asyncio.to_thread(admin.post, f"/people/{pat.id}/disable")
        assert await closed(own) == 4001
    assert phil.get(f"/sessions/{session}").status_code == 404


def socket_of(browser: Browser, session: str, **changes: str | None):
    url = f"{browser.house.url.replace('http', 'ws')}/api/v1/sessions/{session}/live"
    told = {"origin": browser.house.url, "additional_headers": {"cookie": f"hiprep={browser.cookies.get('hiprep')}"}}
    return open_socket(url, **told | changes)


async def closed(socket) -> int:
    """The close code, which has to come within what the issue allows, and a bit for a busy machine."""
    try:
        async with asyncio.timeout(10):
            while True:
                await socket.recv()
    except ConnectionClosed:
        return socket.close_code


# Devices


@both_stores
def test_a_paired_device_sends_until_it_is_revoked(house: House, admin: Browser, new_session, entries) -> None:
    from sensor.frames import encode_frame

    pat = admin.add("Pat Patient", "patient")
    device = pat.pair("laptop <b>")
    session = device.post("/api/v1/sessions", json=new_session("a-session")).json()["id"]
    packets = f"/api/v1/sessions/{session}/packets"
    assert device.post(packets, content=encode_frame(entries[:10])).json()["acknowledged"] == 9
    assert "laptop &lt;b&gt;" in pat.get(f"/patients/{pat.id}").text
    assert pat.post(f"/patients/{pat.id}/devices/{device.id}/revoke").status_code == 303
    assert device.post(packets, content=encode_frame(entries[10:20])).status_code == 401
    assert pat.get(f"/api/v1/sessions/{session}").json()["result"]["samples"] <= 100
    assert pat.post(f"/patients/{pat.id}/devices/{device.id}/revoke").status_code == 404


@both_stores
def test_a_pairing_code_works_once_for_a_while_and_is_replaced(house: House, admin: Browser) -> None:
    pat = admin.add("Pat Patient", "patient")

    def code() -> str:
        return re.search(r"hiprep pair (\S+)", pat.post(f"/patients/{pat.id}/pairing").text)[1]

    def use(code: str) -> int:
        return httpx.post(f"{house.url}/api/v1/devices", json={"code": code, "name": "x"}, verify=False).status_code

    first, second = code(), code()
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", first)
    assert (use(first), use(second.lower().replace("-", " ")), use(second)) == (404, 201, 404)
    late = code()
    house.clock.now += devices.PAIRING_S
    assert use(late) == 404


# S6, S7


def test_a_form_of_another_site_does_nothing(house: House, admin: Browser) -> None:
    del admin.headers["origin"]
    for headers in (
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "", "sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {},
    ):
        answer = admin.post("/people", data={"name": "Planted", "kind": "admin"}, headers=headers)
        assert answer.status_code == 403 and "Planted" not in admin.get("/people").text, headers
    for good in ({"origin": house.url}, {"sec-fetch-site": "same-origin"}):
        assert admin.post("/people", data={"name": "Meant", "kind": "patient"}, headers=good).status_code == 200


async def test_a_socket_of_another_site_or_with_a_token_in_its_url_stays_shut(house: House, admin: Browser, new_session) -> None:
    pat = admin.add("Pat Patient", "patient")
    session = pat.post("/api/v1/sessions", json=new_session("a-session")).json()["id"]
    for origin in ("https://evil.example", None):
        with pytest.raises(InvalidStatus):
            await socket_of(pat, session, origin=origin)
    secret = pat.cookies["hiprep"]
    url = f"{house.url.replace('http', 'ws')}/api/v1/sessions/{session}/live?token={secret}&hiprep={secret}"
    async with open_socket(url) as socket:
        assert await closed(socket) == 4001
    assert httpx.get(f"{house.url}/api/v1/sessions?token={secret}&access_token={secret}", verify=False).status_code == 401
    assert httpx.get(f"{house.url}/api/v1/sessions", headers={"authorization": f"Bearer {secret}"}, verify=False).status_code == 401


def test_where_the_login_leads_is_here(house: House, admin: Browser) -> None:
    admin.add("Pat Patient", "patient")
    for bad in ("https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example", "\\\\evil.example", ""):
        told = {"email": "pat.patient@example.org", "password": PASSWORD, "next": bad}
        assert Browser(house).post("/login", data=told).headers["location"] == "/", bad
        assert "evil" not in Browser(house).get("/login", params={"next": bad}).text
    told = {"email": "pat.patient@example.org", "password": PASSWORD, "next": "/live"}
    assert Browser(house).post("/login", data=told).headers["location"] == "/live"


# S2, S8


def test_nobody_sets_what_a_form_does_not_ask(house: House, admin: Browser) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    for extra in ["admin=1", "role=staff", "clinic=2", "id=1", "number=1", "password=x", "name=twice"]:
        assert admin.post("/people", content=f"name=Planted&kind=patient&{extra}", headers=form).status_code == 422, extra
    assert "Planted" not in admin.get("/people").text


def test_names_stay_words(house: House, admin: Browser) -> None:
    for name in ("<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "{{ 7*7 }}", "=cmd()|x"):
        _, link = admin.link_for(name, "patient")
        told = {"secret": link.partition("#")[2]}
        for text in (admin.get("/people").text, Browser(house).post("/invitation", data=told).text):
            assert "<script>alert" not in text and "<img src=x" not in text, name
            assert ">49<" not in text and "Welcome, 49" not in text
    for name in ("a\nb", " ", "x" * 129):
        assert admin.post("/people", data={"name": name, "kind": "patient"}).status_code == 422


# S13


def test_no_secret_is_stored_or_logged_or_said(tmp_path: Path, caplog, capfd, new_session) -> None:
    with caplog.at_level(logging.DEBUG), housing(tmp_path) as house:
        admin = house.found("Hillside", "Ada Admin")
        pat = admin.add("Pat Patient", "patient")
        device = pat.pair()
        cookie = pat.cookies["hiprep"]
        device.post("/api/v1/sessions", json=new_session("a-session"))
        bad = device.post("/api/v1/devices", json={"code": device.token, "name": device.token})
        assert bad.status_code == 422 and device.token not in bad.text
        typed = try_in(house, admin.email, WRONG)
        secrets = {PASSWORD, WRONG, cookie, device.token, house.link.partition("#")[2], admin.cookies["hiprep"]}
        assert not any(secret in typed.text for secret in secrets)
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    logged = [record.getMessage() for record in caplog.records if not record.name.startswith(("http", "asyncio"))]  # not the client's
    said = "\n".join(logged) + "".join(capfd.readouterr())
    for secret in secrets:
        assert secret.encode() not in stored and secret not in said
    assert hashlib.sha256(device.token.encode()).hexdigest().encode() in stored


# S14


def test_the_trail_says_who_did_what_about_whom_and_shows_where_it_was_changed(tmp_path: Path, new_session) -> None:
    with housing(tmp_path) as house:
        admin = house.found("Hillside", "Ada Admin")
        phil, pat = admin.add("Phil Physio", "staff"), admin.add("Pat Patient", "patient")
        admin.assign(phil, pat)
        session = pat.pair().post("/api/v1/sessions", json=new_session("a-session")).json()["id"]
        phil.get(f"/sessions/{session}")
        phil.get(f"/api/v1/sessions/{session}/recording.csv")
        phil.get(f"/patients/{pat.id}")
        phil.get("/patients")
        pat.get(f"/sessions/{session}")
    path = tmp_path / "hiprep.sqlite3"
    store = Store(path)
    about = [(e.actor, e.action, e.object) for e in store.read(lambda c: list(trail.entries(c, subject=pat.id)))]
    assert about[:2] == [(admin.id, "added", None), (admin.id, "invited", None)]
    seen = [(phil.id, "read", session), (phil.id, "exported", session), (phil.id, "read", None), (pat.id, "read", session)]
    assert about[-4:] == seen
    assert (admin.id, "assigned", phil.id) in about
    assert [e.actor for e in store.read(lambda c: list(trail.entries(c, action="listed")))] == [phil.id]
    assert store.read(trail.broken_at) is None
    rows = len(store.read(lambda c: list(trail.entries(c))))
    store.close()
    with sqlite3.connect(path) as database:
        database.execute("UPDATE audit SET actor = ? WHERE number = ?", [pat.id, rows - 2])
    database.close()
    store = Store(path)
    assert store.read(trail.broken_at) == rows - 2
    store.close()
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM audit WHERE number = ?", [rows - 2])
    database.close()
    store = Store(path)
    assert store.read(trail.broken_at) == rows - 1
    store.close()
