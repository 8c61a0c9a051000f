"""Where live sessions are counted: in this process while they are few, in one beside it once there are many, so that
sockets and disk have this one's core to themselves."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

from processing.errors import ProcessingError
from sensor.errors import SensorError
from server import logs
from server.counting import Counting
from server.errors import CountingLost
from server.rows import Session

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

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
        await process.tell(_begin, key, session)
        return Beside(process, key)

    async def ask(self, what: Callable[Concatenate[Counting, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._process.tell(_do, self._key, what, args, kwargs)

    def drop(self) -> None:
        self._process.tell(_forget, self._key)


class Process:
    """Rounds: what is asked during one goes into the next, together. took: is told how long each was, 0 after the last.

    It starts with the first thing that is asked. If it dies, what was asked of it raises CountingLost, and the next thing
    starts another one.
    """

    def __init__(self, took: Callable[[float], None]) -> None:
        self._took = took
        self._pool: ProcessPoolExecutor | None = None
        self._asked: list[tuple[asyncio.Future[Any], tuple[Any, ...]]] = []
        self._task: asyncio.Task[None] | None = None

    def tell(self, do: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        """do(*args) in that process."""
        answer = asyncio.get_running_loop().create_future()
        self._asked.append((answer, (do, *args)))
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return answer

    async def close(self) -> None:
        """Once nothing is asked any more."""
        if self._task is not None:
            await asyncio.wait([self._task])
        if self._pool is not None:
            await asyncio.to_thread(self._pool.shutdown)

    async def _run(self) -> None:
        while self._asked:
            asked, self._asked = self._asked, []
            began = time.monotonic()
            for (answer, _), outcome in zip(asked, await self._round([work for _, work in asked]), strict=True):
                if answer.done():  # whoever waited has left
                    continue
                if isinstance(outcome, CountingLost | ProcessingError | SensorError):
                    answer.set_exception(outcome)
                    answer.exception()  # whoever does not wait need not know
                else:
                    answer.set_result(outcome)
            self._took(time.monotonic() - began)
        self._task = None
        self._took(0.0)

    async def _round(self, works: list[tuple[Any, ...]]) -> list[Any]:
        try:
            if self._pool is None:
                from concurrent.futures import ProcessPoolExecutor  # few servers need it
                from multiprocessing import get_context

                self._pool = ProcessPoolExecutor(1, get_context("spawn"), _start)
            return await asyncio.get_running_loop().run_in_executor(self._pool, _round, works)
        except BrokenExecutor:
            log.error("the process that counts is gone; another one counts again")
            self._pool = None
        except Exception:  # rounds must go on whatever it was
            log.exception("counting failed")
        return [CountingLost() for _ in works]


_keys = itertools.count()

# In that process

_countings: dict[int, Counting] = {}


def _start() -> None:
    """It ends with its parent, however that ends, and when it is told; until then what stops a server lets it finish."""
    from multiprocessing import parent_process

    logs.install()
    for name in signal.SIGINT, signal.SIGTERM:
        signal.signal(name, signal.SIG_IGN)
    threading.Thread(target=lambda: (parent_process().join(), os._exit(1)), daemon=True).start()


def _round(works: list[tuple[Any, ...]]) -> list[Any]:
    return [_one(*work) for work in works]


def _one(do: Callable[..., Any], key: int, *args: Any) -> Any:
    try:
        return do(key, *args)
    except (ProcessingError, SensorError) as error:
        return error
    except Exception:
        log.exception("counting failed")
        _forget(key)  # it has not counted all that it was told to
        return CountingLost()


def _begin(key: int, session: Session) -> None:
    _countings[key] = Counting(session)


def _do(key: int, what: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if key not in _countings:  # of a process that was here before
        return CountingLost()
    return what(_countings[key], *args, **kwargs)


def _forget(key: int) -> None:
    _countings.pop(key, None)
