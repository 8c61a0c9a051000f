"""What a terminal is told."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from processing import words


def complain(error: Exception | str, status: int = 0) -> int:
    progress("")
    print("hiprep:", " ".join(str(error).splitlines()), file=sys.stderr)
    return status


def speak_no_more() -> None:
    """Nobody takes what is left to say: without this Python would complain at its end as well."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def show(result: dict[str, Any], a: argparse.Namespace) -> None:
    print(json.dumps(result) if a.json else words.of_session(result), flush=True)


def progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text}\033[K", end="", file=sys.stderr, flush=True)


def remark(text: str) -> None:
    """Stays there, for a person who looks."""
    if sys.stderr.isatty():
        progress("")
        print(text, file=sys.stderr, flush=True)


def with_progress(items: Iterable, count: int) -> Iterator:
    step = max(1, count // 100)
    for i, item in enumerate(items):
        if i % step == 0:
            progress(f"{100 * i // max(1, count)} %")
        yield item
    progress("")
