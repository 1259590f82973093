"""Names of flow runs, page tasks and artifacts: numbers and the job's name, never a customer."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from flows.display.name import artifact_key, job_name, span_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("job: crm\n", "crm"),
        ("# the\njob: 'crm to valomnia'  # ours\nsource: {}\n", "crm to valomnia"),
        ('job: "crm"\n', "crm"),
        ("source: {kind: csv}\n", "file"),
        ("job:\n", "file"),
        (f"job: {'x' * 300}\n", "x" * 100),
        ("job: ${NAME}\n", "file"),
        ('job: "crm-${NAME}"\n', "file"),
        ('job: "{{ prefect.blocks.secret.name }}"\n', "file"),
    ],
)
def test_the_job_says_its_name(tmp_path: Path, text: str, name: str) -> None:
    """The name stands in the file, quoted or not; a file that does not say it outright has its own."""
    path = tmp_path / "file.yaml"
    path.write_text(text, encoding="utf-8")
    assert job_name(path) == name


def test_a_missing_or_binary_file_has_its_own_name(tmp_path: Path) -> None:
    """A file that cannot be read does not keep the flow run from beginning: the job tells what is wrong with it."""
    (tmp_path / "binary.yaml").write_bytes(b"job: \xff\xfe\n")
    assert job_name(tmp_path / "binary.yaml") == "binary"
    assert job_name(tmp_path / "nowhere.yaml") == "nowhere"


@pytest.mark.parametrize(
    ("page", "before", "counted", "name"),
    [
        (1, 0, 1000, "records 1-1,000"),
        (3, 2000, 1000, "records 2,001-3,000"),
        (4, 3000, 1, "record 3,001"),
        (4, 3000, 0, "no record"),
        (0, 0, 12, "12 customers due again"),
        (-1, 0, 1, "1 customer due again"),
    ],
)
def test_a_page_is_named_by_its_range(page: int, before: int, counted: int, name: str) -> None:
    """Pages of the source count through the run; those before them hold customers that are tried again."""
    assert span_name(page, before, counted) == name


@pytest.mark.parametrize("job", ["CRM / Größe 7", "---", "a--b"])
def test_keys_are_what_prefect_takes(job: str) -> None:
    """Whatever a job is called, its artifacts' keys hold small letters, numbers and single dashes."""
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", artifact_key(job, "run"))
