"""Measures how much memory a large CSV file takes: reading it alone, a dry run over it, and with `--send` a real run.

`python -m tests.benchmarks.memory [--gigabytes 1] [--send] [--bytes 1000]` makes the file while it runs, in a temporary
folder; `--page 50` measures a run over an API whose one page has so many megabytes instead. Each measurement is a
process of its own, for memory that was once taken does not show as less. The bound is 512 MiB (FAULTS E30); the command
ends with 1 where one of them takes more. Linux alone counts `ru_maxrss` in KiB.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

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


def measure(
    arguments: Sequence[str], environment: Mapping[str, str], expected: int | None = 0
) -> tuple[dict[str, Any], float, float]:
    """Run a process that ends as expected; gives what it printed, its seconds, and the peak of its memory in MiB."""
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
    if expected is not None and os.waitstatus_to_exitcode(status) != expected:
        raise SystemExit(f"{' '.join(arguments[1:])} ended with {os.waitstatus_to_exitcode(status)}: {text[:500]}")
    return json.loads(text), time.perf_counter() - began, usage.ru_maxrss / 1024


class LargePages(BaseHTTPRequestHandler):
    """Valomnia, as far as signing in, and then a list of customers in one page of `size` bytes or more."""

    size = 0
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Sign in."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(302, b"", ("Location", "/login/ajaxSuccess"), ("Set-Cookie", "JSESSIONID=bench"))

    def do_GET(self) -> None:
        """Give the token, or the page."""
        if self.path.startswith("/login"):
            self._answer(200, b'{"token": "bench"}')
            return
        one = {"id": 1, "reference": "C-1", "name": "Ada", "lastUpdated": "2026-01-01T00:00:00Z", "comment": "x" * 900}
        count = self.size // len(json.dumps(one)) + 1
        customers = [{**one, "id": number, "reference": f"C-{number}"} for number in range(count)]
        page = {"data": customers, "paging": {"offset": 0, "max": count, "total": count, "next": None}}
        with suppress(OSError):  # the client has seen enough
            self._answer(200, json.dumps(page).encode())

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def _answer(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (*headers, ("Content-Type", "application/json"), ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


PAGE_JOB = """\
job: large-page
source: {kind: valomnia, base_url: "BASE_URL", username: bench, password: bench}
target: {kind: valomnia, base_url: "BASE_URL", username: bench, password: bench}
fields: {reference: reference, name: name}
"""


def large_page(megabytes: float) -> int:
    """Run a job over one page that is far too large: it is refused with a clear error, and takes little memory."""
    LargePages.size = int(megabytes * 1e6)
    with tempfile.TemporaryDirectory() as name, ThreadingHTTPServer(("127.0.0.1", 0), LargePages) as service:
        threading.Thread(target=service.serve_forever, daemon=True).start()
        job = Path(name) / "job.yaml"
        job.write_text(PAGE_JOB.replace("BASE_URL", f"http://127.0.0.1:{service.server_port}"))
        command = [RUN, "run", str(job), "--json", "--no-prefect"]
        told, seconds, mib = measure(command, {"PYTHONPATH": os.pathsep.join(sys.path)}, expected=None)
        service.shutdown()
    taken = f"{mib:.0f} MiB, {seconds:.0f} s"
    print(f"{megabytes:g} MB in one page: {taken}; exit code {told['exit_code']}: {told['message']}")
    return 0 if mib <= BOUND_MIB else 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table, and say whether the bound was kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.memory", description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--bytes", type=int, default=1000, help="of one record")
    parser.add_argument("--send", action="store_true", help="a real run as well, into a server of this machine")
    parser.add_argument("--page", type=float, help="megabytes of one page of an API, instead of a file")
    options = parser.parse_args(arguments)
    if options.page:
        return large_page(options.page)
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
