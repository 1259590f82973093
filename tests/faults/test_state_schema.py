"""A ledger of another version, or one that cannot be written (FAULTS.md S12, S13)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import inspect, make_url, text

import flows.ledger.migration
from flows.document import JobError
from flows.failure import explain_failure
from flows.ledger import tables
from flows.ledger.ledger import Ledger
from flows.summary import ExitCode
from tests.flows.clock import SetClock
from tests.server import Database
from tests.state import KEY, State, server_state, skip_unless_asked

# Brings a ledger up to date, and is killed just after the given statement that changes its schema.
KILLED = """
import os, signal, sys
from sqlalchemy import event
from sqlalchemy.engine import Engine
from flows.ledger.ledger import Ledger
from flows.run import now
left = int(sys.argv[2])
@event.listens_for(Engine, "after_cursor_execute")
def look(connection, cursor, statement, *_):
    global left
    if statement.split()[0] in {"ALTER", "CREATE"} and "IF NOT EXISTS" not in statement:
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
Ledger.open(sys.argv[1], os.environ, now)
"""
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("statement", [1, 4, 9])
def test_s12_killed_in_the_middle_of_a_migration(state: State, statement: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that was not ended was not begun: the next opening does it whole, and nothing that was there is lost."""
    newest = flows.ledger.migration.MIGRATIONS
    with monkeypatch.context() as patch:
        patch.setattr(flows.ledger.migration, "MIGRATIONS", newest[:1])
        with closing(Ledger.open(state.url, state.environment, SetClock())) as old, old.engine.begin() as connection:
            connection.execute(text("INSERT INTO scopes (job, target) VALUES ('crm', 'kept')"))
    command = [sys.executable, "-c", KILLED, state.url, str(statement)]
    ended = subprocess.run(command, check=False, cwd=ROOT, timeout=60, env={**os.environ, **state.environment})
    assert ended.returncode == -signal.SIGKILL
    with closing(Ledger.open(state.url, state.environment, SetClock())) as ledger:
        with ledger.reading() as connection:
            assert connection.execute(text("SELECT target FROM scopes")).scalars().all() == ["kept"]
            version = connection.execute(text("SELECT value FROM settings WHERE name = 'schema'")).scalar()
            assert version == str(len(newest))
        seen = inspect(ledger.engine)
        for table in tables.metadata.sorted_tables:
            found = {column["name"] for column in seen.get_columns(table.name)}
            assert found == {column.name for column in table.columns}, table.name


@contextmanager
def as_somebody_else() -> Iterator[None]:
    """Go on without root's rights, which no file mode withstands."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("theirs", ["the folder", "the file"])
def test_s13_a_ledger_of_another_owner(theirs: str) -> None:
    """Who may not write the ledger is told so with exit code 2, and it stays as it was."""
    skip_unless_asked("sqlite")
    with tempfile.TemporaryDirectory(prefix="rollcall-owner-") as name:  # pytest's own folders are closed to others
        folder = Path(name)
        folder.chmod(0o755)
        if theirs == "the file":
            Ledger.open(f"sqlite:///{folder}/ledger.db", {}, SetClock()).close()
            folder.chmod(0o777)
        before = {file: file.read_bytes() for file in folder.iterdir()}
        with as_somebody_else(), pytest.raises(JobError, match="cannot be written \\(Permission denied\\)") as caught:
            Ledger.open(f"sqlite:///{folder}/ledger.db", {}, SetClock())
        assert explain_failure(caught.value)[0] is ExitCode.JOB
        assert {file: file.read_bytes() for file in folder.iterdir()} == before


def test_s13_a_role_that_may_not_write(postgresql: Database) -> None:
    """A role without the right to make tables in the ledger's database is told with exit code 2 as well."""
    skip_unless_asked("postgresql")
    role = f"{postgresql.engine.url.database}_reader"
    postgresql.execute(f"CREATE ROLE {role} LOGIN", "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    try:
        url = make_url(server_state(postgresql).url).set(username=role).render_as_string(hide_password=False)
        with pytest.raises(JobError, match=r"no schema has been selected|permission denied") as caught:
            Ledger.open(url, {"ROLLCALL_KEY": KEY}, SetClock())
        assert explain_failure(caught.value)[0] is ExitCode.JOB
    finally:
        postgresql.execute(f"DROP ROLE {role}")
