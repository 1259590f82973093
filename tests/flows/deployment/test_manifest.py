"""The prefect.yaml of a checkout: every flow for any job, registered by Prefect's own command."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from prefect.flows import load_flow_from_entrypoint
from ruamel.yaml import YAML

from flows.deployment.catalogue import ENTRIES
from tests.flows.deployment.worker import ours
from tests.flows.display.server import PrefectServer

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]
ROOT = Path(__file__).parents[3]
MANIFEST = YAML().load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))


def test_it_names_the_flows_of_the_table() -> None:
    """Each flow of the table stands in it, and each entrypoint loads the flow of that name."""
    named = [each["entrypoint"] for each in MANIFEST["deployments"]]
    assert named == [entry.entrypoint for entry in ENTRIES]
    for entry in ENTRIES:
        assert load_flow_from_entrypoint(entry.entrypoint).name == entry.name


def test_prefect_deploys_it(tmp_path: Path, server: PrefectServer) -> None:
    """`prefect deploy --all` registers all flows with a form that asks for the job file, and no place of a machine."""
    (tmp_path / "prefect.yaml").write_bytes((ROOT / "prefect.yaml").read_bytes())
    with suppress(httpx.HTTPStatusError):  # another test of this folder may have made it
        server.ask("POST", "/work_pools/", json={"name": "rollcall", "type": "process"})
    ended = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"],
        env={**ours(), **server.environment},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    for entry in ENTRIES:
        found = server.ask("GET", f"/deployments/name/{entry.name}/any-job")
        assert found["parameters"] == {}
        assert "job" in found["parameter_openapi_schema"]["required"]
        assert found["path"] is None
        assert found["pull_steps"] == []
        assert str(tmp_path) not in str(found)
