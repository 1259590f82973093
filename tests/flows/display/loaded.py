"""A process with the program loaded, which begins `rollcall run` in a fork of itself whenever a line asks for that.

Loading takes seconds of a core, for each run anew. Such a run ends as any process does; its exit code is noted in a
file, and what sent its events to Prefect. It may stop itself (SIGSTOP) at a named door until a test lets it go on: so a
test takes Prefect's server away at that very moment, however slow the machine is.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from prefect._internal.concurrency.services import _active_services
from prefect.events.worker import EventsWorker

import flows.report
import flows.shell
import flows.sync
from flows.cli import main
from flows.display import hosting
from flows.display.uplink import Uplink

Step = Callable[..., Awaitable[Any]]

# What a run loads on its way otherwise.
_LATER = (
    "connectors.csv_file",
    "connectors.valomnia.target",
    "connectors.valomnia.client",
    "mappings.country",
    "mappings.reading",
    "pandera.backends.pandas.builtin_checks",
    "pandera.backends.pandas.register",
    "prefect.flow_engine",
    "prefect.task_engine",
    "prefect.telemetry.run_telemetry",
)


_reach = Uplink.reach


async def _reach_however_busy(uplink: Uplink) -> bool:
    """Find the server, which has much to do where many tests run: until a run has halted, it is there."""
    while not await _reach(uplink):  # noqa: ASYNC110 - a server is asked; nobody sets an event
        await asyncio.sleep(0.5)
    return True


def _halt() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)
    setattr(Uplink, "reach", _reach)  # noqa: B010 - mypy knows it as a method


def _before(step: Step) -> Step:
    async def halted(*arguments: Any, **named: Any) -> Any:
        _halt()
        return await step(*arguments, **named)

    return halted


def _after(step: Step) -> Step:
    async def halted(*arguments: Any, **named: Any) -> Any:
        result = await step(*arguments, **named)
        _halt()
        return result

    return halted


# Beside "start", where nothing has begun: the step that a door stands before or after.
_DOORS: dict[str, tuple[ModuleType, str, Callable[[Step], Step]]] = {
    "found": (flows.sync, "sync_customers", _before),  # the server answered, and the flow run is to be made there
    "summary": (hosting, "acreate_markdown_artifact", _before),  # the work is done, and its summary is to be written
    "rejects": (hosting, "acreate_table_artifact", _before),  # the summary is written
    "state": (flows.sync, "host", _after),  # all is written, and Prefect is to tell the final state
}


def _serve() -> None:
    """Take orders until nobody gives any."""
    for name in _LATER:
        importlib.import_module(name)
    for line in sys.stdin:
        order = json.loads(line)
        if os.fork() == 0:
            _keep(Path(order["job"]), order["door"])
            return


def _keep(job: Path, door: str | None) -> None:
    """Carry out a run in a fork, and note how it ended; in that fork, raises SystemExit."""
    run = os.fork()
    if run == 0:
        _run(job, door)
    _note(job.parent / "pid", run)
    _, status = os.waitpid(run, 0)
    _note(job.parent / "code", os.waitstatus_to_exitcode(status))
    os._exit(0)


def _note(path: Path, number: int) -> None:
    path.with_suffix(".new").write_text(str(number), encoding="utf-8")
    path.with_suffix(".new").rename(path)


def _run(job: Path, door: str | None) -> None:
    for stream, name in ((0, os.devnull), (1, job.parent / "out"), (2, job.parent / "err")):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT, 0o600), stream)
    sys.argv = ["rollcall", "run", str(job), "--json"]
    setattr(Uplink, "reach", _reach_however_busy)  # noqa: B010 - mypy knows it as a method
    if door == "start":
        _halt()
    elif door is not None:
        module, name, halting = _DOORS[door]
        setattr(module, name, halting(getattr(module, name)))
    try:
        main()
    finally:
        senders = [each.client_type.__name__ for each in _active_services if isinstance(each, EventsWorker)]
        (job.parent / "senders").write_text("\n".join(senders), encoding="utf-8")


if __name__ == "__main__":
    _serve()
