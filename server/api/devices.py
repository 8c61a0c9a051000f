"""A patient's computer comes in: a short code becomes a token that can write this patient's sessions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from server.access import AccountsOf, address_of
from server.api.shapes import Name, printable
from server.problems import responses

router = APIRouter(tags=["devices"])


class Pairing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    code: str = Field(min_length=8, max_length=16, description="from the pairing page", examples=["7KQ2-M9XD"])
    name: Annotated[Name, AfterValidator(printable)] = Field(description="what the patient's list shows", examples=["laptop"])


class Paired(BaseModel):
    id: str
    token: str = Field(description="for `Authorization: Bearer`; it is not said again")


@router.post("/devices", status_code=201, response_model=Paired, responses=responses(400, 404, 413, 421, 422, 429, 503, 507))
async def pair(request: Request, accounts: AccountsOf, given: Pairing) -> Response:
    """Use up a pairing code. 404: it does not work, or this server has no accounts and needs no token."""
    device, token = await accounts.devices.pair(given.code, given.name, address_of(request))
    return JSONResponse({"id": device.id, "token": token}, 201)
