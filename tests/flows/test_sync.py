"""The Prefect flow: a task run a page, artifacts for people, and final states that tell what the ledger tells."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import TaskRunFilter, TaskRunFilterFlowRunId
from prefect.client.schemas.objects import State, StateType, TaskRun
from prefect.client.schemas.sorting import TaskRunSort
from rich.console import Console

from connectors.sandbox.fault import Faults
from connectors.valomnia import ValomniaSettings
from flows.document import JobError
from flows.job import load_job
from flows.ledger.knowledge import LedgerError
from flows.ledger.lease import LeaseHeldError
from flows.ledger.ledger import Ledger
from flows.run import now
from flows.selection import EVERYTHING
from flows.summary import ExitCode, Summary
from flows.sync import run_flow, sync_customers
from tests.conftest import PrefectHarness
from tests.flows.command import PASSWORD, WITH_REJECT, Place, environment_of, start_python
from tests.flows.latest import latest_flow_run
from tests.state import own_state

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.usefixtures("surroundings"),
    # Prefect's clients leave sockets to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


def sync(place: Place) -> Summary:
    """Run the place's job as a flow, and give what the shell is told."""
    summary = run_flow(place.job, Console(stderr=True), EVERYTHING)
    assert summary is not None
    return summary


def name_own_ledger(place: Place) -> None:
    """Let the job file say where the ledger is: of the kind that is asked for."""
    state = own_state(place.folder)
    key = f', key: "{state.environment["ROLLCALL_KEY"]}"' if state.environment else ""
    with place.job.open("a", encoding="utf-8") as job:
        job.write(f'ledger: {{url: "{state.url}"{key}}}\n')


def task_runs(flow_run: UUID, count: int) -> list[TaskRun]:
    """Ask Prefect for so many task runs of a flow run, by name; they are stored a moment after they ended."""
    wanted = TaskRunFilter(flow_run_id=TaskRunFilterFlowRunId(any_=[flow_run]))
    with get_client(sync_client=True) as client:
        for _ in range(100):
            runs = client.read_task_runs(task_run_filter=wanted, sort=TaskRunSort.NAME_ASC, limit=200)
            if len(runs) >= count and all(run.state is not None and run.state.is_final() for run in runs):
                break
            time.sleep(0.05)
    return runs


def artifact(key: str, flow_run: UUID) -> tuple[str, str]:
    """Give kind and content of the one artifact that this flow run left under a key."""
    with get_client(sync_client=True) as client:  # its own method for this asks for what the server refuses (422)
        of_run = {"key": {"any_": [key]}, "flow_run_id": {"any_": [str(flow_run)]}}
        (found,) = client.request("POST", "/artifacts/filter", json={"artifacts": of_run}).json()
    return str(found["type"]), str(found["data"])


def artifact_keys(flow_run: UUID) -> set[str]:
    """List the keys of the artifacts that a flow run left."""
    with get_client(sync_client=True) as client:
        of_run = {"flow_run_id": {"any_": [str(flow_run)]}}
        return {each["key"] for each in client.request("POST", "/artifacts/filter", json={"artifacts": of_run}).json()}


@pytest.mark.usefixtures("prefect_harness")
def test_run_with_rejects(place: Place) -> None:
    """Each page is a task run, the counts and the grouped rejects are artifacts, and the state tells of rejects."""
    place.write_customers(WITH_REJECT)
    summary = sync(place)
    assert summary.exit_code == ExitCode.REJECTS
    run = latest_flow_run()
    assert run.parameters == {"job": str(place.job), "full": False, "since": None, "limit": None, "dry_run": False}
    assert run.state is not None
    assert run.state.is_completed()
    assert run.state.name == "Completed with 1 reject"
    assert [(task.name, task.state_name) for task in task_runs(run.id, 2)] == [
        ("page 1: records 1-2", "Completed"),
        ("page 2: records 3-4", "Completed"),
    ]
    assert run.name.startswith("crm 20")
    assert datetime.strptime(run.name, "crm %Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - only its form counts
    kind, text = artifact("crm-run", run.id)
    assert kind == "markdown"
    for row in (
        "| created | 3 |",
        "| invalid | 1 |",
        "| **extracted** | **4** |",
        "# crm: completed with 1 reject",
        "| retries | 0 |",
    ):
        assert row in text
    kind, text = artifact("crm-rejects", run.id)
    assert kind == "table"
    for part in ('"count": 1', '"code": "missing_param"', '"field": "name"', '"advice": "'):
        assert part in text


@pytest.mark.usefixtures("prefect_harness")
def test_run_without_rejects(place: Place) -> None:
    """A run in which every customer arrives is Completed, and says so."""
    assert sync(place).exit_code == ExitCode.DONE
    state = latest_flow_run().state
    assert state is not None
    assert (state.name, state.message) == ("Completed", "3 created")
    assert "crm-rejects" not in artifact_keys(latest_flow_run().id)


@pytest.mark.usefixtures("prefect_harness")
@pytest.mark.parametrize("status", [422, 503])
def test_a_server_that_refuses_an_artifact(
    place: Place, status: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The run is Completed in Prefect all the same, and one line of the log says that not all of it is shown."""
    usual = httpx.AsyncClient.send
    refused = []

    async def send(self: httpx.AsyncClient, request: httpx.Request, **options: Any) -> httpx.Response:
        if request.url.path.endswith("/artifacts/"):
            refused.append(request.url.path)
            return httpx.Response(status, json={}, request=request)
        return await usual(self, request, **options)

    monkeypatch.setattr(httpx.AsyncClient, "send", send)
    assert sync(place).exit_code == ExitCode.DONE
    assert refused
    run = latest_flow_run()
    assert (run.state_name, run.parameters["job"]) == ("Completed", str(place.job))
    told = [record.message for record in caplog.records if "does not show all of this run" in record.message]
    assert told == ["Prefect does not show all of this run (PrefectHTTPStatusError); the ledger keeps account of it"]
    assert "does not answer" not in caplog.text


@pytest.mark.usefixtures("prefect_harness")
def test_a_ledger_lost_after_the_run(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be read back for a picture of the run does not make a completed run a failed one."""

    def lost(*_: object) -> None:
        raise LedgerError("the ledger cannot be read")

    place.write_customers(WITH_REJECT)
    monkeypatch.setattr("flows.display.hosting.reject_rows", lost)
    assert sync(place).exit_code == ExitCode.REJECTS
    run = latest_flow_run()
    assert (run.state_name, run.parameters["job"]) == ("Completed with 1 reject", str(place.job))


@pytest.mark.usefixtures("prefect_harness")
def test_a_takeover_is_told_once(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """The run after one that ended without a word says so in one line of its log."""
    sync(place)
    with closing(sqlite3.connect(place.folder / "rollcall.db")) as ledger, ledger:
        ledger.execute("UPDATE runs SET status = 'running', ended_at = NULL")
    caplog.clear()
    assert sync(place).resumes_run_id == "1"
    told = [record.message for record in caplog.records if "takes over" in record.message]
    assert told == ["run 2: run 1 did not end; this run takes over from it"]


@pytest.mark.usefixtures("prefect_harness")
def test_refused_login_fails_the_flow(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that refuses our credentials makes the flow run Failed, with the cause; the shell gets 1."""
    monkeypatch.setenv("PASSWORD", "wrong-password")
    summary = sync(place)
    assert summary.exit_code == ExitCode.FAILED
    run = latest_flow_run()
    assert run.state is not None
    assert run.state.is_failed()
    assert "failed: valomnia: login: user name or password refused" in str(run.state.message)
    assert task_runs(run.id, 0) == []


@pytest.mark.usefixtures("prefect_harness")
def test_o10_failing_page_fails_the_flow(place: Place) -> None:
    """A page that fails is a failed task run, and the flow run is Failed with the same cause."""
    name_own_ledger(place)
    place.app.faults = Faults(refuse_credentials=403)
    summary = sync(place)
    assert (summary.exit_code, summary.unfinished) == (ExitCode.FAILED, 1)
    run = latest_flow_run()
    assert run.state is not None
    assert run.state.is_failed()
    assert "the credentials are refused" in str(run.state.message)
    (task,) = task_runs(run.id, 1)
    assert (task.name, task.state_name) == ("page 1: records 1-2", "Failed")
    assert task.state is not None
    assert "the credentials are refused" in str(task.state.message)


@pytest.mark.usefixtures("prefect_harness")
def test_a_guard_and_another_run_name_the_state(place: Place) -> None:
    """A guard's stop is Failed under its own name; a newcomer to a run under way is Cancelled, and told so."""
    place.write_customers("no,company,mail\n" + "".join(f"C-{n},,\n" for n in range(120)))
    place.change_job("page_size: 2", "guards: {max_rejected: 20%}")
    assert sync(place).exit_code == ExitCode.GUARD
    state = latest_flow_run().state
    assert state is not None
    assert (state.type, state.name) == (StateType.FAILED, "Stopped by a guard")
    ledger = Ledger.open(f"sqlite:///{place.folder / 'rollcall.db'}", {}, now)
    try:
        ledger.take_lease("crm")
        with pytest.raises(LeaseHeldError):
            run_flow(place.job, Console(stderr=True), EVERYTHING)
    finally:
        ledger.close()
    state = latest_flow_run().state
    assert state is not None
    assert (state.type, state.name) == (StateType.CANCELLED, "Skipped: another run is writing")
    assert "another run of crm" in str(state.message)


@pytest.mark.usefixtures("prefect_harness")
def test_wrong_job_fails_the_flow(place: Place) -> None:
    """A wrong job makes the flow run Failed with the message, is raised for the shell, and makes no ledger."""
    place.change_job("convert: strip", "convert: strp")
    with pytest.raises(JobError, match="unknown converter strp; did you mean strip"):
        run_flow(place.job, Console(stderr=True), EVERYTHING)
    state = latest_flow_run().state
    assert state is not None
    assert state.is_failed()
    assert "did you mean strip?" in str(state.message)
    assert place.files == {"job.yaml", "customers.csv"}
    assert place.requests == []


def test_command_runs_the_flow(place: Place, prefect_harness: PrefectHarness, tmp_path: Path) -> None:
    """With a Prefect API configured, `rollcall run` is a flow run; standard output still holds one JSON object."""
    place.write_customers(WITH_REJECT)
    environment = environment_of(place, tmp_path / "prefect") | {"PREFECT_API_URL": prefect_harness.api_url}
    said = start_python(
        "from flows.cli import main; main()", "run", place.job, "--json", environment=environment, cwd=tmp_path
    )
    assert said.code == 3, said.err
    assert (said.json["created"], said.json["invalid"]) == (3, 1)
    run = latest_flow_run()
    assert run.parameters == {"job": str(place.job), "full": False, "since": None, "limit": None, "dry_run": False}
    assert run.state_name == "Completed with 1 reject"


@pytest.mark.parametrize(("password", "code"), [(PASSWORD, 0), ("wrong-password", 1)])
def test_o05_closed_prefect_server(place: Place, tmp_path: Path, password: str, code: int) -> None:
    """Where no Prefect server listens, the run goes on without it within half a minute and ends with its own code."""
    state = own_state(place.folder)
    environment = environment_of(place, tmp_path / "prefect") | {
        "PREFECT_API_URL": "http://127.0.0.1:9/api",
        "PASSWORD": password,
        "ROLLCALL_STATE": state.url,
        **state.environment,
    }
    began = time.monotonic()
    said = start_python(
        "from flows.cli import main; main()", "run", place.job, "--json", environment=environment, cwd=tmp_path
    )
    assert time.monotonic() - began < 30
    assert said.code == said.json["exit_code"] == code, said.err
    assert "it goes on here without Prefect" in said.err
    assert "Traceback" not in said.err
    assert place.requests.count("POST /api/v2.1/customers/reference/C-1") == (1 if code == 0 else 0)


@pytest.mark.usefixtures("prefect_harness")
def test_a_secret_block_is_filled_in_and_shown_nowhere(place: Place) -> None:
    """`{{ prefect.blocks.secret.NAME }}` takes the block's value; a block that is not there is named."""
    Secret(value="block-canary").save("acme-password", overwrite=True)
    text = place.job.read_text(encoding="utf-8")
    assert "${PASSWORD}" in text
    reference = '"{{ prefect.blocks.secret.acme-password }}"'
    place.job.write_text(text.replace("${PASSWORD}", reference), encoding="utf-8")
    job = load_job(place.job, {"URL": place.url})
    assert isinstance(job.target, ValomniaSettings)
    assert job.target.password.get_secret_value() == "block-canary"
    assert "block-canary" not in repr(job)
    place.job.write_text(text.replace("${PASSWORD}", reference.replace("acme", "nobody")), encoding="utf-8")
    with pytest.raises(JobError, match="no Prefect block secret/nobody-password"):
        load_job(place.job, {"URL": place.url})


@pytest.mark.usefixtures("prefect_harness")
def test_dry_run_from_the_form(place: Place) -> None:
    """A dry run that is asked for in the UI's form sends nothing, makes no ledger, and says what a run would do."""
    place.write_customers(WITH_REJECT)

    async def asked() -> State[Any]:
        return await sync_customers(str(place.job), dry_run=True, return_state=True)

    state = asyncio.run(asked())
    assert (state.type.value, state.name) == ("COMPLETED", "Completed with 1 reject")
    assert state.message == "dry run: 3 created, 1 invalid"
    assert place.requests == []
    assert place.files == {"job.yaml", "customers.csv"}
    run = latest_flow_run()
    kind, text = artifact("crm-dry-run", run.id)
    assert kind == "markdown"
    assert "| created | 3 |" in text
    assert artifact("crm-dry-run-rejects", run.id)[0] == "table"
