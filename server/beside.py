"""The process that counts beside the server's, from within: it imports nothing of what serves.

A round in is a pickled list of (what to do, key, arguments), a round out the answers in that order; the pipes are the
server's and nobody else's. It ends when the first one does, however the server ended.
"""

from __future__ import annotations

import gc
import logging
import os
import pickle
import signal
import sys
from collections.abc import Callable
from typing import Any

from processing.errors import ProcessingError
from sensor.errors import SensorError
from server import logs
from server.counting import Counting
from server.errors import CountingLost
from server.rows import Session

START = "from server.beside import main; main()"

log = logging.getLogger("hiprep.server")
_countings: dict[int, Counting] = {}


def main() -> None:
    """Until it is told; what stops a server lets it finish."""
    for name in signal.SIGINT, signal.SIGTERM:
        signal.signal(name, signal.SIG_IGN)
    logs.install()
    gc.freeze()  # as in run.py
    asked, told = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever prints says nothing to the server
    try:
        answer: list[Any] = []  # the first: it is there
        while True:
            pickle.dump(answer, told, pickle.HIGHEST_PROTOCOL)
            told.flush()
            answer = [_one(*work) for work in pickle.load(asked)]
    except (EOFError, BrokenPipeError, pickle.UnpicklingError):  # in the middle of a round as well
        os._exit(0)


def _one(do: Callable[..., Any], key: int, *args: Any) -> Any:
    try:
        return do(key, *args)
    except (ProcessingError, SensorError) as error:
        return error
    except Exception:
        log.exception("counting failed")
        forget(key)  # it has not counted all that it was told to
        return CountingLost()


def begin(key: int, session: Session) -> None:
    _countings[key] = Counting(session)


def do(key: int, what: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if key not in _countings:  # of a process that was here before
        return CountingLost()
    return what(_countings[key], *args, **kwargs)


def forget(key: int) -> None:
    _countings.pop(key, None)
