"""A session's packets to the server: sent in batches, kept until acknowledged, sent again after any break."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import deque
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any

import httpx

from sensor.errors import SourceError, UplinkError
from sensor.frames import Entry, encode_frame

if TYPE_CHECKING:
    from sensor.source import Source

BATCH = 64  # packets a request; no source
BATCH_NS = 1_000_000_000  # SERVICE.md: frames carry up to 1 s of packets
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 5.0  # between attempts; no source
TIMEOUT_S = 10.0  # for one answer, a fsync on a busy disk included; no source
AGAIN = {408, 425, 429, 500, 502, 503, 504, 507}  # nothing was acknowledged, and it may go better later


class Uplink:
    """One session on a server, as an async context manager.

        async with Uplink(url, exercise=..., side=..., driver="hiprep-band", info=info, band="...") as uplink:
            uplink.put(packet, host_ns)
            ...
            stored = await uplink.finish()

    Leaving without `finish` leaves the session open on the server: another run may go on with it by its `key`.
    What is not acknowledged is in memory only; `epoch` and the entries' index are the seam for a spool on disk.
    """

    def __init__(
        self,
        server_url: str,
        *,
        exercise: str | None,
        side: str,
        driver: str,
        info: bytes,
        band: str,
        placement: str = "ankle",
        started_at: str | None = None,
        key: str | None = None,
        epoch: int = 0,
        reach_s: float = 10.0,
        client: httpx.AsyncClient | None = None,
    ) -> None:
        """reach_s: how long the server may be out of reach at the beginning; later there is no limit.
        `client` is for tests; it is closed as well."""
        self.server_url = server_url.rstrip("/")
        self.session_id: str | None = None
        self.error: UplinkError | None = None  # the server refused: nothing is sent any more
        self._new = {
            "key": key or str(uuid.uuid4()),
            "exercise": exercise,
            "side": side,
            "placement": placement,
            "driver": driver,
            "band": band,
            "info": info.hex(),
            "started_at": started_at or datetime.now(UTC).isoformat(),
        }
        self._client = client
        self._reach_s = reach_s
        self._epoch, self._index = epoch, 0  # of the next packet
        self._waiting: deque[Entry] = deque()  # put, and not acknowledged
        self._news = asyncio.Event()  # something was put
        self._empty = asyncio.Event()  # everything is acknowledged, or nothing ever will be
        self._empty.set()
        self._sending: asyncio.Task[None] | None = None

    @property
    def acknowledged(self) -> int:
        """How many packets are safe on the server."""
        return self._index - len(self._waiting)

    @property
    def waiting(self) -> int:
        """How many are here only."""
        return len(self._waiting)

    @property
    def page_url(self) -> str:
        return f"{self.server_url}/sessions/{self.session_id}"

    async def __aenter__(self) -> Uplink:
        try:
            self._client = self._client or httpx.AsyncClient(timeout=TIMEOUT_S)
            answer = await self._ask("/api/v1/sessions", give_up_s=self._reach_s, json=self._new)
            self.session_id = answer["id"]
        except (ValueError, LookupError, TypeError) as error:
            await self._close()
            raise UplinkError(self._not_ours(error)) from error
        except BaseException:
            await self._close()
            raise
        self._sending = asyncio.create_task(self._send())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    def put(self, packet: bytes, host_ns: int) -> None:
        """Never waits. After a refusal (`error`) packets are no longer kept."""
        if self.error is not None:
            return
        self._waiting.append(Entry(self._epoch, self._index, host_ns, bytes(packet)))
        self._index += 1
        self._empty.clear()
        self._news.set()

    async def finish(self) -> dict[str, Any]:
        """When everything is acknowledged, end the session; the server's answer, its `result` the contract's object."""
        await self._empty.wait()
        if self.error is not None:
            raise self.error
        return await self._ask(f"/api/v1/sessions/{self.session_id}/end")

    async def _send(self) -> None:
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                while self._waiting:
                    await self._send_batch()
                self._empty.set()
        except Exception as error:
            self.error = error if isinstance(error, UplinkError) else UplinkError(self._not_ours(error))
            self._empty.set()

    async def _send_batch(self) -> None:
        batch = self._batch()
        answer = await self._ask(f"/api/v1/sessions/{self.session_id}/packets", content=encode_frame(batch))
        acknowledged = answer["acknowledged"]
        if answer["epoch"] != self._epoch or acknowledged is None or acknowledged < batch[-1].index:
            raise UplinkError(
                f"server {self.server_url} does not hold what it took"
                f" (wanted index {batch[-1].index} of epoch {self._epoch}, got {acknowledged} of {answer['epoch']})"
            )
        while self._waiting and self._waiting[0].index <= acknowledged:
            self._waiting.popleft()

    def _batch(self) -> list[Entry]:
        """What waits, up to a second or BATCH packets of it."""
        first = self._waiting[0].host_ns
        batch: list[Entry] = []
        for entry in self._waiting:
            if len(batch) == BATCH or (batch and entry.host_ns - first > BATCH_NS):
                break
            batch.append(entry)
        return batch

    async def _ask(self, path: str, *, give_up_s: float | None = None, **body: Any) -> dict[str, Any]:
        """POST until it is answered; every request here may be sent twice without harm."""
        loop = asyncio.get_running_loop()
        began, wait_s = loop.time(), FIRST_WAIT_S
        while True:
            try:
                answer = await self._client.post(self.server_url + path, **body)
                why = f"answers {answer.status_code}"
                if answer.is_success:
                    return answer.json()
                if answer.status_code not in AGAIN:
                    raise UplinkError(f"server {self.server_url} refuses {path}: {_detail(answer)}")
            except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
                raise UplinkError(f"server is not a URL (wanted http://..., got {self.server_url!r})") from error
            except httpx.TransportError as error:
                why = f"cannot be reached ({error or type(error).__name__})"
            if give_up_s is not None and loop.time() - began + wait_s > give_up_s:
                raise UplinkError(f"server {self.server_url} {why}")
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    def _not_ours(self, error: Exception) -> str:
        return f"server {self.server_url} does not answer as hiprep does ({type(error).__name__}: {error})"

    async def _close(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()


def uplink_of(source: Source, url: str, *, exercise: str | None, side: str, placement: str) -> Uplink:
    """An uplink that gets every packet of an entered band, before anything else does. Raises SourceError for a file."""
    if source.client is None:
        raise SourceError("a recording has no packets to send (wanted a source ble: or virtual:, got file:)")
    told = {"exercise": exercise, "side": side, "placement": placement}
    uplink = Uplink(url, driver=source.driver.name, info=source.info, band=source.client.found.address, **told)
    source.on_packet = uplink.put
    return uplink


def _detail(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
        return f"{problem['detail']} ({answer.status_code})"
    except (ValueError, KeyError, TypeError):
        return f"{answer.reason_phrase} ({answer.status_code})"
