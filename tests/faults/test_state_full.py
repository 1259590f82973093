"""The ledger's disk is full: the run stops, the ledger stays whole, and once there is room a rerun ends it (S04)."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from flows.summary import ExitCode
from tests.flows.bench import Bench, record
from tests.state import skip_unless_asked

N = 600


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of two megabytes, where that is allowed."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount, umount = shutil.which("mount"), shutil.which("umount")
    command = [str(mount), "-t", "tmpfs", "-o", "size=2m", "rollcall", str(folder)]
    if mount is None or umount is None or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("no disk may be mounted here")
    yield folder
    subprocess.run([umount, "-l", str(folder)], check=True)


def made(folder: Path) -> Bench:
    """Set up a job over many customers, one page of them sent already."""
    skip_unless_asked("sqlite")
    bench = Bench(folder)
    bench.job = bench.job.replace("page_size: 3", "page_size: 50")
    bench.source.records = [record(f"C-{number:03}", name="N" * 50) for number in range(50)]
    assert bench.run().exit_code is ExitCode.DONE
    bench.source.records = [record(f"C-{number:03}", name="N" * 50) for number in range(N)]
    return bench


def assert_whole(bench: Bench) -> None:
    """Look the file through, and the counts of what was confirmed."""
    with bench.ledger.engine.connect() as connection:
        assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
        torn = text(
            "SELECT count(*) FROM pages p WHERE confirmed_at IS NOT NULL AND extracted - unchanged - filtered <>"
            " (SELECT count(*) FROM lines l WHERE l.run = p.run AND l.page = p.page)"
        )
        assert connection.execute(torn).scalar() == 0


def assert_completed(bench: Bench, sent: list[str]) -> None:
    """Run again: all are there, and nobody whose page was confirmed is written again."""
    summary = bench.run()
    assert (summary.exit_code, summary.counts.extracted, summary.counts.balanced) == (ExitCode.DONE, N, True)
    assert set(bench.target.customers) == {f"C-{number:03}" for number in range(N)}
    assert len(set(sent) & set(bench.target.journal)) <= 50
    assert_whole(bench)
    assert bench.run().requests == 0


@pytest.mark.parametrize("pages", [3, 12, 25])
def test_s04_the_file_may_not_grow(tmp_path: Path, pages: int) -> None:
    """A commit for which there is no room fails the run, whatever it was to hold; what was committed stands."""
    bench = made(tmp_path)
    with bench.ledger.engine.connect() as connection:
        size = int(connection.execute(text("PRAGMA page_count")).scalar_one())
        connection.execute(text(f"PRAGMA max_page_count = {size + pages}"))
    summary = bench.run()
    assert (summary.exit_code, "full" in str(summary.message)) == (ExitCode.FAILED, True), summary
    sent = list(bench.target.journal)
    assert len(bench.target.customers) < N
    bench.ledger.close()
    bench.ledger = bench.open_ledger()
    assert_whole(bench)
    assert_completed(bench, sent)


def test_s04_a_disk_without_room(disk: Path) -> None:
    """A real disk that is full stops the run the same way, at whichever file; with room again, the rerun ends it."""
    bench = made(disk)
    ballast = disk / "ballast"
    free = shutil.disk_usage(disk).free
    ballast.write_bytes(b"x" * (free - 64 * 1024))
    summary = bench.run()
    assert (summary.exit_code, "cannot be" in str(summary.message)) == (ExitCode.FAILED, True), summary
    sent = list(bench.target.journal)
    assert len(bench.target.customers) < N
    ballast.unlink()
    bench.ledger.close()
    bench.ledger = bench.open_ledger()
    with closing(bench.ledger):
        assert_whole(bench)
        assert_completed(bench, sent)
