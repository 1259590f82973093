"""Runs an incremental job again and again in one process while its source changes and its target fails now and then.

`python -m tests.soak [--minutes 60] [--ledger sqlite]` samples memory, open files, threads and the ledger after every
run, and compares the first tenth after warming up with the last. Exit code 1 where one of them grew, where a run
failed, or where the target does not hold at the end what the source does.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.faults.document import replace_part
from tests.kill.process import SandboxProcess, environment, sandbox_process
from tests.soak.place import FAULTS, JOB, LedgerSize, Source, changing
from tests.state import KINDS, State, fresh_state

PAUSE_SECONDS = 1.0
GROWTH_MIB = 16.0  # of memory, between the beginning and the end
LOG_MIB = 64.0  # of SQLite's write-ahead log, at any time

FEWEST = 20  # runs

Sample = dict[str, Any]


def soak(
    folder: Path, state: State, source: Source, seconds: float, advance: Callable[[float], object]
) -> list[Sample]:
    """Let the job run for so long; gives a sample for each run."""
    settings = {**environment(folder), "ROLLCALL_STATE": state.url, **state.environment}
    command = [sys.executable, "-m", "tests.soak.work", str(folder / "job.yaml"), str(PAUSE_SECONDS)]
    samples: list[Sample] = []
    size: LedgerSize | None = None
    with (
        changing(source),
        subprocess.Popen(command, env=settings, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            end = time.monotonic() + seconds
            while time.monotonic() < end and (line := process.stdout.readline()):
                size = size or LedgerSize(state)
                data, log = size.bytes()
                samples.append({**json.loads(line), "ledger": data, "log": log, "lines": size.rows()["lines"]})
                advance(seconds - max(0.0, end - time.monotonic()))
            process.stdin.close()
            process.stdout.read()
        finally:
            process.kill()
    if size is not None:
        size.close()
    return samples


def settle(folder: Path, state: State, sandbox: SandboxProcess) -> None:
    """Let the target recover, and run until nobody is left to be sent."""
    sandbox.client.post("/sandbox/faults", content=b"{}").raise_for_status()
    settings = {**environment(folder), "ROLLCALL_STATE": state.url, **state.environment}
    command = "from flows.cli import main; main()"
    for options in ([], ["--full"]):
        arguments = [sys.executable, "-c", command, "run", str(folder / "job.yaml"), "--no-prefect", "--json", *options]
        subprocess.run(arguments, env=settings, capture_output=True, check=False, timeout=300)


def wrong(source: Source, sandbox: SandboxProcess, state: State) -> list[str]:
    """List what is not as it must be at the end."""
    held = {str(each["reference"]): str(each["name"]) for each in sandbox.customers()}
    wanted = source.names()
    found = [f"{len(wanted.keys() - held.keys())} are missing at the target"] if wanted.keys() - held.keys() else []
    if len(held) != len(sandbox.customers()):
        found.append("customers twice at the target")
    if differing := sum(held.get(no) != name for no, name in wanted.items()):
        found.append(f"{differing} differ")
    size = LedgerSize(state)
    if left := size.rows()["intents"]:
        found.append(f"{left} intents are left")
    size.close()
    return found


def judge(samples: Sequence[Sample]) -> list[tuple[str, str, str, bool]]:
    """Compare the first tenth after a tenth of warming up with the last: what, before, after, and if it is well."""
    if len(samples) < FEWEST:
        raise SystemExit(f"{len(samples)} runs say nothing; let it take longer")
    tenth = len(samples) // 10
    first, last = samples[tenth : 2 * tenth], samples[-tenth:]

    def middle(some: Sequence[Sample], name: str) -> float:
        return float(statistics.median(each[name] for each in some))

    def growth(some: Sequence[Sample]) -> float:
        lines = some[-1]["lines"] - some[0]["lines"]
        return float(some[-1]["ledger"] - some[0]["ledger"]) / float(max(1, lines))

    half = len(samples) // 2
    memory, files, threads, seconds = (
        (middle(first, name), middle(last, name)) for name in ("rss_mib", "files", "threads", "seconds")
    )
    log = max(each["log"] for each in samples) / 2**20
    before, after = growth(samples[tenth:half]), growth(samples[half:])
    return [
        ("Memory", f"{memory[0]:.0f} MiB", f"{memory[1]:.0f} MiB", memory[1] - memory[0] <= GROWTH_MIB),
        ("Open files", f"{files[0]:.0f}", f"{files[1]:.0f}", files[1] <= files[0]),
        ("Threads", f"{threads[0]:.0f}", f"{threads[1]:.0f}", threads[1] <= threads[0]),
        ("A run, median", f"{seconds[0]:.2f} s", f"{seconds[1]:.2f} s", seconds[1] <= 2 * seconds[0]),
        ("Ledger, for one customer sent", f"{before:.0f} bytes", f"{after:.0f} bytes", after <= 1.25 * before),
        ("Write-ahead log, at most", "", f"{log:.1f} MiB", log <= LOG_MIB),
    ]


def main() -> int:
    """Soak, tell, and write the figures of an hour on both kinds of ledger."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--ledger", choices=KINDS, default="sqlite")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/reliability.md")
    asked = parser.parse_args()
    console, seconds = Console(highlight=False), asked.minutes * 60
    with (
        tempfile.TemporaryDirectory() as name,
        fresh_state(asked.ledger, Path(name)) as state,
        sandbox_process(Path(name), FAULTS) as sandbox,
        Progress(console=console, transient=True) as progress,
    ):
        folder = Path(name)
        (folder / "job.yaml").write_text(JOB.format(base_url=sandbox.base_url), encoding="utf-8")
        source, task = Source(folder), progress.add_task("soaking", total=seconds)
        samples = soak(folder, state, source, seconds, lambda done: progress.update(task, completed=done))
        settle(folder, state, sandbox)
        faults = wrong(source, sandbox, state)
        injected = sum(bool(entry.fault) for entry in sandbox.entries())
    ends, rows = Counter(each["exit_code"] for each in samples), judge(samples)
    sent = sum(each["sent"] for each in samples)
    codes = ", ".join(f"{count} with exit code {code}" for code, count in sorted(ends.items()))
    told = (
        f"{len(samples):,} runs in {asked.minutes:g} minutes ({codes}), {source.changes:,} changes at the source,"
        f" {sent:,} customers sent, {injected:,} faults at the target"
    )
    table = Table("", "at first", "at last", title=told)
    for what, before, after, well in rows:
        table.add_row(what, before, after, style=None if well else "red")
    console.print(table)
    for fault in faults:
        console.print(f"[red]{fault}[/]")
    if asked.write:
        lines = [f"| {what} | {before} | {after} |" for what, before, after, _ in rows]
        replace_part("soak", "\n".join([f"{told}.", "", "| | at first | at last |", "|---|---|---|", *lines]) + "\n")
    return int(bool(faults) or not all(well for *_, well in rows) or not set(ends) <= {0, 3})


if __name__ == "__main__":
    sys.exit(main())
