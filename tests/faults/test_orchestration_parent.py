"""The parent of many workers is killed, as by a machine that has no memory left: its workers do not go on for long."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.sandbox.app import SandboxApp
from connectors.sandbox.fault import Faults
from connectors.sandbox.server import running
from connectors.sandbox.valomnia.setting import ValomniaSettings
from connectors.sandbox.valomnia.vendor import valomnia_app
from flows.summary import ExitCode
from tests.flows.command import PASSWORD
from tests.flows.deployment.worker import alive, children, end, wait_for
from tests.flows.display.server import PrefectServer, prefect_server
from tests.flows.migration.flow_place import migration
from tests.flows.migration.place import Place, customer, plain
from tests.kill.judge import repeats
from tests.state import own_state

pytestmark = [pytest.mark.prefect, pytest.mark.kill]

CUSTOMERS = [customer(number) for number in range(400)]
PARTITIONS = ("--partitions", "8", "--workers", "3")
CONCURRENCY = 4
# Of each of three partitions under way a group of answers that is not recorded yet, and the requests in flight.
AT_STAKE = 3 * 50 + CONCURRENCY


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """Serve Prefect for this module's tests."""
    with prefect_server(tmp_path_factory.mktemp("prefect") / "server") as served:
        yield served


@pytest.fixture
def move(tmp_path: Path) -> Iterator[Place]:
    """Put a table beside a sandbox of its own that takes its time."""
    app: SandboxApp = valomnia_app(ValomniaSettings(password=PASSWORD), faults=Faults(latency_ms=150))
    with running(app) as url:
        place = Place(tmp_path, own_state(tmp_path), app, url)
        place.target["concurrency"] = CONCURRENCY
        place.fill(CUSTOMERS)
        yield place


def kill_the_parent(move: Place, server: PrefectServer, runner: str) -> list[int]:
    """Let a migration send some customers, and kill its first process alone; gives the processes that it had."""
    with migration(move, server, *PARTITIONS, "--runner", runner) as parent:
        wait_for(lambda: len(move.writes) >= 40 or parent.poll() is not None)
        left = children(parent.pid)
        end(parent.pid)
        parent.wait()
    assert len(move.held) < len(CUSTOMERS), "it came to its end"
    return left


def migrate_once_free(move: Place, server: PrefectServer) -> None:
    """Migrate again as soon as nobody of the dead is at work any more; until then it is refused without a request."""
    codes: list[int] = []

    def taken() -> bool:
        with migration(move, server, *PARTITIONS) as following:
            following.communicate(timeout=150)
            codes.append(following.returncode)
        return codes[-1] != ExitCode.HELD

    wait_for(taken)
    assert codes[-1] == ExitCode.DONE, codes


@pytest.mark.parametrize("runner", ["threads", "dask"])
def test_o21_the_parent_of_many_workers_is_killed(move: Place, server: PrefectServer, runner: str) -> None:
    """O21: the workers end soon, or end with it; the next migration finishes, and everybody is there once."""
    left = kill_the_parent(move, server, runner)
    try:
        assert (len(left) >= 3) == (runner == "dask")
        move.app.faults = Faults(latency_ms=10)
        migrate_once_free(move, server)
        wait_for(lambda: not any(alive(each) for each in left), 60)
    finally:
        for each in left:
            end(each)
    assert move.held == plain(CUSTOMERS)
    created = [each.reference for each in move.writes if each.status == 201]
    assert len(created) == len(set(created)) == len(CUSTOMERS)
    assert len(repeats(move.app.journal.entries)) <= AT_STAKE
    assert move.broken() == []
    assert move.ask("SELECT status FROM runs WHERE partition IS NULL ORDER BY run") == [
        ("interrupted",),
        ("completed",),
    ]
