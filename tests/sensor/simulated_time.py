"""An event loop whose time jumps to the next thing to do: hours in minutes, and the same every time.

For what lives in this process alone, such as the virtual radio. Where nothing is left to wait for it says so.
"""

from __future__ import annotations

import asyncio
import selectors


class SimulatedLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(_Jump(self))

    def time(self) -> float:
        return self.now


class _Jump(selectors.DefaultSelector):
    def __init__(self, loop: SimulatedLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list:
        if timeout is None:
            raise RuntimeError("everybody waits and nothing will ever happen")
        self._loop.now += max(timeout, 0.0)
        return super().select(0)


def now_ns() -> int:
    """The loop's time, as a band's client stamps packets with it."""
    return round(asyncio.get_running_loop().time() * 1e9)


BACKEND = "asyncio", {"loop_factory": SimulatedLoop}
