"""Imports run one way: server -> processing -> sensor; verbs/ and hiprep.py wire, and start light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY = {
    "sensor": {"sensor"},
    "processing": {"processing", "sensor.samples"},
    "server": {"server", "processing", "sensor"},
    "verbs": {"verbs", "server", "processing", "sensor"},
}
OURS = (*MAY, "hiprep")


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names if node.module in OURS}
    return {name for name in found if name.split(".")[0] in OURS}


@pytest.mark.parametrize("package", MAY)
def test_imports_run_one_way(package: str) -> None:
    for path in (ROOT / package).rglob("*.py"):
        for name in imports(path):
            assert any(name == may or name.startswith(may + ".") for may in MAY[package]), f"{path} imports {name}"


def test_a_replay_starts_without_what_it_does_not_need() -> None:
    code = (
        "import sys, hiprep; hiprep.main(['replay', 'missing.csv']);"
        "print([m for m in ('server', 'fastapi', 'bleak', 'bumble', 'pyarrow', 'scipy', 'httpx', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
