"""Carries out a job, as a process of its own, that ends itself without a word at a named point: started by a test."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Mapping
from functools import wraps
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import flows.export
from connectors.database.record import Binder
from flows.job import load_job
from flows.ledger.ledger import Ledger
from flows.run import run_job
from flows.state import open_ledger
from flows.watch import Watch

# Each process is forked from one that has the program loaded already: a tenth of a second instead of two.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["flows.run", "flows.export"])

Environment = Mapping[str, str]

_STEPS = {"K3": "extracted", "K4": "prepared", "K6": "intended", "K7": "sending", "K9": "answered", "K10": "recorded"}
_STEPS["K14"] = "ending"


def start(job: Path, environment: Environment, point: str = "", occurrence: int = 1) -> ForkServerProcess:
    """Start a run that ends itself where it comes to a point for the n-th time; without a point it does not."""
    arguments = (job, dict(environment), point, occurrence)
    process = _PROCESSES.Process(target=_export if point == "K15" else run_to, args=arguments)
    process.start()
    return process


def run_to(job: Path, environment: Environment, point: str, occurrence: int) -> None:
    """Run the job in this process, to a point or to its end."""
    import asyncio

    die = _Death(occurrence)
    watch = Watch()
    match point:
        case "K1":
            _after(Ledger, "begin_run", die)
        case "K2":
            _before(Binder, "page", die)
        case "K5":
            _after(Ledger, "_open", die)
        case "K12":
            _before(Ledger, "confirm_page", die)
        case "K13":
            _after(Ledger, "_confirm", die)
        case "K16":
            _within_migration(die)
        case _ if point in _STEPS:
            watch = Watch(on_step=_at_step(_STEPS[point], die, once_a_page=point in ("K9", "K10")))
    loaded = load_job(job, environment)
    ledger = open_ledger(loaded, environment)
    try:
        asyncio.run(run_job(loaded, ledger, watch))
    finally:
        ledger.close()


def _export(job: Path, environment: dict[str, str], _: str, occurrence: int) -> None:
    from flows.ledger.history import History

    ledger = open_ledger(load_job(job, environment), environment)
    entries = History(ledger).rejects()
    die = _Death(occurrence)

    def some() -> Any:
        for number, entry in enumerate(entries):
            if number == len(entries) // 2:
                die()
            yield entry

    flows.export.write_rejects(job.with_name("rejects.csv"), some())


def _at_step(wanted: str, die: _Death, *, once_a_page: bool) -> Callable[[str], None]:
    due = True

    def on_step(name: str) -> None:
        nonlocal due
        due = due or name == "intended"
        if due and name == wanted:
            due = not once_a_page
            die()

    return on_step


class _Death:
    """Ends this process when it is called for the n-th time."""

    def __init__(self, occurrence: int) -> None:
        self._left = occurrence

    def __call__(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def _before(owner: type, name: str, die: _Death) -> None:
    call = getattr(owner, name)

    @wraps(call)
    def wrapped(*arguments: Any, **named: Any) -> Any:
        die()
        return call(*arguments, **named)

    setattr(owner, name, wrapped)


def _after(owner: type, name: str, die: _Death) -> None:
    call = getattr(owner, name)

    @wraps(call)
    def wrapped(*arguments: Any, **named: Any) -> Any:
        given = call(*arguments, **named)
        die()
        return given

    setattr(owner, name, wrapped)


def _within_migration(die: _Death) -> None:
    from sqlalchemy import Engine, event

    def look(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "CREATE TABLE partitions" in statement:  # in the midst of the third step
            die()

    event.listen(Engine, "after_cursor_execute", look)
