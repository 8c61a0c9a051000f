"""The promise: what was acknowledged survives `kill -9`."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from sensor.frames import Entry, encode_frame
from server.store import journal, sessions

SENDERS = 4


class Sender:
    """A client of one session: sends what is not acknowledged, in frames of any size, some of it twice."""

    def __init__(self, session_id: str, entries: list[Entry], seed: int) -> None:
        self.session_id, self._entries, self._rng = session_id, entries, random.Random(seed)
        self.acknowledged: set[int] = set()

    def run(self, url: str, acks: threading.Semaphore, stop_at: int) -> None:
        """Until the server is gone or `stop_at` packets are sent."""
        with httpx.Client(base_url=url, timeout=20) as client:
            while (at := len(self.acknowledged)) < stop_at:
                again = max(0, at - self._rng.randrange(3))
                frame = self._entries[again : at + self._rng.randint(1, 3)]
                try:
                    answer = client.post(f"/api/v1/sessions/{self.session_id}/packets", content=encode_frame(frame))
                except httpx.TransportError:
                    return
                if answer.status_code == 503:  # the database is gone
                    return
                assert answer.status_code == 200, answer.text
                self.acknowledged |= {entry.index for entry in frame}
                acks.release()


CAMPAIGN = pytest.mark.campaign, pytest.mark.timeout(3600)


@pytest.mark.parametrize(
    ("database", "kills"),
    [
        ("sqlite", 20),
        ("postgresql", 3),
        pytest.param("sqlite", 200, marks=CAMPAIGN),
        pytest.param("postgresql", 200, marks=CAMPAIGN),
    ],
    indirect=["database"],
)
def test_no_acknowledged_packet_is_lost_by_kills(
    request, tmp_path: Path, server_process, store_of, connect, entries, expected, database, kills: int
) -> None:
    """R1. Where there is one, the database server is killed instead every third time."""
    rng = random.Random(kills)
    senders: list[Sender] = []
    share = len(entries) / kills
    for number in range(kills):
        with server_process(tmp_path) as (process, url):
            if not senders:
                with connect(url) as client:
                    ids = [client.create(f"session-{i}")["id"] for i in range(SENDERS)]
                senders = [Sender(id_, entries, seed) for seed, id_ in enumerate(ids)]
            acks = threading.Semaphore(0)
            stop_at = int(share * (number + 1))
            with ThreadPoolExecutor(SENDERS) as pool:
                runs = [pool.submit(sender.run, url, acks, stop_at) for sender in senders]
                for _ in range(rng.randint(0, int(SENDERS * share / 4))):
                    acks.acquire(timeout=20)
                if database and number % 3 == 2:
                    request.getfixturevalue("cluster").kill()
                else:
                    process.kill()
            for run in runs:
                run.result()  # raises what went wrong in its thread
        if database and number % 3 == 2:
            request.getfixturevalue("cluster").start()
        store = store_of(tmp_path)
        for sender in senders:
            session = store.read(sessions.find, sender.session_id)
            kept = store.read(lambda c, n=session.number: {e.index: e for e in journal.read(c, n)})
            assert sender.acknowledged <= kept.keys()
            assert all(entries[index] == entry for index, entry in kept.items())
        store.close()
    assert all(sender.acknowledged for sender in senders)

    with server_process(tmp_path) as (_, url), connect(url) as client:
        for sender in senders:
            client.send_all(sender.session_id, entries[len(sender.acknowledged) :])
            assert client.end(sender.session_id)["result"] == expected


@pytest.mark.both_stores
def test_sigterm_stops_in_order_and_loses_nothing(tmp_path: Path, server_process, connect, entries, expected) -> None:
    with server_process(tmp_path) as (process, url), connect(url) as client:
        session = client.create()
        client.send_all(session["id"], entries)
        client.end(session["id"])
        process.terminate()
        assert process.wait(20) == 0
        assert "Traceback" not in process.stderr.read()
    assert [path.name for path in (tmp_path / "recordings").iterdir()] == [f"{session['id']}.parquet"]
    assert not (tmp_path / "hiprep.sqlite3-wal").exists()  # closed, not abandoned
