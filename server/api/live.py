"""A session as it happens, for pages."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from server.access import Who, check_session, who_of
from server.ingest import Ended
from server.live import Watcher
from server.problems import Problem
from server.resident import Open
from server.service import of

router = APIRouter()

HEARTBEAT_S = 1.0  # a page that hears nothing for longer knows that it is the server who is gone
PACE_S = 0.03  # at most about 30 states a second: a screen shows no more
SEND_S = 10.0  # a page that takes nothing for so long is gone; no source
NOTHING_TO_SAY, AGAIN, ENDED, LOGIN, UNKNOWN = 1003, 1013, 4000, 4001, 4004


@router.websocket("/sessions/{session_id}/live")
async def live(socket: WebSocket, session_id: str) -> None:
    """Text messages: {"type": "state", ...} at least once a second, {"type": "rep", ...} as they are counted,
    {"type": "set"} when one is over, {"type": "other"} for another exercise than the one told, {"type": "ended"} at the end.
    Closed with 4000 then, 4001 for who is not or no longer logged in, 4004 if there is no such session, 1013: come again,
    1003: a page that says something."""
    await socket.accept()
    try:
        who = await _allowed(socket, session_id)
        found = await of(socket).ingest.opened(session_id)
    except Ended:
        await _send(socket, {"type": "ended"})
        return await socket.close(ENDED)
    except Problem as problem:
        return await socket.close(LOGIN if problem.status_code == 401 else UNKNOWN)
    watcher = found.channel.join()
    tasks = [asyncio.create_task(part) for part in (_tell(socket, found, watcher), _hear(socket), watch(socket, who, session_id, _allowed))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        found.channel.leave(watcher)
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError, TimeoutError):
                await task


async def _allowed(socket: WebSocket, session_id: str, action: str | None = "read") -> Who:
    """Raises Problem, as a request for the same would be answered."""
    who = await who_of(socket)
    if not who.full or who.device:
        raise Problem(401, "log in first")
    await check_session(of(socket), who, session_id, action)
    return who


async def watch(socket: WebSocket, who: Who, session_id: str, allowed: Callable[..., Awaitable[Who]]) -> None:
    """Closes what is no longer allowed: at once when it is taken away, when the login has not been used for too long
    otherwise. Looking on is not using."""
    accounts = of(socket).accounts
    if accounts is None:
        return await asyncio.Event().wait()
    with accounts.sockets.watched(who.number) as taken:
        taken.set()  # perhaps it was, between being asked and being watched
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_S):
                    await taken.wait()
            if not taken.is_set() and (who.entrance is None or accounts.clock() < who.entrance.until):
                continue
            taken.clear()
            try:
                who = await allowed(socket, session_id, None)
            except Problem as problem:
                return await socket.close(LOGIN if problem.status_code == 401 else UNKNOWN)


async def _tell(socket: WebSocket, found: Open, watcher: Watcher) -> None:
    await of(socket).ingest.look(found)
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
    if (await socket.receive())["type"] != "websocket.disconnect":
        await socket.close(NOTHING_TO_SAY)


async def _send(socket: WebSocket, message: dict[str, Any]) -> None:
    async with asyncio.timeout(SEND_S):
        await socket.send_text(json.dumps(message, separators=(",", ":")))
