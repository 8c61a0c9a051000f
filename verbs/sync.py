"""Sessions that this computer still has, to their servers."""

from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING

from verbs.arguments import DATA, spool_dir, url
from verbs.terminal import complain, progress

if TYPE_CHECKING:
    from sensor.errors import UplinkError
    from sensor.spool import Spool

HELP = "send what sessions have left on this computer, and end them"
PARENTS = ()

AWAY_S = 30.0  # how long a server may not answer; after a restart it counts a session again first
AGAIN = "as another session, because the first had been ended before all of it had come"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--server", type=url, metavar="URL", help="to this server, instead of the one each session remembers")
    parser.add_argument("--data", **DATA)


def run(a: argparse.Namespace) -> int:
    return asyncio.run(_sync(a))


async def _sync(a: argparse.Namespace) -> int:
    """One after the other, the oldest first; a line each. 1: something is still here."""
    from sensor.errors import SpoolError, SpoolInUse, UplinkError
    from sensor.spool import Spool, forget_old, spools

    folder, status, away = spool_dir(a), 0, {}
    forget_old(folder)
    paths = list(spools(folder))
    for path in paths:
        try:
            spool = Spool.existing(path)
            if spool:  # or it was killed before its first packet
                print(f"{_name(spool)}: {await _sent(spool, a.server or spool.server, away)}", flush=True)
        except SpoolInUse as error:
            print(f"left alone: {error}", flush=True)
        except (SpoolError, UplinkError) as error:
            status = complain(error, 1)
    if not paths:
        print("nothing to send")
    return status


async def _sent(spool: Spool, server: str | None, away: dict[str, UplinkError]) -> str:
    """What became of it. Raises UplinkError, and then it is still here. away: servers that are out of reach, and why."""
    from sensor.errors import UplinkError
    from sensor.uplink import Uplink

    stays = f"{_name(spool)}: {spool.kept} packets stay in {spool.path}"
    try:
        if server is None:
            raise UplinkError("no server was named for them (wanted --server URL)")
        if server in away:
            raise away[server]
        async with Uplink(spool, server, again=True) as uplink:
            await uplink.opened(AWAY_S)
            spool.remember(server)
            sending = asyncio.create_task(uplink.finish(AWAY_S))
            while not sending.done():
                progress(f"{_name(spool)}: {uplink.waiting} packets to send")
                await asyncio.wait({sending}, timeout=0.5)
            progress("")
            stored = await sending
    except UplinkError as error:
        if server and server not in away and uplink.session_id is None:
            away[server] = error
        raise UplinkError(f"{stays}: {error}") from error
    finally:
        spool.close()
    spool.remove()
    reps = sum(rep["counted"] for rep in stored.result["reps"])
    ended = "the session is ended" if spool.told["key"] == spool.path.stem else AGAIN
    return f"{spool.kept} packets are on {server}, {ended}, {reps} repetitions counted"


def _name(spool: Spool) -> str:
    told = spool.told
    return f"{told['started_at'][:16]} {told['exercise'] or 'any exercise'}, {told['side']} {told['placement']}"
