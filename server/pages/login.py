"""Logging in and out, the second factor, taking up an invitation; and what anybody may read."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from server import totp
from server.access import AccountsOf, Anyone, LoggedIn, LoggedOut, Who, address_of, cookie_of
from server.accounts import ABSOLUTE_S, Accounts
from server.pages.qr import squares
from server.pages.views import form, go, local_path, page
from server.problems import Problem
from server.service import of

router = APIRouter()


class Credentials(BaseModel):
    model_config = ConfigDict(extra="forbid")
    email: str = Field(max_length=254)
    password: str = Field(max_length=256)
    next: str = Field("/", max_length=256)


class Code(BaseModel):
    model_config = ConfigDict(extra="forbid")
    code: str = Field(max_length=16)
    next: str = Field("/", max_length=256)


class Taken(BaseModel):
    """An invitation: first its secret alone, to learn what it is for; then all."""

    model_config = ConfigDict(extra="forbid")
    secret: str = Field(max_length=64)
    email: str | None = Field(None, max_length=254)
    password: str = Field("", max_length=256)
    name: str = Field("", max_length=128)
    clinic: str = Field("", max_length=128)
    time_zone: str = Field("", max_length=64)


class Leaving(BaseModel):
    model_config = ConfigDict(extra="forbid")
    everywhere: bool = False


@router.get("/intended-use")
async def intended_use(request: Request, _: Anyone) -> Response:
    return page(request, "intended_use.html")


@router.get("/login")
async def login_page(request: Request, _: AccountsOf, next: Annotated[str, Query(max_length=256)] = "/") -> Response:
    if of(request).settings.demo is not None:
        return go("/demo")
    return page(request, "login.html", next=local_path(next))


@router.post("/login")
async def log_in(request: Request, accounts: AccountsOf) -> Response:
    given = await form(request, Credentials)
    next = local_path(given.next)
    try:
        secret = await accounts.log_in(given.email, given.password, address_of(request))
    except Problem as problem:
        return page(request, "login.html", problem, next=next, email=given.email)
    return await _in(request, accounts, secret, next)


@router.get("/login/code")
async def code_page(request: Request, who: Anyone, _: AccountsOf, next: Annotated[str, Query(max_length=256)] = "/") -> Response:
    return _code_page(request, who, local_path(next))


@router.post("/login/code")
async def code(request: Request, who: Anyone, accounts: AccountsOf) -> Response:
    _half(who)
    given = await form(request, Code)
    try:
        secret = await accounts.second_factor(who.entrance, given.code)
    except Problem as problem:
        return _code_page(request, who, local_path(given.next), problem)
    return let_in(request, go(local_path(given.next)), secret)


@router.get("/account")
async def account(request: Request, entrance: LoggedIn) -> Response:
    return page(request, "account.html", person=entrance.person, clinic=entrance.clinic)


@router.post("/logout")
async def log_out(request: Request, entrance: LoggedIn, accounts: AccountsOf) -> Response:
    given = await form(request, Leaving)
    await accounts.log_out(entrance, given.everywhere)
    answer = go("/login")
    answer.delete_cookie(cookie_of(of(request)), secure=of(request).settings.secure, httponly=True, samesite="lax")
    return answer


@router.get("/invitation")
async def invitation_page(request: Request, _: AccountsOf) -> Response:
    """The secret stands behind the #, which browsers keep to themselves: a script puts it into the form."""
    return page(request, "invitation.html")


@router.post("/invitation")
async def invitation(request: Request, accounts: AccountsOf) -> Response:
    given = await form(request, Taken)
    person = await accounts.invitee(given.secret, address_of(request))
    if given.email is None:
        return page(request, "invitation.html", given=given, person=person)
    told = given.model_dump(exclude={"secret"})
    try:
        secret = await accounts.accept(given.secret, **told)
    except Problem as problem:
        return page(request, "invitation.html", problem, given=given, person=person)
    return await _in(request, accounts, secret, "/")


async def _in(request: Request, accounts: Accounts, secret: str, next: str) -> Response:
    entrance = await accounts.entrance(secret)
    return let_in(request, go(next if entrance.login.stage == "full" else f"/login/code?next={quote(next)}"), secret)


def let_in(request: Request, answer: Response, secret: str) -> Response:
    """SameSite lax, so that a link in a mail finds one logged in; what changes something is held by the guard as well."""
    service = of(request)
    answer.set_cookie(
        cookie_of(service), secret, max_age=max(ABSOLUTE_S.values()), secure=service.settings.secure, httponly=True, samesite="lax"
    )
    return answer


def _half(who: Who) -> None:
    if who.entrance is None or who.full:
        raise LoggedOut()


def _code_page(request: Request, who: Who, next: str, problem: Problem | None = None) -> Response:
    _half(who)
    key, email = who.entrance.login.pending, who.entrance.person.email
    link = key and totp.link(key, email)
    setup = key and {"key": " ".join(key[i : i + 4] for i in range(0, len(key), 4)), "link": link, "code": squares(link)}
    return page(request, "code.html", problem, next=next, setup=setup)
