"""What is known of customers whose answers were lost with the run that sent them."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest

from tests.kill.named import AT_STAKE
from tests.kill.place import kill_place
from tests.kill.population import Population
from tests.state import State

pytestmark = pytest.mark.kill

KILLED = -signal.SIGKILL


@pytest.mark.parametrize("occurrence", [1, 3])
def test_killed_with_a_full_group_unrecorded(tmp_path: Path, state: State, occurrence: int) -> None:
    """Killed before a full group of answers is recorded and with 32 requests in flight, at most 100 are repeated."""
    with kill_place(tmp_path, state, pages=3, page_size=200, concurrency=32, latency_ms=20) as place:
        assert place.run("K9", occurrence) == KILLED
        assert place.run() == 0
        assert place.differences() == []
        assert 0 < place.repeated <= AT_STAKE


def test_a_change_that_was_killed_and_taken_back(tmp_path: Path, state: State) -> None:
    """What was sent without its answer being recorded is not believed: the old values are sent once more."""
    with kill_place(tmp_path, state, Population, pages=3) as place:
        assert place.run() == 0
        place.population.change_some(random.Random(1), 1)
        assert place.run("K9", 2) == KILLED
        place.population.versions.clear()
        place.population.write_customers()
        assert place.run() == 0
        assert place.differences() == []


def test_customers_that_left_the_source_after_a_kill(tmp_path: Path, state: State) -> None:
    """Customers whose answer was lost with the run, and which the source no longer has, are looked up and noted."""
    with kill_place(tmp_path, state) as place:
        assert place.run("K9", 5) == KILLED
        assert place.ask("SELECT count(*) FROM intents") > [(40,)]
        place.population.size = 100
        place.population.write_customers()
        sent = place.writes
        assert place.run() == 0
        assert place.writes == sent
        assert place.ask("SELECT * FROM intents") == []
        assert dict(place.ask("SELECT reference, target_id FROM crosswalk")) == place.applied
        assert len(place.applied) > 100
