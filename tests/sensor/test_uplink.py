"""The uplink against a server that is in this process: httpx's own transport for it is the outermost seam.
With a real server: tests/server/test_uplink.py."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

import httpx
import pytest

from sensor import uplink as module
from sensor.errors import UplinkError
from sensor.frames import Entry, decode_frame
from sensor.uplink import BATCH, Uplink

SECOND = 1_000_000_000


class Server:
    """Keeps what it is sent; `troubles` are answered first, one a request of packets."""

    def __init__(self, troubles: Iterable[int | Exception | Callable] = ()) -> None:
        self.created: list[dict] = []
        self.frames: list[list[Entry]] = []
        self.kept: dict[int, bytes] = {}
        self._troubles = list(troubles)

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/v1/sessions":
            self.created.append(json.loads(request.content))
            return httpx.Response(201, json={"id": "the-session"})
        if request.url.path.endswith("/end"):
            return httpx.Response(200, json={"result": {"packets": len(self.kept)}})
        trouble = self._troubles.pop(0) if self._troubles else None
        if isinstance(trouble, Exception):
            raise trouble
        if isinstance(trouble, int):
            return httpx.Response(trouble, json={"detail": "trouble at entries[0]"})
        entries = decode_frame(request.content)
        self.frames.append(entries)
        self.kept |= {entry.index: entry.packet for entry in entries}
        if trouble == "lost answer":
            raise httpx.ReadError("gone")
        last = max(i for i in self.kept if all(j in self.kept for j in range(i + 1)))
        return httpx.Response(200, json={"epoch": 0, "acknowledged": last, "stored": 1, "duplicates": 0})


def uplink(server: Server, **changes: object) -> Uplink:
    values = dict(exercise="hip_abduction", side="left", driver="hiprep-band", info=b"\x01\x02", band="b")
    return Uplink("http://server.test/", **values | changes, client=server.client())


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_WAIT_S", 0.001)
    monkeypatch.setattr(module, "LONGEST_WAIT_S", 0.001)


async def test_everything_arrives_once_in_batches() -> None:
    server = Server()
    async with uplink(server) as up:
        for i in range(500):
            up.put(b"%d" % i, i * SECOND // 100)
        assert await up.finish() == {"result": {"packets": 500}}
    assert (up.acknowledged, up.waiting) == (500, 0)
    assert [entry.index for frame in server.frames for entry in frame] == list(range(500))
    assert max(len(frame) for frame in server.frames) == BATCH
    assert server.created[0]["info"] == "0102" and server.created[0]["key"]


async def test_a_frame_holds_a_second_at_most() -> None:
    server = Server()
    async with uplink(server) as up:
        for i in range(40):
            up.put(b"x", i * SECOND // 10)
        await up.finish()
    assert all(frame[-1].host_ns - frame[0].host_ns <= SECOND for frame in server.frames)
    assert len(server.frames) == 4


@pytest.mark.parametrize(
    "trouble", [503, 507, 500, 429, httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), "lost answer"]
)
async def test_trouble_that_passes_loses_nothing(trouble) -> None:
    server = Server([None, trouble, trouble, trouble])
    async with uplink(server) as up:
        for i in range(300):
            up.put(b"%d" % i, i)
        await up.finish()
    assert server.kept == {i: b"%d" % i for i in range(300)}


@pytest.mark.parametrize("status", [400, 404, 409, 413, 422])
async def test_a_refusal_is_one_clear_line(status: int) -> None:
    server = Server([None, status])
    async with uplink(server) as up:
        for i in range(300):
            up.put(b"x", i)
        with pytest.raises(UplinkError, match=rf"refuses .*packets: trouble at entries\[0\] \({status}\)") as caught:
            await up.finish()
        assert "\n" not in str(caught.value)
        waiting = up.waiting
        up.put(b"x", 0)
        assert up.waiting == waiting and up.error is caught.value


async def test_a_server_that_is_not_there() -> None:
    with pytest.raises(UplinkError, match=r"server http://127.0.0.1:9 cannot be reached"):
        async with Uplink(
            "http://127.0.0.1:9", exercise=None, side="left", driver="d", info=b"", band="b", reach_s=0.0
        ):
            pass


@pytest.mark.parametrize("url", ["nonsense", "ftp://server.test", "http://"])
async def test_something_that_is_no_url(url: str) -> None:
    with pytest.raises(UplinkError, match="wanted http"):
        async with Uplink(url, exercise=None, side="left", driver="d", info=b"", band="b"):
            pass


@pytest.mark.parametrize("body", ["<html>something else</html>", "[]", "{}"])
async def test_a_server_that_is_something_else(body: str) -> None:
    client = httpx.AsyncClient(transport=httpx.MockTransport(lambda request: httpx.Response(200, text=body)))
    with pytest.raises(UplinkError, match="does not answer as hiprep does"):
        async with Uplink("http://a.test", exercise=None, side="left", driver="d", info=b"", band="b", client=client):
            pass


async def test_nothing_to_send() -> None:
    async with uplink(Server()) as up:
        assert await up.finish() == {"result": {"packets": 0}}
