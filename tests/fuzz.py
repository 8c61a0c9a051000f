"""`make fuzz`: atheris, guided by coverage, into all that takes bytes from a band or a client. `ARGS="SECONDS [TARGET ...]"`.

Each target is a process of its own, starts from good bytes and stops at the first crash, at anything that takes longer
than a second, and above 500 MB.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parent / "sensor"))
with atheris.instrument_imports(include=["sensor"]):
    from sansio import converse, material, one_line, swallow
    from sensor.devices import DRIVERS
    from sensor.frames import Entry, decode_frame, encode_frame

SECONDS = 60  # a target
LIMITS = ("-timeout=1", "-rss_limit_mb=500", "-max_len=4096", "-print_final_stats=1", "-verbosity=0")
TARGETS = [f"{part}:{name}" for name in DRIVERS for part in ("packets", "words")] + ["frames"]


def packets(name: str):
    """Input: (length u8, time step of 1/8 s u8, packet) ..."""
    driver, (info, good) = DRIVERS[name], material(name)

    def one(data: bytes) -> None:
        stream, at, ns = [], 0, good[0][1]
        while at + 2 < len(data) and len(stream) < 40:
            size = 1 + data[at]
            ns += data[at + 1] * 125_000_000
            stream.append((data[at + 2 : at + 2 + size], ns))
            at += 2 + size
        swallow(driver, info, stream)

    seeds = [b"".join(bytes([len(d) - 1, 0]) + d for d, _ in good[i : i + 6]) for i in range(0, 24, 6)]
    return one, seeds


def words(name: str):
    """Info, events and every conversation: the input is what the band answers, 20 bytes at a time."""
    driver, (info, _) = DRIVERS[name], material(name)
    known = driver.decode_info(info)

    def one(data: bytes) -> None:
        one_line(driver.decoder, data)
        one_line(driver.decode_message, data)
        for kind, values in (("hello", ()), ("start", (known,)), ("stop", ())):
            rest = iter([data[i : i + 20] for i in range(0, len(data), 20)])
            converse(driver, kind, values, lambda step: next(rest, b"") if hasattr(step, "is_answer") else next(rest, b"")[:12])
        if hasattr(driver, "decode_command"):
            driver.decode_command(data)

    return one, [info, b"\xf0\x01\x02\0\0".ljust(20, b"\0") * 8]


def frames():
    """What a client uploads."""
    return lambda data: one_line(decode_frame, data), [encode_frame([Entry(0, 1, 2, b"abc"), Entry(0, 2, 3, b"d")])]


def run(target: str, seconds: str) -> None:
    part, _, name = target.partition(":")
    one, seeds = frames() if part == "frames" else {"packets": packets, "words": words}[part](name)
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(seeds):
            (Path(corpus) / str(number)).write_bytes(seed)
        atheris.Setup([sys.argv[0], *LIMITS, f"-max_total_time={seconds}", f"-artifact_prefix=fuzz-found-{part}-{name}-", corpus], one)
        atheris.Fuzz()


def main(seconds: str = str(SECONDS), *chosen: str) -> int:
    failed = []
    for target in chosen or TARGETS:
        done = subprocess.run([sys.executable, __file__, "--one", target, seconds], capture_output=True, text=True)
        runs = next((line.split()[-1] for line in done.stderr.splitlines() if "number_of_executed_units" in line), "0")
        print(f"{target:32} {runs:>10} inputs   {'nothing found' if done.returncode == 0 else 'FAILED'}", flush=True)
        if done.returncode:
            failed.append(target)
            print(done.stderr[-3000:], file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        run(*sys.argv[2:])
    else:
        sys.exit(main(*sys.argv[1:]))
