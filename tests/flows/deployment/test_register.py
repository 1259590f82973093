"""What `rollcall deploy` registers: once and again, with the form, the schedule and the ledger, and no secret."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.command.deploy import _as_json
from flows.deployment.api import ApiError, connected, demand_api
from flows.deployment.catalogue import ENTRIES
from flows.deployment.order import Order, Wish, place_order
from flows.deployment.register import Registration, is_known, register
from flows.document import JobError
from tests.flows.display.server import PrefectServer

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]
CANARY = "canary-9f20"
ENVIRONMENT = {
    "URL": "http://127.0.0.1:9",
    "PASSWORD": f"{CANARY}-password",
    "ROLLCALL_STATE": f"postgresql://me:{CANARY}-state@127.0.0.1/rollcall",
    "ROLLCALL_KEY": f"{CANARY}-key",
}
JOB = """\
job: {name}
source: {{kind: csv, path: customers.csv}}
target: {{kind: valomnia, base_url: "${{URL}}", username: sandbox, password: "${{PASSWORD}}"}}
fields: {{reference: no, name: name}}
{more}
"""


def order(folder: Path, name: str, wish: Wish | None = None, more: str = "", **environment: str) -> Order:
    """Place an order for a job."""
    (folder / "job.yaml").write_text(JOB.format(name=name, more=more), encoding="utf-8")
    return place_order(folder / "job.yaml", wish or Wish(pool=f"pool-{name}"), ENVIRONMENT | environment)


def registered(api: PrefectServer, name: str, flow: str = "sync-customers") -> dict[str, Any]:
    """Ask Prefect for a deployment."""
    found: dict[str, Any] = api.ask("GET", f"/deployments/name/{flow}/{name}")
    return found


def test_what_is_registered(tmp_path: Path, api: PrefectServer) -> None:
    """Each flow of the table is a deployment of the job, with its form and tags; the first alone has the schedule."""
    wish = Wish(pool="pool-whole", tags=("nightly", "csv"))
    told = asyncio.run(register(order(tmp_path, "whole", wish, 'schedule: "*/15 * * * *"')))
    assert told.made_pool
    assert [each.name for each in told.deployments] == [f"{entry.name}/whole" for entry in ENTRIES]
    sync = registered(api, "whole")
    assert sync["entrypoint"] == "flows.sync.sync_customers"
    assert sync["tags"] == ["rollcall", "whole", "csv", "valomnia", "nightly"]
    assert sync["parameters"] == {"job": str(tmp_path / "job.yaml")}
    assert sync["enforce_parameter_schema"]
    form = sync["parameter_openapi_schema"]["properties"]
    assert form["full"] | {"type": "boolean", "default": False} == form["full"]
    (schedule,) = sync["schedules"]
    assert schedule["active"]
    assert schedule["schedule"] == {"cron": "*/15 * * * *", "timezone": "UTC", "day_or": True}
    assert sync["global_concurrency_limit"]["limit"] == 1
    assert sync["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
    assert "*/15 * * * *" in sync["description"]
    replay = registered(api, "whole", "replay-rejects")
    assert replay["schedules"] == []
    assert "It has no schedule." in replay["description"]
    assert replay["parameters"] == {"job": str(tmp_path / "job.yaml")}
    migrate = registered(api, "whole", "migrate-customers")
    assert migrate["parameters"] == {"job": str(tmp_path / "job.yaml"), "partitions": 1}, "a file has no key ranges"
    assert api.ask("GET", "/work_pools/pool-whole")["type"] == "process"
    assert CANARY not in json.dumps(sync) + json.dumps(replay)


def test_the_ledger_is_handed_over_by_name(tmp_path: Path, api: PrefectServer) -> None:
    """A block keeps its address and key, encrypted; the deployment names the fields, which a worker looks up."""
    told = asyncio.run(register(order(tmp_path, "named")))
    assert str(told.block) == "rollcall-ledger/named"
    assert registered(api, "named")["job_variables"] == {
        "env": {
            "ROLLCALL_STATE": "{{ prefect.blocks.rollcall-ledger.named.url }}",
            "ROLLCALL_KEY": "{{ prefect.blocks.rollcall-ledger.named.key }}",
        }
    }
    for file in [each for each in api.home.rglob("*") if each.is_file()]:
        assert CANARY.encode() not in file.read_bytes(), file.name


def test_no_block(tmp_path: Path, api: PrefectServer) -> None:
    """Without a block nothing is kept, and the worker's variables are named."""
    made = order(tmp_path, "bare", Wish(pool="pool-bare", keeps_block=False))
    told = asyncio.run(register(made))
    assert told.block is None
    assert told.left_block is None
    assert registered(api, "bare")["job_variables"] == {}
    assert made.missing == ("PASSWORD", "ROLLCALL_KEY", "ROLLCALL_STATE", "URL")


def test_what_the_server_does_not_know_any_more(tmp_path: Path, api: PrefectServer) -> None:
    """Who serves a job finds out that the server came back without one of its deployments."""
    told = asyncio.run(register(order(tmp_path, "forgotten"), served=True))
    assert asyncio.run(is_known(told))
    api.ask("DELETE", f"/deployments/{registered(api, 'forgotten', 'replay-rejects')['id']}")
    assert not asyncio.run(is_known(told))


@pytest.mark.usefixtures("api")
@pytest.mark.parametrize("served", [False, True])
def test_a_block_that_is_left_over_is_told(tmp_path: Path, *, served: bool) -> None:
    """An earlier deployment's block stays, since others may use it; whoever deploys without one hears of it."""
    name = f"left-{served}".lower()
    asyncio.run(register(order(tmp_path, name)))
    bare = order(tmp_path, name, Wish(pool=f"pool-{name}", keeps_block=False))
    told = asyncio.run(register(bare, served=served))
    assert str(told.left_block) == f"rollcall-ledger/{name}"
    shown = _as_json(bare, told, served=served)
    assert shown["removal"] == f"prefect block delete rollcall-ledger/{name}"
    again = asyncio.run(register(order(tmp_path, name)))
    assert again.left_block is None


def test_a_source_with_key_ranges_is_divided(tmp_path: Path, api: PrefectServer) -> None:
    """Where the source can be divided, the number of partitions is the flow's own."""
    with closing(sqlite3.connect(tmp_path / "erp.db")) as erp:
        erp.execute("CREATE TABLE customers (no INTEGER PRIMARY KEY, name TEXT)")
    job = JOB.format(name="ranges", more="").replace(
        "{kind: csv, path: customers.csv}", "{kind: database, url: 'sqlite:///erp.db', table: customers, key: no}"
    )
    (tmp_path / "job.yaml").write_text(job, encoding="utf-8")
    asyncio.run(register(place_order(tmp_path / "job.yaml", Wish(pool="pool-ranges"), ENVIRONMENT)))
    migrate = registered(api, "ranges", "migrate-customers")
    assert migrate["parameters"] == {"job": str(tmp_path / "job.yaml")}


def test_a_connection_that_is_lost(api: PrefectServer) -> None:
    """What breaks after the first answer is told as what it is, without an error of our own."""

    async def lose() -> None:
        async with connected():
            raise httpx.ReadError("")

    with pytest.raises(ApiError, match=rf"{api.api_url} was lost \(ReadError\)"):
        asyncio.run(lose())


def test_again(tmp_path: Path, api: PrefectServer) -> None:
    """The second time changes what has changed: one schedule stays one, a changed one changes, none removes it."""
    first = asyncio.run(register(order(tmp_path, "again", more="schedule: {every: 1h}")))
    second = asyncio.run(register(order(tmp_path, "again", more="schedule: {every: 1h}")))
    assert [each.id for each in first.deployments] == [each.id for each in second.deployments]
    assert (first.made_pool, second.made_pool) == (True, False)
    (hourly,) = registered(api, "again")["schedules"]
    assert hourly["schedule"]["interval"] == 3600
    asyncio.run(register(order(tmp_path, "again", more='schedule: {cron: "0 6 * * *", timezone: Europe/Berlin}')))
    (daily,) = registered(api, "again")["schedules"]
    assert (daily["schedule"]["cron"], daily["schedule"]["timezone"]) == ("0 6 * * *", "Europe/Berlin")
    asyncio.run(register(order(tmp_path, "again")))
    assert registered(api, "again")["schedules"] == []


def test_what_was_switched_off_stays_off(tmp_path: Path, api: PrefectServer) -> None:
    """Neither a paused deployment nor a schedule that the operator switched off begins again unasked."""
    more = "schedule: {every: 1h}"
    asyncio.run(register(order(tmp_path, "rests", Wish(paused=True), more)))
    found = registered(api, "rests")
    api.ask("PATCH", f"/deployments/{found['id']}/schedules/{found['schedules'][0]['id']}", json={"active": False})
    told = asyncio.run(register(order(tmp_path, "rests", Wish(), more)))
    assert told.deployments[0].paused
    assert registered(api, "rests")["paused"]
    assert not registered(api, "rests")["schedules"][0]["active"]
    told = asyncio.run(register(order(tmp_path, "rests", Wish(paused=False), more)))
    assert not told.deployments[0].paused


def test_served_deployments_leave_their_pool(tmp_path: Path, api: PrefectServer) -> None:
    """What was deployed to a pool and is then served is no longer any worker's, and keeps no block's name."""
    asyncio.run(register(order(tmp_path, "moves")))
    assert registered(api, "moves")["work_pool_name"] == "pool-moves"
    asyncio.run(register(order(tmp_path, "moves"), served=True))
    found = registered(api, "moves")
    assert found["work_pool_name"] is None
    assert found["job_variables"] == {}
    asyncio.run(register(order(tmp_path, "moves")))
    assert registered(api, "moves")["work_pool_name"] == "pool-moves"


def test_a_ledger_is_demanded(tmp_path: Path) -> None:
    """Without an address or a key nothing is deployed, and the message says what to give."""
    with pytest.raises(JobError, match="needs a ledger of its own"):
        order(tmp_path, "crm", ROLLCALL_STATE="")
    with pytest.raises(JobError, match="needs the ledger's key: set ROLLCALL_KEY"):
        order(tmp_path, "crm", ROLLCALL_KEY="")
    with pytest.raises(JobError, match="outlasts a run"):
        order(tmp_path, "crm", ROLLCALL_STATE="sqlite://")


def test_the_jobs_own_ledger_needs_no_block(tmp_path: Path) -> None:
    """What the job file says is read from it by each run; what it does not say is handed over; --state comes first."""
    more = "ledger: {url: 'sqlite:///own.db', key: own}"
    assert order(tmp_path, "crm", more=more).variables == {}
    half = order(tmp_path, "crm", more="ledger: {url: 'sqlite:///own.db'}")
    assert half.variables == {"ROLLCALL_KEY": f"{CANARY}-key"}
    first = order(tmp_path, "crm", Wish(state="sqlite:////given.db"), more)
    assert first.variables == {"ROLLCALL_STATE_FIRST": "sqlite:////given.db"}
    assert CANARY not in repr(half)


def test_a_relative_ledger_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker begins elsewhere: the file that is meant here is meant there."""
    monkeypatch.chdir(tmp_path)
    made = order(tmp_path, "crm", ROLLCALL_STATE="sqlite:///state.db")
    assert made.variables["ROLLCALL_STATE"] == f"sqlite:///{tmp_path / 'state.db'}"


def test_a_wrong_job_is_not_deployed(tmp_path: Path) -> None:
    """What can be seen wrong without the systems is refused."""
    text = JOB.format(name="crm", more="").replace("name: name", "name: {from: name, convert: strp}")
    (tmp_path / "job.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(JobError, match="did you mean strip"):
        place_order(tmp_path / "job.yaml", Wish(), ENVIRONMENT)


def test_no_api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without an API the advice is how to get one; one that does not answer is named without its password."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with pytest.raises(JobError, match="prefect server start"):
        demand_api({"PREFECT_HOME": str(tmp_path)})
    monkeypatch.setenv("PREFECT_CLIENT_MAX_RETRIES", "0")
    with (
        temporary_settings({PREFECT_API_URL: f"http://me:{CANARY}@127.0.0.1:9/api"}),
        pytest.raises(ApiError, match=r"http://127\.0\.0\.1:9/api does not answer") as caught,
    ):
        asyncio.run(_register(order(tmp_path, "crm")))
    assert CANARY not in str(caught.value)


async def _register(made: Order) -> Registration:
    return await register(made)
