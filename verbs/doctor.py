"""What is wrong between this computer and a band, and a bundle for whoever helps."""

from __future__ import annotations

import argparse
import asyncio
import logging
from typing import TYPE_CHECKING

from verbs.arguments import DEVICE, WrongArguments, positive
from verbs.sources import opened
from verbs.terminal import progress

if TYPE_CHECKING:
    from sensor.checkup import Finding

HELP = "check adapter, permission, battery, signal, samples and clock of a band"
PARENTS = ()
LOOK_S = 5.0
WORDS = {True: "ok", False: "WRONG", None: "-"}


def arguments(parser: argparse.ArgumentParser) -> None:
    source = "ble:NAME-OR-ADDRESS or virtual:EXERCISE (default: only look which bands are in reach)"
    parser.add_argument("source", nargs="?", metavar="SOURCE", help=source)
    parser.add_argument("--device", **DEVICE)
    parser.add_argument("--speed", type=positive, default=1.0, metavar="N", help="of a virtual band: N times life (default: 1)")
    parser.add_argument("--seconds", type=positive, default=10.0, metavar="S", help="how long to listen (default: 10)")
    bundle = "write what was found, and what this computer is, for whoever helps: no samples, no names, no addresses"
    parser.add_argument("--bundle", metavar="FILE.zip", help=bundle)
    parser.set_defaults(side=None, placement=None)


def run(a: argparse.Namespace) -> int:
    from sensor.files import check_target

    if a.source is not None and a.source.startswith("file:"):
        raise WrongArguments(f"only a band can be checked (wanted ble:NAME-OR-ADDRESS or virtual:EXERCISE, got {a.source!r})")
    if a.bundle:
        from pathlib import Path

        check_target(Path(a.bundle))
    heard = _Heard()
    logging.getLogger("sensor").addHandler(heard)
    try:
        findings = asyncio.run(_checked(a))
    finally:
        logging.getLogger("sensor").removeHandler(heard)
    if a.bundle:
        _write(a, findings, heard.lines)
    return 1 if any(finding.good is False for finding in findings) else 0


async def _checked(a: argparse.Namespace) -> list[Finding]:
    from sensor import checkup

    findings = []

    def found(finding: Finding) -> None:
        progress("")
        print(f"{WORDS[finding.good]}\t{finding.what}\t{finding.text}", flush=True)
        findings.append(finding)
        progress("checking")

    if a.source is None or a.source.startswith("ble:"):
        for finding in await checkup.look(LOOK_S):
            found(finding)
    if a.source is not None and not any(finding.good is False for finding in findings[:1]):
        async for finding in checkup.examine(opened(a), a.seconds):
            found(finding)
    progress("")
    return findings


class _Heard(logging.Handler):
    """What the link complained of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def _write(a: argparse.Namespace, findings: list[Finding], lines: list[str]) -> None:
    import json
    import platform
    import re
    import zipfile
    from importlib.metadata import version

    kind, _, name = (a.source or "").partition(":")

    def nameless(text: str) -> str:
        """Names may be people's, addresses are devices'."""
        text = re.sub(r"'[^']*'|\b(?:[0-9A-F]{2}:){5}[0-9A-F]{2}\b", "BAND", text, flags=re.I)
        return text.replace(name, "BAND") if name else text

    report = {
        "findings": [finding._replace(text=nameless(finding.text))._asdict() for finding in findings],
        "source": kind or None,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "versions": {"python": platform.python_version()} | {one: version(one) for one in ("hiprep", "bleak", "numpy")},
    }
    with zipfile.ZipFile(a.bundle, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("doctor.json", json.dumps(report, indent=2))
        bundle.writestr("log.txt", "".join(f"{nameless(line)}\n" for line in lines))
