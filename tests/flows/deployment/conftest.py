"""One Prefect server and one sandbox for all tests of deployments, each in a process of its own."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from connectors.sandbox.fault import Faults
from tests.flows.deployment.worker import scheduling_server
from tests.flows.display.server import PrefectServer
from tests.kill.process import SandboxProcess, sandbox_process


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """Serve Prefect's API with its scheduler to the tests of this folder."""
    with scheduling_server(tmp_path_factory.mktemp("prefect") / "server") as served:
        yield served


@pytest.fixture(scope="package")
def slow_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """Serve a target that takes its time, so that a run lasts some seconds."""
    with sandbox_process(tmp_path_factory.mktemp("sandbox"), Faults(latency_ms=200)) as served:
        yield served


@pytest.fixture
def api(server: PrefectServer) -> Iterator[PrefectServer]:
    """Let Prefect's client in this process speak to the server."""
    from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings

    with temporary_settings({PREFECT_API_URL: server.api_url, PREFECT_HOME: server.home.parent / "client"}):
        yield server
    gc.collect()  # here, where the warnings of Prefect's sockets are expected
