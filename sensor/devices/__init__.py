"""The models we can talk to. Each is one file in this folder with a `DRIVER` in it, or `DRIVERS` of one family."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from sensor.driver import Driver
from sensor.errors import SourceError

_FILES = (vars(import_module(f"{__name__}.{module.name}")) for module in iter_modules(__path__))
DRIVERS: dict[str, Driver] = {
    driver.name: driver for file in _FILES for driver in file.get("DRIVERS") or (file["DRIVER"],)
}


def driver_named(name: str) -> Driver:
    try:
        return DRIVERS[name]
    except KeyError:
        raise SourceError(f"unknown device model (wanted one of {', '.join(DRIVERS)}, got {name!r})") from None
