"""What is said to a band, without saying it: a generator of steps, each answered with bytes, so that a model's file
needs no radio and no clock.

    def hello():
        answer = yield Ask(CONTROL, b"\\x01", lambda data: data[:1] == b"\\xf0")
        ...
        return info
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, NamedTuple, TypeVar


class Read(NamedTuple):
    """Answered with the value."""

    uuid: str


class Write(NamedTuple):
    """With response wherever the characteristic has one. Answered with b""."""

    uuid: str
    data: bytes


class Ask(NamedTuple):
    """Write, and wait for what the band then says on its answer characteristic, if `is_answer`."""

    uuid: str
    data: bytes
    is_answer: Callable[[bytes], bool]


class Pause(NamedTuple):
    """For a band that needs time. Answered with b""."""

    seconds: float


class Declined(Exception):
    """The band said no, or something that ends the conversation; the text says what."""


Result = TypeVar("Result")
Conversation = Generator[Read | Write | Ask | Pause, Any, Result]
