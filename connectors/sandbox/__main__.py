"""Serves a sandbox as a process of its own: `python -m connectors.sandbox valomnia --port 0 --latency 50`.

The first line on standard output is the base URL.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from connectors.sandbox.catalogue import SYSTEMS, open_sandbox
from connectors.sandbox.fault import Faults, FaultsError, faults_from_json
from connectors.sandbox.journal import Journal
from connectors.sandbox.server import serve


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m connectors.sandbox", description="Serve a vendor's sandbox.")
    parser.add_argument("system", choices=list(SYSTEMS))
    parser.add_argument("--port", type=int, default=0, help="0 takes any free one")
    parser.add_argument("--latency", type=float, metavar="MS", help="half before, half after the commit")
    parser.add_argument("--jitter", type=float, metavar="MS", help="up to so much more")
    parser.add_argument("--rate-limit", type=float, metavar="N", help="requests per second, then 429")
    parser.add_argument("--seed", type=int, help="of everything random")
    parser.add_argument("--faults", default="{}", metavar="JSON", help="as POST /sandbox/faults takes them")
    parser.add_argument("--journal", type=Path, metavar="FILE", help="append every request as a line of JSON, synced")
    parser.add_argument("--no-fsync", action="store_true", help="leave the journal's lines to the system's cache")
    return parser


def _faults(options: argparse.Namespace) -> Faults:
    given = {
        "latency_ms": options.latency,
        "jitter_ms": options.jitter,
        "rate_limit": options.rate_limit,
        "seed": options.seed,
    }
    return replace(
        faults_from_json(options.faults), **{name: value for name, value in given.items() if value is not None}
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGINT or SIGTERM."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        faults = _faults(options)
    except (FaultsError, ValueError) as error:
        parser.error(str(error))
    journal = Journal(options.journal, fsync=not options.no_fsync)
    app = open_sandbox(options.system, faults=faults, journal=journal).app

    def announce(base_url: str) -> None:
        sys.stdout.write(f"{base_url}\n")
        sys.stdout.flush()

    serve(app, options.port, announce=announce)


if __name__ == "__main__":
    main()
