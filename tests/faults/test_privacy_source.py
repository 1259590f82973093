"""A source that fails in mid-read and quotes a customer, and what stays of rejects in time (FAULTS.md X01, X24)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote_plus

import pytest

from connectors.sandbox.exchange import Reply, Request
from flows.summary import ExitCode
from tests.canary import DATABASE_PASSWORD, EMAILS, LEDGER_KEY, TARGET_PASSWORD
from tests.faults.target_run import TargetRuns, target_runs
from tests.flows.canary import found_in
from tests.flows.command import PASSWORD, Place, start_python
from tests.flows.conftest import place, sandbox
from tests.flows.test_privacy import CALL, LOUD
from tests.server import Database
from tests.state import ledger_content, own_state

__all__ = ["place", "sandbox"]  # fixtures

FORBIDDEN = (*EMAILS, DATABASE_PASSWORD, TARGET_PASSWORD, LEDGER_KEY)
CELL = "CASE WHEN no = 'C-4' THEN CAST(CAST(mail AS integer) AS text) ELSE company END AS company"
SOURCE = f"""\
  kind: database
  url: ${{CRM}}
  query: "SELECT no, mail, {CELL} FROM crm"
  key: no
"""


def fill(database: Database) -> None:
    """Write five customers, whose fourth the query cannot read."""
    database.execute("CREATE TABLE crm (no varchar(20), company varchar(99), mail varchar(99))")
    for number, address in enumerate(EMAILS, start=1):
        database.execute(f"INSERT INTO crm VALUES ('C-{number}', 'Firm {number}', '{address}')")


@pytest.mark.parametrize("failing", ["a cell", "the password", "the table"])
def test_x01_x28_a_database_that_quotes_a_customer(
    failing: str,
    place: Place,
    postgresql: Database,
    tmp_path: Path,
) -> None:
    """With all libraries logging at DEBUG, neither customer nor password is told, however a source fails."""
    fill(postgresql)
    url = postgresql.engine.url.set(drivername="postgresql")
    if failing == "the password":
        url = url.set(username="nobody_there")
    place.change_job("  kind: csv\n  path: customers.csv\n  key: no\n", SOURCE)
    if failing == "the table":
        place.change_job("FROM crm", f"FROM crm WHERE no_column = '{EMAILS[0]}'")
    own = own_state(tmp_path)
    environment = {
        "URL": place.url,
        "PASSWORD": PASSWORD,
        "CRM": url.render_as_string(hide_password=False),
        "ROLLCALL_STATE": own.url,
        **own.environment,
    }
    said = start_python(LOUD + CALL, "run", place.job, "--json", environment=environment, cwd=tmp_path)
    assert said.code in {ExitCode.FAILED, ExitCode.JOB}, said.err
    assert said.json["message"]
    assert "logging at DEBUG reaches standard error" in said.err
    files = [path.read_bytes() for path in tmp_path.glob("ledger.db*")]
    stored = files or [ledger_content(own.url)] if own.url.startswith("sqlite") else [ledger_content(own.url)]
    assert found_in(said.out + said.err, FORBIDDEN) == []
    assert [found for content in stored if (found := found_in(content, FORBIDDEN))] == []


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[TargetRuns]:
    """Give a job into a target that repeats whom it refuses."""
    with target_runs(tmp_path, "valomnia") as made:
        made.records(*EMAILS)

        def refuse(request: Request) -> Reply | None:
            if made.app.vendor.reference(request) is None:
                return None
            return made.app.vendor.error(400, "save_failed", f"cannot save {unquote_plus(request.body.decode())}")

        made.tap.before = refuse
        yield made


def held(runs: TargetRuns) -> bytes:
    """Read everything that the ledger holds."""
    url = own_state(runs.folder, runs.name).url
    if not url.startswith("sqlite"):
        return ledger_content(url)
    return b"".join(path.read_bytes() for path in runs.folder.glob(f"{runs.name}.db*"))


def test_x24_rejects_hold_nothing_that_would_have_to_be_purged(runs: TargetRuns) -> None:
    """Open ones name nobody on their first day nor after a year, and are told all the while; nor do closed ones."""
    for _ in range(2):
        assert runs.run(tries=2).exit_code is ExitCode.REJECTS
        assert len(runs.rejects) == len(EMAILS)
        assert b"save_failed" in held(runs), "the search must be able to find a reject"
        assert found_in(held(runs), EMAILS) == []
        runs.clock.forward(minutes=366 * 24 * 60)
    runs.tap.before = lambda _: None
    assert runs.run().exit_code is ExitCode.DONE
    assert runs.rejects == []
    assert found_in(held(runs), EMAILS) == []
