"""server/PROMISES.md names tests that there are, for every promise of a server that a clinic can trust."""

from __future__ import annotations

import re
from pathlib import Path

import server

PAGE = Path(server.__file__).parent / "PROMISES.md"
PROMISED = [*(f"R{n}" for n in (1, 2, 3, 4, 5, 7, 8, 12, 13, 14, 15, 16)), *(f"S{n}" for n in (*range(1, 16), 18))]


def test_every_promise_names_tests_that_there_are() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if re.match(r"\| (?!\||what comes)", line)]
    files = [path.read_text(encoding="utf-8") for path in Path(__file__).parents[1].rglob("test_*.py")]
    defined = {name for text in files for name in re.findall(r"^(?:async )?def (test_\w+)", text, re.M)}
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row.rsplit("|", 2)[1])
        assert named and set(named) <= defined, (row, set(named) - defined)
    assert [row.split("|")[1].strip() for row in rows if re.match(r"\| [RS]\d", row)] == PROMISED
