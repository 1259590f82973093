"""Every fault of the source and every refusal of the target, among 10,000 customers and seen from outside."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.flows.faulty_file import COUNTRIES, DUE_DATES, GRADES, SIZE, FaultyFile, Reject, make_file, write_images
from tests.flows.outside import Onlooker, Shell, sandbox_process
from tests.flows.planted import NOBODY

JOB = Path(__file__).with_name("every_fault.yaml")
NO_MISTAKES: dict[str, list[Reject]] = {"missing": [], "unforeseen": []}


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What two runs over the file left behind."""

    file: FaultyFile
    folder: Path
    summary: dict[str, Any]
    requests: list[str]
    customers: dict[str, dict[str, Any]]
    rejects: list[dict[str, str]]
    second_summary: dict[str, Any]
    second_requests: list[str]
    second_rejects: list[dict[str, str]]
    foretold: dict[str, Any]  # by a dry run before the first run, and by one before the second
    second_foretold: dict[str, Any]
    dry_requests: list[str]


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aftermath]:
    """Run the job twice over the file, and look at everything once."""
    folder = tmp_path_factory.mktemp("outer") / "job"
    folder.mkdir()
    job = Path(shutil.copy(JOB, folder))
    file = make_file()
    (folder / "customers.csv").write_bytes(file.content)
    write_images(folder)
    with sandbox_process({"forced": file.forced}) as base_url, Onlooker(base_url) as onlooker:
        shell = Shell(job, folder, {"SANDBOX_URL": base_url, "SANDBOX_PASSWORD": "sandbox"})
        foretold, dry_requests = shell.run(3, "--dry-run"), onlooker.requests()
        summary = shell.run(expected_exit=3)
        requests, rejects = onlooker.requests(), rejects_of(shell, folder / "first.csv")
        last = onlooker.last_entry()
        second_foretold = shell.run(3, "--dry-run")
        dry_requests += onlooker.requests(last)
        second_summary = shell.run(expected_exit=3)
        second_requests = onlooker.requests(last)
        yield Aftermath(
            file=file,
            folder=folder,
            summary=summary,
            requests=requests,
            customers=onlooker.customers(),
            rejects=rejects,
            second_summary=second_summary,
            second_requests=second_requests,
            second_rejects=rejects_of(shell, folder / "second.csv"),
            foretold=foretold,
            second_foretold=second_foretold,
            dry_requests=dry_requests,
        )


def rejects_of(shell: Shell, file: Path) -> list[dict[str, str]]:
    """Export the open rejects, and read them back."""
    shell.rejects(file)
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def mistakes(lines: list[dict[str, str]], file: FaultyFile) -> dict[str, list[Reject]]:
    """Compare exported lines with what the file's maker foretold, each as often as it comes."""
    told = Counter(Reject(**{name: line[name] for name in Reject._fields}) for line in lines)
    foretold = Counter(file.rejects)
    return {"missing": sorted((foretold - told).elements()), "unforeseen": sorted((told - foretold).elements())}


def expected(cells: Mapping[str, str]) -> dict[str, Any]:
    """Say what the target must show of a customer's cells."""
    return {
        "name": cells["company"].strip(),
        "billingCity": cells["city"] or None,
        "billingCountry": COUNTRIES[cells["land"]],
        "email": cells["email"],
        "creditLimit": float(cells["credit"]) if cells["credit"] else None,
        "isActive": cells["active"] != "false",
        "billingLat": float(cells["lat"]) if cells["lat"] else None,
        "dueDateConfigType": DUE_DATES[cells["due_type"]],
        "dueDateConfigNumber": int(cells["due_days"]) if cells["due_days"] else None,
        "parentCustomer": cells["parent"] or None,
        "isSubCustomer": cells["sub"] == "true",
        "currency": cells["currency"] or "EUR",
        "paymentTypes": [int(part) for part in cells["payments"].split("|") if part],
        "logo": bool(cells["logo"]),
        "customerRiskColor": GRADES[cells["grade"]],
        "comment": cells["note"] or None,
    }


def shown(customer: Mapping[str, Any], names: Mapping[str, Any]) -> dict[str, Any]:
    """Read these fields of a customer as the target shows it, what it refers to by reference or id."""
    parent = customer["parentCustomer"]
    read = {
        "parentCustomer": parent and parent["reference"],
        "paymentTypes": [entry["id"] for entry in customer["paymentTypes"]],
        "logo": customer["logo"] is not None,
    }
    return {name: read.get(name, customer[name]) for name in names}


def test_every_reject_bears_its_code_field_line_stage_and_status(aftermath: Aftermath) -> None:
    """The export holds exactly what was planted: no reject is missing, none too many, none is mistaken for another."""
    assert mistakes(aftermath.rejects, aftermath.file) == NO_MISTAKES


def test_all_others_arrive(aftermath: Aftermath) -> None:
    """The target holds every sound customer, and nobody else."""
    assert aftermath.customers.keys() == aftermath.file.arriving.keys()


def test_what_arrives_is_what_the_file_says(aftermath: Aftermath) -> None:
    """Every customer at the target shows the cells of its own line, field by field."""
    wanted = {reference: expected(cells) for reference, cells in aftermath.file.arriving.items()}
    found = {reference: shown(customer, wanted[reference]) for reference, customer in aftermath.customers.items()}
    assert found == wanted


def test_the_law_holds(aftermath: Aftermath) -> None:
    """Each of the 10,000 records has one outcome, and each count is that of what was planted."""
    file, summary = aftermath.file, aftermath.summary
    outcomes = {
        "created": len(file.arriving),
        "updated": 0,
        "unchanged": 0,
        "filtered": file.filtered,
        "invalid": file.customers("invalid"),
        "rejected": file.customers("rejected"),
        "deferred": file.deferred,
    }
    assert {name: summary[name] for name in outcomes} == outcomes
    assert summary["status"] == "completed"
    assert summary["extracted"] == sum(outcomes.values()) == SIZE
    assert summary["unfinished"] == 0


def test_only_who_was_let_through_is_sent(aftermath: Aftermath) -> None:
    """What is invalid or filtered costs no request; what the target failed on is tried five times, then looked up."""
    assert Counter(aftermath.requests) == aftermath.file.requests


def test_a_second_run_sends_nobody(aftermath: Aftermath) -> None:
    """What arrived is unchanged, and what was refused waits for its pause to end; one look for a missing parent."""
    first, second = aftermath.summary, aftermath.second_summary
    assert aftermath.second_requests == [f"GET {NOBODY}"]
    assert second["unchanged"] == first["created"]
    assert second["created"] == second["updated"] == 0
    kept = ("status", "extracted", "filtered", "invalid", "rejected", "deferred")
    assert [second[name] for name in kept] == [first[name] for name in kept]


def test_a_second_run_says_the_same_of_every_reject(aftermath: Aftermath) -> None:
    """Nothing that is wrong with anybody is forgotten for not having been tried again."""
    assert mistakes(aftermath.second_rejects, aftermath.file) == NO_MISTAKES


def test_rejects_show_no_personal_values(aftermath: Aftermath) -> None:
    """The target's own words lose the customer's name before they are kept."""
    frozen = [line["description"] for line in aftermath.rejects if line["code"] == "customer_frozen"]
    assert frozen == ["[name] is frozen."] * len(frozen) != []


def test_l29_a_dry_run_foretells_all_but_what_only_the_target_knows(aftermath: Aftermath) -> None:
    """L29: not one request; whom the target refuses, or lacks an entry for, is foretold as created, and nobody else."""
    run, again = aftermath.summary, aftermath.second_summary
    lacking = len({line["line"] for line in aftermath.rejects if line["field"] in {"currency", "paymentTypes"}
                   and line["stage"] == "reference"})  # fmt: skip
    assert aftermath.dry_requests == []
    assert lacking > 0
    assert aftermath.foretold["findings"]
    alike = ("status", "extracted", "updated", "unchanged", "filtered", "deferred")
    for foretold, told in ((aftermath.foretold, run), (aftermath.second_foretold, again)):
        assert [foretold[name] for name in alike] == [told[name] for name in alike]
        assert foretold["invalid"] == told["invalid"] - lacking
    assert aftermath.foretold["created"] == run["created"] + run["rejected"] + lacking
    assert aftermath.foretold["rejected"] == 0
    assert (aftermath.second_foretold["created"], aftermath.second_foretold["rejected"]) == (lacking, again["rejected"])
