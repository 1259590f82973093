"""Starts `rollcall migrate` as a process of its own under a Prefect server, and reads what that server shows of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from connectors.sandbox.journal import Entry
from tests.flows.deployment.worker import wait_for
from tests.flows.display.server import PrefectServer
from tests.flows.migration.place import Place
from tests.kill.process import RUN, environment

_FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


@contextmanager
def migration(move: Place, server: PrefectServer, *options: str, command: str = RUN) -> Iterator[subprocess.Popen[str]]:
    """Start a migration; it is killed at the end of the block, if it has not ended by then."""
    move.write_job()
    with subprocess.Popen(
        [sys.executable, "-c", command, "migrate", str(move.path), "--json", "--state", move.state.url, *options],
        env={**environment(move.folder), **server.environment, **move.state.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def flow_run_of(move: Place, server: PrefectServer) -> dict[str, Any]:
    """Find the one flow run of the place's migration, once it has come to its end."""
    found: list[dict[str, Any]] = []

    def ended() -> bool:
        runs = server.flow_runs("migrate-customers")
        found[:] = [run for run in runs if run["parameters"]["job"] == str(move.path)]
        return bool(found) and {run["state_type"] for run in found} <= _FINAL

    wait_for(ended)
    (flow_run,) = found
    return flow_run


def task_states(server: PrefectServer, flow_run: Mapping[str, Any], count: int) -> dict[str, tuple[str, str]]:
    """Give type and message of each task run's state by the task run's name, once so many have come to their ends.

    Prefect's server writes down what became of tasks a moment later.
    """
    found: dict[str, tuple[str, str]] = {}

    def ended() -> bool:
        runs = server.task_runs(flow_run["id"])
        found.clear()
        found.update({run["name"]: (run["state_type"], run["state"]["message"]) for run in runs})
        return len(runs) >= count and {kind for kind, _ in found.values()} <= _FINAL

    wait_for(ended)
    return found


def arrived(move: Place) -> dict[str, str]:
    """List the customers that the sandbox holds: reference and id."""
    return {str(held["reference"]): str(held["id"]) for held in move.app.vendor.customers("")}


def confirmed(move: Place) -> dict[str, str]:
    """List the customers of whose arrival the ledger is sure."""
    return dict(move.ask("SELECT reference, target_id FROM crosswalk WHERE row_hash IS NOT NULL"))


def looked_up(move: Place) -> list[Entry]:
    """List the requests for single customers, which the comparison makes."""
    return [each for each in move.app.journal.entries if each.method == "GET" and each.reference]
