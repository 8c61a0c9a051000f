"""How often somebody may try. In memory: a restart forgets, and with several processes each counts for itself."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from server.problems import Problem

if TYPE_CHECKING:
    from limits import RateLimitItem

# What is counted together, and how many tries it has. The numbers are ours: what a person needs and a guesser must not
# have. A six-digit code of which three are good at a time is guessed at 30 a day with a chance of 1 in 11 000.
LIMITS = {
    "login": {("account", "address"): "10/15minutes", ("account",): "100/day", ("address",): "100/15minutes"},
    "second factor": {("account", "short"): "6/5minutes", ("account",): "30/day"},
    "invitation": {("address",): "30/15minutes"},
    "pairing": {("address",): "10/15minutes", (): "1000/day"},
}


class Throttle:
    def __init__(self) -> None:
        from limits import parse  # brings every storage that it knows; a server without accounts needs none
        from limits.storage import MemoryStorage
        from limits.strategies import FixedWindowRateLimiter

        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._limits: dict[str, dict[tuple[str, ...], RateLimitItem]] = {
            action: {by: parse(text) for by, text in limits.items()} for action, limits in LIMITS.items()
        }

    def spend(self, action: str, **who: str) -> None:
        """One try of this account, from this address; Problem if there were too many."""
        for _, item, keys in self._of(action, who):
            if not self._limiter.hit(item, *keys):
                wait_s = max(1, math.ceil(self._limiter.get_window_stats(item, *keys).reset_time - time.time()))
                raise Problem(429, "too many attempts, wait a while", headers={"Retry-After": str(wait_s)})

    def forgive(self, action: str, **who: str) -> None:
        """It was right: the account's tries before it do not count."""
        for by, item, keys in self._of(action, who):
            if "account" in by:
                self._limiter.clear(item, *keys)

    def _of(self, action: str, who: dict[str, str]) -> Iterator[tuple[tuple[str, ...], RateLimitItem, list[str]]]:
        for by, item in self._limits[action].items():
            yield by, item, [action, *by, *(who.get(name, "") for name in by)]
