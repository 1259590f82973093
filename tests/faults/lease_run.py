"""Starts `rollcall run` as processes of their own that compete for one lease, and ends each of them by its id.

Each is forked from one that has the program loaded already: a tenth of a second instead of two and more.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import secrets
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import connectors.api.transport
import flows.cli
import flows.ledger.lease

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["flows.cli", "flows.run", "flows.report", "flows.shell"])

SHORT_SECONDS = 3.0
NONE: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Machine:
    """Where a run takes place: its host's name, and where its temporary files are."""

    host: str = ""
    folder: str = ""


HERE = Machine()


@dataclass(frozen=True, slots=True)
class Run:
    """A run under way, and the file that takes what it prints."""

    process: ForkServerProcess
    output: Path

    @property
    def pid(self) -> int:
        """Its process's id."""
        assert self.process.pid is not None
        return self.process.pid

    @property
    def ended(self) -> bool:
        """Whether it has come to its end."""
        return not self.process.is_alive()

    def kill(self) -> None:
        """Kill it, and wait until it is dead."""
        self.process.kill()
        self.process.join()

    def end(self, seconds: float = 120) -> tuple[int, dict[str, Any]]:
        """Wait for its end, and give its exit code and what it printed; raises TimeoutError."""
        self.process.join(seconds)
        if self.process.exitcode is None:
            raise TimeoutError("the run did not end")
        return self.process.exitcode, json.loads(self.output.read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Starter:
    """Starts runs of one job, whose leases are short."""

    job: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    @contextmanager
    def start(self, machine: Machine = HERE, gate: Event | None = None) -> Iterator[Run]:
        """Start a run, at once or when the gate opens; it is killed at the end of the block, if it has not ended."""
        output = self.job.parent / f"{secrets.token_hex(4)}.json"
        arguments = (self.job, output, dict(self.settings), machine, gate)
        process = _PROCESSES.Process(target=_run, args=arguments)
        process.start()
        run = Run(process, output)
        try:
            yield run
        finally:
            run.kill()

    @staticmethod
    def gate() -> Event:
        """Make a gate that several runs wait at."""
        return _PROCESSES.Event()


def _run(job: Path, output: Path, settings: dict[str, str], machine: Machine, gate: Event | None) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "ROLLCALL_"))}
    os.environ.clear()
    os.environ.update(kept | settings | {"PREFECT_HOME": str(job.parent / "prefect"), "DO_NOT_TRACK": "1"})
    # As much shorter: by when a request must have gone out that the lease allowed.
    connectors.api.transport.CONNECTING_SECONDS *= SHORT_SECONDS / flows.ledger.lease.LEASE_SECONDS
    flows.ledger.lease.LEASE_SECONDS = SHORT_SECONDS
    if machine.host:
        socket.gethostname = lambda: machine.host
        tempfile.tempdir = machine.folder
    sys.argv = ["rollcall", "run", str(job), "--json"]
    with output.open("w", encoding="utf-8") as printed, Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        os.dup2(printed.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
        if gate is not None:
            gate.wait()
        flows.cli.main()
