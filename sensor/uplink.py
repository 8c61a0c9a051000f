"""A spool's packets to a server: sent in frames, sent again after any break, until all of them are acknowledged."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx

from sensor.client import Client, Ended, NotOurs, Refused, Trouble
from sensor.errors import SensorError, UplinkError
from sensor.frames import Entry
from sensor.pairing import authorization
from sensor.spool import EPOCH, Spool

# A frame is what waits: live that is less than a second's packets (SERVICE.md). Behind, it is up to 256: a server
# makes one fsync a frame and answers after it, so frames of a second would catch up five times as fast as life
# where an answer takes 200 ms; these do it 128 times as fast, in 40 KB, and take 0.5 ms to read and encode here.
FRAME = 256
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 5.0  # between attempts; no source
SETBACKS = 2  # a database may be replaced by an older copy or by another one; no more than that in a row; no source

Answer = TypeVar("Answer")


class Uplink:
    """One session to one server, as an async context manager.

        async with Uplink(spool, url) as uplink:
            spool.put(packet, host_ns)
            ...
            stored = await uplink.finish()

    It never waits for the server but in `opened` and `finish`. Leaving without `finish` leaves the session open there:
    whoever has the spool goes on with it. What is acknowledged is asked of the server, not remembered here.

    session_id: once the server knows the session · ended: it was ended there, as from its page, with everything that had
    come by then; what comes now is nobody's · stored: what the server made of it in the end · error: it refused, nothing is sent any more · trouble: why nothing
    is sent just now; None: it is.
    """

    def __init__(
        self, spool: Spool, server_url: str, *, again: bool = False, token: str | None = None, client: httpx.AsyncClient | None = None
    ) -> None:
        """token: None: this computer's own, where it is paired. again: what was ended there before all of it had come is sent once more, as another session (a server ends
        what is silent for days). `client` is for tests; it is closed as well."""
        self.server_url = server_url.rstrip("/")
        self.session_id: str | None = None
        self.error: UplinkError | None = None
        self.trouble: str | None = "not connected yet"
        self._spool, self._again, self._token, self._http = spool, again, token, client
        self._next = 0  # the first index that is not acknowledged
        self._setbacks = 0  # how often the server lost what it had since it last took something
        self._news, self._known, self._over = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._ending = False
        self.ended = False
        self.stored: Ended | None = None
        self._calm = True  # the last question was answered at once
        self._level = False  # everything was there a moment ago: what is not there came since
        self._heard_s = 0.0  # loop time of the last answer that was one
        self._task: asyncio.Task[None] | None = None

    @property
    def acknowledged(self) -> int:
        """How many packets are safe on the server."""
        return self._next

    @property
    def waiting(self) -> int:
        """How many are here only."""
        return max(0, self._spool.next_index - self._next)

    @property
    def page_url(self) -> str:
        return f"{self.server_url}/sessions/{self.session_id}"

    async def __aenter__(self) -> Uplink:
        self._client = Client(self.server_url, authorization(self.server_url, self._token), self._http)
        self._spool.on_put = self._news.set
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._spool.on_put = lambda: None
        self._task.cancel()
        await asyncio.wait({self._task})
        await self._client.close()

    async def opened(self, patience_s: float | None = None) -> str:
        """The session's id, when the server knows it. Raises UplinkError: refused, or out of reach for so long."""
        await self._until(self._known, patience_s)
        return self.session_id

    async def finish(self, patience_s: float | None = None) -> Ended:
        """When everything is acknowledged, end the session; the server's answer.

        Raises UplinkError: refused, or out of reach for so long.
        """
        self._ending = True
        self._news.set()
        await self._until(self._over, patience_s)
        return self.stored

    async def _until(self, event: asyncio.Event, patience_s: float | None) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        while not event.is_set():
            left = None if patience_s is None else max(began, self._heard_s) + patience_s - loop.time()
            if left is not None and left <= 0:
                raise UplinkError(f"server {self.server_url} {self.trouble or 'does not answer'}")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await event.wait()
        if self.error:
            raise self.error

    # The task

    async def _run(self) -> None:
        try:
            while self.stored is None:
                await self._step()
        except Exception as error:  # noqa: BLE001 - goes to whoever waits, and is shown
            known = isinstance(error, SensorError)
            self.error = UplinkError(str(error)) if known else NotOurs(self.server_url, error)
        finally:
            self._known.set()
            self._over.set()

    async def _step(self) -> None:
        """One request, or a wait for something to send."""
        if self.session_id is None:
            self.session_id = (await self._ask(self._client.begin, self._spool.told)).id
            self._known.set()
        self._news.clear()
        try:
            if entries := self._spool.read(self._next, FRAME):
                await self._send(entries)
            elif self._ending:
                self._spool.all_sent()
                end = await self._ask(self._client.end, self.session_id)
                if not end.final:
                    raise UplinkError(f"server {self.server_url} does not end the session")
                self.stored = end
            else:
                await self._news.wait()
        except Refused as refused:
            if refused.ended and (self._spool.sent or (self._level and not self._again)):  # or the answer was lost
                self._spool.all_sent()
                self.ended, self._next = True, self._spool.next_index
            elif refused.ended and self._again:
                self._spool.begin_again()
                self.session_id, self._next, self._again = None, 0, False
            elif refused.status == 404 and self._setbacks < SETBACKS:  # its database is another one: all of it again
                self._setbacks, self.session_id, self._next = self._setbacks + 1, None, 0
            else:
                raise

    async def _send(self, entries: list[Entry]) -> None:
        last = entries[-1].index
        answer = await self._ask(self._client.send, self.session_id, entries)
        there = -1 if answer.acknowledged is None else answer.acknowledged
        if answer.epoch != EPOCH or (there < last and self._setbacks == SETBACKS):
            raise UplinkError(
                f"server {self.server_url} does not hold what it took"
                f" (wanted index {last} of epoch {EPOCH}, got {there} of epoch {answer.epoch})"
            )
        self._setbacks = self._setbacks + 1 if there < last else 0  # its database is an older one: on from there
        self._next = there + 1
        self._level = self._level or (self._calm and len(entries) < FRAME)
        self._spool.acknowledged(there)

    async def _ask(self, call: Callable[..., Awaitable[Answer]], *told: Any) -> Answer:
        """Until it is answered."""
        self._calm, wait_s = True, FIRST_WAIT_S
        while True:
            try:
                answer = await call(*told)
                self.trouble, self._heard_s = None, asyncio.get_running_loop().time()
                return answer
            except NotOurs:
                if self.session_id is None:
                    raise
                self.trouble = "does not answer as hiprep does"  # from where ours was a moment ago
            except Trouble as trouble:
                self.trouble = str(trouble)
            except Refused as refused:
                self.trouble = f"answers {refused.status}"
                raise
            self._calm = self._level = False
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
