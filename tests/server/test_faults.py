"""R3, R4, R5, and the journal's way to a recording: a disk that fails, or a kill, at every single call.

The session runs below HTTP, on SQLite; a library that is preloaded (faults.c) makes the n-th call on its files go wrong.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sensor.frames import Entry, encode_frame
from server.counting import Counting
from server.rows import Session
from server.service import Service
from server.settings import Settings

HERE = Path(__file__).parent
FAIL_ONCE, FAIL_ON, KILL_BEFORE, KILL_AFTER = range(4)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("needs Linux and a C compiler (Debian: apt-get install gcc libc6-dev)")
    made = tmp_path_factory.mktemp("faults") / "faults.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", made, HERE / "faults.c", "-ldl"], check=True)
    return made


@pytest.fixture
def few(entries: list[Entry]) -> list[Entry]:
    return entries[:120]


@pytest.fixture
def wanted(few: list[Entry], body: dict) -> str:
    """What is counted of them, as it is stored."""
    new = body | {"info": bytes.fromhex(body["info"])}
    counting = Counting(Session(number=1, id="", created_at="", ended_at=None, recording=None, patient=None, idle_since=None, **new))
    counting.feed(few)
    counting.finish()
    return json.dumps(counting.document(), separators=(",", ":"))


@pytest.fixture
def runs(library: Path, tmp_path: Path, few: list[Entry], body: dict):
    """Sessions under faults: [how, errno, first call, step] each, until a session has no more calls."""

    def runs(*plan: tuple[int, int, int, int], fresh: bool = False) -> list[dict[str, Any]]:
        template, work, frame = tmp_path / "template", tmp_path / "work", tmp_path / "frame"
        template.mkdir()
        if not fresh:  # the tables are there already
            Service.open(Settings(template)).close()
        work.mkdir()
        frame.write_bytes(encode_frame(few))
        done = subprocess.run(
            [sys.executable, HERE / "faulty.py", frame, template, work, json.dumps(plan), json.dumps(body)],
            env=os.environ | {"LD_PRELOAD": str(library)}, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return runs


def check(done: dict[str, Any], few: list[Entry], wanted: str) -> None:
    """What was acknowledged is there, once; and the session can be finished as if nothing had been."""
    assert done["well"] == 0, done
    acknowledged = [int(what.split()[1]) for what, *_ in done["told"] if what.startswith("acknowledged")]
    ended = any(what == "ended" for what, *_ in done["told"])
    kept = [said for said in done["found"] if said[0] == "kept"]
    assert len(kept) <= 1
    for _, journalled, is_ended, recorded in kept:
        whole = list(range(len(few)))
        assert journalled == whole[: len(journalled)]  # one copy of each, whole frames in order
        assert is_ended >= ended
        if recorded is None:
            assert len(journalled) > max(acknowledged, default=-1)
        else:  # the journal went because the recording was there
            assert (recorded, journalled) == (10 * len(few), [])
    assert kept or not acknowledged
    assert ["finished", 10 * len(few), 0, wanted] in done["found"] and ["files", True] in done["found"], done


EVERY = pytest.mark.campaign, pytest.mark.timeout(3600)


@pytest.mark.parametrize("step", [4, pytest.param(1, marks=EVERY)])
def test_an_error_at_every_call(runs, few, wanted, step: int) -> None:
    """R4, R5: one error, and a disk that is full from there on. Never an acknowledgement after a failed commit."""
    all_runs = runs((FAIL_ONCE, errno.EIO, 1, step), (FAIL_ON, errno.ENOSPC, 1, 4 * step))
    refused = set()
    for done in all_runs:
        check(done, few, wanted)
        assert done["status"] == 0, done
        for what, *told in done["told"]:
            if what == "refused":
                refused.add(told[0])
            elif what != "fired" and told[0].startswith("fsync") and told[0].endswith("-wal"):
                pytest.fail(f"{what}, although the commit was not synced: {done}")
    assert len(all_runs) > 120 // step
    assert {"StoreError", "StoreFull"} <= refused


@pytest.mark.parametrize("step", [10, pytest.param(1, marks=EVERY)])
def test_a_kill_at_every_call(runs, few, wanted, step: int) -> None:
    """R3: between a commit and its acknowledgement, among others; and at every step from the journal to the recording."""
    all_runs = runs((KILL_BEFORE, 0, 1, step), (KILL_AFTER, 0, 1 + step // 2, step))
    for done in all_runs:
        check(done, few, wanted)
        assert done["status"] in (0, signal.SIGKILL)
    assert len(all_runs) > 200 // step - 2


@pytest.mark.parametrize("step", [80, pytest.param(1, marks=EVERY)])
def test_a_kill_while_the_tables_are_made(runs, few, wanted, step: int) -> None:
    for done in runs((KILL_AFTER, 0, 1, step), fresh=True):
        check(done, few, wanted)
