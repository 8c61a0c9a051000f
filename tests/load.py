"""`make load`: live sessions at 100 Hz, counted, on this computer, which also makes them; every sample compared afterwards.

Latencies are from the moment a frame was due, so that a generator or a server that falls behind shows. The server is a
process of its own, and so is a bare echo on the same uvicorn that takes the same frames. ARGS="--seconds 1800" for long.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
from senders import Run, flood, live, memory_mb, person, processes
from cluster import Cluster, binaries
from patients_load import DONE, PATIENTS, patients

P99_S, IDLE_MB, SESSION_MB, LIST_S = 0.4, 200, 0.3, 0.15  # the goals
ECHO = """
import socket, sys, uvicorn
async def app(scope, receive, send):
    if scope["type"] == "websocket":
        await receive(); await send({"type": "websocket.accept"})
        while (await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": '{"type":"ack","epoch":0,"acknowledged":0}'})
listener = socket.create_server(("127.0.0.1", 0))
print("http://127.0.0.1:%d" % listener.getsockname()[1], flush=True)
config = uvicorn.Config(app, log_level="error", lifespan="off", ws_per_message_deflate=False)
uvicorn.Server(config).run(sockets=[listener])
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=180, help="of each run of live sessions")
    parser.add_argument("--only", choices=("sqlite", "postgresql"), help="this database")
    a = parser.parse_args()
    pool = person(a.seconds)
    failed = []
    print(f"{os.cpu_count()} cores, the generator on them as well; {a.seconds} s at 100 Hz, counted\n")
    for kind, database in databases(a.only):
        for sessions, packets in ((200, 1), (500, 10)):
            with server(database) as (process, url):
                idle = memory_mb(process.pid)
                run = asyncio.run(live(url, pool, sessions, packets, a.seconds, process.pid))
                failed += told(f"{kind}, {sessions} sessions, {packets} packets a frame", run, idle)
    for kind, database in databases(a.only):
        knee(kind, database, pool)
    share(pool)
    with tempfile.TemporaryDirectory() as folder:
        late, *words = patients(Path(folder))
        row(f"list, {PATIENTS} patients x {DONE} sessions", *words)
        failed += ["the list's p95"] if late > LIST_S else []
    sys.exit(f"not met: {', '.join(failed)}" if failed else 0)


def told(what: str, run: Run, idle: float) -> list[str]:
    each = (run.most_mb - idle) / len(run.sessions)
    late = np.percentile(run.took, [50, 99])
    row(what, f"durable ack p50 {1e3 * late[0]:.0f} ms, p99 {1e3 * late[1]:.0f} ms", run.compared())
    row("", f"idle {idle:.0f} MB, {each:.2f} MB a session", f"server {run.server_s:.2f}, generator {run.own_s:.2f} of a core; shed {run.shed}")
    goals = {"p99": late[1] <= P99_S, "idle": idle <= IDLE_MB, "memory": each <= SESSION_MB, "samples": run.whole, "shed": not run.shed}
    return [f"{name} of {what}" for name, met in goals.items() if not met]


def knee(kind: str, database: str | None, pool: list[bytes]) -> None:
    """More sessions until it no longer keeps up; then twice as many."""
    last = 0
    for sessions in (200, 300, 400, 500, 600, 800, 1000, 1300, 1600):
        with server(database) as (process, url):
            run = asyncio.run(live(url, pool, sessions, 1, 10, process.pid))
        if run.shed or np.percentile(run.took, 99) > P99_S:
            break
        last = sessions
    row(f"{kind}, knee, one packet a frame", f"{last} sessions", f"not {sessions}: p99 {np.percentile(run.took, 99):.2f} s, shed {run.shed}")
    with server(database) as (process, url):
        run = asyncio.run(live(url, pool, 2 * sessions, 1, 20, process.pid))
    row(f"{kind}, {2 * sessions} sessions", f"shed {run.shed} times, closed with {sorted(run.codes)}", run.compared())
    assert run.whole and run.codes <= {1013}, "something acknowledged is missing, or a close code is not clear"


def share(pool: list[bytes]) -> None:
    with server(None) as (_, url):
        ours = asyncio.run(flood(url, pool, 50))
    with process_of([sys.executable, "-c", ECHO]) as (_, url):
        echo = asyncio.run(flood(url, pool, 50, echo=True))
    row("message rate, stored and counted", f"{100 * ours / echo:.0f} % of a bare echo", f"{ours:.0f} of {echo:.0f} frames/s")


@contextlib.contextmanager
def process_of(command: list[str]) -> Iterator[tuple[subprocess.Popen, str]]:
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            yield process, process.stdout.readline().split()[-1]
        finally:
            process.kill()


@contextlib.contextmanager
def server(database: Cluster | None) -> Iterator[tuple[subprocess.Popen, str]]:
    hiprep = str(Path(sys.executable).with_name("hiprep"))
    with tempfile.TemporaryDirectory() as folder:
        name = database and database.database()
        more = ["--database", name] if name else []
        with process_of([hiprep, "serve", "--port", "0", "--data", folder, *more]) as (process, url):
            httpx.get(f"{url}/api/v1/sessions")
            before, now = 0.0, memory_mb(process.pid)
            while now - before > 0.5 or len(processes(process.pid)) < 2 <= os.cpu_count():  # until what counts has started as well
                time.sleep(1)
                before, now = now, memory_mb(process.pid)
            yield process, url
        if name:
            database.empty(name)


def databases(only: str | None) -> Iterator[tuple[str, Cluster | None]]:
    if only != "postgresql":
        yield "SQLite", None
    if only != "sqlite" and (found := binaries()):
        cluster = Cluster(found)
        try:
            yield "PostgreSQL", cluster
        finally:
            cluster.remove()


def row(what: str, first: str, second: str) -> None:
    print(f"{what:44} {first:44} {second}", flush=True)


if __name__ == "__main__":
    main()
