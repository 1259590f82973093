"""What the tests of migrations share: a table, a sandbox and a ledger in each kind of database."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.sandbox.app import SandboxApp
from tests.flows.migration.place import Place
from tests.state import State


@pytest.fixture
def move(tmp_path: Path, sandbox: tuple[SandboxApp, str], state: State) -> Place:
    """Put an empty table beside a sandbox that knows nothing yet."""
    app, url = sandbox
    app.reset()
    made = Place(tmp_path, state, app, url)
    made.fill([])
    return made
