"""The application: parts, routes, errors, pages."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

import processing
from server import api, pages, probes, problems
from server.api import description
from server.api.conditions import Tagged
from server.compressed import Compressed
from server.guard import Guard
from server.metrics import Metrics
from server.observed import Observed
from server.service import Service
from server.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """Opens the data directory at once, so that StartError reaches the caller; the end of the app's life closes it."""
    service = Service.open(settings)

    @contextlib.asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        await service.start()
        yield
        await service.stop()

    app = _Guarded(
        title="hiprep",
        version=processing.VERSION,
        description="Hip exercises counted by a band: sessions, packets, repetitions.",
        openapi_url=f"{api.PREFIX}/openapi.json",
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        lifespan=life,
    )
    app.state.service = service
    app.state.metrics = Metrics(service)
    app.state.templates = pages.templates
    app.include_router(api.router)
    app.include_router(pages.router)
    app.include_router(probes.router)
    app.mount("/static", GZipMiddleware(StaticFiles(directory=Path(__file__).parent / "static")), name="static")
    problems.install(app)
    return app


class _Guarded(FastAPI):
    """The guard outside of everything: an added middleware would not see the answer to an unexpected error."""

    def openapi(self) -> dict[str, Any]:
        return description.complete(super().openapi())

    def build_middleware_stack(self) -> ASGIApp:
        service = self.state.service
        tagged = Tagged(Compressed(super().build_middleware_stack(), api.PREFIX), api.PREFIX)  # an ETag is of what is sent
        guarded = Guard(tagged, service.settings, open=service.accounts is None)
        return Observed(guarded, self.state.metrics)
