"""Signals that come in the middle of a commit: the commit is whole, and nothing is believed that was not done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from signal import SIGINT, SIGTERM, Signals

import pytest

from connectors.moment import read_moment
from flows.summary import ExitCode
from tests.faults.signal_driver import run_and_signal
from tests.flows.run_place import Place, open_place, run_here
from tests.kill.judge import writes

pytestmark = pytest.mark.kill

COUNT = 200


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Place]:
    """Put ten pages of customers with last updates beside a sandbox."""
    with open_place(tmp_path, latency_ms=2) as place:
        place.use_table(COUNT)
        yield place


def sent(place: Place) -> Counter[str]:
    """Count the upserts of each customer, by the sandbox's journal."""
    return Counter(str(entry.reference) for entry in writes(place.app.journal.entries))


def before_the_watermark(place: Place) -> set[str]:
    """Name the customers that the next run will not read again."""
    ((cursor,),) = place.ask("SELECT cursor FROM watermarks") or [(None,)]
    if cursor is None:
        return set()
    passed = (read_moment(cursor) - read_moment("2026-01-01T08:00:00.000000Z")).total_seconds()
    return {f"D-{number}" for number in range(COUNT) if number < passed}


def prove_that_the_next_run_finishes(place: Place) -> None:
    """Bring the rest with a run that nobody disturbs; everybody is there."""
    assert run_here(place.job).status == "completed"
    assert place.applied.keys() == {f"D-{number}" for number in range(COUNT)}
    assert dict(place.ask("SELECT reference, target_id FROM crosswalk WHERE row_hash IS NOT NULL")) == place.applied
    assert place.ask("SELECT count(*) FROM intents") == [(0,)]


@pytest.mark.parametrize(
    ("commit", "numbers"), [(1, [SIGTERM]), (2, [SIGTERM, SIGINT]), (3, [SIGTERM]), (15, [SIGTERM, SIGINT])]
)
def test_o03_a_signal_within_a_commit(table: Place, commit: int, numbers: list[Signals]) -> None:
    """O03: whatever is being committed is, what is in flight is settled, and nobody before the watermark is missing."""
    assert run_and_signal(table.job, commit, numbers) == ExitCode.STOPPED
    assert table.ask("SELECT status FROM runs") == [("interrupted",)]
    assert len(table.applied) < COUNT, "it came to its end"
    assert before_the_watermark(table) <= table.applied.keys()
    assert dict(table.ask("SELECT reference, target_id FROM crosswalk WHERE row_hash IS NOT NULL")) == table.applied
    prove_that_the_next_run_finishes(table)
    assert set(sent(table).values()) == {1}


@pytest.mark.parametrize("commit", [2, 15])
def test_o03_the_same_signal_twice_within_a_commit(table: Place, commit: int) -> None:
    """O03: it ends at once; the commit is whole, and who was in flight is sent again, and is there once."""
    assert run_and_signal(table.job, commit, [SIGTERM, SIGTERM]) == ExitCode.STOPPED
    assert table.ask("SELECT status FROM runs") == [("interrupted",)]
    assert before_the_watermark(table) <= table.applied.keys()
    prove_that_the_next_run_finishes(table)
    assert max(sent(table).values()) <= 2
