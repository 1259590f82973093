"""Keeps Prefect's own parts calm while its server is away: none of them ends the work, none gives up with tracebacks.

That the server is away others say, in a line.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from types import ModuleType
from typing import Any

from prefect._internal import observers
from prefect.concurrency import _leases
from prefect.utilities.services import critical_service_loop

# They tell of each connection that breaks with a page of traceback, and then ask again and again instead.
_TALKATIVE = ("prefect.FlowRunCancellingObserver", "prefect.FlowRunSuspendingObserver")
_RENEWAL = "prefect.concurrency"
_CALLED_OFF = "Observer._handle_polling_task_done"  # a callback that fails where its task was called off, as at the end


def keep_calm(*asking: ModuleType) -> None:
    """Let this process go on with its work, and its log be read, whatever becomes of Prefect's server from now on.

    `asking` are the parts of Prefect, beside those of each run, that ask the server again and again.
    """
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.ERROR)
    logging.getLogger(_RENEWAL).setLevel(logging.CRITICAL)
    logging.getLogger("asyncio").addFilter(_is_news)
    setattr(_leases, "_handle_lease_renewal_failure", _go_on)  # noqa: B010 - mypy knows it as a function
    for module in (observers, *asking):
        setattr(module, "critical_service_loop", ask_again)  # noqa: B010 - the same


async def ask_again(workload: Callable[[], Coroutine[Any, Any, Any]], interval: float, **_: object) -> None:
    """Do this every so many seconds, for ever; raises what says that the server is there and does not take it.

    Prefect's own way prints three failures and gives up, and with it a runner gives up the runs that it has begun.
    """
    while True:
        await critical_service_loop(workload, interval, run_once=True)
        await asyncio.sleep(interval)


def _go_on(*_: object) -> None:
    """Let a run go on that has lost its place among the deployment's runs, which Prefect would call off.

    A server that was started again has forgotten all places. What keeps two runs apart is the ledger's lease.
    """


def _is_news(record: logging.LogRecord) -> bool:
    return _CALLED_OFF not in record.getMessage()
