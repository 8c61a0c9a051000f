"""A session as it happens, for pages."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from server.ingest import Ended, Open
from server.live import Watcher
from server.problems import Problem
from server.service import of

router = APIRouter()

HEARTBEAT_S = 1.0  # a page that hears nothing for longer knows that it is the server who is gone
PACE_S = 0.03  # at most about 30 states a second: a screen shows no more
SEND_S = 10.0  # a page that takes nothing for so long is gone; no source
AGAIN, ENDED, UNKNOWN = 1013, 4000, 4004


@router.websocket("/sessions/{session_id}/live")
async def live(socket: WebSocket, session_id: str) -> None:
    """Text messages: {"type": "state", ...} at least once a second, {"type": "rep", ...} as they are counted,
    {"type": "ended"} at the end. Closed with 4000 then, 4004 if there is no such session, 1013: come again."""
    await socket.accept()
    try:
        found = await of(socket).ingest.opened(session_id)
    except Ended:
        await _send(socket, {"type": "ended"})
        return await socket.close(ENDED)
    except Problem:
        return await socket.close(UNKNOWN)
    watcher = found.channel.join()
    telling = asyncio.create_task(_tell(socket, found, watcher))
    hearing = asyncio.create_task(_hear(socket))
    try:
        await asyncio.wait((telling, hearing), return_when=asyncio.FIRST_COMPLETED)
    finally:
        found.channel.leave(watcher)
        for task in (telling, hearing):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError, TimeoutError):
                await task


async def _tell(socket: WebSocket, found: Open, watcher: Watcher) -> None:
    await _send(socket, found.state())
    while True:
        for message in await watcher.news(HEARTBEAT_S) or [found.state()]:
            await _send(socket, message)
        if watcher.dropped:
            return await socket.close(AGAIN)
        if found.ended:
            await _send(socket, {"type": "ended"})
            return await socket.close(ENDED)
        await asyncio.sleep(PACE_S)


async def _hear(socket: WebSocket) -> None:
    """Pages have nothing to say; this notices when they leave."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


async def _send(socket: WebSocket, message: dict[str, Any]) -> None:
    async with asyncio.timeout(SEND_S):
        await socket.send_text(json.dumps(message, separators=(",", ":")))
