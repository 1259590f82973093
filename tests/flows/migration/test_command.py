"""`rollcall migrate` and the commands that look at migrations."""

from __future__ import annotations

import csv
import sqlite3
from contextlib import closing
from typing import NoReturn

import pytest

import flows.ledger.difference
from connectors.sandbox.fault import Faults, Forced
from flows.ledger.knowledge import LedgerError
from tests.faults.target_api import APIS
from tests.flows.command import PASSWORD, Place, Shell, complaint

TABLE = """\
source:
  kind: database
  url: sqlite:///crm.db
  table: customers
  key: id
"""
FILE = """\
source:
  kind: csv
  path: customers.csv
  key: no
"""


@pytest.fixture
def table(place: Place) -> Place:
    """Give the place a table of twelve customers instead of its file; one of them has no name."""
    with closing(sqlite3.connect(place.folder / "crm.db")) as database, database:
        database.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, no TEXT, company TEXT, mail TEXT)")
        rows = [(n, f"=C-{n}", None if n == 11 else f"N {n}", f"m{n}@alpha.example") for n in range(12)]
        database.executemany("INSERT INTO customers VALUES (?, ?, ?, ?)", rows)
    place.change_job(FILE, TABLE)
    return place


def test_a_migration_and_what_is_told_of_it(table: Place, rollcall: Shell) -> None:
    """One JSON object with the figures; afterwards it is one run, with the rejects and stories of its partitions."""
    said = rollcall("migrate", table.job, "--partitions", "3", "--json")
    assert said.code == 3, said.err
    told = said.json
    assert (told["extracted"], told["created"], told["invalid"]) == (12, 11, 1)
    assert told["verification"]["same"] == 11
    assert told["verification"]["counted"] == 12
    assert told["differences"] == []
    assert "=C-" not in said.err
    (run,) = rollcall("runs", table.job, "--json").json["runs"]
    assert (run["run_id"], run["kind"], run["created"]) == (told["run_id"], "migrate", 11)
    assert run["requests"] == told["requests"]
    rows = rollcall("runs", table.job, "--partitions", "--json").json["runs"]
    assert [row["partition"] for row in rows] == [None, 1, 2, 3]
    assert {row["migration"] for row in rows[1:]} == {told["run_id"]}
    shown = rollcall("runs", table.job, "--partitions").out
    assert "partition 3" in shown
    assert "partition" not in rollcall("runs", table.job).out
    (group,) = rollcall("rejects", table.job, "--run", told["run_id"], "--json").json["groups"]
    assert (group["count"], group["code"]) == (1, "missing_param")
    story = rollcall("why", table.job, "=C-4", "--json").json
    assert [chapter["run_id"] for chapter in story["chapters"]] == [told["run_id"]]
    assert story["runs_since"] == 0
    reject = rollcall("why", table.job, "=C-11", "--json").json["reject"]
    assert reject["run_id"] == told["run_id"]
    assert rollcall("check", table.job).code == 0


def test_differences_as_a_file(table: Place, rollcall: Shell) -> None:
    """A second migration finds what another hand did, sends nobody, and writes a file that no spreadsheet executes."""
    assert rollcall("migrate", table.job, "--partitions", "2", "--no-verify", "--json").json["verification"] is None
    APIS["valomnia"].erase(table.app, "=C-4")
    sent = len(table.requests)
    said = rollcall("migrate", table.job, "--partitions", "2", "--csv", "differences.csv")
    assert not [each for each in table.requests[sent:] if each.startswith("POST") and "customers" in each]
    assert said.code == 1
    assert "1 difference written to differences.csv" in said.err.replace("\n", "")
    assert "=C-4" not in said.err
    assert "missing" in said.out
    with (table.folder / "differences.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file)) == [{"reference": "'=C-4", "kind": "missing", "fields": ""}]


def test_a_file_that_cannot_be_written(table: Place, rollcall: Shell) -> None:
    """Refused before anything is sent; one that can no longer be written afterwards takes nothing from the summary."""
    assert "nowhere" in complaint(table, rollcall, "migrate", table.job, "--csv", "nowhere/differences.csv")
    (table.folder / "differences.csv").mkdir()
    said = rollcall("migrate", table.job, "--json", "--csv", "differences.csv")
    assert said.code == 3
    assert said.json["created"] == 11
    assert "differences.csv: cannot be written" in said.err


def test_no_file_without_a_comparison(table: Place, rollcall: Shell) -> None:
    """Nothing compared is not the same as nothing found."""
    said = rollcall("migrate", table.job, "--no-verify", "--csv", "differences.csv")
    assert "not compared" in said.err
    assert not (table.folder / "differences.csv").exists()


def test_a_ledger_that_is_gone_at_the_end(table: Place, rollcall: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the migration told is told, though its differences can no longer be read."""

    def lost(*_: object) -> NoReturn:
        raise LedgerError("the ledger cannot be read")

    monkeypatch.setattr(flows.ledger.difference, "differences_of", lost)
    said = rollcall("migrate", table.job, "--json")
    assert said.code == 3
    assert said.json["created"] == 11
    assert "the differences cannot be listed" in said.err


def test_a_source_that_cannot_be_divided(place: Place, rollcall: Shell) -> None:
    """A file with 8 partitions is exit code 2, naming the file and what to do, before anything is touched."""
    said = complaint(place, rollcall, "migrate", place.job, "--partitions", "8")
    assert "job.yaml" in said
    assert "--partitions 1" in said.replace("\n", " ")


def test_a_file_as_one_partition(place: Place, rollcall: Shell) -> None:
    """As one partition a file is migrated as well, and compared."""
    said = rollcall("migrate", place.job, "--partitions", "1", "--json")
    assert said.code == 0, said.err
    assert (said.json["created"], said.json["verification"]["same"]) == (3, 3)


def test_an_api_as_one_partition(place: Place, rollcall: Shell) -> None:
    """As one partition an API is migrated; from the server that it was sent to, so that everybody is there already."""
    assert rollcall("migrate", place.job, "--partitions", "1").code == 0
    credentials = f"  base_url: {place.url}\n  username: sandbox\n  password: {PASSWORD}\n"
    place.change_job(FILE, f"source:\n  kind: valomnia\n{credentials}")
    place.change_job("reference: no", "reference: reference")
    place.change_job("from: company", "from: name")
    place.change_job("from: mail", "from: email")
    said = rollcall("migrate", place.job, "--partitions", "1", "--json")
    assert said.code == 0, said.err
    assert (said.json["unchanged"], said.json["verification"]["same"]) == (3, 3)


def test_dask_without_prefect(table: Place, rollcall: Shell) -> None:
    """Dask works through Prefect; without one it is exit code 2."""
    assert "PREFECT_API_URL" in complaint(table, rollcall, "migrate", table.job, "--runner", "dask")


@pytest.mark.parametrize("given", [[], ["--state", "sqlite:///elsewhere.db"]])
def test_a_cluster_with_a_ledger_that_is_a_file(table: Place, rollcall: Shell, given: list[str]) -> None:
    """Workers on other machines cannot write to a file of this one: exit code 2, before anything is made."""
    arguments = ("migrate", table.job, "--runner", "dask", "--cluster", "tcp://127.0.0.1:9", *given)
    assert "PostgreSQL" in complaint(table, rollcall, *arguments)


def test_what_is_left_of_an_interrupted_one_confuses_nobody(table: Place, rollcall: Shell) -> None:
    """After a migration that failed, `check`, `run` and `replay` are as ever, and another migration ends it."""
    table.app.faults = Faults(forced={"=C-7": Forced(status=401, error="unauthorized")})
    failed = rollcall("migrate", table.job, "--partitions", "4", "--workers", "1")
    table.app.faults = Faults()
    assert failed.code == 1
    assert "partition 3: " in failed.err
    assert rollcall("check", table.job).code == 0
    assert rollcall("run", table.job, "--dry-run").code == 3
    assert rollcall("replay", table.job).code in {0, 3}
    assert rollcall("run", table.job).code == 3
    said = rollcall("migrate", table.job, "--partitions", "2")
    assert said.code == 3
    assert "a migration of 4 partitions" in said.err
