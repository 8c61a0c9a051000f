"""R7: whatever the way does to frames, the table equals the packets sent."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from sensor.frames import Entry, encode_frame
from server.app import create_app
from server.counting import Counting
from server.store import journal, sessions

pytestmark = pytest.mark.both_stores
KEYS = itertools.count()
MOST = 12  # new packets at a time


class Server:
    """The whole application in this process, so that its table can be looked at in between."""

    def __init__(self, portal: BlockingPortal, app: FastAPI) -> None:
        self._portal, self.store = portal, app.state.service.store
        self._client = AsyncClient(transport=ASGITransport(app), base_url="http://127.0.0.1")

    def post(self, path: str, **body: object) -> Response:
        return self._portal.call(functools.partial(self._client.post, path, **body))


@pytest.fixture
def server(tmp_path, settings_of) -> Iterator[Server]:
    with start_blocking_portal() as portal:
        app = create_app(settings_of(tmp_path))
        yield Server(portal, app)
        portal.call(app.state.service.stop)


class Way(RuleBasedStateMachine):
    """A client, and a way to the server that drops, repeats, reorders, delays, cuts and flips."""

    def __init__(self, server: Server, body: dict, packets: list[bytes]) -> None:
        super().__init__()
        self._server, self._body, self._packets = server, body, packets
        self.sent: dict[tuple[int, int], Entry] = {}  # by the client, on the way or not
        self.stored: dict[tuple[int, int], Entry] = {}  # by the server, as far as its answers say
        self.delayed: list[list[Entry]] = []
        self.epoch = self.index = 0

    @initialize()
    def begin(self) -> None:
        made = self._server.post("/api/v1/sessions", json=self._body | {"key": f"machine-{next(KEYS)}"}).json()
        self._path = f"/api/v1/sessions/{made['id']}"
        self._store = self._server.store
        self._session = self._store.read(sessions.find, made["id"])

    @rule(n=st.integers(1, MOST))
    def put(self, n: int) -> None:
        """The band measures on."""
        for _ in range(n):
            packet = self._packets[len(self.sent) % len(self._packets)]
            entry = Entry(self.epoch, self.index, 1_000_000 * len(self.sent), packet)
            self.sent[entry[:2]] = entry
            self.index += 1

    @precondition(lambda self: self.index)
    @rule()
    def begin_again(self) -> None:
        """The client lost its count."""
        self.epoch, self.index = self.epoch + 1, 0

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def send(self, data: st.DataObject) -> None:
        """Any packets in any order, some of them twice."""
        self._deliver(self._some(data))

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def delay(self, data: st.DataObject) -> None:
        self.delayed.append(self._some(data))

    @precondition(lambda self: self.delayed)
    @rule(data=st.data())
    def arrive(self, data: st.DataObject) -> None:
        self._deliver(self.delayed.pop(data.draw(st.integers(0, len(self.delayed) - 1))))

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def cut(self, data: st.DataObject) -> None:
        frame = encode_frame(self._some(data))
        self._refused(frame[: data.draw(st.integers(0, len(frame) - 1))], {400})

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def flip(self, data: st.DataObject) -> None:
        frame = bytearray(encode_frame(self._some(data)))
        frame[data.draw(st.integers(0, len(frame) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        self._refused(bytes(frame), {400})

    @precondition(lambda self: self.stored)
    @rule(data=st.data())
    def other_bytes(self, data: st.DataObject) -> None:
        """Two clients, one key: the first one's packet stays."""
        entry = self.stored[data.draw(st.sampled_from(sorted(self.stored)))]
        other = entry._replace(packet=next(packet for packet in self._packets if packet != entry.packet))
        self._refused(encode_frame([other]), {409})

    @invariant()
    def the_table_is_what_was_taken(self) -> None:
        if hasattr(self, "_session"):
            assert self._journal() == sorted(self.stored.values())

    def teardown(self) -> None:
        """Everything gets through in the end, but for what was missing of an epoch when the next one began."""
        if not hasattr(self, "_session"):
            return
        self.begin_again()
        self.put(1)
        for entry in self.sent.values():
            self._deliver([entry])
        assert self._journal() == sorted(self.stored.values())
        ended = self._server.post(f"{self._path}/end").json()
        counting = Counting(self._session)
        counting.feed(sorted(self.stored.values()))
        counting.finish()
        assert ended["result"] == counting.document()

    def _some(self, data: st.DataObject) -> list[Entry]:
        keys = data.draw(st.lists(st.sampled_from(sorted(self.sent)), min_size=1, max_size=2 * MOST))
        return [self.sent[key] for key in keys]

    def _deliver(self, entries: list[Entry]) -> None:
        newest = max((epoch for epoch, _ in self.stored), default=0)
        closed = any(entry[:2] not in self.stored and entry.epoch < newest for entry in entries)
        answer = self._server.post(f"{self._path}/packets", content=encode_frame(entries))
        assert answer.status_code == (409 if closed else 200), answer.text
        if not closed:
            new = {entry[:2]: entry for entry in entries}.items() - self.stored.items()
            assert answer.json()["stored"] == len(new)
            self.stored |= dict(new)

    def _refused(self, frame: bytes, statuses: set[int]) -> None:
        answer = self._server.post(f"{self._path}/packets", content=frame)
        assert answer.status_code in statuses, answer.text

    def _journal(self) -> list[Entry]:
        return self._store.read(lambda connection: list(journal.read(connection, self._session.number)))


def test_whatever_the_way_does_the_table_equals_the_packets_sent(server, body, packets) -> None:
    run_state_machine_as_test(
        lambda: Way(server, body, packets), settings=settings(max_examples=8, stateful_step_count=20)
    )
