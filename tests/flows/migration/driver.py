"""Migrates as a process of its own that ends itself, without a word, at a named step; started by a test."""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import os
import signal
import threading
from pathlib import Path

from flows.job import load_job
from flows.ledger.ledger import Ledger
from flows.migration.thread import threads
from flows.migration.whole import Course, migrate
from flows.run import now
from flows.watch import Watch
from tests.state import State

# Each process is forked from one that has the program loaded already: a tenth of a second instead of two.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["flows.migration.thread"])


def migrate_and_die(path: Path, state: State, partitions: int, step: str, occurrence: int) -> int:
    """Migrate in a process that kills itself when any partition comes to a step, the n-th time; give its exit code."""
    process = _PROCESSES.Process(target=_die_at, args=(path, state, partitions, step, occurrence))
    process.start()
    process.join()
    code = process.exitcode
    process.close()
    assert code is not None
    return code


def _die_at(path: Path, state: State, partitions: int, step: str, occurrence: int) -> None:
    met, lock = itertools.count(1), threading.Lock()

    def die(name: str) -> None:
        with lock:
            if name == step and next(met) == occurrence:
                os.kill(os.getpid(), signal.SIGKILL)

    def open_ledger() -> Ledger:
        return Ledger.open(state.url, state.environment, now)

    job, ledger = load_job(path, {}), open_ledger()
    watch = Watch(on_step=die)
    course = Course(threads(job, open_ledger, 3, watch.on_notice, die), partitions)
    asyncio.run(migrate(job, ledger, watch, course))
    ledger.close()
