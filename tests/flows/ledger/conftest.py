"""What the tests of leases share: the wall clock of a ledger, in each kind of database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.flows.ledger.pulse import Wall
from tests.state import State


@pytest.fixture
def wall(state: State, request: pytest.FixtureRequest) -> Iterator[Wall]:
    """Put up the clock of a ledger that nobody has made yet."""
    server = request.getfixturevalue("postgresql") if state.url.startswith("postgresql") else None
    made = Wall(state, server)
    yield made
    made.close()
