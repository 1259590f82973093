"""Measures Prefect's share of a run: the same run with and without it, in turns, against a real server.

`python -m tests.benchmarks prefect` runs 100 pages of 1,000 customers three times each way, as a first load into a
server that takes its time (`--latency 20`, `--in-flight 16`), and once more with nothing changed. Each run is a
`rollcall run` of its own; "run" compares the seconds that the run itself counts, "process" all from start to end, and
"computing" those for which its process kept a processor, which other work on the machine hardly changes.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks.__main__ import JOB, server
from tests.benchmarks.customer import HEADER, customer
from tests.flows.display.server import prefect_server, quiet

_RUN = "from flows.cli import main; main()"


@dataclass(frozen=True, slots=True)
class Taken:
    """The seconds of one `rollcall run`: those that the run counts, those of its process, and its computing time."""

    run: float
    process: float
    computing: float


def write_job(folder: Path, base_url: str, in_flight: int, customers: int) -> None:
    """Write a job and its customers into an empty folder."""
    with (folder / "customers.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(customer(number) for number in range(customers))
    text = JOB.replace("BASE_URL", base_url).replace("CONCURRENCY", str(in_flight))
    (folder / "job.yaml").write_text(text, encoding="utf-8")


def timed_run(folder: Path, environment: Mapping[str, str], expected: Mapping[str, int]) -> Taken:
    """Run the folder's job once and hold its counts against what is expected."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "ROLLCALL_"))}
    command = [sys.executable, "-c", _RUN, "run", str(folder / "job.yaml"), "--json"]
    began, computed = time.perf_counter(), _computed()
    ended = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
        env={**ours, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
    )
    whole = time.perf_counter() - began
    figures = json.loads(ended.stdout)
    if any(figures[name] != count for name, count in expected.items()):
        raise SystemExit(f"not what was expected: {figures}")
    return Taken(figures["seconds"], whole, _computed() - computed)


def _computed() -> float:
    """Tell how long the processes that we have started and seen the end of kept a processor."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(latency: float, in_flight: int, pages: int, pairs: int) -> dict[str, list[tuple[Taken, Taken]]]:
    """Measure pairs of runs, without and with Prefect, for the first load and for the run after it."""
    customers = pages * 1000
    taken: dict[str, list[tuple[Taken, Taken]]] = {"first load": [], "nothing changed": []}
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory() as name, server(latency) as base_url:
        home = Path(name)
        with prefect_server(home / "server") as prefect:
            without, with_it = quiet(home / "nobody"), prefect.environment
            for pair in range(pairs):
                order = (
                    [("with", with_it), ("without", without)] if pair % 2 else [("without", without), ("with", with_it)]
                )
                found: dict[str, dict[str, Taken]] = {situation: {} for situation in taken}
                for side, environment in order:
                    folder = home / f"{side}-{pair}"
                    folder.mkdir()
                    write_job(folder, base_url, in_flight, customers)
                    for situation, outcome in (("first load", "created"), ("nothing changed", "unchanged")):
                        found[situation][side] = timed_run(folder, environment, {outcome: customers})
                        console.print(pair + 1, side, situation, found[situation][side])
                for situation, sides in found.items():
                    taken[situation].append((sides["without"], sides["with"]))
    return taken


def share(pairs: Sequence[tuple[Taken, Taken]], name: str) -> tuple[str, str, str]:
    """Give the median seconds without and with Prefect, and the median of what it adds, pair by pair."""
    sides = [[getattr(taken, name) for taken in pair] for pair in pairs]
    without, with_it = (statistics.median(pair[side] for pair in sides) for side in (0, 1))
    added = statistics.median(pair[1] / pair[0] - 1 for pair in sides)
    return f"{without:.1f} s", f"{with_it:.1f} s", f"{added:+.1%}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks prefect", description=__doc__)
    parser.add_argument("--latency", type=float, default=20.0, metavar="MS")
    parser.add_argument("--in-flight", type=int, default=16)
    parser.add_argument("--pages", type=int, default=100)
    parser.add_argument("--pairs", type=int, default=3)
    options = parser.parse_args(arguments)
    taken = measure(options.latency, options.in_flight, options.pages, options.pairs)
    table = Table(title=f"Prefect's share of a run of {options.pages} pages of 1,000 customers")
    for name in ("situation", "measured", "without", "with", "added"):
        table.add_column(name, justify="right" if name not in {"situation", "measured"} else "left")
    for situation, pairs in taken.items():
        for name in ("run", "process", "computing"):
            table.add_row(situation, name, *share(pairs, name))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
