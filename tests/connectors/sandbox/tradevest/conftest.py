"""A tradevest sandbox in process, as it is by default or as a test wants it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors.sandbox.tradevest.setting import TradevestSettings
from connectors.sandbox.tradevest.vendor import tradevest_app
from tests.connectors.sandbox.caller import FakeTime
from tests.connectors.sandbox.tradevest.caller import Caller

Open = Callable[..., Caller]


@pytest.fixture
def open_api(time: FakeTime) -> Iterator[Open]:
    """Open sandboxes with settings or faults, and get a token."""
    callers: list[Caller] = []

    def open_one(*, faults: Any = None, journal: Any = None, **settings: Any) -> Caller:
        app = tradevest_app(TradevestSettings(**settings), faults=faults, journal=journal, clock=time.clock)
        caller = Caller(app)
        callers.append(caller)
        caller.log_in()
        return caller

    yield open_one
    for caller in callers:
        caller.close()


@pytest.fixture
def api(open_api: Open) -> Caller:
    """Open a sandbox with the defaults, with a token."""
    return open_api()
