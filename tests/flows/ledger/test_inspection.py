"""Reading a ledger without a key, a lease, a right to write, or a trace."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from flows.document import JobError
from flows.ledger.history import History
from flows.ledger.inspection import inspect_ledger, open_to_read
from flows.ledger.knowledge import LedgerError
from flows.ledger.ledger import Ledger
from flows.run import now
from tests.flows.bench import Bench, record
from tests.server import Database
from tests.state import State, server_state


@pytest.fixture
def written(bench: Bench) -> State:
    """Name a ledger in which a run has left a customer and a reject."""
    bench.source.records = [record("A"), record("B", name=None)]
    bench.run()
    bench.ledger.close()
    return bench.state


def dump(state: State) -> list[object]:
    """Write down what the ledger's settings and leases are."""
    with closing(Ledger.open(state.url, state.environment, now)) as ledger, ledger.reading() as connection:
        return [connection.execute(text(f"SELECT * FROM {name}")).all() for name in ("settings", "leases", "runs")]


def test_history_is_read_without_a_key(written: State) -> None:
    """Runs, rejects and stories are told to who has no ROLLCALL_KEY, and nothing changes."""
    before = dump(written)
    with closing(open_to_read(written.url)) as reader:
        told = History(reader)
        assert [row["status"] for row in told.runs("crm")] == ["completed"]
        assert [entry.reference for entry in told.rejects("crm")] == ["B"]
        assert told.story("crm", "A").target_id == "id-A"
    assert dump(written) == before


def test_a_reader_cannot_write(written: State) -> None:
    """What is opened to be read refuses every change, whoever asks."""
    with closing(open_to_read(written.url)) as reader:
        with pytest.raises(LedgerError, match=r"read-?only"), reader.reading() as connection:
            connection.execute(text("DELETE FROM runs"))
        assert len(History(reader).runs()) == 1


def test_a_reader_is_in_no_runs_way(written: State) -> None:
    """While a run writes, its ledger is read, and the other way round."""
    with (
        closing(Ledger.open(written.url, written.environment, now)) as ledger,
        closing(open_to_read(written.url)) as one,
    ):
        ledger.take_lease("crm")
        with one.reading() as connection:
            count = text("SELECT count(*) FROM runs")
            assert connection.execute(count).scalar() == 1
            ledger.begin_run("crm", "csv:/x", "t", "f")
            assert connection.execute(count).scalar() == 1
        assert len(History(one).runs()) == 2


def test_a_ledger_that_is_not_there_is_not_made(tmp_path: Path, postgresql: Database) -> None:
    """Who only reads makes neither file nor table."""
    with pytest.raises(JobError, match="no ledger"):
        open_to_read(f"sqlite:///{tmp_path}/none.db")
    (tmp_path / "empty.db").touch()
    with pytest.raises(JobError, match="no ledger"):
        open_to_read(f"sqlite:///{tmp_path}/empty.db")
    assert [file.name for file in tmp_path.iterdir()] == ["empty.db"]
    state = server_state(postgresql)
    with pytest.raises(JobError, match="no ledger"):
        open_to_read(state.url)
    assert "the first run makes it" in inspect_ledger(state.url, state.environment), "a check finds nothing wrong"
    with postgresql.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")).scalar() == 0


@pytest.mark.parametrize(("version", "words"), [("1", "the next run brings it up to date"), ("99", "version 99")])
def test_a_ledger_of_another_version_says_so(written: State, version: str, words: str) -> None:
    """An older schema is not read wrongly, and a newer one not at all."""
    with closing(Ledger.open(written.url, written.environment, now)) as ledger, ledger.engine.begin() as connection:
        connection.execute(text("UPDATE settings SET value = :v WHERE name = 'schema'"), {"v": version})
    with pytest.raises(JobError, match=words):
        open_to_read(written.url)


def test_reading_leaves_no_file_behind(tmp_path: Path) -> None:
    """A closed ledger is one file and its key, before and after it was read."""
    bench = Bench(tmp_path)
    bench.source.records = [record("A")]
    bench.run()
    bench.ledger.close()
    before = sorted(file.name for file in tmp_path.iterdir())
    with closing(open_to_read(bench.state.url)) as reader:
        History(reader).runs()
    assert sorted(file.name for file in tmp_path.iterdir()) == before


# Where tests run as root, whom nothing is forbidden, it becomes nobody once all is loaded.
READ = """
import os, sys
from sqlalchemy import create_engine
from flows.ledger.history import History
from flows.ledger.inspection import open_to_read
create_engine("sqlite://").connect().close()
if os.geteuid() == 0:
    os.setuid(65534)
print(len(History(open_to_read(sys.argv[1])).runs()))
"""


def test_a_ledger_is_read_where_nothing_may_be_written(tmp_path: Path) -> None:
    """A copy in a read-only folder, under a name that a URL would mistake, tells its runs."""
    bench = Bench(tmp_path)
    bench.source.records = [record("A")]
    bench.run()
    bench.ledger.close()
    place = Path(tempfile.mkdtemp(prefix="rollcall-read-only-"))  # pytest's own folders are closed to others
    try:
        copy = place / "of 50% #1.db"
        copy.write_bytes((tmp_path / "ledger.db").read_bytes())
        copy.chmod(0o444)
        place.chmod(0o555)
        command = [sys.executable, "-c", READ, f"sqlite:///{copy}"]
        told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert (told.stdout, told.stderr) == ("1\n", "")
        assert [file.name for file in place.iterdir()] == [copy.name]
    finally:
        place.chmod(0o755)
        copy.unlink()
        place.rmdir()


def test_a_password_is_not_told(postgresql: Database) -> None:
    """What is said of a ledger on a server leaves the password out."""
    url = server_state(postgresql).url.replace("postgres@", "postgres:s3cret@")
    with pytest.raises(JobError) as caught:
        open_to_read(url)
    assert "s3cret" not in str(caught.value)
