"""Files that others on the machine must not read, whatever the umask lets (FAULTS.md X25)."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.command import WITH_REJECT, Place, Shell, open_sandbox
from tests.flows.conftest import rollcall

__all__ = ["rollcall"]  # a fixture


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Put a job beside a sandbox, in a process that would let everybody read and write its files."""
    (tmp_path / "place").mkdir()
    before = os.umask(0)
    try:
        with open_sandbox() as (app, url):
            yield Place(tmp_path / "place", app, url)
    finally:
        os.umask(before)


def test_x25_all_that_commands_write_is_for_its_owner(place: Place, rollcall: Shell) -> None:
    """Ledger, key, locks, logs of SQLite, exports and differences of a migration: 0600, folders 0700."""
    inputs = set(place.folder.iterdir())
    place.write_customers(WITH_REJECT)
    assert rollcall("run", place.job).code == 3
    assert rollcall("rejects", place.job, "--csv", place.folder / "rejects.csv").code == 0
    assert rollcall("run", place.job, "--dry-run").code == 3
    assert rollcall("replay", place.job).code == 3
    made = [path for path in place.folder.rglob("*") if path not in inputs]
    assert {"rollcall.db", "rollcall.key", "rejects.csv"} <= {path.name for path in made}
    wide = {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in made if path.stat().st_mode & 0o077}
    assert wide == {}
