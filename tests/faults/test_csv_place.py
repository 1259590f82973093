"""Faults of a CSV file itself: changed while it is read, under another name, huge, empty, or somewhere else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from connectors.csv_file import CsvSettings, CsvSource
from connectors.protocol import ConfigurationError
from flows.summary import ExitCode
from tests.faults.csv_run import BY_LAST_UPDATE, CsvRuns, Line, write_file

ROOT = Path(__file__).parents[2]
CUSTOMERS: list[Line] = [(f"C-{n}", "N", f"2024-05-01T12:00:{n:02}Z") for n in range(20)]


def runs_over(folder: Path, settings: Mapping[str, str], page_size: int) -> Iterator[CsvRuns]:
    """Give a job, and close its ledger in the end."""
    made = CsvRuns(folder, settings, page_size)
    made.write(CUSTOMERS)
    yield made
    made.ledger.close()


@pytest.fixture(params=[{"key": "no"}, BY_LAST_UPDATE], ids=["by key", "by last update"])
def runs(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[CsvRuns]:
    """Give a job over a file of 20 customers in pages of two."""
    yield from runs_over(tmp_path, request.param, 2)


def grow(path: Path) -> None:
    """Add a customer to a file."""
    with path.open("a", encoding="utf-8") as file:
        file.write("late,N,2024-05-01T12:00:59Z\n")


def replace_file(path: Path) -> None:
    """Put another file in its place, with the same size."""
    other = path.with_suffix(".new")
    other.write_bytes(path.read_bytes().replace(b"C-1,", b"D-1,"))
    other.replace(path)


@pytest.mark.parametrize("change", [grow, replace_file, Path.unlink])
def test_e29_a_file_that_changes_while_it_is_read_ends_the_run(runs: CsvRuns, change: Callable[[Path], None]) -> None:
    """The pages that were sent stand, the watermark does not move, and a later run over a quiet file does the rest."""
    path, content = runs.folder / "customers.csv", (runs.folder / "customers.csv").read_bytes()

    def meddle(step: str) -> None:
        if step == "confirmed" and path.exists() and path.read_bytes() == content:
            change(path)

    summary = runs.run(on_step=meddle)
    assert (summary.status, summary.exit_code) == ("failed", ExitCode.FAILED)
    assert "changed while it was being read" in (summary.message or "")
    assert 0 < summary.counts.created < 20
    assert runs.watermark is None
    path.write_bytes(content)
    again = runs.run()
    assert again.exit_code is ExitCode.DONE
    assert again.counts.created + summary.counts.created == 20
    assert sorted(runs.target.customers) == sorted(no for no, _, _ in CUSTOMERS)


def test_e29_the_same_file_under_another_name_writes_nothing(runs: CsvRuns) -> None:
    """Customers belong to the job and the target, not to a file's name."""
    runs.run()
    runs.write(CUSTOMERS, name="again.csv")
    assert runs.run(path="again.csv").counts.unchanged == 20
    assert runs.target.journal == []


READ = """\
import resource, sys
from pathlib import Path
from connectors.csv_file import CsvSettings, CsvSource
path = Path(sys.argv[1])
extra = {"updated_at": "changed"} if sys.argv[2] == "updates" else {}
source = CsvSource(CsvSettings(kind="csv", path=path.name, key="no", **extra), path.parent)
source.open()
print(sum(page.counted for page in source.pages(None, 1000)), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak(path: Path, how: str) -> tuple[int, int]:
    """Read a file in a process of its own; gives the records that came and the peak of its memory in MiB."""
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path), how],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    count, kib = done.stdout.split()
    return int(count), int(kib) // 1024


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux alone")
@pytest.mark.parametrize("how", ["plain", "updates"])
def test_e30_memory_does_not_grow_with_the_file(tmp_path: Path, how: str) -> None:
    """A file of 100 MB is read with at most 64 MiB more than one of 2,000 records.

    The pages in hand take 2 MB; the bound leaves Arrow's and Python's allocators the slack that they keep for reuse,
    and is well below the file. The process is its own, for memory that was once taken does not show as less.
    """
    line = "C-{:07},{},2024-05-01T12:00:00Z\n"
    sizes = {}
    for count in (2_000, 250_000):
        path = tmp_path / f"{count}.csv"
        with path.open("w", encoding="utf-8") as file:
            file.write("no,name,changed\n")
            file.writelines(line.format(number, "x" * 370) for number in range(count))
        read, sizes[count] = peak(path, how)
        assert read == count
    assert path.stat().st_size > 100_000_000
    assert sizes[250_000] - sizes[2_000] <= 64


def test_e33_a_file_without_records_says_nothing(runs: CsvRuns) -> None:
    """A header alone is no page and no cursor, so that nothing is concluded; every customer stays at the target."""
    runs.run()
    mark = runs.watermark
    write_file(runs.folder / "customers.csv", [])
    source = CsvSource(
        CsvSettings.model_validate({"kind": "csv", "path": "customers.csv", **runs.settings}), runs.folder
    )
    source.open()
    assert list(source.pages(None, 2)) == []
    summary = runs.run()
    assert (summary.counts.extracted, runs.target.journal, runs.watermark) == (0, [], mark)
    assert len(runs.target.customers) == 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a job's folder, with a file beside it that is none of the job's business."""
    (tmp_path / "secret.csv").write_text("password\nhunter2\n")
    made = tmp_path / "job"
    made.mkdir()
    (made / "customers.csv").write_text("no\nA\n")
    return made


def columns(folder: Path, path: str | Path) -> tuple[str, ...]:
    """Open a source over a path as a job names it."""
    return CsvSource(CsvSettings(kind="csv", path=str(path)), folder).open()


@pytest.mark.parametrize("path", ["../secret.csv", "./x/../../secret.csv", "../../../../../../../etc/passwd", ".."])
def test_x12_a_relative_path_does_not_lead_out_of_the_folder(folder: Path, path: str) -> None:
    """It is refused before the file is looked at, and the message says what would be taken."""
    with pytest.raises(
        ConfigurationError, match=r"source\.path: leads out of the job's folder.*absolute path is taken"
    ):
        columns(folder, path)


def test_x12_a_link_does_not_lead_out_of_the_folder(folder: Path) -> None:
    """Neither a linked file nor a linked folder does."""
    (folder / "link.csv").symlink_to(folder.parent / "secret.csv")
    (folder / "away").symlink_to(folder.parent)
    for path in ("link.csv", "away/secret.csv"):
        with pytest.raises(ConfigurationError, match="leads out of the job's folder"):
            columns(folder, path)


def test_x12_paths_within_the_folder_and_absolute_ones_are_taken(folder: Path) -> None:
    """Links may stay inside, the folder itself may be a link, and who writes an absolute path means it."""
    (folder / "inner").mkdir()
    (folder / "latest.csv").symlink_to("customers.csv")
    (folder.parent / "linked").symlink_to(folder)
    for path in ("customers.csv", "inner/../customers.csv", "latest.csv"):
        assert columns(folder, path) == ("no",)
    assert columns(folder.parent / "linked", "customers.csv") == ("no",)
    assert columns(folder, folder.parent / "secret.csv") == ("password",)


def test_x12_only_a_regular_file_is_read(folder: Path) -> None:
    """A pipe would wait for ever, a device never end, and a folder is no file."""
    os.mkfifo(folder / "pipe.csv")
    (folder / "ring.csv").symlink_to("ring.csv")
    for path in ("pipe.csv", "ring.csv", ".", os.devnull, "/dev/zero"):
        with pytest.raises(ConfigurationError, match=r"source\.path"):
            columns(folder, path)
