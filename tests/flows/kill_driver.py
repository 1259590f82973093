"""Runs a job that ends itself, without a word, at a named step: as a process of its own, started by a test."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from pathlib import Path

from flows.job import load_job
from flows.run import run_job
from flows.state import open_ledger
from flows.summary import Summary
from flows.watch import Watch

# Each process is forked from one that has the program loaded already: a tenth of a second instead of two.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["flows.run"])


def run_here(path: Path, watch: Watch | None = None) -> Summary:
    """Run the job in this process."""
    job = load_job(path, {})
    ledger = open_ledger(job, {})
    try:
        return asyncio.run(run_job(job, ledger, watch or Watch()))
    finally:
        ledger.close()


def run_and_die(path: Path, step: str, occurrence: int) -> int:
    """Run the job in a process that kills itself when it comes to a step for the n-th time; give its exit code."""
    process = _PROCESSES.Process(target=_die_at, args=(path, step, occurrence))
    process.start()
    process.join()
    code = process.exitcode
    process.close()
    assert code is not None
    return code


def _die_at(path: Path, step: str, occurrence: int) -> None:
    met = 0

    def die(name: str) -> None:
        nonlocal met
        met += name == step
        if met == occurrence:
            os.kill(os.getpid(), signal.SIGKILL)

    run_here(path, Watch(on_step=die))
