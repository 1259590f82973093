"""A migration under a real Prefect server, on threads and on Dask, with a worker killed; the sandbox is the judge."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benchmarks.migration import WAYS, Way, migrated
from tests.flows.display.server import PrefectServer, prefect_server
from tests.server import Database
from tests.state import server_state

CUSTOMERS, PARTITIONS, WORKERS = 1_200, 6, 2

pytestmark = [pytest.mark.prefect, pytest.mark.kill]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """Serve Prefect for this module's tests."""
    with prefect_server(tmp_path_factory.mktemp("prefect") / "server") as running:
        yield running


@pytest.mark.parametrize("way", [WAYS[0], WAYS[2]], ids=lambda way: way.name)
def test_everybody_arrives_once(way: Way, server: PrefectServer, postgresql: Database, tmp_path: Path) -> None:
    """Everybody arrives once, whatever runs the partitions and whoever dies; each partition shows as a task run."""
    state = server_state(postgresql).url
    taken = migrated(way, tmp_path / "run", server, state, customers=CUSTOMERS, partitions=PARTITIONS, workers=WORKERS)
    assert taken.exit_code == 0, taken.summary
    assert (taken.arrived, taken.doubled) == (CUSTOMERS, 0)
    assert (taken.killed > 0) == way.kill
    assert taken.repeated <= (100 if way.kill else 0)
    verification = taken.summary["verification"]
    assert isinstance(verification, dict)
    assert (verification["counted"], verification["same"]) == (CUSTOMERS, CUSTOMERS)
    (flow_run,) = [run for run in server.flow_runs("migrate-customers") if run["id"] not in _met]
    _met.add(flow_run["id"])
    assert flow_run["state"]["type"] == "COMPLETED", flow_run["state"]
    names = {run["name"] for run in server.task_runs(flow_run["id"])}
    assert {f"partition {number} of {PARTITIONS}" for number in range(1, PARTITIONS + 1)} <= names


_met: set[str] = set()  # the flow runs of tests before
