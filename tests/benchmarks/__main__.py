"""Measures the first load beside wrk and a bare aiohttp loop, on the same server in one run.

`python -m tests.benchmarks` runs both measurements; `--latency 50 --customers 20000` one of one's own. Figures are
ratios: absolute times say more about the machine than about us. Needs wrk (Debian: wrk) for its column.
`python -m tests.benchmarks prefect` measures Prefect's share of a run instead.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import aiohttp
from rich.console import Console
from rich.table import Table

from tests.benchmarks.customer import FIELDS, HEADER, customer, form

JOB = (
    """\
job: first-load
source: {kind: csv, path: customers.csv, key: no}
target:
  kind: valomnia
  base_url: BASE_URL
  username: bench
  password: bench
  concurrency: CONCURRENCY
"""
    + FIELDS
)


@contextmanager
def server(latency: float) -> Iterator[str]:
    """Run the benchmark's server as a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.server", "--latency", str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def wrk(base_url: str, in_flight: int, seconds: int, folder: Path) -> float | None:
    """Measure wrk, posting the same kind of body; None where it is not installed."""
    if shutil.which("wrk") is None:
        return None
    script = folder / "post.lua"
    body = form(1).decode()
    script.write_text(
        f'wrk.method = "POST"\nwrk.body = "{body}"\nwrk.headers["Content-Type"] = "application/x-www-form-urlencoded"\n'
    )
    url = f"{base_url}/api/v2.1/customers/reference/C-1"
    command = ["wrk", "-t1", f"-c{in_flight}", f"-d{seconds}s", "-s", str(script), url]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return float(next(line for line in printed.splitlines() if line.startswith("Requests/sec")).split()[1])


async def bare(base_url: str, in_flight: int, customers: int) -> float:
    """Measure a bare aiohttp loop that posts the bodies that the job makes."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    connector = aiohttp.TCPConnector(limit=in_flight)
    async with aiohttp.ClientSession(connector=connector) as session:
        numbers = iter(range(customers))

        async def work() -> None:
            for number in numbers:
                url = f"{base_url}/api/v2.1/customers/reference/C-{number:07d}"
                async with session.post(url, data=form(number), headers=headers) as answer:
                    await answer.json()

        began = time.perf_counter()
        await asyncio.gather(*[work() for _ in range(in_flight)])
        return customers / (time.perf_counter() - began)


def rollcall(base_url: str, in_flight: int, customers: int, folder: Path) -> tuple[float, float]:
    """Measure a real `rollcall run`; customers per second of the run itself, and of the process as a whole."""
    with (folder / "customers.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(customer(number) for number in range(customers))
    (folder / "job.yaml").write_text(JOB.replace("BASE_URL", base_url).replace("CONCURRENCY", str(in_flight)))
    for old in folder.glob("rollcall.*"):
        old.unlink()
    command = [
        sys.executable,
        "-c",
        "from flows.cli import main; main()",
        "run",
        str(folder / "job.yaml"),
        "--json",
        "--no-prefect",
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    began = time.perf_counter()
    printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment).stdout
    whole = time.perf_counter() - began
    figures = json.loads(printed)
    if figures["created"] != customers:
        raise SystemExit(f"not all were created: {figures}")
    return customers / figures["seconds"], customers / whole


def measure(latency: float, in_flight: int, customers: int) -> list[str]:
    """Measure all three against one server, the loop before and after us, and give a table row."""
    with tempfile.TemporaryDirectory() as name, server(latency) as base_url:
        folder = Path(name)
        best = wrk(base_url, in_flight, 5, folder)
        loops = [asyncio.run(bare(base_url, in_flight, customers))]
        ours, whole = rollcall(base_url, in_flight, customers, folder)
        loops.append(asyncio.run(bare(base_url, in_flight, customers)))
    loop = sum(loops) / len(loops)
    beside_wrk = f"{ours / best:.2f}" if best else "-"
    return [
        f"{latency:g} ms", str(in_flight), f"{customers:,}", f"{best:,.0f}" if best else "-", f"{loop:,.0f}",
        f"{ours:,.0f}", f"{whole:,.0f}", beside_wrk, f"{ours / loop:.2f}",
    ]  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print a table."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["prefect"]:
        from tests.benchmarks import prefect

        prefect.main(arguments[1:])
        return
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--latency", type=float, metavar="MS")
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--customers", type=int, default=20_000)
    options = parser.parse_args(arguments)
    table = Table(title="First load, requests per second")
    for name in (
        "latency",
        "in flight",
        "customers",
        "wrk",
        "aiohttp loop",
        "rollcall",
        "with start-up",
        "of wrk",
        "of loop",
    ):
        table.add_column(name, justify="right")
    for latency in (50.0, 0.0) if options.latency is None else (options.latency,):
        table.add_row(*measure(latency, options.in_flight, options.customers))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
