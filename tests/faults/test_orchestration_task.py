"""What Prefect may do with a flow or a task by itself: take it as done, try it again, and count what it is told of."""

from __future__ import annotations

import asyncio
import gc
import importlib
import pkgutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow, Task, flow
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.settings import PREFECT_RESULTS_PERSIST_BY_DEFAULT, temporary_settings

import flows
from connectors.sandbox.fault import Faults, Forced
from flows.display.page_task import PageTasks
from flows.display.progress import Progress
from flows.ledger.record import Counts
from flows.sync import sync_customers
from flows.watch import Hand
from tests.conftest import PrefectHarness
from tests.flows.latest import latest_flow_run
from tests.flows.run_place import Place, open_place
from tests.flows.test_sync import task_runs
from tests.kill.judge import writes
from tests.kill.population import FILTERED

pytestmark = [
    pytest.mark.prefect,
    # Prefect's clients leave sockets to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(autouse=True)
def _sockets() -> Iterator[None]:
    yield
    gc.collect()  # here, where the warnings of Prefect's sockets are expected


def sync(place: Place) -> State[Any]:
    """Carry out the place's job as a flow run, and give its final state."""

    async def begin() -> State[Any]:
        return await sync_customers(str(place.job), return_state=True)

    return asyncio.run(begin())


def of_prefect() -> dict[str, Flow[..., Any] | Task[..., Any]]:
    """Find all flows and tasks that there are, by their names."""
    modules = [importlib.import_module(each.name) for each in pkgutil.walk_packages(flows.__path__, "flows.")]
    found = [value for module in modules for value in vars(module).values() if isinstance(value, Flow | Task)]
    return {each.name: each for each in found}


def test_o11_o12_no_flow_and_no_task_is_remembered_or_tried_again() -> None:
    """O11, O12: whatever Prefect's settings say, none keeps its result, takes an earlier one, or retries by itself."""
    found = of_prefect()
    assert {"sync-customers", "replay-rejects", "migrate-customers", "sync-page", "migrate-partition"} <= found.keys()
    assert {each.persist_result for each in found.values()} == {False}
    assert {each.retries for each in found.values()} == {0}
    assert all(each.cache_policy is NO_CACHE for each in found.values() if isinstance(each, Task))


def test_o11_the_same_page_twice_is_done_twice(prefect_harness: PrefectHarness) -> None:
    """O11: called again with the same arguments a task does its work again, where results are kept by default."""
    done: list[Counts] = []

    async def work() -> Counts:
        done.append(Counts(created=3))
        return done[-1]

    @flow
    async def twice() -> None:
        tasks = PageTasks("crm", Progress("crm", print), print)
        for _ in range(2):
            await tasks.each_page(Hand(run=1, page=0, counted=3), work)

    with temporary_settings({PREFECT_RESULTS_PERSIST_BY_DEFAULT: True}):
        asyncio.run(twice())
    assert len(done) == 2
    kept = [path.read_bytes() for path in (prefect_harness.home / "storage").glob("*") if path.is_file()]
    assert not [text for text in kept if b"created" in text or b"sync-page" in text]


@pytest.mark.usefixtures("prefect_harness")
def test_o11_the_same_job_twice_is_done_twice(tmp_path: Path) -> None:
    """O11: a second run of the job brings what has changed since the first, where results are kept by default."""
    with open_place(tmp_path, size=100) as place, temporary_settings({PREFECT_RESULTS_PERSIST_BY_DEFAULT: True}):
        assert sync(place).is_completed()
        place.population.versions.update(dict.fromkeys(range(100), 1))
        place.population.write_customers()
        assert sync(place).is_completed()
        assert place.differences() == []


@pytest.mark.usefixtures("prefect_harness")
def test_o12_a_flow_that_is_carried_out_again_and_again(tmp_path: Path) -> None:
    """O12: where the last page fails each time, and all of it is tried again, nobody who had arrived is sent again."""
    with open_place(tmp_path, size=200, page_size=50) as place:
        place.app.faults = Faults(forced={"K-190": Forced(status=403)})
        for _ in range(3):
            assert sync(place).is_failed()
        place.app.faults = Faults()
        assert sync(place).is_completed()
        taken = Counter(each.reference for each in writes(place.app.journal.entries) if each.status in {200, 201})
        assert taken == dict.fromkeys(place.applied, 1)
        assert place.applied.keys() == place.population.wanted().keys()


@pytest.mark.usefixtures("prefect_harness")
def test_o18_a_task_for_a_page_and_none_for_a_customer(tmp_path: Path) -> None:
    """O18: Prefect is told of 20,000 customers by a task for each of 20 pages, and not in many lines."""
    with open_place(tmp_path, size=20_000, page_size=1000) as place:
        text = place.job.read_text(encoding="utf-8")  # 200 are sent: how many requests there are is not the question
        place.job.write_text(text.replace("[A, X]", "[D]").replace("A: true, X: false", "D: true"), encoding="utf-8")
        assert sync(place).is_completed()
        sent = {entry.reference for entry in writes(place.app.journal.entries)}
        assert sent == {f"K-{number}" for number in range(20_000) if number % 100 == FILTERED}
        run = latest_flow_run()
        assert len(task_runs(run.id, 20)) == 20
        with get_client(sync_client=True) as client:
            of_run = {"flow_run_id": {"any_": [str(run.id)]}}
            artifacts = client.request("POST", "/artifacts/filter", json={"artifacts": of_run}).json()
            lines = client.request("POST", "/logs/filter", json={"logs": of_run, "limit": 200}).json()
        assert 1 <= len(artifacts) <= 4
        assert len(lines) < 60
