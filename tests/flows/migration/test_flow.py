"""A migration as a flow run: a partition that fails, Ctrl-C, and what Prefect is told; the sandbox is the judge."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.sandbox.app import SandboxApp
from connectors.sandbox.fault import Faults, Forced, Strike
from flows.summary import ExitCode
from tests.flows import canary
from tests.flows.deployment.worker import wait_for
from tests.flows.display.server import PrefectServer, prefect_server
from tests.flows.migration.canary_place import CASES, migrate, open_scene
from tests.flows.migration.flow_place import arrived, confirmed, flow_run_of, looked_up, migration, task_states
from tests.flows.migration.place import Place, customer, plain
from tests.flows.test_privacy import stored
from tests.kill.process import RUN
from tests.state import own_state

pytestmark = [pytest.mark.prefect, pytest.mark.kill]

WAIT_SECONDS = 120
SOON_SECONDS = 60  # it takes four on an idle machine; left alone it would wait for the target
# Of somebody who would wait for ever for what is in flight: nothing but the second Ctrl-C ends it at once.
PATIENT = f"import flows.stop; flows.stop.GRACE_SECONDS = 3600; {RUN}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """Run one Prefect server for all tests of this module."""
    with prefect_server(tmp_path_factory.mktemp("prefect") / "server") as running:
        yield running


@pytest.fixture
def move(tmp_path: Path, sandbox: tuple[SandboxApp, str]) -> Place:
    """Put a table beside a sandbox."""
    app, url = sandbox
    app.reset()
    return Place(tmp_path, own_state(tmp_path), app, url)


def test_o10_a_partition_that_fails(move: Place, server: PrefectServer) -> None:
    """Flow run, summary and shell name partition and cause; the others' work stands, and the next one does the rest."""
    move.fill([customer(number) for number in range(40)])
    move.app.faults = Faults(forced={"C-25": Forced(status=401, error="unauthorized")})
    with migration(move, server, "--partitions", "4", "--workers", "1") as process:
        output, err = process.communicate(timeout=WAIT_SECONDS)
    move.app.faults = Faults()
    told = json.loads(output)
    assert (process.returncode, told["status"]) == (ExitCode.FAILED, "failed"), err
    message = told["message"]
    assert message.startswith("partition 3: ")
    assert message in err

    flow_run = flow_run_of(move, server)
    assert (flow_run["state"]["type"], flow_run["state"]["name"]) == ("FAILED", "Failed")
    assert message in flow_run["state"]["message"]
    tasks = task_states(server, flow_run, 4)
    assert tasks["partition 1 of 4"] == tasks["partition 2 of 4"] == ("COMPLETED", "10 created")
    kind, cause = tasks["partition 3 of 4"]
    assert kind == "FAILED"
    assert message.removeprefix("partition 3: ") in cause
    assert tasks["partition 4 of 4"][0] == "CANCELLED", "it was not begun, and has not failed"
    assert len(tasks) == 4, "nothing is compared"

    before = confirmed(move)
    assert before == arrived(move)
    assert {f"C-{number}" for number in range(20)} <= before.keys()
    assert move.ask("SELECT partition, status FROM runs ORDER BY coalesce(partition, 0)") == [
        (None, "failed"), (1, "completed"), (2, "completed"), (3, "failed"),
    ]  # fmt: skip # a table: it reads in rows
    sent = len(move.writes)
    summary = move.migrate(4)
    assert summary.exit_code is ExitCode.DONE
    assert any("goes on with a migration of 4 partitions, of which 2 are done" in each for each in move.notices)
    assert summary.counts.unchanged == len(before)
    assert not before.keys() & {each.reference for each in move.writes[sent:]}
    assert move.held == plain([customer(number) for number in range(40)])
    assert move.broken() == []


def test_ctrl_c(move: Place, server: PrefectServer) -> None:
    """What is in flight is settled, no other partition begins, all show as Cancelled; the next one does the rest."""
    move.fill([customer(number) for number in range(240)])
    move.target["concurrency"] = 4
    move.app.faults = Faults(latency_ms=200)
    with migration(move, server, "--partitions", "8", "--workers", "2") as process:
        wait_for(lambda: len(move.writes) >= 12 or process.poll() is not None)
        process.send_signal(signal.SIGINT)
        output, err = process.communicate(timeout=WAIT_SECONDS)
    move.app.faults = Faults()
    told = json.loads(output)
    assert (process.returncode, told["status"]) == (ExitCode.STOPPED, "interrupted"), err

    assert 0 < len(arrived(move)) < 240, "it stopped on its way"
    assert confirmed(move) == arrived(move), "what was answered is known"
    assert not {each for (each,) in move.ask("SELECT reference FROM intents")} & move.sent.keys()
    ends = dict(move.ask("SELECT partition, status FROM runs"))
    assert set(ends.values()) <= {"interrupted", "completed"}
    assert ends[None] == "interrupted"
    flow_run = flow_run_of(move, server)
    assert flow_run["state_type"] == "CANCELLED"
    shown = {name: kind for name, (kind, _) in task_states(server, flow_run, 8).items()}
    assert shown == {
        f"partition {number} of 8": "COMPLETED" if ends.get(number) == "completed" else "CANCELLED"
        for number in range(1, 9)
    }
    assert "CANCELLED" in shown.values()

    move.target["concurrency"] = 16
    assert move.migrate(8).exit_code is ExitCode.DONE
    assert move.held == plain([customer(number) for number in range(240)])
    assert set(move.sent.values()) == {1}
    assert move.broken() == []


def test_ctrl_c_in_the_comparison(move: Place, server: PrefectServer) -> None:
    """It ends soon, partitions that are not compared show as Cancelled, and the next one compares without sending."""
    move.fill([customer(number) for number in range(32)])
    move.target["concurrency"] = 4
    move.app.faults = Faults(latency_ms=200)
    with migration(move, server, "--partitions", "4", "--workers", "1") as process:
        wait_for(lambda: bool(looked_up(move)) or process.poll() is not None)
        move.app.faults = Faults(latency_ms=1000)
        process.send_signal(signal.SIGINT)
        output, err = process.communicate(timeout=WAIT_SECONDS)
    move.app.faults = Faults()
    assert (process.returncode, json.loads(output)["status"]) == (ExitCode.STOPPED, "interrupted"), err

    flow_run = flow_run_of(move, server)
    assert flow_run["state_type"] == "CANCELLED"
    states = task_states(server, flow_run, 8)
    assert [states[f"partition {number} of 4"] for number in range(1, 5)] == [("COMPLETED", "8 created")] * 4
    compared = {states[f"verify partition {number} of 4"][0] for number in range(1, 5)}
    assert {"CANCELLED"} <= compared <= {"COMPLETED", "CANCELLED"}

    assert move.migrate(4).exit_code is ExitCode.DONE
    assert set(move.sent.values()) == {1}
    assert move.broken() == []


def test_a_second_ctrl_c(move: Place, server: PrefectServer) -> None:
    """While the target says nothing, the second Ctrl-C ends all at once; the ledger knows whose answers are missing."""
    move.fill([customer(number) for number in range(80)])
    move.target |= {"concurrency": 4, "timeout": WAIT_SECONDS}
    # It takes customers in, and says so of the first ten alone.
    silent = Strike(kind="hang", probability=1, skip=10, methods=("POST",), after_commit=True)
    move.app.faults = Faults(strikes=(silent,))
    with migration(move, server, "--partitions", "4", "--workers", "2", command=PATIENT) as process:
        wait_for(lambda: len(move.writes) >= 14 or process.poll() is not None)
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
        process.send_signal(signal.SIGINT)
        output, err = process.communicate(timeout=SOON_SECONDS)
    move.app.faults = Faults()
    told = json.loads(output)
    assert (process.returncode, told["status"]) == (ExitCode.STOPPED, "interrupted"), err

    unanswered = {str(each.reference) for each in move.writes if each.ending == "hung"}
    assert unanswered
    assert unanswered <= {each for (each,) in move.ask("SELECT reference FROM intents")}
    assert confirmed(move).keys() == arrived(move).keys() - unanswered
    assert {status for (status,) in move.ask("SELECT status FROM runs")} == {"interrupted"}
    flow_run = flow_run_of(move, server)
    assert flow_run["state_type"] == "CANCELLED"
    tasks = task_states(server, flow_run, 4)
    assert [kind for kind, _ in tasks.values()] == ["CANCELLED"] * 4

    assert move.migrate(4).exit_code is ExitCode.DONE
    assert move.held == plain([customer(number) for number in range(80)])
    assert {reference for reference, times in move.sent.items() if times > 1} == unanswered
    assert move.broken() == []


def test_o13_a_target_that_says_nothing(move: Place, server: PrefectServer) -> None:
    """O13: requests that hang in worker threads end by deadlines of our own; the task ends, and everybody is there."""
    move.fill([customer(number) for number in range(40)])
    move.target |= {"concurrency": 4, "timeout": 2}
    silent = Strike(kind="hang", next=4, skip=6, methods=("POST",))
    applied = Strike(kind="hang", next=2, skip=20, methods=("POST",), after_commit=True)
    move.app.faults = Faults(strikes=(silent, applied))
    with migration(move, server, "--partitions", "4", "--workers", "2") as process:
        output, err = process.communicate(timeout=SOON_SECONDS)
    told = json.loads(output)
    assert (process.returncode, told["status"]) == (ExitCode.DONE, "completed"), err
    hung = [each for each in move.writes if each.ending == "hung"]
    assert len(hung) == 6
    assert move.held == plain([customer(number) for number in range(40)])
    tasks = task_states(server, flow_run_of(move, server), 8)
    assert {kind for kind, _ in tasks.values()} == {"COMPLETED"}
    assert move.broken() == []


@pytest.mark.parametrize("name", CASES)
def test_x04_x05_x30_nobody_is_told_of(server: PrefectServer, tmp_path: Path, name: str) -> None:
    """Prefect, standard error and the workers' own logs hold job and counts alone: no secret, no customer's value."""
    case = CASES[name]
    with open_scene(tmp_path, server) as scene:
        said = migrate(scene, name)
    assert said.code == ExitCode.FAILED, said.err
    loud = 4 if case.runner == "dask" else 2  # the command, once it has read the job, and each worker
    assert said.err.count("logging at DEBUG reaches standard error") == loud
    assert ("distributed.worker - DEBUG" in said.err) == (case.runner == "dask")

    everything = stored(server.database, str(scene.folder), *case.awaited)
    key = (scene.folder / "rollcall.key").read_text().strip()
    secret = {*canary.SECRETS, *canary.PERSONAL, *scene.tokens, key}
    forbidden = {*secret, *canary.REFERENCES}
    assert [(cell, found) for cell, value in everything if (found := canary.found_in(value, forbidden))] == []
    (parameters,) = [
        json.loads(value) for cell, value in everything if cell == "flow_run.parameters" and str(scene.folder) in value
    ]
    asked = {"partitions": 3, "workers": 2, "runner": case.runner, "cluster": None, "verify": True}
    assert parameters == {"job": str(scene.folder / "job.yaml"), **asked}
    files = [path for folder in (tmp_path / "kept", server.home) for path in folder.rglob("*") if path.is_file()]
    assert server.database in files
    assert {path.name: found for path in files if (found := canary.found_in(path.read_bytes(), forbidden))} == {}
    assert canary.found_in(said.err, forbidden) == []
    assert canary.found_in(said.out, secret) == []  # whom a comparison finds is told there, by reference
