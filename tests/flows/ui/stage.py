"""What the browser looks at: a Prefect server with its UI, a worker, and two jobs that it runs into a sandbox."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.sandbox.fault import Faults
from tests.flows.command import start_python
from tests.flows.deployment.worker import ROLLCALL, WORKER, children, end, ours, wait_for
from tests.flows.display.server import PrefectServer, prefect_server
from tests.kill.process import sandbox_process

GOOD, BAD = "crm-to-valomnia", "shop-to-valomnia"
PASSWORD = "wrong-password-canary"
COUNT, PAGE = 600, 60
_WAIT_SECONDS = 170  # half a minute until both are due, and the rest for a machine that has much to do

JOB = """\
job: {name}
source:
  kind: csv
  path: customers.csv
  key: no
target:
  kind: valomnia
  base_url: ${{VALOMNIA_URL}}
  username: sandbox
  password: {password}
  concurrency: 4
fields:
  reference: no
  name: company
  email: {{from: email, convert: email}}
  billingCountry: {{from: country, convert: country_code}}
  currency: currency
page_size: {page}
schedule: {{every: 30s}}
"""
# Customers with something wrong, by their numbers: columns company, email, country and currency.
FAULTY = {
    **dict.fromkeys((17, 131, 258, 402, 511), ("Firm", "no-address", "Sweden", "EUR")),
    **dict.fromkeys((44, 301, 302, 455), ("Firm", "desk@firm.example", "Atlantis", "EUR")),
    **dict.fromkeys((90, 377), ("Firm", "desk@firm.example", "Norway", "XAU")),
    219: ("", "desk@firm.example", "Norway", "EUR"),
}


@dataclass(frozen=True, slots=True)
class Stage:
    """A server, and what ran there: the first scheduled run of a good job, and one of a job with a wrong password."""

    server: PrefectServer
    folder: Path
    deployments: dict[str, str]
    completed: dict[str, Any]
    failed: dict[str, Any]

    @property
    def address(self) -> str:
        """Where the UI is."""
        return self.server.api_url.removesuffix("/api")

    @staticmethod
    def run_page(flow_run: dict[str, Any]) -> str:
        """Tell where a flow run's page is."""
        return f"/runs/flow-run/{flow_run['id']}"

    def artifact_page(self, key: str) -> str:
        """Tell where the page of an artifact of the completed run is."""
        found = self.server.artifacts(self.completed["id"])
        return f"/artifacts/artifact/{next(each['id'] for each in found if each['key'] == key)}"


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """Deploy both jobs, let a worker run them on their schedules, and keep the server until the end of the block."""
    folder.mkdir(exist_ok=True)
    with (
        prefect_server(folder / "prefect" / "server", ui=True) as server,
        sandbox_process(folder, Faults(latency_ms=60)) as sandbox,
    ):
        place = folder / "work"
        place.mkdir()
        _write(place)
        environment = {
            **server.environment,
            **WORKER,
            "VALOMNIA_URL": sandbox.base_url,
            "PREFECT_UI_URL": server.api_url.removesuffix("/api"),
            "ROLLCALL_KEY": "key-canary-7d20",
        }
        deployments = {name: _deploy(place / f"{name}.yaml", environment) for name in (BAD, GOOD)}
        with _worker(place, environment):
            completed = _first_end(server, deployments[GOOD])
            failed = _first_end(server, deployments[BAD])
        yield Stage(server, place, deployments, completed, failed)


def _write(place: Path) -> None:
    for name, password in ((GOOD, "sandbox"), (BAD, PASSWORD)):
        text = JOB.format(name=name, password=password, page=PAGE)
        (place / f"{name}.yaml").write_text(text, encoding="utf-8")
    good = ("Firm", "desk@firm.example", "Germany", "EUR")
    lines = [f"C-{number:04},{','.join(FAULTY.get(number, good))}\n" for number in range(1, COUNT + 1)]
    (place / "customers.csv").write_text("no,company,email,country,currency\n" + "".join(lines), encoding="utf-8")


def _deploy(job: Path, environment: dict[str, str]) -> str:
    ledger = f"sqlite:///{job.stem}.db"  # one for each, so that each job's first run is number 1
    said = start_python(ROLLCALL, "deploy", job, "--state", ledger, "--json", environment=environment, cwd=job.parent)
    assert said.code == 0, said.err
    return str(next(each["id"] for each in said.json["deployments"] if each["name"].startswith("sync-")))


@contextmanager
def _worker(place: Path, environment: dict[str, str]) -> Iterator[None]:
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "rollcall"]
    with (
        (place.parent / "worker.log").open("wb") as log,
        subprocess.Popen(command, env={**ours(), **environment}, cwd=place, stdout=log, stderr=log) as process,
    ):
        try:
            yield
        finally:
            for each in [*children(process.pid), process.pid]:
                end(each)


def _first_end(server: PrefectServer, deployment: str) -> dict[str, Any]:
    """Wait until a run of a deployment has ended that its schedule began, and its log has come; gives the run."""
    found: list[dict[str, Any]] = []
    body = {
        "deployments": {"id": {"any_": [deployment]}},
        "flow_runs": {"state": {"type": {"any_": ["COMPLETED", "FAILED"]}}},
        "sort": "EXPECTED_START_TIME_ASC",
    }

    def ended() -> bool:
        found[:] = server.ask("POST", "/flow_runs/filter", json=body)
        return bool(found) and any(line.startswith("Finished in state") for line in server.logs(found[0]["id"])[-1:])

    wait_for(ended, _WAIT_SECONDS)
    assert found[0]["auto_scheduled"], "nobody asked for this run but its schedule"
    return found[0]
