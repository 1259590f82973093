"""Customers too large or too deep to be any (FAULTS.md V11): each costs nobody else anything, and hardly any memory."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.api.transport import Reply
from flows.ledger.history import History
from flows.summary import ExitCode
from tests.faults.api_run import ApiRuns, running
from tests.faults.csv_run import CsvRuns

MEGABYTE = 1_000_000
NOON = "2024-05-01T12:00:00Z"
PROCESS = Path("/proc/self")


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[ApiRuns]:
    """Give a job over 300 customers of an API, which has run once, so that all that a run loads is loaded."""
    with running(tmp_path) as made:
        made.api.seed(300)
        assert made.run().counts.created == 300
        made.job = made.job.replace("job: crm", "job: again")
        made.target.customers.clear()
        yield made


def nested(levels: int) -> object:
    """Put objects into one another."""
    inner: object = "the deepest"
    for _ in range(levels):
        inner = {"in": inner}
    return inner


def show(runs: ApiRuns, reference: str, more: dict[str, Any]) -> None:
    """Have the API show a customer with these members."""

    def spoil(reply: Reply) -> Reply:
        content = json.loads(reply.body)
        for customer in content["data"]:
            customer.update(more if customer["reference"] == reference else {})
        return replace(reply, body=json.dumps(content).encode())

    runs.api.transport.spoil = spoil
    runs.api.source.open()


def peak_mib() -> int:
    """Tell the most memory that this process has had since it was last told to forget."""
    (line,) = [line for line in (PROCESS / "status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) // 1024


@contextmanager
def at_most(mib: int) -> Iterator[None]:
    """Fail where more memory is taken than this; only Linux tells."""
    if sys.platform != "linux":
        yield
        return
    (PROCESS / "clear_refs").write_text("5")
    before = peak_mib()
    yield
    assert peak_mib() - before <= mib


@pytest.mark.parametrize("number", [0, 142, 299])
@pytest.mark.parametrize(
    ("more", "code", "field"),
    [({"name": "x" * MEGABYTE}, "too_long", "name"), ({"more": nested(64)}, "invalid_value", "")],
    ids=["a megabyte", "64 levels"],
)
def test_v11_a_customer_of_an_api(runs: ApiRuns, number: int, more: dict[str, Any], code: str, field: str) -> None:
    """It is one reject, wherever it stands in the list, and all others arrive."""
    show(runs, f"C-{number}", more)
    with at_most(mib=50):
        assert runs.run().exit_code is ExitCode.REJECTS
    assert sorted(runs.target.journal) == sorted({f"C-{n}" for n in range(300)} - {f"C-{number}"})
    (entry,) = History(runs.ledger).rejects()
    assert [(each.code, each.field) for each in entry.findings] == [(code, field)]
    assert len(entry.findings[0].description) <= 200


@pytest.mark.parametrize("number", [0, 142])
def test_v11_a_customer_of_10_000_keys(runs: ApiRuns, number: int) -> None:
    """Keys that nobody else has are left out: the customer arrives by what the job maps, and no page grows by them."""
    show(runs, f"C-{number}", {f"key {n}": f"value {n}" for n in range(10_000)})
    with at_most(mib=50):
        assert runs.run().exit_code is ExitCode.DONE
    assert sorted(runs.target.journal) == sorted(f"C-{n}" for n in range(300))
    assert runs.target.customers[f"C-{number}"] == {"reference": f"C-{number}", "name": "Ada"}


def test_v11_a_customer_of_a_file(tmp_path: Path) -> None:
    """A cell of a megabyte is one reject with its line, and the record after it is read as it stands."""
    runs = CsvRuns(tmp_path)
    try:
        lines = [(f"C-{n}", f"Name {n}", NOON) for n in range(300)]
        runs.write(lines)
        runs.run()
        lines[142] = ("C-142", f'"{"x" * MEGABYTE}"', NOON.replace("12", "13"))
        lines[143] = ("C-143", "Neighbour", NOON.replace("12", "13"))
        runs.write(lines)
        with at_most(mib=50):
            assert runs.run().exit_code is ExitCode.REJECTS
        assert runs.target.journal == ["C-143"]
        (entry,) = History(runs.ledger).rejects()
        assert (entry.line, [(each.code, each.field) for each in entry.findings]) == (144, [("too_long", "name")])
    finally:
        runs.ledger.close()
