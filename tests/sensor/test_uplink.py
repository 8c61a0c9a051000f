"""The uplink against a server that is in this process: httpx's own transport for it is the outermost seam.
With a real server: tests/server/test_uplink.py.

Time is the event loop's, and when nothing can happen before a timer it jumps there: hours pass and none is slept.
"""

from __future__ import annotations

import asyncio
import json
import selectors
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path

import httpx
import numpy as np
import pytest

from sensor.client import Client
from sensor.devices.reference import DRIVER, encode_info, info_of
from sensor.driver import Packet
from sensor.errors import UplinkError
from sensor.frames import Entry, decode_frame
from sensor.spool import Spool, spools
from sensor.uplink import FRAME, Uplink

TENTH_NS = 100_000_000
TOLD = {
    "key": "a-session", "exercise": "hip_abduction", "side": "left", "placement": "ankle", "driver": DRIVER.name,
    "band": "b", "info": encode_info(info_of(1)).hex(), "started_at": "2026-01-01T00:00:00Z",
}  # fmt: skip
COUNTS = np.zeros((1, 6), np.int16)


def packet(i: int) -> bytes:
    return DRIVER.encode_packet(Packet(0, i % 2**16, i * 100_000 % 2**32, 1, 100, COUNTS))


class Jumping(asyncio.SelectorEventLoop):
    """Nothing here waits for anything outside."""

    def __init__(self) -> None:
        class Selector(selectors.DefaultSelector):
            def select(_, timeout: float | None = None):  # noqa: N805
                assert timeout is not None, "everybody waits for everybody"
                self.now += timeout
                return super().select(0)

        self.now = 1000.0
        super().__init__(Selector())

    def time(self) -> float:
        return self.now


def play(story: Coroutine) -> object:
    with asyncio.Runner(loop_factory=Jumping) as runner:
        return runner.run(story)


Trouble = int | str | Exception | Callable[[], None]


class Server:
    """Keeps what it is sent; `troubles` are answered first, one a request of packets. away(t): nothing reaches it."""

    def __init__(
        self, troubles: Iterable[Trouble | None] = (), answer_s: float = 0.01, away: Callable[[float], bool] = lambda t: False
    ) -> None:
        self.created: list[dict] = []
        self.frames: list[list[Entry]] = []
        self.kept: dict[int, bytes] = {}
        self.ended = self.deaf = False
        self._troubles, self._answer_s, self._away = list(troubles), answer_s, away

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    @property
    def acknowledged(self) -> int | None:
        return next((i - 1 for i in range(len(self.kept) + 1) if i not in self.kept), None) if 0 in self.kept else None

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        loop = asyncio.get_running_loop()
        if self._away(loop.time() - 1000.0):
            raise httpx.ConnectError("no route")
        await asyncio.sleep(self._answer_s)
        if request.url.path == "/api/v1/sessions":
            self.created.append(json.loads(request.content))
            if self.created[-1]["key"] != self.created[0]["key"]:
                self.ended = False
            return httpx.Response(201 if len(self.created) == 1 else 200, json={"id": "the-session"})
        if request.url.path.endswith("/end"):
            self.ended = True
            if self._troubles and self._troubles[0] == "lost end":
                self._troubles.pop()
                raise httpx.ReadError("gone")
            return httpx.Response(200, json={"result": {"packets": len(self.kept)}, "final": True})
        trouble = self._troubles.pop(0) if self._troubles and self._troubles[0] != "lost end" else None
        if isinstance(trouble, Exception):
            raise trouble
        if isinstance(trouble, int):
            return httpx.Response(trouble, json={"detail": "trouble at entries[0]"})
        if trouble == "login page":
            return httpx.Response(200, text="<html>Welcome to the hotel</html>")
        if self.ended:
            return httpx.Response(409, json={"detail": "the session has ended", "where": "path.session_id"})
        entries = decode_frame(request.content)
        self.frames.append(entries)
        assert all(self.kept.get(e.index, e.packet) == e.packet for e in entries)
        self.kept |= {entry.index: entry.packet for entry in entries}
        if callable(trouble):
            trouble()
        if trouble == "lost answer":
            raise httpx.ReadError("gone")
        return httpx.Response(200, json={"epoch": 0, "acknowledged": self.acknowledged, "stored": 1, "duplicates": 0})


class Fast(Server):
    """In order only, so that a day's packets do not take an hour to look through."""

    @property
    def acknowledged(self) -> int:
        return len(self.kept) - 1


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path, TOLD, "http://server.test/")


def filled(spool: Spool, n: int) -> None:
    for i in range(spool.next_index, spool.next_index + n):
        spool.put(packet(i), i * TENTH_NS)


def uplink(server: Server, spool: Spool) -> Uplink:
    return Uplink(spool, "http://server.test/", client=server.client())


def sent(server: Server, spool: Spool, n: int) -> Uplink:
    async def story() -> Uplink:
        async with uplink(server, spool) as up:
            filled(spool, n)
            assert (await up.finish()).result == {"packets": n}
        return up

    return play(story())


def test_everything_arrives_once_in_frames(spool: Spool) -> None:
    server = Server()
    up = sent(server, spool, 1000)
    assert (up.acknowledged, up.waiting, up.trouble, up.error) == (1000, 0, None, None)
    assert [entry.index for frame in server.frames for entry in frame] == list(range(1000))
    assert max(len(frame) for frame in server.frames) == FRAME
    assert server.created == [TOLD] and server.ended


def test_live_a_frame_holds_a_second_at_most(spool: Spool) -> None:
    async def story() -> None:
        async with uplink(server, spool) as up:
            for _ in range(600):
                filled(spool, 1)
                await asyncio.sleep(0.1)
            await up.finish()

    server = Server(answer_s=0.7)
    play(story())
    assert max(frame[-1].host_ns - frame[0].host_ns for frame in server.frames) < 10 * TENTH_NS
    assert [entry.index for frame in server.frames for entry in frame] == list(range(600))


@pytest.mark.parametrize(
    "trouble",
    [503, 507, 500, 429, httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), "lost answer", "login page", 302],
)
def test_trouble_that_passes_loses_nothing(trouble: Trouble, spool: Spool) -> None:
    server = Server([None, trouble, trouble, trouble])
    sent(server, spool, 600)
    assert server.kept == {i: packet(i) for i in range(600)}


@pytest.mark.parametrize("status", [400, 409, 413, 422])
def test_a_refusal_is_one_clear_line_and_keeps_the_packets(status: int, spool: Spool) -> None:
    with pytest.raises(UplinkError, match=rf"refuses .*packets: trouble at entries\[0\] \({status}\)") as caught:
        sent(Server([None, status]), spool, 600)
    assert "\n" not in str(caught.value)
    assert len(spool.read(0, 1000)) == 600 and not spool.sent


def test_a_server_that_is_not_there(spool: Spool) -> None:
    async def story() -> float:
        loop = asyncio.get_running_loop()
        async with uplink(Server(away=lambda t: True), spool) as up:
            filled(spool, 10)
            began = loop.time()
            for waiting in (up.opened(10.0), up.finish(10.0)):
                with pytest.raises(UplinkError, match=r"server http://server.test cannot be reached \(no route\)"):
                    await waiting
            assert up.error is None and up.waiting == 10
            return loop.time() - began

    assert play(story()) == pytest.approx(20.0)


@pytest.mark.parametrize("url", ["nonsense", "ftp://server.test", "http://"])
async def test_something_that_is_no_url(url: str, spool: Spool) -> None:
    async with Uplink(spool, url) as up:
        with pytest.raises(UplinkError, match="wanted http"):
            await up.opened()


@pytest.mark.parametrize("body", ["<html>something else</html>", "[]", "{}"])
def test_a_server_that_is_something_else(body: str, spool: Spool) -> None:
    async def story() -> None:
        client = httpx.AsyncClient(transport=httpx.MockTransport(lambda request: httpx.Response(200, text=body)))
        async with Uplink(spool, "http://a.test", client=client) as up:
            with pytest.raises(UplinkError, match="does not answer as hiprep does"):
                await up.finish()

    play(story())


@pytest.mark.parametrize("body", ["<html>something else</html>", "[]", "{}", "null"])
async def test_pairing_with_something_else(body: str) -> None:
    http = httpx.AsyncClient(transport=httpx.MockTransport(lambda request: httpx.Response(200, text=body)))
    async with Client("http://a.test", http=http) as client:
        with pytest.raises(UplinkError, match="does not answer as hiprep does"):
            await client.pair("0000-0000", "laptop")


def test_nothing_to_send(spool: Spool) -> None:
    sent(Server(), spool, 0)


# What another process left


def left_by_another(spool: Spool) -> Spool:
    spool.close()
    return Spool.existing(spool.path)


def test_it_goes_on_where_the_server_is(spool: Spool) -> None:
    async def story() -> None:
        async with uplink(server, spool):
            filled(spool, 1500)
            while len(server.kept) < 700:
                await asyncio.sleep(0.001)

    server = Server()
    play(story())
    before = len(server.kept)
    spool = left_by_another(spool)
    assert 700 <= before < 1500
    server.frames.clear()
    play(finished(server, spool))
    again = [entry.index for frame in server.frames for entry in frame]
    assert again == [*range(FRAME), *range(before, 1500)]  # one frame to learn where the server is
    assert server.kept == {i: packet(i) for i in range(1500)}


async def finished(server: Server, spool: Spool) -> dict:
    async with uplink(server, spool) as up:
        return await up.finish()


def test_the_end_whose_answer_was_lost(spool: Spool) -> None:
    """Killed then: the server takes no packets any more, and has them all."""

    async def story() -> None:
        async with uplink(server, spool) as up:
            filled(spool, 300)
            finishing = asyncio.create_task(up.finish())
            while not server.ended:
                await asyncio.sleep(0.001)
            finishing.cancel()

    server = Server(["lost end"])
    play(story())
    spool = left_by_another(spool)
    assert spool.sent and play(finished(server, spool)).result == {"packets": 300}


def test_a_session_that_somebody_else_ended_keeps_its_packets(spool: Spool) -> None:
    server = Server()
    server.ended = True
    with pytest.raises(UplinkError, match="has ended"):
        sent(server, spool, 300)
    assert len(spool.read(0, 1000)) == 300 and not spool.sent


def ended_on_its_page(spool: Spool, server: Server) -> Uplink:
    """While the band sends; three more seconds of packets come before anybody notices."""

    async def story() -> Uplink:
        async with uplink(server, spool) as up:
            for i in range(130):
                filled(spool, 1)
                await asyncio.sleep(0.1)
                if i == 99:
                    server.ended = True
            while not up.ended and up.error is None:  # it may be waiting before it tries again
                await asyncio.sleep(0.1)
            if up.ended:
                assert (await up.finish()) is up.stored and up.stored.final
        return up

    return play(story())


def test_a_session_that_was_ended_on_its_page_is_over(spool: Spool) -> None:
    """What came by then is there, what came later is nobody's: no other session is made of it, by whoever goes on either."""
    server = Server()
    up = ended_on_its_page(spool, server)
    assert up.ended and up.error is None and up.stored.result == {"packets": 100}
    spool = left_by_another(spool)
    assert spool.sent and play(finished(server, spool)).result == {"packets": 100}
    assert {told["key"] for told in server.created} == {"a-session"}


def test_what_a_server_missed_before_it_was_ended_is_kept(spool: Spool) -> None:
    """It was away just before: what came meanwhile may be of the session."""
    up = ended_on_its_page(spool, Server(away=lambda t: 5 <= t < 10.1))
    assert not up.ended and "has ended" in str(up.error) and not spool.sent
    assert len(spool.read(0, 1000)) == 130


def test_what_was_ended_too_early_is_sent_again_as_another_session(spool: Spool) -> None:
    async def story() -> None:
        async with Uplink(spool, "http://server.test", again=True, client=server.client()) as up:
            assert (await up.finish()).result == {"packets": 300}

    server = Server()
    server.ended = True
    filled(spool, 300)
    play(story())
    assert [told["key"] for told in server.created] == ["a-session", "a-session-again"]
    assert left_by_another(spool).told == server.created[1]  # whoever goes on knows which it is


@pytest.mark.parametrize("kept", [0, 1, 200, 700])
def test_a_server_that_went_back_to_an_older_copy_of_itself(spool: Spool, kept: int) -> None:
    def restored() -> None:
        for i in range(kept, 5000):
            server.kept.pop(i, None)

    server = Server([None, None, None, restored])
    sent(server, spool, 1200)
    assert server.kept == {i: packet(i) for i in range(1200)}


def test_a_server_that_has_forgotten_the_session(spool: Spool) -> None:
    server = Server([None, None, 404])
    server._troubles[1] = server.kept.clear
    sent(server, spool, 1200)
    assert server.kept == {i: packet(i) for i in range(1200)} and len(server.created) == 2


@pytest.mark.parametrize("liar", [[404] * 4, "takes nothing"])
def test_a_server_that_never_holds_anything(spool: Spool, liar) -> None:
    server = Server(liar if isinstance(liar, list) else [])
    if liar == "takes nothing":
        server._troubles = [server.kept.clear] * 10
    with pytest.raises(UplinkError, match="refuses|does not hold what it took"):
        sent(server, spool, 1200)


# R8: a partition, and what came meanwhile


@pytest.mark.parametrize(("away_s", "played_s"), [(0.5, 60), (30, 120), (3600, 1200), (86_400, 300)])
def test_hours_without_a_network(spool: Spool, tmp_path: Path, away_s: float, played_s: int) -> None:
    """The band goes on for played_s; an answer takes 0.2 s, as over a bad mobile link."""
    caught_up: list[tuple[float, int]] = []

    async def story() -> None:
        loop = asyncio.get_running_loop()
        async with uplink(server, spool) as up:
            for _ in range(played_s * 10):
                filled(spool, 1)
                await asyncio.sleep(0.1)
                assert up.error is None
            while up.trouble:
                await asyncio.sleep(2.0)
            back, behind = loop.time(), up.waiting
            await up.finish()
            caught_up.append((loop.time() - back, behind))

    server = Fast(answer_s=0.2, away=lambda t: 10 <= t < 10 + away_s)
    play(story())
    assert server.kept == {i: packet(i) for i in range(played_s * 10)}
    [(took_s, behind)] = caught_up
    if behind > 2 * FRAME:
        assert behind / 10 / took_s >= 50  # times as fast as life
    spool.remove()
    assert not list(spools(tmp_path))
