"""Starts real `rollcall run` and sandbox processes, and ends each of them by its own id."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx

import flows
from connectors.sandbox.fault import Faults, faults_to_json
from connectors.sandbox.journal import Entry
from tests.kill.judge import read_journal, writes

RUN = "from flows.cli import main; main()"
# Loads the program and waits for a line: so the start of one run need not wait for the loading of it.
RUN_WHEN_TOLD = f"import flows.report, flows.shell; input(); {RUN}"
_TURN_SECONDS = 0.002
NONE: Mapping[str, str] = {}


def environment(home: Path) -> dict[str, str]:
    """Make an environment in which this very code is imported and no Prefect or ledger of the user's is met."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "ROLLCALL_"))}
    code = str(Path(flows.__file__).parents[1])
    return kept | {"PYTHONPATH": code, "PREFECT_HOME": str(home / "prefect"), "DO_NOT_TRACK": "1"}


def start_run(job: Path, command: str = RUN, settings: Mapping[str, str] = NONE) -> subprocess.Popen[str]:
    """Start `rollcall run JOB --json` as a process of its own; to be used as a context, and ended by its id."""
    return subprocess.Popen(
        [sys.executable, "-c", command, "run", str(job), "--json"],
        env={**environment(job.parent), **settings},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


@contextmanager
def rollcall_run(job: Path, command: str = RUN) -> Iterator[subprocess.Popen[str]]:
    """Start a run; it is killed at the end of the block, if it has not ended by then."""
    with start_run(job, command) as process:
        try:
            yield process
        finally:
            process.kill()


class Waiting:
    """Runs that are loaded ahead of their turn, each in a process of its own."""

    def __init__(self, job: Path, ahead: int, settings: Mapping[str, str] = NONE) -> None:
        self._job = job
        self._settings = settings
        self._ready = deque(start_run(job, RUN_WHEN_TOLD, settings) for _ in range(ahead))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._ready:
            with process:
                process.kill()

    @contextmanager
    def next(self) -> Iterator[subprocess.Popen[str]]:
        """Let the next run begin, and load another; it is killed at the end of the block, unless it has ended."""
        self._ready.append(start_run(self._job, RUN_WHEN_TOLD, self._settings))
        with self._ready.popleft() as process:
            try:
                assert process.stdin is not None
                process.stdin.write("\n")
                process.stdin.flush()
                yield process
            finally:
                process.kill()


def end_of(process: subprocess.Popen[str], seconds: float) -> dict[str, Any]:
    """Wait for the end of a run and give what it printed; raises TimeoutExpired."""
    output, _ = process.communicate(timeout=seconds)
    summary: dict[str, Any] = json.loads(output)
    return summary


def await_that(true: Callable[[], bool], seconds: float = 30.0) -> None:
    """Look again and again until it is true; raises TimeoutError."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError("what was waited for did not come")
        time.sleep(_TURN_SECONDS)


@dataclass(slots=True)
class SandboxProcess:
    """A Valomnia sandbox in a process of its own, and its journal file."""

    base_url: str
    journal: Path
    client: httpx.Client
    _read: int = 0
    _writes: int = 0

    def entries(self) -> list[Entry]:
        """Read the journal."""
        return read_journal(self.journal)

    def writes(self) -> int:
        """Count the upserts so far, by the lines that joined the journal since the last call."""
        with self.journal.open("rb") as file:
            file.seek(self._read)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._read += len(whole)
        self._writes += len(writes([Entry(**json.loads(line)) for line in whole.splitlines()]))
        return self._writes

    def customers(self) -> list[dict[str, Any]]:
        """List the customers as they are."""
        found: list[dict[str, Any]] = self.client.get("/sandbox/customers").json()
        return found

    def settle(self) -> int:
        """Wait until no request is open, and give the number of requests so far."""
        await_that(lambda: self._status()["in_flight"] == 0)
        return self._status()["requests"]

    def _status(self) -> dict[str, int]:
        status: dict[str, int] = self.client.get("/sandbox/status").json()
        return status


@contextmanager
def sandbox_process(folder: Path, faults: Faults) -> Iterator[SandboxProcess]:
    """Serve a sandbox until the end of the block."""
    journal = folder / "journal.jsonl"
    options = ["--no-fsync", "--journal", str(journal), "--faults", faults_to_json(faults).decode()]
    command = [sys.executable, "-m", "connectors.sandbox", "valomnia", *options]
    with subprocess.Popen(command, env=environment(folder), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            base_url = process.stdout.readline().strip()
            with httpx.Client(base_url=base_url, trust_env=False) as client:
                yield SandboxProcess(base_url, journal, client)
        finally:
            process.kill()
