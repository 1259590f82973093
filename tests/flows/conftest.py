"""A job with its customers beside a sandbox, and a shell to call the command line from."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.sandbox.app import SandboxApp
from tests.flows.bench import bench
from tests.flows.command import Place, Shell, environment_of, open_sandbox

__all__ = ["bench"]  # a fixture


@pytest.fixture(scope="session")
def sandbox() -> Iterator[tuple[SandboxApp, str]]:
    """Serve one sandbox to all tests of this session."""
    with open_sandbox() as served:
        yield served


@pytest.fixture
def place(tmp_path: Path, sandbox: tuple[SandboxApp, str]) -> Place:
    """Put a job and three customers beside a sandbox that knows nothing yet."""
    app, url = sandbox
    app.reset()
    folder = tmp_path / "place"
    folder.mkdir()
    return Place(folder, app, url)


@pytest.fixture
def rollcall(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    """Make a shell in the place's folder, with its variables set and neither a ledger nor Prefect named."""
    for name, value in environment_of(place, tmp_path / "prefect").items():
        monkeypatch.setenv(name, value)
    for name in ("ROLLCALL_STATE", "ROLLCALL_KEY", "PREFECT_API_URL", "PREFECT_PROFILE"):
        monkeypatch.setenv(name, "")  # so that what a command sets is taken back after the test
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(place.folder)
    return Shell(monkeypatch, capsys)


@pytest.fixture
def surroundings(rollcall: Shell) -> Iterator[None]:
    """Set the variables of the place's job, as a shell would, for a flow that is called as a function."""
    assert rollcall is not None
    yield
    gc.collect()  # here, where the warnings of Prefect's sockets are expected
