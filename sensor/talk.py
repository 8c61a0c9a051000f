"""Conversations (conversation.py) held over a link, with the answers that arrive for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from sensor.ble import Link
from sensor.conversation import Ask, Conversation, Declined, Pause, Read, Write
from sensor.errors import Refused


class Talk:
    """answer_s: how long an answer is waited for."""

    def __init__(self, answer_s: float) -> None:
        self._answer_s = answer_s
        self._asked: list[tuple[Callable[[bytes], bool], asyncio.Future[bytes | None]]] = []

    async def hold(self, link: Link, conversation: Conversation[Any], refused: str) -> Any:
        """Its result. Raises Refused, in these words, where the band declines."""
        answer: bytes | None = None
        while True:
            try:
                step = conversation.send(answer)
            except StopIteration as end:
                return end.value
            except Declined as no:
                size = f" (wanted {link.driver.packet_bytes + 3} bytes, got {link.mtu})" if "MTU" in str(no) else ""
                raise Refused(f"band {link.wanted!r} {refused}: {no}{size}") from None
            answer = await self._said(link, step)

    async def _said(self, link: Link, step: Read | Write | Ask | Pause) -> bytes:
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return b""
        if isinstance(step, Read):
            return await link.read(step.uuid)
        if isinstance(step, Write):
            await link.write(step.uuid, step.data)
            return b""
        asked = step.is_answer, asyncio.get_running_loop().create_future()
        self._asked.append(asked)
        try:
            async with asyncio.timeout(self._answer_s):
                await link.write(step.uuid, step.data)
                answer = await asked[1]
        finally:
            self._asked.remove(asked)
        if answer is None:
            raise EOFError("the link went down")
        return answer

    def is_answer(self, data: bytes) -> bool:
        """Of a conversation that goes on, which then does."""
        for is_answer, answer in self._asked:
            if not answer.done() and is_answer(data):
                answer.set_result(data)
                return True
        return False

    def broken(self) -> None:
        """No answer will come."""
        for _, answer in self._asked:
            if not answer.done():
                answer.set_result(None)
