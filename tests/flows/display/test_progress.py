"""The share of a run that is done is told where it can be known, and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from connectors.delivery.courier import Courier
from connectors.delivery.gate import Gate
from connectors.moment import moment_text
from connectors.protocol import Refusal
from flows.display.progress import Progress
from flows.job import load_job
from flows.ledger.record import Counts
from flows.plan import compile_job
from flows.run import carry_out
from flows.selection import EVERYTHING, Selection
from flows.watch import Hand, Watch
from tests.flows.bench import Bench, record


def shares(bench: Bench, selection: Selection = EVERYTHING) -> list[float | None]:
    """Run the bench's job, and list what share of it was known to be read with each page."""
    found: list[float | None] = []
    progress = Progress("crm", lambda _: None)

    async def each_page(hand: Hand, work: Callable[[], Awaitable[Counts]]) -> Counts:
        assert progress.started == bool(found), "nothing is shown before it is known whether a share can be told"
        progress.take(hand)
        found.append(None if progress.share is None else round(progress.share, 2))
        return await work()

    path = bench.folder / "job.yaml"
    path.write_text(bench.job)
    plan = compile_job(load_job(path, {}), bench.ledger.key)
    watch = Watch(on_begin=progress.begin, on_page=progress.note, each_page=each_page)
    courier = Courier(bench.target, Gate(concurrency=4, probe_seconds=0.001, give_up_seconds=0.01))
    asyncio.run(carry_out(plan, bench.source, courier, bench.ledger, watch, selection=selection))
    return found


def test_a_first_reading_has_no_share(bench: Bench) -> None:
    """Nobody has counted the source yet."""
    bench.source.records = [record(f"C-{n}") for n in range(6)]
    assert shares(bench) == [None, None]


def test_a_whole_reading_is_held_against_the_last_one(bench: Bench) -> None:
    """The last whole run's count is the measure; more records than then are never more than everything."""
    bench.source.records = [record(f"C-{n}") for n in range(6)]
    shares(bench)
    bench.source.records += [record(f"D-{n}") for n in range(3)]
    assert shares(bench) == [0.5, 0.99, 0.99]


def test_a_limited_reading_is_held_against_its_limit(bench: Bench) -> None:
    """A limit says how much there is."""
    bench.source.records = [record(f"C-{n}") for n in range(9)]
    assert shares(bench, Selection(limit=6)) == [0.5, 0.99]


def test_an_incremental_reading_moves_through_time(bench: Bench) -> None:
    """From the watermark to the present moment is the whole; each page's cursor says where the run is."""
    present = bench.ledger.clock()
    ago = [moment_text(present - timedelta(hours=hours)) for hours in (10, 8, 5, 2)]
    bench.source.incremental = True
    bench.source.records = [record("C-0", ago[0])]
    assert shares(bench) == [None]
    bench.source.records += [record(f"C-{n}", ago[1 + (n - 1) // 3]) for n in range(1, 9)]
    found = shares(bench)
    assert found[0] is not None
    assert found == sorted(share for share in found if share is not None)
    assert found[-1] == 0.8


def test_customers_due_again_come_before_the_share(bench: Bench) -> None:
    """While customers are tried again nothing of the source's news was read, and that is a share as well."""
    bench.source.incremental = True
    bench.source.records = [record("C-0", moment_text(bench.ledger.clock()))]
    bench.target.refusals["C-0"] = Refusal("not_found", "billingCity", "no such city")
    assert shares(bench) == [None]
    bench.clock.forward(days=2)
    bench.source.records += [record("C-1", moment_text(bench.ledger.clock() - timedelta(hours=12)))]
    assert shares(bench) == [0.0, 0.75]


@pytest.mark.parametrize(
    ("page", "line"),
    [
        (3, "page 3 done; so far 1 customer: 0 sent, 0 unchanged, 1 reject; "),
        (0, "so far 1 customer: 0 sent, 0 unchanged, 1 reject; "),
        (-1, "so far 1 customer: 0 sent, 0 unchanged, 1 reject; "),
    ],
)
def test_a_line_now_and_then(page: int, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the page where it is one of the source's: a migration and customers due again have none."""
    monkeypatch.setattr("flows.display.progress._LINE_SECONDS", 0)
    said: list[str] = []
    Progress("crm", said.append).note(page, Counts(extracted=1, invalid=1))
    assert [each[: len(line)] for each in said] == [line]
