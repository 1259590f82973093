"""The first real file, from its lines to what the target shows of them, seen from outside.

What is expected is worked out here from the file's own lines, with nothing of the mapping under test.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox.server import running
from connectors.sandbox.valomnia.vendor import valomnia_app
from tests.flows.outside import Onlooker, Shell

FILE = Path(__file__).parents[3] / "shared" / "data" / "northwind_customers.csv"
JOB = Path(__file__).with_name("northwind.yaml")

COUNTRIES = {
    "": None, "Argentina": "AR", "Austria": "AT", "Belgium": "BE", "Brazil": "BR", "Canada": "CA", "Denmark": "DK",
    "Finland": "FI", "France": "FR", "Germany": "DE", "Ireland": "IE", "Italy": "IT", "Mexico": "MX", "Norway": "NO",
    "Poland": "PL", "Portugal": "PT", "Spain": "ES", "Sweden": "SE", "Switzerland": "CH", "UK": "GB", "USA": "US",
    "Venezuela": "VE",
}  # fmt: skip

pytestmark = pytest.mark.skipif(not FILE.exists(), reason="the sample file is not part of this checkout")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Copy the file to where it may be edited."""
    return Path(shutil.copy(FILE, tmp_path / "customers.csv"))


@pytest.fixture
def base_url() -> Iterator[str]:
    """Serve a fresh sandbox."""
    with running(valomnia_app()) as address:
        yield address


@pytest.fixture
def onlooker(base_url: str) -> Iterator[Onlooker]:
    """Look into the sandbox, which holds one customer of somebody else's."""
    with Onlooker(base_url) as looking:
        looking.upsert("BARE", name="Bare")
        yield looking


@pytest.fixture
def shell(tmp_path: Path, file: Path, base_url: str) -> Shell:
    """Set up the job of the file, with a ledger of its own."""
    values = {"NORTHWIND_CSV": str(file), "SANDBOX_URL": base_url, "SANDBOX_PASSWORD": "sandbox"}
    return Shell(JOB, tmp_path, values)


def lines_of(file: Path) -> list[dict[str, str]]:
    """Read the file the plain way."""
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def edit(file: Path, key: str, column: str, value: str) -> None:
    """Change one cell of the file."""
    lines = lines_of(file)
    changed = [line for line in lines if line["CustomerID"] == key]
    assert len(changed) == 1
    changed[0][column] = value
    with file.open("w", encoding="utf-8", newline="") as text:
        writer = csv.DictWriter(text, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)


def expected(line: dict[str, str], bare: dict[str, Any]) -> dict[str, Any]:
    """Say what the target must show of a line: what the job maps, and all else as of a customer with just a name."""
    return without_identity(bare) | {
        "reference": line["CustomerID"].strip(),
        "name": line["CompanyName"].strip(),
        "billingAddress": " ".join(line["Address"].split()) or None,
        "billingCity": line["City"] or None,
        "billingPostalCode": line["PostalCode"] or None,
        "billingCountry": COUNTRIES[line["Country"]],
        "phone": line["Phone"] or None,
        "fax": line["Fax"] or None,
        "comment": f"{line['ContactName']}, {line['ContactTitle']}",
        "categoryReference": "retail",
    }


def without_identity(customer: dict[str, Any]) -> dict[str, Any]:
    """Leave out what the target gives each customer itself, and the category's own object."""
    own = {"id", "dateCreated", "lastUpdated", "customerCategory"}
    return {name: value for name, value in customer.items() if name not in own}


def test_the_target_shows_every_customer_of_the_file_field_by_field(
    shell: Shell, file: Path, onlooker: Onlooker
) -> None:
    """All 93 lines arrive whole, the two that are almost empty among them, and nothing else in the target changes."""
    bare = onlooker.customers()["BARE"]
    before = onlooker.last_entry()
    summary = shell.run(expected_exit=0)
    requests = onlooker.requests(before)

    assert (summary["status"], summary["extracted"], summary["created"]) == ("completed", 93, 93)
    shown = onlooker.customers()
    assert shown.pop("BARE") == bare
    lines = lines_of(file)
    wanted = {line["CustomerID"].strip(): expected(line, bare) for line in lines}
    assert len(wanted) == len(lines) == 93
    assert sorted(requests) == sorted(f"POST {reference}" for reference in wanted)
    assert {reference: without_identity(customer) for reference, customer in shown.items()} == wanted


def test_every_customer_has_an_outcome_of_its_own(shell: Shell, file: Path) -> None:
    """Each of the 93 can be asked for afterwards, and the counts are the sum of what they answer."""
    summary = shell.run(expected_exit=0)
    outcomes = [shell.why(line["CustomerID"])["outcome"] for line in lines_of(file)]
    assert outcomes == ["created"] * 93
    others = ("updated", "unchanged", "filtered", "invalid", "rejected", "deferred", "unfinished")
    assert summary["extracted"] == summary["created"] == 93
    assert [summary[name] for name in others] == [0] * len(others)


@pytest.mark.parametrize(("key", "contact"), [("Val2 ", "Val2, IT"), ("VALON", "Valon Hoti, IT")])
def test_a_line_of_hardly_anything_is_a_customer(
    shell: Shell, file: Path, onlooker: Onlooker, key: str, contact: str
) -> None:
    """Reference and name are all that the target demands: both lines have them, and nothing is made up for the rest."""
    line = next(line for line in lines_of(file) if line["CustomerID"] == key)
    assert {name for name, cell in line.items() if cell} == {"CustomerID", "CompanyName", "ContactName", "ContactTitle"}
    shell.run(expected_exit=0)

    customer = onlooker.customers()[key.strip()]
    assert (customer["name"], customer["comment"]) == ("IT", contact)
    unsaid = ("billingAddress", "billingCity", "billingPostalCode", "billingCountry", "phone", "fax")
    assert [customer[name] for name in unsaid] == [None] * len(unsaid)
    chapters = shell.why(key)["chapters"]
    assert [(chapter["outcome"], chapter["http_status"]) for chapter in chapters] == [("created", 201)]


def test_a_second_run_asks_nothing_of_the_target(shell: Shell, onlooker: Onlooker) -> None:
    """An unchanged file costs not a single request about a customer, by the sandbox's own account."""
    shell.run(expected_exit=0)
    held = onlooker.customers()
    before = onlooker.last_entry()
    summary = shell.run(expected_exit=0)
    assert onlooker.requests(before) == []
    assert (summary["extracted"], summary["unchanged"]) == (93, 93)
    assert onlooker.customers() == held


def test_one_changed_cell_sends_exactly_one_customer(shell: Shell, file: Path, onlooker: Onlooker) -> None:
    """The one customer is sent and shows the new value; the 92 others are left alone."""
    shell.run(expected_exit=0)
    held = onlooker.customers()
    edit(file, "BERGS", "City", "Boden")
    before = onlooker.last_entry()
    summary = shell.run(expected_exit=0)

    assert onlooker.requests(before) == ["POST BERGS"]
    assert (summary["updated"], summary["unchanged"]) == (1, 92)
    shown = onlooker.customers()
    assert shown["BERGS"] == held["BERGS"] | {"billingCity": "Boden", "lastUpdated": shown["BERGS"]["lastUpdated"]}
    assert {**shown, "BERGS": None} == {**held, "BERGS": None}


def test_a_changed_cell_that_the_job_does_not_map_sends_nothing(shell: Shell, file: Path, onlooker: Onlooker) -> None:
    """What the target is told decides, not what the file says besides."""
    shell.run(expected_exit=0)
    edit(file, "HUNGO", "Region", "County Cork")
    before = onlooker.last_entry()
    summary = shell.run(expected_exit=0)
    assert onlooker.requests(before) == []
    assert summary["unchanged"] == 93


def test_a_dry_run_foretells_each_run(shell: Shell, file: Path, onlooker: Onlooker) -> None:
    """Of the first run and of one after a change: every count is the run's own, and the target is not asked."""
    for reference in (None, "BERGS"):
        if reference:
            edit(file, reference, "City", "Boden")
        before = onlooker.last_entry()
        foretold = shell.run(0, "--dry-run")
        assert onlooker.last_entry() == before
        summary = shell.run(0)
        counts = ("extracted", "created", "updated", "unchanged", "filtered", "invalid", "rejected", "deferred")
        assert {name: foretold[name] for name in counts} == {name: summary[name] for name in counts}
        assert foretold["findings"] == []
