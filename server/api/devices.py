"""A patient's computer comes in: a short code becomes a token that can write this patient's sessions, until it is revoked."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from server.access import ID, AccountsOf, LoggedIn, Patient, address_of
from server.accounts import Entrance
from server.api.shapes import Name, printable
from server.problems import Problem, responses
from server.service import Service, of
from server.store import keys
from server.store.people import Person

router = APIRouter(tags=["devices"])

P = "/patients/{person_id}"
FAILS = (401, 403, 404, 421, 422, 503)


class Pairing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    code: str = Field(min_length=8, max_length=16, description="from the pairing page", examples=["7KQ2-M9XD"])
    name: Annotated[Name, AfterValidator(printable)] = Field(description="what the patient's list shows", examples=["laptop"])


class Paired(BaseModel):
    id: str
    token: str = Field(description="for `Authorization: Bearer`; it is not said again")


class Code(BaseModel):
    code: str = Field(description="for `POST /devices`: good once, for ten minutes, and the only one that is")


class DeviceHead(BaseModel):
    id: str
    name: str
    created_at: str


class DeviceList(BaseModel):
    devices: list[DeviceHead] = Field(description="those that may send, in the order in which they were paired")


@router.post("/devices", status_code=201, response_model=Paired, responses=responses(400, 404, 413, 421, 422, 429, 503, 507))
async def pair(request: Request, accounts: AccountsOf, given: Pairing) -> Response:
    """Use up a pairing code. 404: it does not work, or this server has no accounts and needs no token."""
    device, token = await accounts.devices.pair(given.code, given.name, address_of(request))
    return JSONResponse({"id": device.id, "token": token}, 201)


@router.post(f"{P}/pairing", status_code=201, response_model=Code, responses=responses(*FAILS, 507))
async def offer(request: Request, entrance: LoggedIn, patient: Patient) -> Response:
    """A code to pair a device of this patient's with."""
    return JSONResponse({"code": await offered(of(request), entrance, patient)}, 201)


@router.get(f"{P}/devices", response_model=DeviceList, responses=responses(*FAILS))
async def devices(request: Request, patient: Patient) -> Response:
    """Those that write this patient's sessions."""
    found = await of(request).store.fetch(keys.devices_of, patient.number)
    return JSONResponse({"devices": [{name: getattr(one, name) for name in DeviceHead.model_fields} for one in found]})


@router.delete(f"{P}/devices/{{device_id}}", status_code=204, responses=responses(*FAILS, 507))
async def revoke(request: Request, entrance: LoggedIn, patient: Patient, device_id: Annotated[str, Path(pattern=ID)]) -> None:
    """Its token is worth nothing any more, and what it has open is closed."""
    await revoked(of(request), entrance, patient, device_id)


async def offered(service: Service, by: Entrance, patient: Person) -> str:
    return await service.accounts.devices.offer(patient, by.entry(service.accounts.now(), "made a pairing code", patient.id))


async def revoked(service: Service, by: Entrance, patient: Person, device_id: str) -> None:
    entry = by.entry(service.accounts.now(), "revoked", patient.id, device_id[:36])
    if not await service.accounts.devices.revoke(patient, device_id, entry):
        raise Problem(404, f"no device {device_id}", "path.device_id")
