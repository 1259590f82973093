"""The account of all requests."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import pytest

from connectors.sandbox.fault import Faults, Strike
from connectors.sandbox.journal import Journal
from tests.connectors.sandbox.caller import Caller
from tests.connectors.sandbox.conftest import Open


def test_entry_tells_the_request_and_its_answer(api: Caller) -> None:
    """An entry has time, method, path, reference, body hash, status and whether it was applied."""
    api.upsert("a%2Fb", name="Ada")
    entry = asdict(api.app.journal.entries[-1])
    assert entry == {
        "number": 2,
        "time": "2026-03-01T12:00:00.700+00:00",
        "method": "POST",
        "path": "/api/v2.1/customers/reference/a%2Fb",
        "reference": "a/b",
        "body_sha256": hashlib.sha256(b"name=Ada").hexdigest(),
        "status": 201,
        "ending": "answered",
        "applied": True,
        "fault": "",
        "in_flight": 1,
    }


def test_only_changes_count_as_applied(api: Caller) -> None:
    """Creates, updates and deletions are applied; reads, logins and refusals are not."""
    api.app.journal.clear()
    api.log_in()
    api.upsert("C-1", name="Ada")
    api.upsert("C-1", phone="1")
    api.upsert("C-1", creditLimit="much")
    api.get("/reference/C-1")
    api.delete("/reference/C-1")
    api.delete("/reference/C-1")
    assert [entry.applied for entry in api.app.journal.entries] == [False, True, True, False, False, True, False]


def test_reference_is_known_by_id_and_from_the_form(api: Caller) -> None:
    """Creates and requests by id are noted under the customer's reference; lists have none."""
    api.app.journal.clear()
    api.post(reference="C-1", name="Ada")
    api.get("/1")
    api.get("/2")
    api.get()
    api.request("POST", "/api/v2.1/customers", json={})
    assert [entry.reference for entry in api.app.journal.entries] == ["C-1", "C-1", None, None, None]


def test_lost_answers_are_noted_as_such(api: Caller) -> None:
    """A dropped request has no status, and says whether it was applied nevertheless."""
    api.app.faults = Faults(strikes=(Strike(kind="drop", next=1), Strike(kind="drop", next=1, after_commit=True)))
    for _ in range(2):
        with pytest.raises(ConnectionAbortedError):
            api.upsert("C-1", name="Ada")
    first, second = api.app.journal.entries[-2:]
    assert [(entry.status, entry.ending, entry.fault) for entry in (first, second)] == [(None, "dropped", "drop")] * 2
    assert (first.applied, second.applied) == (False, True)


@pytest.mark.parametrize("fsync", [True, False])
def test_file_has_every_entry_before_the_answer(open_api: Open, tmp_path: Path, fsync: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Each line is in the file when the client reads its answer, and stays there after a reset."""
    path = tmp_path / "journal.jsonl"
    journal = Journal(path, fsync=fsync)
    api = open_api(journal=journal)
    api.upsert("C-1", name="Zoë")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines == [asdict(entry) for entry in journal.entries]
    api.app.reset()
    api.log_in()
    journal.close()
    assert [json.loads(line)["number"] for line in path.read_text().splitlines()] == [1, 2, 3]


def test_file_is_appended_to_and_private(tmp_path: Path) -> None:
    """A journal that exists already is continued, and others cannot read a new one."""
    path = tmp_path / "journal.jsonl"
    Journal(path).close()
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("before\n")
    Journal(path).close()
    assert path.read_text() == "before\n"
