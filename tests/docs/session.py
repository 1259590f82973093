"""Types the commands of a page into a shell, one block after the other; what does not end by itself runs beside it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_COMMAND_SECONDS = 240
_START_SECONDS = 240
_END_SECONDS = 60
_VARIABLES = ".variables"


@dataclass(slots=True)
class Beside:
    """A command that goes on until it is ended, and what it says."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def said(self) -> str:
        """What it has said so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def minds(self, number: signal.Signals) -> bool:
        """Say whether it has a handler of its own for a signal."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
        return bool(int(caught, 16) >> (number - 1) & 1)

    def await_that(self, true: Callable[[], bool]) -> None:
        """Wait until it is ready; raises AssertionError with what it said where it ends, or takes too long."""
        end = time.monotonic() + _START_SECONDS
        while not true():
            assert self.process.poll() is None, f"it ended with {self.process.returncode}:\n{self.said}"
            assert time.monotonic() < end, f"it is not ready:\n{self.said}"
            time.sleep(0.5)

    def interrupt(self) -> int:
        """Press Ctrl-C, and give the exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(_END_SECONDS)

    def end(self) -> None:
        """End it and whatever it has started; it leads a group of its own."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
                self.process.wait(_END_SECONDS if number == signal.SIGTERM else None)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        self.process.wait()


@dataclass(slots=True)
class Session:
    """A shell in a folder: what a block exports, the next one has; `replaced` is what a page's examples are here."""

    folder: Path
    environment: dict[str, str]
    replaced: Mapping[str, str]
    beside: dict[str, Beside] = field(default_factory=dict)

    def read(self, text: str) -> str:
        """Put what there is here in the place of the page's examples."""
        for example, ours in self.replaced.items():
            text = text.replace(example, ours)
        return text

    def call(self, text: str) -> str:
        """Run a block to its end, and give what it said; raises AssertionError where a command of it fails."""
        said = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f"{self.read(text)}\nenv -0 > {_VARIABLES}"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_COMMAND_SECONDS,
            check=False,
        )
        assert said.returncode == 0, f"{text}\nended with {said.returncode}:\n{said.stdout}\n{said.stderr}"
        pairs = (self.folder / _VARIABLES).read_text(encoding="utf-8").split("\0")
        self.environment = dict(pair.split("=", 1) for pair in pairs if pair)
        return said.stdout

    def start(self, command: str) -> Beside:
        """Start a command that goes on beside the shell; one that went on under the same name is ended before."""
        if command in self.beside:
            self.beside.pop(command).end()
        log = self.folder / f"{len(self.beside)}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                ["bash", "-c", f"exec {self.read(command)}"],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.beside[command] = Beside(process, log)
        return self.beside[command]

    def end(self) -> None:
        """End all that goes on, the last first."""
        for command in reversed(list(self.beside)):
            self.beside.pop(command).end()
