"""A worker has the ledger of its migration, or none."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from flows.document import JobError
from flows.migration.sharing import open_shared_ledger
from tests.flows.migration.place import Place


def test_a_worker_makes_no_ledger(move: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a worker finds no ledger it says what to do, and leaves no file behind."""
    monkeypatch.setenv("ROLLCALL_STATE", f"sqlite:///{tmp_path / 'other.db'}")
    job = move.write_job()
    before = set(tmp_path.iterdir())
    with pytest.raises(JobError, match="another ledger than its migration"):
        open_shared_ledger(job)
    assert set(tmp_path.iterdir()) == before


def test_a_worker_opens_the_ledger_of_its_migration(move: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the migration has made the ledger already, the worker writes to that one."""
    move.migrate(1)
    for name, value in {"ROLLCALL_STATE": move.state.url, **move.state.environment}.items():
        monkeypatch.setenv(name, value)
    with closing(open_shared_ledger(move.write_job())) as ledger, ledger.reading():
        assert ledger.engine.url.database is not None
        assert str(ledger.engine.url.database) in move.state.url
