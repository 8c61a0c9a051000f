"""Everything this package raises on purpose, but for answers over HTTP (problems.py).

ServerError                 the root; its text is one line: WHAT is wrong WHERE (wanted X, got Y)
├── SettingsError           settings that the server refuses to start with
├── StartError              a port or a data directory that is in use
├── BackupError             a backup that cannot be made, is none, or has nowhere to go
├── CountingLost            the process that counted a session is gone; its journal is not
└── StoreError              the database did not do what was asked; nothing was stored, but for StoreLost
    ├── StoreFull           no room on the disk
    ├── StoreLost           the database went away; whether it was stored is not known
    ├── PersonGone          somebody whose account was taken away meanwhile
    ├── KeyReused           an Idempotency-Key that something else was asked with
    ├── NotNew              packets that are stored already, perhaps; never an answer
    └── PacketConflict      a packet whose key is stored with other bytes, or whose epoch is closed
"""

from __future__ import annotations


class ServerError(Exception):
    """The root: catch this to catch all of them."""


class SettingsError(ServerError):
    """Settings that the server refuses to start with."""


class StartError(ServerError):
    """A port or a data directory that is in use."""


class BackupError(ServerError):
    """A backup that cannot be made, is none, or has nowhere to go."""


class CountingLost(ServerError):
    """The process that counted a session is gone; its journal is not."""

    def __init__(self, text: str = "what was counted of the session is lost; it is counted again from its journal") -> None:
        super().__init__(text)


class StoreError(ServerError):
    """The database did not do what was asked; nothing was stored."""


class StoreFull(StoreError):
    """No room on the disk."""


class StoreLost(StoreError):
    """The database went away; whether it was stored is not known."""


class PersonGone(StoreError):
    """Somebody whose account was taken away meanwhile."""

    def __init__(self) -> None:
        super().__init__("the account was taken away; nothing was stored")


class KeyReused(StoreError):
    """An Idempotency-Key that something else was asked with."""

    def __init__(self) -> None:
        super().__init__("this Idempotency-Key was used for something else (wanted one of its own for each request)")


class NotNew(StoreError):
    """Of packets that were to be stored together some are stored already: each session's have to be looked at."""


class PacketConflict(StoreError):
    """A packet whose key is stored with other bytes, or whose epoch is closed."""

    def __init__(self, epoch: int, index: int, why: str) -> None:
        super().__init__(f"packet refused at epoch {epoch}, index {index} ({why})")
        self.epoch, self.index = epoch, index
