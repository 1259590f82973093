"""Which ledger a command works on: one order of precedence for its address, and one for its key."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flows.document import JobError
from flows.job import Job, load_job
from flows.state import STATE_FIRST, find_ledger, open_ledger, state_first
from tests.docs.job import REST, write_job
from tests.flows.command import Place, Shell

ENVIRONMENT = {"ROLLCALL_STATE": "sqlite:////environment.db", "ROLLCALL_KEY": "of the environment"}


def job(folder: Path, **ledger: str) -> Job:
    """Load a job with this ledger."""
    return load_job(write_job(folder, {**REST, "ledger": ledger}), {})


def test_the_address(tmp_path: Path) -> None:
    """--state, then the job's own ledger, then the environment's, then the file beside the job."""
    own = job(tmp_path, url="sqlite:////own.db")
    assert find_ledger(own, "sqlite:////given.db", ENVIRONMENT).url == "sqlite:////given.db"
    assert find_ledger(own, None, ENVIRONMENT | {STATE_FIRST: "sqlite:////first.db"}).url == "sqlite:////first.db"
    assert find_ledger(own, None, ENVIRONMENT).url == "sqlite:////own.db"
    assert find_ledger(job(tmp_path), None, ENVIRONMENT).url == "sqlite:////environment.db"
    assert find_ledger(job(tmp_path), None, {}).url == f"sqlite:///{tmp_path / 'rollcall.db'}"


def test_the_key(tmp_path: Path) -> None:
    """The job's own key comes before the environment's, and neither shows in a repr."""
    place = find_ledger(job(tmp_path, key="of the job"), None, ENVIRONMENT)
    assert place.environment["ROLLCALL_KEY"] == "of the job"
    assert find_ledger(job(tmp_path), None, ENVIRONMENT).environment["ROLLCALL_KEY"] == "of the environment"
    assert "of the job" not in repr(place)


def test_a_relative_file_is_beside_the_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As every path in a job file; what --state names is where the shell is."""
    monkeypatch.chdir("/")
    assert find_ledger(job(tmp_path, url="sqlite:///own.db"), None, {}).url == f"sqlite:///{tmp_path / 'own.db'}"


def test_a_wrong_address_is_named_without_it(tmp_path: Path) -> None:
    """The message says which key is wrong, and not what stands there."""
    with pytest.raises(JobError, match=r"ledger\.url is no database URL") as caught:
        find_ledger(job(tmp_path, url="hunter2"), None, {})
    assert "hunter2" not in str(caught.value)


def test_what_the_shell_said_is_forgotten_afterwards(tmp_path: Path) -> None:
    """A flow in this process takes what --state named, and the next command does not."""
    own = job(tmp_path, url="sqlite:////own.db")
    with state_first("sqlite:////given.db"):
        assert find_ledger(own, None, os.environ).url == "sqlite:////given.db"
    assert find_ledger(own, None, os.environ).url == "sqlite:////own.db"


def test_what_was_said_before_stands_again_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger that was named for this process from outside is its ledger again after the block."""
    monkeypatch.setenv(STATE_FIRST, "sqlite:////outer.db")
    own = job(tmp_path, url="sqlite:////own.db")
    with state_first("sqlite:////given.db"):
        assert find_ledger(own, None, os.environ).url == "sqlite:////given.db"
    assert find_ledger(own, None, os.environ).url == "sqlite:////outer.db"


def test_a_ledger_opens_with_the_jobs_key(tmp_path: Path) -> None:
    """Written with the key of the job file, it does not open without it."""
    open_ledger(job(tmp_path, url="sqlite:///own.db", key="of the job"), {}).close()
    open_ledger(job(tmp_path, url="sqlite:///own.db", key="of the job"), ENVIRONMENT).close()
    with pytest.raises(JobError, match="another key"):
        open_ledger(job(tmp_path, url="sqlite:///own.db"), ENVIRONMENT)
    assert not (tmp_path / "own.key").exists()


def test_every_command_obeys(place: Place, rollcall: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """run, runs, rejects, why and check find the job's ledger, though the environment names another one."""
    with place.job.open("a", encoding="utf-8") as file:
        file.write("ledger: {url: 'sqlite:///own.db', key: own-key}\n")
    monkeypatch.setenv("ROLLCALL_STATE", f"sqlite:///{place.folder / 'other.db'}")
    assert rollcall("run", place.job, "--json").code == 0
    assert (place.folder / "own.db").exists()
    assert not (place.folder / "other.db").exists()
    assert len(rollcall("runs", place.job, "--json").json["runs"]) == 1
    assert rollcall("rejects", place.job, "--json").code == 0
    assert rollcall("why", place.job, "C-1").code == 0
    (ledger,) = [each for each in rollcall("check", place.job, "--json").json["checks"] if each["name"] == "ledger"]
    assert "own.db" in ledger["found"]
    given = f"sqlite:///{place.folder / 'given.db'}"
    assert rollcall("run", place.job, "--json", "--state", given).json["created"] + 0 >= 0
    assert (place.folder / "given.db").exists()
