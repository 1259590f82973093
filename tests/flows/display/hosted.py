"""Lets `rollcall run` go under a Prefect server, each time in a process of its own, and keeps what it says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.flows.display.server import PrefectServer
from tests.flows.run_place import Place
from tests.kill.process import await_that, environment

_WAIT_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Program:
    """The program, loaded in a process that forks one for each run: see `loaded`."""

    process: subprocess.Popen[str]
    server: PrefectServer
    home: Path  # Prefect's folder, at the client

    @property
    def kept(self) -> list[str]:
        """What Prefect has kept of the runs in files: exceptions, if anything."""
        return [path.name for path in (self.home / "storage").glob("*")]

    @contextmanager
    def run(self, place: Place, door: str | None = None) -> Iterator[HostedRun]:
        """Begin a run of the place's job; it is killed at the end of the block, unless it has ended."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"job": str(place.job), "door": door}) + "\n")
        self.process.stdin.flush()
        folder = place.job.parent
        await_that(lambda: (folder / "pid").exists() or self.process.poll() is not None, _WAIT_SECONDS)
        run = HostedRun(place, self.server, int((folder / "pid").read_text(encoding="utf-8")))
        try:
            yield run
        finally:
            if run.code is None:
                with suppress(ProcessLookupError):
                    run.signal(signal.SIGKILL)
                run.end(_WAIT_SECONDS)


@dataclass(frozen=True, slots=True)
class HostedRun:
    """A run of a place's job: its process, and what that says."""

    place: Place
    server: PrefectServer
    pid: int

    @property
    def code(self) -> int | None:
        """Its exit code, once it has ended."""
        path = self.place.job.parent / "code"
        return int(path.read_text(encoding="utf-8")) if path.exists() else None

    @property
    def summary(self) -> dict[str, Any]:
        """The one JSON object that it prints."""
        summary: dict[str, Any] = json.loads((self.place.job.parent / "out").read_bytes())
        return summary

    @property
    def err(self) -> str:
        """What it has said on standard error."""
        return (self.place.job.parent / "err").read_text(encoding="utf-8")

    @property
    def senders(self) -> list[str]:
        """What sent its events to Prefect's server, each over a connection of its own."""
        return (self.place.job.parent / "senders").read_text(encoding="utf-8").splitlines()

    @property
    def flow_run(self) -> dict[str, Any]:
        """Its flow run, as the server knows it."""
        (found,) = [each for each in self.server.flow_runs() if each["parameters"]["job"] == str(self.place.job)]
        return found

    def await_writes(self, count: int) -> None:
        """Wait until it has sent so many upserts."""
        await_that(lambda: self.place.writes >= count, _WAIT_SECONDS)

    def await_halt(self) -> None:
        """Wait until it has stopped at its door."""
        await_that(self._is_halted, _WAIT_SECONDS)

    def _is_halted(self) -> bool:
        assert self.code is None, self.err
        try:
            status = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8")
        except FileNotFoundError:
            return False  # it has just ended
        return status.rpartition(")")[2].split()[0] == "T"

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def go_on(self) -> None:
        """Let it through its door."""
        self.signal(signal.SIGCONT)

    def end(self, seconds: float) -> int:
        """Wait for its end and give its exit code; raises TimeoutError."""
        await_that(lambda: self.code is not None, seconds)
        assert self.code is not None
        return self.code


@contextmanager
def loaded_program(server: PrefectServer, folder: Path) -> Iterator[Program]:
    """Load the program as a client of a Prefect server until the end of the block, with a folder of its own."""
    # Without plugins: pandera loads hypothesis where it is installed, which loads pytest and trio's.
    settings = {**server.environment, **environment(folder), "HYPOTHESIS_NO_PLUGINS": "1"}
    command = [sys.executable, "-m", "tests.flows.display.loaded"]
    with subprocess.Popen(command, env=settings, stdin=subprocess.PIPE, text=True) as process:
        try:
            yield Program(process, server, Path(settings["PREFECT_HOME"]))
        finally:
            process.kill()
