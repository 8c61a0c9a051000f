"""Old recordings through the present code."""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from verbs.arguments import STORE_PARENT, WrongArguments, store_of
from verbs.terminal import complain, with_progress

if TYPE_CHECKING:
    from server.rows import Session
    from server.service import Service

HELP = "count a stopped server's sessions again with the present code, and say what changed"
PARENTS = (STORE_PARENT,)


def arguments(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--session", metavar="ID", help="this one")
    which.add_argument("--all", action="store_true", help="all that have ended")


def run(a: argparse.Namespace) -> int | None:
    from server.errors import ServerError
    from server.settings import Settings

    try:
        return asyncio.run(_run(Settings(**store_of(a)), a.session))
    except ServerError as error:
        return complain(error, 2)


async def _run(settings: Any, session_id: str | None) -> int:
    from server.service import Service
    from server.store import history, sessions

    service = Service.open(settings)
    failed = 0
    try:
        if session_id is None:
            await service.store.write(history.enqueue_all)
        else:
            session = service.store.read(sessions.find, session_id)
            if session is None or session.ended_at is None:
                got = "none" if session is None else "one that has not ended"
                raise WrongArguments(f"nothing to count again in session {session_id} (wanted one that has ended, got {got})")
            await service.store.write(history.enqueue, session.number)
        await service.store.write(history.resume)
        count = service.store.read(history.unfinished)
        for _ in with_progress(range(count), count):
            session = await service.jobs.next()
            line, well = _said(service, session)
            print(f"{session.id}\t{line}", flush=True)
            failed += not well
    finally:
        await service.stop()
    return 1 if failed else 0


def _said(service: Service, session: Session) -> tuple[str, bool]:
    import json

    from server import words
    from server.difference import difference
    from server.store import history

    job = service.store.read(history.newest_job, session.number)
    made = service.store.read(history.versions, session.number)
    line = words.job(asdict(job))
    if job.outcome == "counted" and len(made) > 1:
        line += " " + words.difference(difference(*(json.loads(one.document) for one in made[-2:])))
    return line, job.state == "done" and job.outcome != "differs"
