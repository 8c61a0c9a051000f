"""The door for a band's packets."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from sensor.errors import FrameDamaged, PacketError
from sensor.frames import MAX_ENTRIES, MAX_PACKET, decode_frame
from server.access import WriteSession
from server.api.shapes import Acknowledged
from server.problems import Problem, responses
from server.service import of

router = APIRouter(tags=["packets"])

FRAME = f"""A frame, little-endian: `HPF2`, u16 number of entries (1 to {MAX_ENTRIES}), then for each entry
u32 epoch, u64 index, i64 host_ns, u16 length (1 to {MAX_PACKET}), the packet as the band sent it; at the end u32
CRC-32 (zlib's) of all before it. `index` counts the client's packets from 0; `epoch` is one more each time the client
had to begin that count again."""


@router.post(
    "/sessions/{session_id}/packets",
    response_model=Acknowledged,
    responses=responses(400, 401, 403, 404, 409, 413, 421, 422, 503, 507),
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": FRAME,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def put(request: Request, session_id: WriteSession) -> Response:
    """Store packets. The answer comes when they are on disk; a refused frame stores nothing.

    400: not a frame, or, with Retry-After, one that was damaged on its way. 409: the session has ended, its epoch is closed, or a packet is stored already with other
    bytes. 422: a packet is not one of this band's (`where` says which). 507: the disk is full.
    Anything but 200 acknowledges nothing; after 503 and 507 send it again.
    """
    try:
        entries = decode_frame(await request.body())
    except PacketError as error:
        again = {"Retry-After": "0"} if isinstance(error, FrameDamaged) else None
        raise Problem(400, str(error), "body", again) from error
    ack = await of(request).ingest.put(session_id, entries)
    return JSONResponse({name: getattr(ack, name) for name in Acknowledged.model_fields})
