"""A server with accounts, and people in it, as they come in through its doors.

verify=False: there is no TLS here, and reading the system's certificates takes httpx 70 ms a client.
"""

from __future__ import annotations

import contextlib
import html
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from server import totp
from server.run import running
from server.settings import Settings

CHEAP = 1, 8, 1  # argon2, for tests
PASSWORD = "five wet stones in a row"
START = 1_767_225_600.0


class Clock:
    """s since 1970: goes on only when told to."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


class Browser(httpx.Client):
    """Says where its forms come from, as browsers do. After `take` or `log_in` it is somebody's."""

    def __init__(self, house: House) -> None:
        super().__init__(base_url=house.url, timeout=30, verify=False, headers={"origin": house.url, "accept": "text/html"})
        self.house, self.key, self.id, self.name, self.email = house, None, "", "", ""

    def take(self, link: str, email: str, password: str = PASSWORD, **more: str) -> Browser:
        """An invitation, and for staff the second factor."""
        told = {"secret": link.partition("#")[2], "email": email, "password": password} | more
        answer = self.post("/invitation", data=told)
        assert answer.status_code == 303, answer.text
        self.email = email
        self._second(answer)
        return self

    def log_in(self, email: str, password: str = PASSWORD, key: str | None = None) -> Browser:
        answer = self.post("/login", data={"email": email, "password": password})
        assert answer.status_code == 303, answer.text
        self.email, self.key = email, key
        self._second(answer)
        return self

    def again(self) -> Browser:
        """The same person in another browser."""
        other = Browser(self.house)
        other.id, other.name = self.id, self.name
        self.house.clock.now += totp.STEP_S  # a code works once
        return other.log_in(self.email, key=self.key)

    def _second(self, answer: httpx.Response) -> None:
        if answer.headers["location"].startswith("/login/code"):
            shown = re.search(r'class="key"><code>([A-Z2-7 ]+)<', self.get(answer.headers["location"]).text)
            self.key = shown[1].replace(" ", "") if shown else self.key
            code = totp.code(self.key, int(self.house.clock.now // totp.STEP_S))
            assert self.post("/login/code", data={"code": code}).status_code == 303

    # What an admin does

    def link_for(self, name: str, kind: str) -> tuple[str, str]:
        """(id, link) of somebody new."""
        answer = self.post("/people", data={"name": name, "kind": kind})
        assert answer.status_code == 200, answer.text
        return self.ids()[html.escape(name).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")], re.search(r"<code>(\S+#\S+)</code>", answer.text)[1]

    def add(self, name: str, kind: str) -> Browser:
        """Somebody new, who has come in."""
        id, link = self.link_for(name, kind)
        browser = Browser(self.house).take(link, f"{name.lower().replace(' ', '.')}@example.org")
        browser.id, browser.name = id, name
        return browser.agree() if kind == "patient" else browser

    def ids(self) -> dict[str, str]:
        return {name: id for id, name in re.findall(r'/people/([0-9a-f-]{36})/link".*?New link for (.*?)"', self.get("/people").text)}

    def assign(self, staff: Browser, patient: Browser, to: bool = True) -> None:
        answer = self.post(f"/people/{patient.id}/assignment", data={"staff": staff.id, "to": str(to).lower()})
        assert answer.status_code == 303, answer.text

    # What a patient does

    def agree(self, **more: str) -> Browser:
        """To what is kept of them."""
        version = re.search(r'name="version" value="(\w+)"', self.get("/consent").text)[1]
        assert self.post("/consent", data={"version": version} | more).status_code == 303
        return self

    def pair(self, name: str = "laptop") -> httpx.Client:
        """A client of a device of theirs; its `id` is beside the token."""
        page = self.post(f"/patients/{self.id}/pairing").text
        code = re.search(r"hiprep pair (\S+)", page)[1]
        told = httpx.post(f"{self.house.url}/api/v1/devices", json={"code": code, "name": name}, verify=False).json()
        header = {"authorization": f"Bearer {told['token']}"}
        client = httpx.Client(base_url=self.house.url, timeout=30, verify=False, headers=header)
        client.id, client.token = told["id"], told["token"]
        return client


class House:
    """One clinic on a running server; more by its admins' links."""

    def __init__(self, url: str, clock: Clock, link: str, settings: Settings) -> None:
        self.url, self.clock, self.link, self.settings = url, clock, link, settings

    def found(self, clinic: str, admin: str, link: str | None = None, zone: str = "Europe/Berlin") -> Browser:
        """A clinic's admin."""
        email = f"{admin.lower().replace(' ', '.')}@example.org"
        browser = Browser(self).take(link or self.link, email, clinic=clinic, name=admin, time_zone=zone)
        browser.id, browser.name = browser.ids()[admin], admin
        return browser


@contextlib.contextmanager
def housing(path: Path, clock: Clock | None = None, **changes: Any) -> Iterator[House]:
    clock, links = clock or Clock(), []
    settings = replace(Settings(path, port=0, clinic=True, password_cost=CHEAP, clock=clock), **changes)
    with running(settings, link=links.append) as url:
        yield House(url, clock, links[0], settings)
