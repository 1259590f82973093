"""The demo's job and customers are written where nothing of somebody else's is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.document import JobError
from flows.sample import CUSTOMERS, SCHEDULE, correct_sample, write_sample


@pytest.mark.parametrize("more", ["", SCHEDULE])
def test_the_demos_own_folder_is_taken_again(tmp_path: Path, more: str) -> None:
    """Job and customers of an earlier demo are written anew, whoever of the customers was changed or left out."""
    write_sample(tmp_path, more)
    correct_sample(tmp_path)
    path = tmp_path / "customers.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("Boden", "Kiruna"), encoding="utf-8")
    write_sample(tmp_path)
    assert path.read_text(encoding="utf-8") == CUSTOMERS


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("job.yaml", b"job: mine\n"),
        ("job.yaml", b"job: \xff\n"),
        ("customers.csv", b"no,company\n1,Mine\n"),
        ("customers.csv", CUSTOMERS.encode() + b"C-2001,Mine,,,,,,,,A,EUR\n"),
        ("customers.csv", b""),
    ],
)
def test_a_folder_with_something_else_is_refused(tmp_path: Path, name: str, text: bytes) -> None:
    """A job or customers that are not the demo's stay as they are, and nothing is put beside them."""
    (tmp_path / name).write_bytes(text)
    with pytest.raises(JobError, match=f"{name} is not the demo's own"):
        write_sample(tmp_path)
    assert (tmp_path / name).read_bytes() == text
    assert len([*tmp_path.iterdir()]) == 1
