"""Runs a job that sends itself signals from within a commit of its ledger: in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from sqlalchemy import Connection, event

from flows.job import load_job
from flows.shell import run_in_process
from flows.state import open_ledger
from flows.watch import Watch

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["flows.run", "flows.shell"])


def run_and_signal(path: Path, commit: int, numbers: Sequence[signal.Signals]) -> int:
    """Run the job, and signal at the n-th commit after its first page was read; give the exit code."""
    process = _PROCESSES.Process(target=_run, args=(path, commit, list(numbers)))
    process.start()
    process.join(60)
    process.kill()  # where it has not ended
    process.join()
    code = process.exitcode
    process.close()
    assert code is not None
    return code


def _run(path: Path, commit: int, numbers: Sequence[signal.Signals]) -> None:
    begun, met = False, 0

    def begin(_step: str) -> None:
        nonlocal begun
        begun = True

    def strike(_connection: Connection) -> None:
        nonlocal met
        met += begun
        if begun and met == commit:
            for number in numbers:
                os.kill(os.getpid(), number)

    job = load_job(path, {})
    ledger = open_ledger(job, {})
    event.listen(ledger.engine, "commit", strike)
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        summary = run_in_process(job, ledger, Console(file=nowhere), Watch(on_step=begin))
    ledger.close()
    sys.exit(int(summary.exit_code))
