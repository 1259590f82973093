"""Measures what the ledger takes of a page, in a SQLite file and on a PostgreSQL server of this machine.

`python -m tests.benchmarks.ledger --server postgresql://postgres@127.0.0.1:5432/bench` with an empty database.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table

from flows.ledger.ledger import Ledger
from flows.ledger.record import Opening, Run, Settlement
from flows.run import now

PAGE, GROUP, PAGES = 1000, 100, 20


def milliseconds(work: Callable[[int], object], times: int) -> float:
    """Give the median time of a piece of work."""
    taken = []
    for number in range(times):
        began = time.perf_counter()
        work(number)
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def settled(page: int) -> list[Settlement]:
    """Make the settlements of a page of customers that are created."""
    return [
        Settlement(
            place, f"{page:06}{place}", f"C-{page:06}{place}", "created",
            record_hash=b"0123456789abcdef", row_hash=b"0123456789abcdef", target_id=str(place), http_status=201,
        )
        for place in range(PAGE)
    ]  # fmt: skip


def send_page(ledger: Ledger, run: Run, number: int) -> None:
    """Take a page through the ledger as a run does: open, ten groups of answers, confirm."""
    items = settled(number)
    ledger.open_page(
        run, Opening(number, PAGE, 0, 0, "c"), [], [(str(each.reference), each.source_key) for each in items]
    )
    for start in range(0, PAGE, GROUP):
        ledger.settle(run, number, items[start : start + GROUP])
    ledger.confirm_page(run, number)


def recall_page(ledger: Ledger, run: Run, number: int) -> None:
    """Ask for a page of customers that are known."""
    items = settled(number)
    assert len(ledger.remembered(run.scope, [each.source_key for each in items])) == PAGE
    assert len(ledger.crossings(run.scope, [str(each.reference) for each in items])) == PAGE


def measure(state: str) -> list[str]:
    """Measure one ledger and give a table row."""
    ledger = Ledger.open(state, {"ROLLCALL_KEY": "bench"}, now)
    try:
        ledger.take_lease("bench")
        run = ledger.begin_run("bench", "source", "target", "f")
        commit = milliseconds(lambda _: ledger.renew_lease(), 200)
        first = milliseconds(lambda number: send_page(ledger, run, number), PAGES)
        recall = milliseconds(lambda number: recall_page(ledger, run, number), PAGES)
        again = ledger.begin_run("bench", "source", "target", "f")
        second = milliseconds(lambda number: send_page(ledger, again, number), PAGES)
    finally:
        ledger.close()
    name = ledger.engine.dialect.name
    return [name, f"{1000 / commit:,.0f}", f"{first:.0f} ms", f"{second:.0f} ms", f"{recall:.0f} ms"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.ledger", description=__doc__)
    parser.add_argument("--server", metavar="URL", help="an empty PostgreSQL database")
    options = parser.parse_args(arguments)
    table = Table(title=f"The ledger's part of a page of {PAGE:,} customers")
    for name in ("ledger", "commits/s", "sent, first time", "sent again", "recalled"):
        table.add_column(name, justify="right")
    with tempfile.TemporaryDirectory() as folder:
        table.add_row(*measure(f"sqlite:///{folder}/ledger.db"))
    if options.server:
        table.add_row(*measure(options.server))
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
