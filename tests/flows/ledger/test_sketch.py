"""A sketch tells what the ledger would tell once all that was drawn over it had been written to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flows.ledger.ledger import Ledger
from flows.ledger.record import Opening, Remembered, Run, Settlement
from flows.ledger.sketch import Sketch
from tests.flows.clock import SetClock
from tests.state import State

KEYS = ["k1", "k2", "k3"]


@pytest.fixture
def ledger(state: State) -> Iterator[Ledger]:
    """Open a ledger in each kind of database, in which k1 holds R, and k2 waits."""
    made = Ledger.open(state.url, state.environment, SetClock())
    run = begin(made)
    settle(made, run, Settlement(0, "k1", "R", "created", record_hash=b"r", row_hash=b"w", target_id="7"))
    settle(made, run, Settlement(0, "k2", "S", "deferred"), page=2)
    yield made
    made.close()


def begin(ledger: Ledger) -> Run:
    """Begin a run of the job."""
    ledger.take_lease("crm")
    return ledger.begin_run("crm", "source", "target", "f")


def settle(ledger: Ledger, run: Run, item: Settlement, *, page: int = 1) -> None:
    """Settle one record on a page of its own."""
    filtered = int(item.outcome == "filtered")
    ledger.pass_page(run, Opening(page, extracted=1, unchanged=0, filtered=filtered, cursor=""), [item])


@pytest.mark.parametrize(
    "item",
    [
        Settlement(0, "k3", "R", "updated", record_hash=b"s", row_hash=b"x", target_id="7"),
        Settlement(0, "k2", "S", "filtered", closes_reject=True),
        Settlement(0, "k2", "S", "created", record_hash=b"t", row_hash=b"y", target_id="8"),
        Settlement(0, "k1", "R", "invalid"),
    ],
    ids=["taken over", "let go of", "arrived", "spoiled"],
)
def test_what_is_drawn_is_told_as_if_it_were_written(ledger: Ledger, state: State, item: Settlement) -> None:
    """Of every record and reference; the ledger behind knows nothing of it until it is written there as well."""
    sketch = Sketch.over(state.url, state.environment, SetClock())
    try:
        settle(sketch, begin(sketch), item)
        drawn = _known(sketch), sketch.crossings(1, ["R", "S"]), sketch.due_keys(1)
    finally:
        sketch.close()
    before = _known(ledger)
    assert before["k1"].holds
    ledger.release_lease()
    settle(ledger, begin(ledger), item)
    assert drawn == (_known(ledger), ledger.crossings(1, ["R", "S"]), ledger.due_keys(1))
    assert drawn[0] != before


def _known(ledger: Ledger) -> dict[str, Remembered]:
    """Recall all, but for the run; without a record hash nobody asks who holds the reference."""
    found = ledger.remembered(1, KEYS)
    return {
        key: each._replace(holds=bool(each.holds) and each.record_hash is not None, run=0)
        for key, each in found.items()
    }
