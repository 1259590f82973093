"""The last update is asked of the source, the filter is not: who leaves the filter must still be seen."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sqlalchemy import event

from connectors.delivery.courier import Courier
from connectors.delivery.gate import Gate
from flows.connection import make_source
from flows.job import load_job
from flows.ledger.history import History
from flows.ledger.ledger import Ledger
from flows.plan import compile_job
from flows.run import carry_out
from flows.summary import Summary
from flows.watch import Watch
from tests.flows.clock import SetClock
from tests.flows.fake import FakeTarget
from tests.server import Database

JOB = """\
job: crm
source:
  {{kind: database, url: "{url}", table: customers, key: id, updated_at: changed, time_zone: UTC, overlap: 0s}}
target: {{kind: valomnia, base_url: "http://127.0.0.1:1", username: u, password: p}}
fields: {{reference: id, name: name}}
filter: {{status: A}}
"""


def run(job: Path, ledger: Ledger, target: FakeTarget) -> tuple[Summary, list[str]]:
    """Run the job once; gives also what was asked of the source."""
    plan = compile_job(load_job(job, {}), ledger.key)
    source, asked = make_source(plan), []
    source.open()
    engine = source._engine  # type: ignore[attr-defined]  # of the database's source, to see what it is asked
    event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    courier = Courier(target, Gate(concurrency=4))
    return asyncio.run(carry_out(plan, source, courier, ledger, Watch())), asked


def test_a_customer_that_leaves_the_filter_is_seen(database: Database, tmp_path: Path) -> None:
    """It is filtered, and its reject closes, though nobody wants it any more; who comes into the filter is sent."""
    database.execute(
        "CREATE TABLE customers (id int PRIMARY KEY, name varchar(20), status varchar(1), changed timestamp)",
        "INSERT INTO customers VALUES (1, 'A', 'A', '2026-01-01 10:00:00'), (2, NULL, 'A', '2026-01-01 11:00:00'),"
        " (3, 'C', 'X', '2026-01-01 12:00:00')",
    )
    job = tmp_path / "job.yaml"
    job.write_text(JOB.format(url=database.url))
    ledger, target = Ledger.open(f"sqlite:///{tmp_path}/ledger.db", {}, SetClock()), FakeTarget()
    try:
        first, _ = run(job, ledger, target)
        assert (first.counts.created, first.counts.invalid, first.counts.filtered) == (1, 1, 1)
        database.execute(
            "UPDATE customers SET status = 'X', changed = '2099-01-01 10:00:00' WHERE id = 2"
            if database.kind == "sqlite"
            else "UPDATE customers SET status = 'X', changed = CURRENT_TIMESTAMP WHERE id = 2",
            "UPDATE customers SET status = 'A', changed = '2037-01-01 10:00:00' WHERE id = 3",
        )
        second, asked = run(job, ledger, target)
        assert (second.counts.extracted, second.counts.created, second.counts.filtered) == (2, 1, 1)
        assert History(ledger).rejects() == []
        reads = [statement for statement in asked if "changed" in statement and "status" in statement]
        assert any("changed" in each.partition("WHERE")[2] or "latest" in each for each in reads)
        assert not any("status" in each.partition("WHERE")[2].partition("ORDER")[0] for each in reads)
    finally:
        ledger.close()
