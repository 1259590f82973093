"""Measures how much memory a large CSV file takes: reading it alone, a dry run over it, and with `--send` a real run.

`python -m tests.benchmarks.memory [--gigabytes 1] [--send] [--bytes 1000]` makes the file while it runs, in a temporary
folder. Each measurement is a process of its own, for memory that was once taken does not show as less. The bound is 512
MiB (FAULTS E30); the command ends with 1 where one of them takes more. Linux alone counts `ru_maxrss` in KiB.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks.__main__ import JOB, server
from tests.benchmarks.customer import HEADER, customer

BOUND_MIB = 512
READ = """\
import json, sys
from pathlib import Path
from connectors.csv_file import CsvSettings, CsvSource
source = CsvSource(CsvSettings(kind="csv", path=sys.argv[1], key="no"), Path())
source.open()
print(json.dumps({"extracted": sum(page.counted for page in source.pages(None, 1000))}))
"""
RUN = "from flows.cli import main; main()"


def write_customers(path: Path, gigabytes: float, size: int) -> int:
    """Write customers of about so many bytes each until the file is large enough; gives their count."""
    count = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        while file.tell() < gigabytes * 1e9:  # a thousand at a time, for `tell` is slow
            rows = [customer(number) for number in range(count, count + 1000)]
            writer.writerows((*row[:-1], "x" * (size - len(",".join(row)))) for row in rows)
            count += 1000
    return count


def measure(arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[dict[str, int], float, float]:
    """Run a process; gives what it printed, its seconds, and the peak of its memory in MiB."""
    reading, writing = os.pipe()
    began = time.perf_counter()
    process = os.posix_spawn(
        sys.executable,
        [sys.executable, "-c", *arguments],
        {**os.environ, **environment},
        file_actions=[(os.POSIX_SPAWN_DUP2, writing, 1), (os.POSIX_SPAWN_CLOSE, reading)],
    )
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as printed:
        text = printed.read()
    _, status, usage = os.wait4(process, 0)  # of this very process; what `resource` tells is of all that ended
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{' '.join(arguments[1:])} ended with {os.waitstatus_to_exitcode(status)}: {text[:500]}")
    return json.loads(text), time.perf_counter() - began, usage.ru_maxrss / 1024


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table, and say whether the bound was kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.memory", description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--bytes", type=int, default=1000, help="of one record")
    parser.add_argument("--send", action="store_true", help="a real run as well, into a server of this machine")
    options = parser.parse_args(arguments)
    table = Table("what", "file", "records", "seconds", "peak", title="Memory")
    kept = True
    with tempfile.TemporaryDirectory() as name, server(0) as base_url:
        folder = Path(name)
        path = folder / "customers.csv"
        count = write_customers(path, options.gigabytes, options.bytes)
        (folder / "job.yaml").write_text(JOB.replace("BASE_URL", base_url).replace("CONCURRENCY", "64"))
        run = [RUN, "run", str(folder / "job.yaml"), "--json", "--no-prefect"]
        ways = {"reading": [READ, str(path)], "dry run": [*run, "--dry-run"]} | ({"run": run} if options.send else {})
        for what, command in ways.items():
            figures, seconds, mib = measure(command, {"PYTHONPATH": os.pathsep.join(sys.path)})
            if figures["extracted"] != count:
                raise SystemExit(f"{what}: not all were read: {figures}")
            kept &= mib <= BOUND_MIB
            gigabytes = f"{path.stat().st_size / 1e9:.2f} GB"
            table.add_row(what, gigabytes, f"{count:,}", f"{seconds:.0f}", f"{mib:.0f} MiB")
    Console(width=120).print(table)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
