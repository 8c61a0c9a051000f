"""The one door: which verbs there are, and how each ends. What they do is in verbs/."""

from __future__ import annotations

import argparse
import logging
import sys
from importlib import import_module

from processing.errors import ProcessingError
from sensor.errors import LinkError, SensorError, UplinkError
from verbs.arguments import Parser, WrongArguments
from verbs.terminal import complain, speak_no_more

VERBS = (
    "scan", "doctor", "record", "live", "pair", "sync", "replay", "evaluate", "simulate", "convert", "devices", "exercises", "serve",
    "reprocess", "backup", "restore", "demo",
)  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    """Exit status: 0 done, 2 the input or the arguments are wrong, 1 anything else."""
    try:
        arguments = _parser().parse_args(argv)
        if arguments.verb != "serve":  # what libraries log is not for whoever trains; errors come as one line
            logging.getLogger().addHandler(logging.NullHandler())
        status = arguments.run(arguments) or 0
        print(end="", flush=True)  # a full disk shows here, not after the end
        return status
    except (LinkError, UplinkError) as error:
        return complain(error, 1)
    except (WrongArguments, SensorError, ProcessingError) as error:
        return complain(error, 2)
    except BrokenPipeError:
        speak_no_more()
        return 1
    except OSError as error:
        if error.errno is None:
            raise
        speak_no_more()
        where = error.filename or "the output"
        return complain(f"cannot write {where} (wanted a writable place, got: {error.strerror})", 2)
    except MemoryError:
        return complain("not enough memory for this", 1)
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="hiprep", description="Counts hip exercises with a Bluetooth band.")
    verbs = parser.add_subparsers(required=True, metavar="VERB", dest="verb")
    for name in VERBS:
        verb = import_module(f"verbs.{name}")
        one = verbs.add_parser(name, help=verb.HELP, description=verb.HELP, parents=verb.PARENTS)
        verb.arguments(one)
        one.set_defaults(run=verb.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
