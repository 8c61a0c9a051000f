"""Where live sessions are counted: in this process while they are few, in one beside it once there are many, so that
sockets and disk have this one's core to themselves."""

from __future__ import annotations

import asyncio
import itertools
import logging
import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from processing.errors import ProcessingError
from sensor.errors import SensorError
from server import beside
from server.counting import Counting
from server.errors import CountingLost
from server.rows import Session

P, T = ParamSpec("P"), TypeVar("T")
log = logging.getLogger("hiprep.server")


class Counter(Protocol):
    """One session's Counting, wherever it is: it does one thing after the other, in the order in which it is asked."""

    async def ask(self, what: Callable[Concatenate[Counting, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What its Counting answers. Raises CountingLost: it is gone."""

    def drop(self) -> None: ...


class Here:
    def __init__(self, session: Session) -> None:
        self._counting = Counting(session)

    async def ask(self, what: Callable[Concatenate[Counting, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return what(self._counting, *args, **kwargs)

    def drop(self) -> None:
        pass


class Beside:
    def __init__(self, process: Process, key: int) -> None:
        self._process, self._key = process, key

    @staticmethod
    async def begun(process: Process, session: Session) -> Beside:
        """Raises what Counting raises, and CountingLost."""
        key = next(_keys)
        await process.tell(beside.begin, key, session)
        return Beside(process, key)

    async def ask(self, what: Callable[Concatenate[Counting, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._process.tell(beside.do, self._key, what, args, kwargs)

    def drop(self) -> None:
        self._process.tell(beside.forget, self._key)


class Process:
    """Rounds: what is asked during one goes into the next, together. took: is told how long each was, 0 after the last.

    It starts with the first thing that is asked, or when told to prepare. If it dies, what was asked of it raises
    CountingLost, and the next thing starts another one.
    """

    def __init__(self, took: Callable[[float], None]) -> None:
        self._took = took
        self._thread = ThreadPoolExecutor(1, "hiprep-counting")  # its own: others wait in theirs for what is counted
        self._child: subprocess.Popen[bytes] | None = None
        self._asked: list[tuple[asyncio.Future[Any], tuple[Any, ...]]] = []
        self._task: asyncio.Task[None] | None = None

    def tell(self, do: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        """do(*args) in that process."""
        answer = asyncio.get_running_loop().create_future()
        self._asked.append((answer, (do, *args)))
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return answer

    def prepare(self) -> None:
        """So that nobody waits for its start."""
        self.tell(beside.forget, next(_keys))

    async def close(self) -> None:
        """Once nothing is asked any more."""
        if self._task is not None:
            await asyncio.wait([self._task])
        await asyncio.to_thread(self._end)
        self._thread.shutdown()

    async def _run(self) -> None:
        while self._asked:
            asked, self._asked = self._asked, []
            outcomes, took_s = await asyncio.get_running_loop().run_in_executor(self._thread, self._round, [work for _, work in asked])
            for (answer, _), outcome in zip(asked, outcomes, strict=True):
                if answer.done():  # whoever waited has left
                    continue
                if isinstance(outcome, CountingLost | ProcessingError | SensorError):
                    answer.set_exception(outcome)
                    answer.exception()  # whoever does not wait need not know
                else:
                    answer.set_result(outcome)
            self._took(took_s)
        self._task = None
        self._took(0.0)

    def _round(self, works: list[tuple[Any, ...]]) -> tuple[list[Any], float]:
        """The answers, and how long they took, without its start."""
        began = time.monotonic()
        try:
            if self._child is None:
                self._child = _started()
                began = time.monotonic()
            pickle.dump(works, self._child.stdin, pickle.HIGHEST_PROTOCOL)
            self._child.stdin.flush()
            return pickle.load(self._child.stdout), time.monotonic() - began
        except (OSError, EOFError, pickle.UnpicklingError):
            log.error("the process that counts is gone; another one counts again")
        except Exception:  # rounds must go on whatever it was
            log.exception("counting failed")
        self._end()
        return [CountingLost() for _ in works], time.monotonic() - began

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()  # nobody waits for what it does
            child.communicate()


def _started() -> subprocess.Popen[bytes]:
    """-P: of this program, whatever lies where it was started."""
    child = subprocess.Popen([sys.executable, "-P", "-c", beside.START], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    pickle.load(child.stdout)
    return child


_keys = itertools.count()
