"""What the command line tells without a run: checks, runs, stories and rejects; asking changes nothing."""

from __future__ import annotations

import csv
import stat
from pathlib import Path

import pytest

from connectors.sandbox.fault import Faults, Forced
from flows.export import COLUMNS, write_rejects
from flows.ledger.history import RejectEntry
from mappings.finding import Finding
from tests.flows.command import LOGIN, WITH_REJECT, Place, Shell, complaint

# --- check -----------------------------------------------------------------------------------------------------------


def test_check_of_a_right_job(place: Place, rollcall: Shell) -> None:
    """A job that can run has four ticks; nothing was made, and nothing was asked of the target but a session."""
    before = place.files
    said = rollcall("check", place.job)
    assert said.code == 0
    assert said.out.count("✓") == 4
    assert place.files == before
    assert place.requests == LOGIN


def test_check_goes_on_after_a_fault(place: Place, rollcall: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each thing that is wrong with source, ledger and target is told at once; still nothing is made."""
    monkeypatch.setenv("PASSWORD", "wrong-password")
    place.change_job("from: company", "from: compny")
    before = place.files
    said = rollcall("check", place.job, "--json", "--state", "sqlite:////nowhere/at/all/ledger.db")
    checks = {check["name"]: check for check in said.json["checks"]}
    assert said.code == 2
    assert {name: check["ok"] for name, check in checks.items()} == {
        "job": True,
        "source": False,
        "ledger": False,
        "target": False,
    }
    assert "did you mean company?" in checks["source"]["found"]
    assert "refused" in checks["target"]["found"]
    assert "wrong-password" not in said.out + said.err
    assert place.files == before
    assert place.requests == LOGIN[:1]


def test_check_counts_the_first_page(place: Place, rollcall: Shell) -> None:
    """The source's line tells how many of the first page could be sent, and a ledger that is there is left alone."""
    place.write_customers("no,company,mail\nC-1,,a@alpha.example\nC-2,Beta,b@beta.example\n")
    assert rollcall("run", place.job).code == 3
    content = (place.folder / "rollcall.db").read_bytes()
    said = rollcall("check", place.job, "--json")
    assert said.code == 0
    assert "of the first 2 records 1 can be sent, 1 would be invalid" in said.json["checks"][1]["found"]
    assert (place.folder / "rollcall.db").read_bytes() == content


# --- what the ledger tells -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["rejects", "runs", "why"])
def test_readers_make_no_ledger(place: Place, rollcall: Shell, command: str) -> None:
    """Asking a ledger that no run has made yet ends with 2, and makes none."""
    more = ["C-1"] if command == "why" else []
    assert "there is no ledger" in complaint(place, rollcall, command, place.job, *more)
    if command != "why":
        assert "name a job file or a ledger (--state)" in complaint(place, rollcall, command)
        assert "no ledger other.db" in complaint(place, rollcall, command, "--state", "sqlite:///other.db")


def test_runs_lists_the_newest_first(place: Place, rollcall: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """`runs` lists each run with its counts, the newest first, with or without the job file."""
    rollcall("run", place.job)
    monkeypatch.setenv("PASSWORD", "wrong-password")
    rollcall("run", place.job)
    for job in ([place.job], []):
        listed = rollcall("runs", *job, "--json").json["runs"]
        assert [(run["run_id"], run["status"], run["created"]) for run in listed] == [
            ("2", "failed", 0),
            ("1", "completed", 3),
        ]
    assert [run["run_id"] for run in rollcall("runs", "--limit", "1", "--json").json["runs"]] == ["2"]
    assert "completed" in rollcall("runs", place.job).out


def test_why_tells_a_story(place: Place, rollcall: Shell) -> None:
    """`why` tells what each run decided for a customer, with the reason why it is not at the target."""
    place.write_customers(WITH_REJECT)
    rollcall("run", place.job)
    told = rollcall("why", place.job, "C-1", "--json").json
    assert [(chapter["outcome"], chapter["http_status"]) for chapter in told["chapters"]] == [("created", 201)]
    assert "name parameter is missing" in rollcall("why", place.job, " C-4 ").out


def test_why_of_an_unknown_reference(place: Place, rollcall: Shell) -> None:
    """A reference that the ledger never met ends with 2, and is not repeated in the message."""
    rollcall("run", place.job)
    said = rollcall("why", place.job, "C-999", "--json")
    assert said.code == 2
    assert said.json["message"] == "the ledger of crm has never met a customer with this reference"
    assert "C-999" not in said.err


def test_rejects_are_grouped_with_advice(place: Place, rollcall: Shell) -> None:
    """`rejects` groups by code and field and says what to do; once all is well it says so."""
    place.write_customers(WITH_REJECT)
    rollcall("run", place.job)
    told = rollcall("rejects", place.job, "--json").json
    assert told["customers"] == 1
    assert [(group["count"], group["code"], group["field"], group["lines"]) for group in told["groups"]] == [
        (1, "missing_param", "name", [5])
    ]
    assert told["groups"][0]["advice"]
    assert told["rejects"][0]["reference"] == "C-4"
    assert "missing_param" in rollcall("rejects").out
    place.write_customers(WITH_REJECT.replace("C-4,,", "C-4,Delta,"))
    assert rollcall("run", place.job).code == 0
    assert rollcall("rejects", place.job, "--json").json == {"customers": 0, "groups": [], "rejects": []}
    assert rollcall("rejects", "--run", "1", "--json").json["customers"] == 1


# --- the export ------------------------------------------------------------------------------------------------------

FORMULAS = ("=cmd()", "+1", "-1", "@x", "\tx", "\rx", "\nx")


def test_x10_export_of_a_run_holds_no_formula(place: Place, rollcall: Shell) -> None:
    """References, keys and the target's words that begin a formula are made harmless in the CSV file."""
    keys = "".join(f'"{key}",,\n' for key in FORMULAS)
    place.write_customers(f"no,company,mail\n{keys}C-1,Alpha,\n")
    place.change_job("page_size: 2", "page_size: 20")
    place.app.faults = Faults(
        forced={"C-1": Forced(status=400, error="=code", error_description='=HYPERLINK("http://x")')}
    )
    assert rollcall("run", place.job, "--json").json["rejected"] == 1
    target = place.folder / "rejects.csv"
    target.write_text("an older file")
    target.chmod(0o644)
    said = rollcall("rejects", place.job, "--csv", target)
    assert said.code == 0
    with target.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert f"{len(rows)} lines written" in said.err
    assert tuple(rows[0]) == COLUMNS
    assert not [
        cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    ]
    assert {row["source_key"] for row in rows} == {f"'{key}" for key in FORMULAS} | {"C-1"}
    assert {"'=code", "missing_param"} <= {row["code"] for row in rows}
    story = rollcall("why", place.job, "=cmd()", "--json").json
    assert story["source_key"] == "=cmd()", "JSON tells what is there"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert place.files - {"rollcall.db", "rollcall.key"} >= {"rejects.csv"}
    assert not [name for name in place.files if name.startswith(".")]


@pytest.mark.parametrize("start", FORMULAS)
def test_x10_no_cell_begins_a_formula(tmp_path: Path, start: str) -> None:
    """Each of the beginnings that a spreadsheet takes for a formula gets an apostrophe, in every column of text."""
    entry = RejectEntry(
        run_id="1",
        job=start,
        reference=start,
        source_key=start,
        line=None,
        stage=start,
        outcome=start,
        http_status=None,
        tries=0,
        due_at=start,
        open=True,
        findings=(Finding(start, start, start), Finding("code", "field", "words")),
    )
    assert write_rejects(tmp_path / "rejects.csv", [entry]) == 2
    with (tmp_path / "rejects.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for name in ("job", "reference", "source_key", "stage", "outcome", "code", "field", "description", "due_at"):
        assert rows[0][name] == f"'{start}"
    assert rows[1]["description"] == "words"


def test_export_that_cannot_be_written(place: Place, rollcall: Shell) -> None:
    """An export into a folder that is not there ends with 2 and leaves nothing behind."""
    rollcall("run", place.job)
    before = place.files
    said = rollcall("rejects", place.job, "--csv", "nowhere/rejects.csv", "--json")
    assert said.code == 2
    assert said.json["message"] == "nowhere/rejects.csv: cannot be written (No such file or directory)"
    assert place.files == before
