"""A session that has not ended, as the server has it in memory."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass, field
from typing import Any

from sensor.frames import Entry
from server import live
from server.counters import Counter
from server.counting import Counting, News
from server.order import Order
from server.rows import Session

STEP = 50  # packets: about 4 ms of counting; everybody else gets a turn in between


@dataclass(slots=True, eq=False)
class Open:
    """`lock`: one request at a time changes it. What is stored is `due` to be
    counted, by `counter`, while `counting` runs; `seen`: the newest state that somebody watched."""

    session: Session
    counter: Counter
    samples: int = 0
    tally: dict[str, int] = field(default_factory=dict)
    seen: dict[str, Any] = field(default_factory=dict)
    due: list[Entry] = field(default_factory=list)
    counting: asyncio.Task[None] | None = None
    order: Order = field(default_factory=Order)
    channel: live.Channel = field(default_factory=live.Channel)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    ending: bool = False  # its result is being stored
    ended: bool = False
    forgotten: bool = False
    last_packet: float | None = None  # time.monotonic(), of this process
    opened_at: float = field(default_factory=time.monotonic)
    message: dict[str, Any] | None = None  # the newest word of the physio: number, text, by

    def state(self) -> dict[str, Any]:
        """With how long nothing has come; an angle that is not of now is none."""
        silent_s = None if self.last_packet is None else round(time.monotonic() - self.last_packet, 1)
        state = {"type": "state", "connection": self.connection, "silent_s": silent_s, "message": self.message, "battery_percent": self.session.battery_percent, **self.seen}
        return state if self.connection == "receiving" else state | {"angle_deg": None, "in_pose": False, "still_s": 0.0}

    def is_quiet(self, quiet_s: float) -> bool:
        """No packets for so long."""
        return time.monotonic() - (self.last_packet or self.opened_at) >= quiet_s

    @property
    def connection(self) -> str:
        """waiting: nothing yet (since the server's start) · receiving · lost: silence · ended."""
        if self.ended:
            return "ended"
        if self.last_packet is None:
            return "waiting"
        return "receiving" if time.monotonic() - self.last_packet < live.STALE_S else "lost"

    def hear(self, news: News) -> None:
        self.samples, self.tally, self.seen = news.samples, news.tally, news.state or self.seen
        self.tell(news.messages)

    def tell(self, messages: list[dict[str, Any]]) -> None:
        if self.channel:
            self.channel.tell(self.state(), messages)

    async def count(self, packets: float = math.inf) -> None:
        """So many of those that are due, and become due meanwhile. Several may do it at the same time: whoever takes the first
        that are left is the first to ask."""
        while self.due and packets > 0:
            some, self.due = self.due[:STEP], self.due[STEP:]
            packets -= len(some)
            self.hear(await self.counter.ask(Counting.news, some, bool(self.channel)))
            await asyncio.sleep(0)

    async def counted(self) -> None:
        """Once nothing is due."""
        if self.counting is not None and not self.counting.done():
            await asyncio.wait([self.counting])
