"""What goes wrong, as an answer over HTTP: application/problem+json (RFC 9457), a plain page for browsers."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from server.errors import KeyReused, PacketConflict, PersonGone, StoreError, StoreFull

log = logging.getLogger("hiprep.server")
MEDIA_TYPE = "application/problem+json"


class ProblemBody(BaseModel):
    """What every answer of 400 and above holds."""

    type: str = Field("about:blank", examples=["about:blank"])
    title: str = Field(examples=["Unprocessable Entity"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["unknown device model (wanted one of hiprep-band, got 'x')"])
    where: str | None = Field(None, description="which part of the request", examples=["body.driver"])


class Problem(HTTPException):
    """Raise to answer with it. What pages may show has its values as {name}, so that catalogues know the sentence."""

    def __init__(
        self, status: int, detail: str, where: str | None = None, headers: dict[str, str] | None = None, **values: object
    ) -> None:
        super().__init__(status, detail.format(**values) if values else detail, headers)
        self.where, self.english, self.values = where, detail, values


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For the OpenAPI description of a route."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}},
        }
        for status in statuses
    }


def answer(status: int, detail: str, where: str | None = None, headers: dict[str, str] | None = None) -> Response:
    title = HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, "where": where}
    return JSONResponse(body, status, headers, MEDIA_TYPE)


def problem_of(error: Problem | StoreError) -> Problem:
    """The answer to it."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, PacketConflict):
        return Problem(409, str(error), f"epoch {error.epoch}, index {error.index}")
    if isinstance(error, KeyReused):
        return Problem(409, str(error), "header.idempotency-key")
    if isinstance(error, PersonGone):
        return Problem(401, str(error))
    log.error("%s", error)
    return Problem(507 if isinstance(error, StoreFull) else 503, str(error), headers={"Retry-After": "5"})


def install(app: FastAPI) -> None:
    """Every error of every route, and of no route at all, in one form."""

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        if error.status_code == 404 and not isinstance(error, Problem):
            error = Problem(404, "nothing is at {path}", path=request.url.path)
        problem = error if isinstance(error, Problem) else None
        return _for(request, error.status_code, error.detail, problem and problem.where, error.headers, problem)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        # A body that is not JSON at all is a malformed request; one that is, but wrong, cannot be processed.
        status = 400 if first["type"] == "json_invalid" else 422
        return _for(request, status, f"{first['msg']} at {where}", where)

    @app.exception_handler(StoreError)
    async def store(request: Request, error: StoreError) -> Response:
        problem = problem_of(error)
        return _for(request, problem.status_code, problem.detail, problem.where, problem.headers)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        return _for(request, 500, "the server made a mistake; it is in its log")


def _for(
    request: Request, status: int, detail: str, where: str | None = None, headers: Any = None, problem: Problem | None = None
) -> Response:
    templates = getattr(request.app.state, "templates", None)
    if templates and not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", ""):
        if status == 401:
            on = f"?next={quote(request.url.path, safe='/')}" if request.method == "GET" else ""
            return RedirectResponse(f"/login{on}", 303)
        page = {"status": status, "problem": problem or Problem(status, detail)}
        return templates.TemplateResponse(request, "error.html", page, status, headers)
    return answer(status, detail, where, headers)
