"""Live sessions by the hundred over a server's sockets, and whether all of them are there afterwards."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import os
import random
import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np
import pyarrow.parquet

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent / "server")]
from conftest import EXERCISE, SIDE, beginning, wire

from processing.exercises import EXERCISES
from sensor.frames import Entry, encode_frame
from sensor.motion import session as simulated
from server.ingest import BEHIND

PACKET_S, SPREAD = 0.1, 1500  # a packet's time; sessions begin so many packets apart in the person's half hour, at most
HEAD = 12  # bytes of a packet before its samples
AHEAD = 64  # frames that may be on their way while the message rate is measured


@dataclass
class Run:
    sessions: list[Sender]
    took: list[float] = field(default_factory=list)  # s from due to acknowledged, of each frame
    shed: int = 0
    codes: set[int] = field(default_factory=set)
    whole: bool = True
    most_mb: float = 0.0
    server_s: float = 0.0  # processor seconds a second
    own_s: float = 0.0
    samples: int = 0

    def compared(self) -> str:
        return f"{self.samples} samples {'as they were sent' if self.whole else 'NOT AS THEY WERE SENT'}"


class Sender(asyncio.Protocol):
    """One session's socket: RFC 6455 in as few steps as will do, so that the generator costs little."""

    def __init__(self, run: Run, url: str, session_id: str, packets: Sequence[bytes], echo: bool = False) -> None:
        self.run, self.url, self.id, self.packets, self.echo = run, urlsplit(url), session_id, packets, echo
        self.due: deque[tuple[int, float]] = deque()  # last index of a frame and when it was due
        self.next = 0  # the first index not sent
        self.acknowledged = -1
        self.open = self.ending = False
        self._in = b""
        self.transport: asyncio.Transport | None = None

    async def connect(self) -> None:
        await asyncio.get_running_loop().create_connection(lambda: self, self.url.hostname, self.url.port)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self._in, self._shaken = transport, b"", False
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET /api/v1/sessions/{self.id}/packets HTTP/1.1\r\nHost: {self.url.netloc}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self._in += data
        if not self._shaken:
            head, found, self._in = self._in.partition(b"\r\n\r\n")
            if not found:
                self._in = head
                return
            self._shaken = True
            if self.echo:
                self.open = True
        while len(self._in) >= 2:
            kind, size, at = self._in[0] & 15, self._in[1], 2
            if size == 126:
                size, at = int.from_bytes(self._in[2:4], "big"), 4
            if len(self._in) < at + size:
                return
            body, self._in = self._in[at : at + size], self._in[at + size :]
            if kind == 1:
                self._told(json.loads(body))
            elif kind == 8:
                self.run.codes.add(int.from_bytes(body[:2], "big"))
                self._write(8, body[:2])
            elif kind == 9:
                self._write(10, body)

    def _told(self, message: dict) -> None:
        if message["type"] != "ack":
            return
        if not self.open:  # where it is to go on
            self.acknowledged = -1 if message["acknowledged"] is None else message["acknowledged"]
            self.open, last = True, self.next
            self.next = self.acknowledged + 1
            while self.next < last:
                self._frame(min(last, self.next + 256))
        self.acknowledged = self.acknowledged + 1 if self.echo else message["acknowledged"]
        now = time.monotonic()
        while self.due and self.due[0][0] <= self.acknowledged:
            self.run.took.append(now - self.due.popleft()[1])

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.ending:
            self.run.shed += 1
            again_s = random.Random(self.id + str(self.run.shed)).uniform(3, 8)
            if self.open:
                self.open = False
            asyncio.get_running_loop().call_later(again_s, lambda: self.ending or asyncio.ensure_future(self.connect()))

    def send(self, packets: int, due: float) -> None:
        """The next frame; while there is no socket it is only due."""
        last = self.next + packets
        self.due.append((last - 1, due))
        if self.open:
            self._frame(last)
        self.next = last

    def _frame(self, to: int) -> None:
        entries = [Entry(0, i, 1_767_225_600_000_000_000 + i * 100_000_000, self.packets[i]) for i in range(self.next, to)]
        self._write(2, encode_frame(entries))
        self.next = to

    def _write(self, kind: int, body: bytes) -> None:
        size = len(body)
        head = bytes([0x80 | kind, 0x80 | size]) if size < 126 else bytes([0x80 | kind, 0xFE]) + size.to_bytes(2, "big")
        self.transport.write(head + bytes(4) + body)

    def close(self) -> None:
        self.ending = True
        if self.transport:
            self.transport.close()


async def live(url: str, pool: list[bytes], sessions: int, packets: int, seconds: int, pid: int) -> Run:
    run = await opened(url, pool, sessions)
    watching = asyncio.create_task(watch(run, pid))
    began, server_s, own_s = time.monotonic() + 0.5, processor_s(pid), time.process_time()
    frame_s = packets * PACKET_S
    for frame in range(int(seconds / frame_s)):
        for number, sender in enumerate(run.sessions):
            due = began + (frame + 1 + number / sessions) * frame_s
            if (wait := due - time.monotonic()) > 0.002:
                await asyncio.sleep(wait)
            elif not number % 16:
                await asyncio.sleep(0)
            sender.send(packets, due)
    took = time.monotonic() - began
    run.server_s, run.own_s = (processor_s(pid) - server_s) / took, (time.process_time() - own_s) / took
    for _ in range(600):  # what is shed comes again
        if all(not sender.due for sender in run.sessions):
            break
        await asyncio.sleep(0.1)
    watching.cancel()
    now = time.monotonic()
    run.took += [now - due for sender in run.sessions for _, due in sender.due]
    for sender in run.sessions:
        sender.close()
    await compare(run, url)
    return run


async def opened(url: str, pool: list[bytes], sessions: int, echo: bool = False) -> Run:
    run, ids = Run([]), ["0"] * sessions
    if not echo:
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            ids = [(await client.post("/api/v1/sessions", json=beginning(f"session-{i}"))).json()["id"] for i in range(sessions)]
    for number, session_id in enumerate(ids):
        first = number * 7 % SPREAD
        run.sessions.append(Sender(run, url, session_id, pool[first:] if number < SPREAD else pool, echo))
        await run.sessions[-1].connect()
    while not all(sender.open for sender in run.sessions):
        await asyncio.sleep(0.05)
    return run


async def compare(run: Run, url: str) -> None:
    """What the server has of each session against what was sent: nothing acknowledged may be missing."""

    async def one(client: httpx.AsyncClient, sender: Sender) -> None:
        async with turn:
            await client.post(f"/api/v1/sessions/{sender.id}/end")
            answer = await client.get(f"/api/v1/sessions/{sender.id}/recording.parquet")
        if answer.status_code != 200:  # without a packet there is no recording
            run.whole &= sender.acknowledged < 0 and answer.status_code == 409
            return
        table = pyarrow.parquet.read_table(io.BytesIO(answer.content), columns=[f"{kind}_{axis}" for kind in ("acc", "gyr") for axis in "xyz"])
        got = np.stack([column.to_numpy() for column in table.columns], axis=1).astype("<i2").tobytes()
        kept = len(got) // (12 * 10)
        sent = b"".join(packet[HEAD:] for packet in sender.packets[:kept])
        run.samples += table.num_rows
        run.whole &= kept > sender.acknowledged and hashlib.sha256(got).digest() == hashlib.sha256(sent).digest()

    turn = asyncio.Semaphore(4)
    async with httpx.AsyncClient(base_url=url, timeout=120) as client:
        await asyncio.gather(*(one(client, sender) for sender in run.sessions))


async def flood(url: str, pool: list[bytes], sessions: int, seconds: float = 4.0, echo: bool = False) -> float:
    """Frames of one packet a second, as fast as they are answered, once what counts has begun with each session."""
    run, began = await opened(url, pool, sessions, echo), None
    while began is None or time.monotonic() - began < seconds:
        now, least = time.monotonic(), min(sender.next for sender in run.sessions)
        if began is None and least > 4 * BEHIND:
            began = now
            run.took.clear()
        for sender in run.sessions:
            while sender.open and len(sender.due) < AHEAD and sender.next < min(least + 4 * AHEAD, len(sender.packets)):
                sender.send(1, now)
        await asyncio.sleep(0.002)
    for sender in run.sessions:
        sender.close()
    assert all(sender.next < len(sender.packets) for sender in run.sessions), "the person's half hour was too short"
    return len(run.took) / (time.monotonic() - began)


async def watch(run: Run, pid: int) -> None:
    while True:
        run.most_mb = max(run.most_mb, memory_mb(pid))
        await asyncio.sleep(1)


def person(seconds: int) -> list[bytes]:
    """Packets for the longest run, from wherever a session begins in them."""
    samples_s = max(seconds, 180) + SPREAD * PACKET_S + 10
    made = simulated({EXERCISE: EXERCISES[EXERCISE].track}, EXERCISE, sets=int(samples_s / 60) + 1, rest_s=30.0, side=SIDE, seed=1)
    packets = wire(made.recording.samples)
    assert len(packets) * PACKET_S > samples_s, "the person stops too early"
    return packets[: len(packets) - 1]  # the last may be short


def processes(pid: int) -> list[int]:
    """The server's and that which counts for it, if there is one."""
    children = [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]
    return [pid, *children]


def memory_mb(pid: int) -> float:
    """Resident, of all its processes; the code that they share counts once."""
    own, shared = 0, []
    for one in processes(pid):
        kb = {name: int(value.split()[0]) for name, _, value in (line.partition(":") for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()[1:])}
        own += kb["Private_Clean"] + kb["Private_Dirty"]
        shared.append(kb["Shared_Clean"] + kb["Shared_Dirty"])
    return (own + max(shared)) / 1024


def processor_s(pid: int) -> float:
    """Of all its processes."""
    spent = [Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()[11:13] for one in processes(pid)]
    return sum(int(user) + int(system) for user, system in spent) / os.sysconf("SC_CLK_TCK")
