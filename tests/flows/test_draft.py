"""`rollcall init`: what can be proposed is, and what is left is said."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flows.document import JobError
from flows.draft import draft_fields
from flows.job import load_job
from flows.plan import compile_job
from tests.flows.command import Shell

JOB = """\
job: crm
source: {kind: csv, path: customers.csv, key: Kundennummer}
target: {kind: jtl, base_url: "http://127.0.0.1:1", client_id: i, client_secret: s, tenant_id: t}
"""


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """Give a job without fields, over a file with German columns."""
    (tmp_path / "customers.csv").write_text("Kundennummer,Firma,PLZ,Ort,Land,E-Mail\n", encoding="utf-8")
    (tmp_path / "crm.yaml").write_text(JOB, encoding="utf-8")
    return tmp_path / "crm.yaml"


def test_the_draft_is_a_part_of_a_job_that_can_be_completed(job: Path) -> None:
    """Columns find their fields, what the target demands beside stands there as comments, and the whole compiles."""
    draft = draft_fields(job, {})
    assert draft.fields["Number"] == "Kundennummer"
    assert draft.fields["BillingAddress.City"] == "Ort"
    assert set(draft.missing) == {"CustomerGroupId", "LanguageIso", "InternalCompanyId"}
    assert "# LanguageIso: JTL-Wawi requires it" in draft.text
    draft.write()
    with job.open("a", encoding="utf-8") as file:
        file.write("".join(f"  {name}: {{const: '1'}}\n" for name in draft.missing))
    plan = compile_job(load_job(job, {}), b"key")
    assert set(plan.fields) == {*draft.fields, *draft.missing}


def test_the_command_prints_or_writes(job: Path, rollcall: Shell) -> None:
    """Without an option the section is printed; with `--write` it stands in the file, and a second one is refused."""
    said = rollcall("init", job)
    assert said.code == 0
    assert said.out.startswith("fields:\n  Number: Kundennummer\n")
    assert "3 left to you" in said.err
    assert job.read_text(encoding="utf-8") == JOB
    assert rollcall("init", job, "--write").out == ""
    assert job.read_text(encoding="utf-8").startswith(JOB)
    again = rollcall("init", job)
    assert (again.code, "fields is there already" in again.err) == (2, True)


def test_a_job_without_fields_says_how_to_get_them(job: Path) -> None:
    """A file has no description: `fields` is required, and the message names the command."""
    with pytest.raises(JobError, match=r"rollcall init crm\.yaml"):
        compile_job(load_job(job, os.environ), b"key")
