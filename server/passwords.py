"""Passwords: argon2id, at most two at a time, and as long for somebody unknown as for somebody known."""

from __future__ import annotations

import asyncio
import secrets

from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

from server.problems import Problem

LEAST, MOST = 12, 256  # characters; NIST SP 800-63B asks for 8 beside a second factor, 15 alone: ours is between
# What NIST SP 800-63B-4 (3.1.1.2) wants refused: what others use, and what follows from who it is. Guesses that zxcvbn
# (Wheeler, USENIX Security 2016) takes, with its lists of common passwords; 10^8 is where it calls a password good online.
GUESSES, LOOKED_AT = 10**8, 72
AT_ONCE = 2  # each holds 64 MB


class Passwords:
    """cost: passes, KiB, lanes."""

    def __init__(self, cost: tuple[int, int, int]) -> None:
        passes, kib, lanes = cost
        self._hasher = Argon2Hasher(time_cost=passes, memory_cost=kib, parallelism=lanes)
        self._nobodys = self._hasher.hash(secrets.token_urlsafe())
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def hash(self, password: str) -> str:
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, password: str, stored: str | None) -> bool:
        """stored None: takes as long, and is never right."""
        async with self._turn:
            try:
                right = await asyncio.to_thread(self._hasher.verify, password, stored or self._nobodys)
            except UnknownHashError:
                right = False
        return right and stored is not None


def check(password: str, *known: str) -> None:
    """Raises Problem for one that is easily guessed; known: words that others know of this person."""
    from zxcvbn import zxcvbn  # its lists of words take their time, and passwords are chosen seldom

    if not LEAST <= len(password) <= MOST:
        raise Problem(422, "password too short or too long (wanted {least} to {most} characters)", "password", least=LEAST, most=MOST)
    plain = password.casefold()
    named = any(len(word) > 3 and word.casefold() in plain for word in ("hiprep", "password", *known))
    if named or zxcvbn(password[:LOOKED_AT], list(known))["guesses"] < GUESSES:
        raise Problem(422, "password too easy to guess (wanted one without names, and not of a few common words)", "password")
