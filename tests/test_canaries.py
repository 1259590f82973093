"""The search for canaries finds what leaked, wherever it leaked to, and passes over the tests' own inputs."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import insert

from flows.export import COLUMNS, write_lines
from flows.ledger import tables
from flows.run import now
from tests.canaries import Hit, search
from tests.canary import DATABASE_PASSWORD, EMAILS, LEDGER_KEY, SEARCHED, SOURCE_KEY, TARGET_PASSWORD
from tests.server import Database
from tests.state import State, ledger_content, open_own

LEAKING_TEST = f"""
import logging
from tests.canary import keep

def test_that_leaks():
    print("signed in with {TARGET_PASSWORD}")
    logging.getLogger("leak").warning("read {EMAILS[4]}")
    keep("said {LEDGER_KEY}")
"""


def plant(state: State, message: str) -> None:
    """Let a ledger hold a text."""
    ledger = open_own(state, now)
    with ledger.engine.begin() as connection:
        connection.execute(insert(tables.settings).values(name="note", value=message))
    ledger.close()


def test_what_leaked_is_found(tmp_path: Path) -> None:
    """In ledgers, exports, logs, pickles and file of any other kind, whatever its name, in any case of letters."""
    plant(State(f"sqlite:///{tmp_path}/ledger.csv"), f"cannot read {EMAILS[0]}")
    write_lines(tmp_path / "rejects.csv", COLUMNS, [{**dict.fromkeys(COLUMNS, ""), "description": EMAILS[1].upper()}])
    (tmp_path / "deep" / "storage").mkdir(parents=True)
    (tmp_path / "deep" / "storage" / "c0ffee").write_bytes(b"\x80\x04" + TARGET_PASSWORD.encode())
    (tmp_path / "server.log").write_text(f"postgresql://me:{DATABASE_PASSWORD}@db/crm Token {SOURCE_KEY}")
    assert {(hit.file.name, hit.token) for hit in search(tmp_path)} == {
        ("ledger.csv", "e-mail address 1"),
        ("rejects.csv", "e-mail address 2"),
        ("c0ffee", "target password"),
        ("server.log", "database password"),
        ("server.log", "source key"),
    }


def test_inputs_of_tests_are_passed_over(tmp_path: Path) -> None:
    """Jobs, source files and databases, and journals of sandboxes hold such values by their nature."""
    (tmp_path / "job.yaml").write_text(f"password: {TARGET_PASSWORD}")
    (tmp_path / "customers.csv").write_text(f"no,mail\n1,{EMAILS[0]}\n")
    (tmp_path / "journal.jsonl").write_text(f'{{"email": "{EMAILS[0]}"}}')
    with closing(sqlite3.connect(tmp_path / "crm.db")) as source, source:
        source.execute("CREATE TABLE customers (mail)")
        source.execute("INSERT INTO customers VALUES (?)", [EMAILS[0]])
    handed = tmp_path / "prefect-workspace-attempt-1" / "workspace.json"
    handed.parent.mkdir()
    handed.write_text(LEDGER_KEY)
    handed.chmod(0o600)
    assert list(search(tmp_path)) == []
    handed.chmod(0o644)
    assert list(search(tmp_path)) == [Hit(handed, "ledger key")]


def test_a_ledger_on_a_server_is_read_before_it_is_dropped(state: State) -> None:
    """Every cell of its tables is searched."""
    plant(state, f"cannot sign in with {TARGET_PASSWORD}")
    if state.url.startswith("postgresql"):
        assert TARGET_PASSWORD.encode() in ledger_content(state.url)


def test_a_database_without_a_ledger_is_a_source(postgresql: Database) -> None:
    """Its customers belong there."""
    postgresql.execute("CREATE TABLE crm (mail text)", f"INSERT INTO crm VALUES ('{EMAILS[0]}')")
    assert ledger_content(postgresql.url) == b""


@pytest.mark.parametrize("workers", ["0", "1"])
def test_the_command_finds_what_a_test_prints_and_logs(tmp_path: Path, workers: str) -> None:
    """Captured output is searched as well, of workers too, and a hit ends with exit code 1 and the way it took."""
    (tmp_path / "test_leak.py").write_text(LEAKING_TEST)
    kept = {name: value for name, value in os.environ.items() if name != SEARCHED}
    options = ["--rootdir", str(tmp_path), "-p", "no:cacheprovider", "-n", workers]
    ended = subprocess.run(
        [sys.executable, "-m", "tests.canaries", str(tmp_path / "test_leak.py"), *options],
        env={**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "TMPDIR": str(tmp_path)},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 1, ended.stderr
    found = {line.partition(": ")[2] for line in ended.stdout.splitlines() if ".kept: " in line}
    assert found == {"target password", "e-mail address 5", "ledger key"}


def test_a_hit_says_where(tmp_path: Path) -> None:
    """A hit names the file and the kind of token, not the token."""
    (tmp_path / "out.log").write_text(LEDGER_KEY)
    assert list(search(tmp_path)) == [Hit(tmp_path / "out.log", "ledger key")]
