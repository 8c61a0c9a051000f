"""Start and stop: for `hiprep serve` in the foreground, for the demo and tests in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator

import uvicorn

from server import logs
from server.app import create_app
from server.errors import StartError
from server.service import Service
from server.settings import Settings
from server.waiting import Bounded

MAX_MESSAGE = 1 << 16  # bytes over a socket: 256 packets of 256 bytes with their keys, what an uplink sends at once
MOST_FILES = 1 << 16  # open at the same time; no source
STOP_S = 5  # what requests and sockets have to finish at the end; no source


def serve(settings: Settings) -> None:
    """Until SIGINT or SIGTERM. Prints the URL when it answers, and the link that makes a clinic. Raises StartError."""
    listener = _listen(settings)
    logs.install()

    def started(url: str, link: str | None) -> None:
        print(f"hiprep: serving {settings.data_dir} at {url}", flush=True)
        if link:
            what = f"{settings.link_for} chooses a password anew" if settings.link_for else "a clinic and its admin are made"
            print(f"hiprep: {what}, by this link, once, within 7 days: {link}", flush=True)
        if (os.cpu_count() or 1) > 1:
            server.service.background.add(asyncio.create_task(server.service.prepare()))
        gc.collect()
        gc.freeze()  # what is there now stays: to look through it for garbage again and again holds everybody up, 0.1 s each time

    _make_room()
    with listener, contextlib.suppress(KeyboardInterrupt):
        server = _Server(settings, listener, started)
        server.run(sockets=[listener])


@contextlib.contextmanager
def running(settings: Settings, *, link: Callable[[str | None], None] = lambda link: None) -> Iterator[str]:
    """A server in a thread of this process; yields its URL. Stops gracefully. link: gets the one that makes a clinic."""
    listener = _listen(settings)
    up = threading.Event()

    def started(_url: str, made: str | None) -> None:
        link(made)
        up.set()
    with listener:
        server = _Server(settings, listener, started)
        thread = threading.Thread(target=_run, args=(server, listener, up), name="hiprep-server", daemon=True)
        thread.start()
        up.wait()
        try:
            if not server.started:
                raise StartError("the server did not start; its log says why")
            yield url_of(settings, listener)
        finally:
            server.should_exit = True
            thread.join()


def url_of(settings: Settings, listener: socket.socket) -> str:
    if settings.url:
        return settings.url
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


class _Server(uvicorn.Server):
    def __init__(self, settings: Settings, listener: socket.socket, started: Callable[[str, str | None], None]) -> None:
        app = create_app(settings)
        super().__init__(
            uvicorn.Config(
                app,
                http=Bounded,
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                ws_max_size=MAX_MESSAGE,
                ws_per_message_deflate=False,  # costs memory a socket, and the messages are small
                timeout_graceful_shutdown=STOP_S,
                ssl_certfile=settings.tls_cert,
                ssl_keyfile=settings.tls_key,
            )
        )
        self._settings, self._listener, self._tell = settings, listener, started
        self.service: Service = app.state.service
        for warning in self.service.store.warnings:
            print(f"hiprep: warning: {warning}", file=sys.stderr)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Without uvicorn's raising them again at the end: a graceful stop is a success, not a death by SIGTERM."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            url = url_of(self._settings, self._listener)
            link = await self.service.first_link()
            self._tell(url, link and url + link)


def _make_room() -> None:
    """For as many sockets as this user may have: the limit to begin with is 1 024 in many places."""
    with contextlib.suppress(ImportError, ValueError, OSError):  # the first: Windows, where there is none
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, MOST_FILES), most))


def _run(server: _Server, listener: socket.socket, up: threading.Event) -> None:
    try:
        server.run(sockets=[listener])
    finally:
        up.set()


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # Named, because asyncio turns Nagle's algorithm off (40 ms an answer) only on what says that it is TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if os.name != "nt":  # where it means something else: two servers on one port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host.strip("[]"), settings.port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        used = error.errno in (errno.EADDRINUSE, errno.EACCES)
        why = "in use or not allowed" if used else error.strerror
        raise StartError(f"port {settings.port} on {settings.host} is {why} (wanted a free port)") from error
    return listener
