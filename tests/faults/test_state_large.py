"""A ledger with very many rejects, and one that is read for a long time while runs write (FAULTS.md S18, S19).

Nothing purges rejects so far: they are closed by success, or where the customer has left the source, and stay.
"""

from __future__ import annotations

import time
from pathlib import Path

from sqlalchemy import text

from flows.summary import ExitCode
from tests.flows.bench import Bench, record
from tests.flows.fake import FakeSource
from tests.state import skip_unless_asked

REJECTS = 50_000
MEBIBYTE = 1024**2
COMMITS = 1500

_SERIES = {
    "sqlite": "WITH RECURSIVE series(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM series WHERE n + 1 < {count}) ",
    "postgresql": "WITH series AS (SELECT generate_series(0, {count} - 1) AS n) ",
}
_REJECT = (
    "INSERT INTO rejects (scope, source_key, reference, run, stage, outcome, code, tries, due_at, opened_at) "
    "{series}SELECT 1, 'R-' || n, 'R-' || n, 1, 'target', 'rejected', 'odd', 1, '2999-01-01T00:00:00.000000Z',"
    " '2026-01-01T00:00:00.000000Z' FROM series"
)
_FINDING = (
    "INSERT INTO findings (scope, source_key, number, code, field, description) "
    "{series}SELECT 1, 'R-' || n, 0, 'odd', 'name', 'words' FROM series"
)


def test_s18_very_many_rejects(bench: Bench) -> None:
    """A run beside 50,000 open rejects purges none of them, and each question of a page is answered in a second."""
    bench.source = FakeSource([record("C-0", "1")], incremental=True)
    bench.run()
    ledger = bench.ledger
    series = _SERIES[ledger.engine.dialect.name].format(count=REJECTS)
    with ledger.engine.begin() as connection:
        for statement in (_REJECT, _FINDING):
            connection.execute(text(statement.format(series=series)))
    bench.source.records.append(record("C-1", "2"))
    summary = bench.run()
    assert (summary.exit_code, summary.counts.created) == (ExitCode.DONE, 1), summary
    keys = [f"R-{number}" for number in range(0, REJECTS, 50)]
    seconds = []
    for _ in range(3):  # the machine may be busy with something else
        began = time.monotonic()
        assert (len(ledger.open_rejects(1, keys)), ledger.due_keys(1)) == (1000, [])
        seconds.append(time.monotonic() - began)
    assert min(seconds) < 1
    assert ledger.open_codes(1) == {"odd": REJECTS}
    with ledger.reading() as connection:
        opened = connection.execute(text("SELECT count(*) FROM rejects WHERE closed_at IS NULL")).scalar()
    assert opened == REJECTS


def test_s19_a_long_read(tmp_path: Path) -> None:
    """A reader that stays keeps the write-ahead log from being emptied; it grows no further once the reader is gone."""
    skip_unless_asked("sqlite")
    bench = Bench(tmp_path)
    bench.source.records = [record(f"C-{number}") for number in range(6)]
    log = tmp_path / "ledger.db-wal"

    def write() -> int:
        assert bench.run().exit_code is ExitCode.DONE
        for number in range(COMMITS):
            with bench.ledger.engine.begin() as connection:
                connection.execute(text("UPDATE settings SET value = :v WHERE name = 'filler'"), {"v": str(number)})
        return log.stat().st_size

    with bench.ledger.engine.begin() as connection:
        connection.execute(text("INSERT INTO settings VALUES ('filler', '')"))
    with bench.ledger.reading() as connection:
        query = text("SELECT count(*) FROM runs")
        assert connection.execute(query).scalar() == 0
        pinned = write()
        assert connection.execute(query).scalar() == 0, "what is read together is of one moment"
    assert 5 * MEBIBYTE < pinned < 64 * MEBIBYTE
    assert write() <= pinned + MEBIBYTE
    bench.ledger.close()
