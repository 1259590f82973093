"""The ledger's file is gone, cut short, damaged or no database: named, never believed, and nobody is doubled after."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from flows.document import JobError
from flows.failure import explain_failure
from flows.ledger import damage
from flows.ledger.knowledge import LedgerError
from flows.summary import ExitCode, Summary
from tests.flows.bench import Bench, record
from tests.server import command_server
from tests.state import skip_unless_asked

FLIPS = 40


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Run a job over a SQLite ledger once, close it, and change two customers at the source."""
    skip_unless_asked("sqlite")
    made = Bench(tmp_path)
    made.source.records = [record(f"C-{number:03}") for number in range(200)]
    made.job = made.job.replace("page_size: 3", "page_size: 50")
    assert made.run().counts.created == 200
    made.ledger.close()
    made.source.records[7:9] = [record("C-007", name="new"), record("C-008", name="new")]
    return made


def ledger_file(bench: Bench) -> Path:
    """Name the ledger's file."""
    return bench.folder / "ledger.db"


def refused(bench: Bench) -> str:
    """Open the ledger, which must be refused as the fault of its file; gives what is said."""
    with pytest.raises(JobError) as caught:
        bench.open_ledger()
    code, said = explain_failure(caught.value)
    assert code is ExitCode.JOB
    return said


def assert_rebuilt(bench: Bench) -> None:
    """Make a new ledger: everybody is met again, and the target holds each customer once, as it is now."""
    for file in bench.folder.glob("ledger.db*"):
        file.unlink()
    bench.ledger = bench.open_ledger()
    summary = bench.run()
    bench.ledger.close()
    assert (summary.exit_code, summary.counts.extracted, summary.counts.balanced) == (ExitCode.DONE, 200, True)
    assert sorted(bench.target.journal) == sorted(key for key, _, _ in bench.source.records)
    wanted = {key: values["name"] for key, _, values in bench.source.records}
    assert {key: held["name"] for key, held in bench.target.customers.items()} == wanted


def test_s10_a_ledger_that_was_deleted(bench: Bench) -> None:
    """S10: without its file the next run says that nothing is known, and sends everybody once."""
    assert_rebuilt(bench)
    assert "nothing is known of fake:target yet: every customer is new to it" in bench.notices


@pytest.mark.parametrize("share", [0.9, 0.5, 0.1, 0.01])
def test_s10_a_ledger_that_was_cut_short(bench: Bench, share: float) -> None:
    """S10: a file that lacks its end is named, with what to do, before anything is sent."""
    file = ledger_file(bench)
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * share)])
    said = refused(bench)
    assert str(file) in said
    assert "damaged" in said
    assert "move it away" in said
    assert_rebuilt(bench)


def test_s10_a_file_that_is_no_database(bench: Bench) -> None:
    """S10: something else under the ledger's name is not mistaken for an empty ledger, and is left as it is."""
    file = ledger_file(bench)
    file.write_bytes(b"this is no database" * 1000)
    assert "is damaged" in refused(bench)
    assert file.read_bytes() == b"this is no database" * 1000
    assert_rebuilt(bench)


def test_s10_a_page_of_the_file_that_was_overwritten(bench: Bench) -> None:
    """S10: a page in the middle that holds something else is found before the run, wherever it is."""
    file = ledger_file(bench)
    whole = file.read_bytes()
    for page in range(1, len(whole) // 4096):
        file.write_bytes(whole[: page * 4096] + b"\xa5" * 4096 + whole[(page + 1) * 4096 :])
        assert "is damaged" in refused(bench), page
    assert_rebuilt(bench)


def test_s10_flipped_bits(bench: Bench) -> None:
    """S10: whatever one bit of the file says, the run ends with a name, and nobody is doubled or made up."""
    chance = random.Random(10)
    file = ledger_file(bench)
    whole = file.read_bytes()
    named = 0
    known = set(bench.target.customers)
    for _ in range(FLIPS):
        for beside in bench.folder.glob("ledger.db-*"):
            beside.unlink()
        place = chance.randrange(len(whole))
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << chance.randrange(8)]) + whole[place + 1 :])
        ended = run(bench)
        named += not isinstance(ended, Summary)
        assert set(bench.target.customers) == known
    print({"flips": FLIPS, "refused by name": named})
    assert_rebuilt(bench)


def run(bench: Bench) -> Summary | JobError | LedgerError:
    """Run as a process of its own would; an error without a name is raised."""
    try:
        bench.ledger = bench.open_ledger()
    except JobError as error:
        return error
    try:
        return bench.run()
    except LedgerError as error:
        return error
    finally:
        bench.ledger.close()


def test_s10_damage_that_a_run_meets_on_its_way(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """S10: where a large file is not looked through at the start, the run fails with the same words."""
    monkeypatch.setattr(damage, "_CHECKED_BYTES", 0)
    bench.ledger = bench.open_ledger()
    with bench.ledger.engine.connect() as connection:
        query = text("SELECT rootpage FROM sqlite_schema WHERE name = 'crosswalk'")
        page = int(connection.execute(query).scalar_one())
    bench.ledger.close()
    file = ledger_file(bench)
    whole = file.read_bytes()
    file.write_bytes(whole[: (page - 1) * 4096] + b"\xa5" * 4096 + whole[page * 4096 :])
    bench.ledger = bench.open_ledger()
    summary = bench.run()
    bench.ledger.close()
    assert summary.exit_code is ExitCode.FAILED
    assert "is damaged" in str(summary.message)
    assert bench.target.journal == []
    assert_rebuilt(bench)


def test_s10_a_large_file_is_looked_through_after_a_run_that_did_not_end(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S10: that is when files are damaged."""
    monkeypatch.setattr(damage, "_CHECKED_BYTES", 0)
    bench.ledger = bench.open_ledger()
    bench.ledger.take_lease("crm")
    bench.ledger.begin_run("crm", "x", "t", "f")
    bench.ledger.close()
    file = ledger_file(bench)
    whole = bytearray(file.read_bytes())
    whole[4096 * 12 : 4096 * 13] = b"\xa5" * 4096
    file.write_bytes(whole)
    assert "is damaged" in refused(bench)


def test_s11_a_ledger_from_an_old_backup(tmp_path: Path) -> None:
    """S11: what changed since the backup is sent once more as it is now; a later restore sends nobody else."""
    for incremental in (False, True):
        assert_backup_is_safe(tmp_path / f"incremental-{incremental}", incremental=incremental)


def back_up(bench: Bench) -> Callable[[], object]:
    """Copy a ledger that nobody has open; gives what puts the copy in its place."""
    url = make_url(bench.state.url)
    if url.drivername == "sqlite":
        backup = shutil.copy(ledger_file(bench), bench.folder / "backup")
        return partial(shutil.copy, backup, ledger_file(bench))
    name, copy = str(url.database), f"{url.database}_copy"
    bench.ledger.engine.dispose()
    command_server("postgresql", f"CREATE DATABASE {copy} TEMPLATE {name}")

    def restore() -> None:
        bench.ledger.engine.dispose()
        command_server("postgresql", f"DROP DATABASE {name}", f"ALTER DATABASE {copy} RENAME TO {name}")

    return restore


def assert_backup_is_safe(folder: Path, *, incremental: bool) -> None:
    """Run, back up, let the source move on twice, restore, and run."""
    folder.mkdir()
    bench = Bench(folder)
    bench.source.incremental = incremental
    bench.source.records = [record(f"C-{n}", f"2026-01-01T00:00:{n:02}.000000+00:00") for n in range(20)]
    bench.run()
    bench.ledger.close()
    restore = back_up(bench)
    for week, changed in enumerate((["C-3", "C-4"], ["C-4", "C-5", "C-20"]), 2):
        kept = [each for each in bench.source.records if each[0] not in changed]
        moved = [record(key, f"2026-01-0{week}T00:00:00.000000+00:00", name=f"week {week}") for key in changed]
        bench.source.records = [*kept, *moved]
        bench.ledger = bench.open_ledger()
        assert bench.run().exit_code is ExitCode.DONE
        assert sorted(bench.target.journal) == sorted(changed)
        bench.ledger.close()
    held = {key: dict(values) for key, values in bench.target.customers.items()}
    restore()
    bench.target.rows.clear()
    bench.ledger = bench.open_ledger()
    summary = bench.run()
    assert summary.exit_code is ExitCode.DONE
    assert sorted(bench.target.journal) == ["C-20", "C-3", "C-4", "C-5"]
    assert {row.reference: row.values["name"] for row in bench.target.rows} == {
        "C-3": "week 2",
        "C-4": "week 3",
        "C-5": "week 3",
        "C-20": "week 3",
    }
    assert bench.target.customers == held
    bench.run()
    assert bench.target.journal == []
    bench.ledger.close()
