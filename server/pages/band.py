"""The page that talks to a band itself, and what lets a phone keep it: installed, and there without a network."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import Response

from server.access import Anyone
from server.pages.scripts import STATIC, imported
from server.pages.views import page

router = APIRouter()

TEMPLATES = Path(__file__).parents[1] / "templates"
SHELL = ("style.css", "icon.svg", "exercise.css", "patient.css", "app.webmanifest")  # with its modules: all that the page needs

MODULES = ("finding.js", "band.js", "exercise.js", "phone.js")


@router.get("/band")
async def band_page(request: Request, who: Anyone) -> Response:
    """For anybody, for a phone keeps it as nobody's: what is in it is the same for all but for whose it is."""
    return page(request, "band.html")


@router.get("/sw.js")
async def service_worker(_: Anyone) -> Response:
    """From the root, so that it may answer for every page; never from a cache, so that a new one is seen."""
    return Response(worker(), media_type="text/javascript")


@lru_cache(maxsize=1)
def worker() -> str:
    """With the names of what it keeps and their hash: whatever changes, the browser sees a new worker."""
    files = [STATIC / name for name in (*SHELL, *dict.fromkeys(one for name in MODULES for one in imported(name)))]
    seen = [*files, STATIC / "worker.js", TEMPLATES / "band.html", TEMPLATES / "base.html"]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in seen)).hexdigest()[:16]
    kept = [f"/static/{path.relative_to(STATIC).as_posix()}" for path in files]
    head = f"const VERSION = {json.dumps(digest)}, KEPT = {json.dumps(kept)};\n"
    return head + (STATIC / "worker.js").read_text()
