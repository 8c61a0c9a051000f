"""What a person sees in a browser: plain pages, and forms that work without a script."""

from __future__ import annotations

from fastapi import APIRouter

from server.pages import band, compare, consent, demo, history, languages, login, notes, patients, people, programmes, sessions, training
from server.pages.views import templates

router = APIRouter(include_in_schema=False)
for part in (demo, sessions, training, compare, band, history, languages, login, consent, people, patients, notes, programmes):
    router.include_router(part.router)

__all__ = ["router", "templates"]
