"""A session's packets over one socket: for whoever sends them as they come. PROTOCOL.md has it byte by byte."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from sensor.errors import PacketError
from sensor.frames import MAX_ENTRIES, Entry, decode_frame
from server.access import Who, check_session, who_of
from server.api.live import AGAIN, ENDED, LOGIN, SEND_S, UNKNOWN, watch
from server.errors import StoreError
from server.ingest import Ack, Ended
from server.problems import Problem, problem_of
from server.service import of

router = APIRouter()

FORBIDDEN, CONFLICT, REFUSED = 4003, 4009, 4022
CODES = {401: LOGIN, 403: FORBIDDEN, 404: UNKNOWN, 409: CONFLICT, 503: AGAIN, 507: AGAIN}  # else REFUSED


@router.websocket("/sessions/{session_id}/packets")
async def packets(socket: WebSocket, session_id: str) -> None:
    await socket.accept()
    talk = _Talk(socket, session_id)
    try:
        who = await allowed(socket, session_id)
        if talk.ingest.intake.late:
            raise Problem(503, "more sessions than can be counted just now (wanted: come again in a while)")
        order = (await talk.ingest.opened(session_id)).order
        await talk.say(_ack(order.epoch, order.acknowledged))
    except (Problem, StoreError) as error:
        return await talk.refuse(error)
    hearing = asyncio.create_task(talk.hear())
    parts = [asyncio.create_task(talk.store()), asyncio.create_task(watch(socket, who, session_id, allowed))]
    with talk.ingest.intake.sender() as shed:
        parts.append(asyncio.create_task(talk.leave(shed)))
        try:
            await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (hearing, *parts):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError, TimeoutError):
                    await task


async def allowed(socket: WebSocket, session_id: str, _action: str | None = None) -> Who:
    """Raises Problem, as a request that sends packets would be answered."""
    who = await who_of(socket)
    if not who.full:
        raise Problem(401, "log in first")
    if who.staff:
        raise Problem(403, "sessions are a patient's to record")
    await check_session(of(socket), who, session_id)
    return who


class _Talk:
    """Frames are taken while earlier ones are on their way to the disk; what waits is stored together."""

    def __init__(self, socket: WebSocket, session_id: str) -> None:
        self.ingest = of(socket).ingest
        self._socket, self._id = socket, session_id
        self._waiting: list[Entry] = []
        self._news, self._room = asyncio.Event(), asyncio.Event()
        self._over: str | None = None  # nothing more comes: "end", "gone", or what was wrong with it

    async def hear(self) -> None:
        """Until the client leaves, ends, or says what cannot be understood."""
        while self._over is None:
            message = await self._socket.receive()
            try:
                if message["type"] == "websocket.disconnect":
                    self._over = "gone"
                elif (frame := message.get("bytes")) is not None:
                    self._waiting += decode_frame(frame)
                elif json.loads(message["text"]) == {"type": "end"}:
                    self._over = "end"
                else:
                    self._over = 'not understood (wanted a frame or {"type":"end"})'
            except (PacketError, ValueError, RecursionError) as error:
                self._over = str(error) if isinstance(error, PacketError) else "not JSON"
            self._news.set()
            if len(self._waiting) >= MAX_ENTRIES:  # no more is read until these are stored
                self._room.clear()
                await self._room.wait()

    async def store(self) -> None:
        """What has come is stored before anything else is done about the end."""
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                if self._waiting:
                    entries, self._waiting = self._waiting, []
                    self._room.set()
                    ack: Ack = await self.ingest.put(self._id, entries)
                    if self._over != "gone":
                        await self.say(_ack(ack.epoch, ack.acknowledged))
                    self._news.set()
                elif self._over == "gone":
                    return
                elif self._over == "end":
                    await self.ingest.end(self._id)
                    raise Ended()
                elif self._over:
                    raise Problem(400, self._over, "body")
        except (Problem, StoreError) as error:
            await self.refuse(error)

    async def leave(self, shed: asyncio.Event) -> None:
        await shed.wait()
        await self.refuse(Problem(503, "more sessions than can be counted just now (wanted: come again in a while)"))

    async def refuse(self, error: Problem | StoreError) -> None:
        if isinstance(error, Ended):
            await self.say({"type": "ended"})
            return await self._close(ENDED)
        problem = problem_of(error)
        await self.say({"type": "problem", "status": problem.status_code, "detail": problem.detail, "where": problem.where})
        await self._close(CODES.get(problem.status_code, REFUSED))

    async def say(self, message: dict[str, Any]) -> None:
        async with asyncio.timeout(SEND_S):
            await self._socket.send_text(_written(message))

    async def _close(self, code: int) -> None:
        async with asyncio.timeout(SEND_S):
            await self._socket.close(code)


_written = json.JSONEncoder(separators=(",", ":")).encode  # made once, not with each acknowledgement


def _ack(epoch: int, acknowledged: int | None) -> dict[str, Any]:
    return {"type": "ack", "epoch": epoch, "acknowledged": acknowledged}
