"""Between hiprep and PostgreSQL: what the database says can be held back, by answer or by commit."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path

NAME = ".s.PGSQL.5432"


class Proxy:
    """On a Unix socket in `folder`. `hold(answer) -> bool`: do not hand this piece on, but end the connection."""

    def __init__(self, folder: Path, database: Path) -> None:
        self.hold: Callable[[bytes], bool] = lambda answer: False
        self._database = str(database / NAME)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / NAME))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._database)
            for ends in ((client, server, lambda asked: False), (server, client, lambda answer: self.hold(answer))):
                threading.Thread(target=self._pump, args=ends, daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, hold: Callable[[bytes], bool]) -> None:
        try:
            while (piece := source.recv(1 << 16)) and not hold(piece):
                target.sendall(piece)
        except OSError:
            pass
        for end in (source, target):  # and with it the other way
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
