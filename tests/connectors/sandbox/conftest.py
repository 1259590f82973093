"""A Valomnia sandbox in process, as it is by default or as a test wants it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors.sandbox.valomnia.setting import ValomniaSettings
from connectors.sandbox.valomnia.vendor import valomnia_app
from tests.connectors.sandbox.caller import Caller, FakeTime

Open = Callable[..., Caller]


@pytest.fixture
def time() -> FakeTime:
    """Give the test the sandbox's clock."""
    return FakeTime()


@pytest.fixture
def open_api(time: FakeTime) -> Iterator[Open]:
    """Open sandboxes with settings, or seeds and faults, and log in."""
    callers: list[Caller] = []

    def open_one(*, seeds: Any = None, faults: Any = None, journal: Any = None, **settings: Any) -> Caller:
        app = valomnia_app(ValomniaSettings(**settings), seeds=seeds, faults=faults, journal=journal, clock=time.clock)
        caller = Caller(app)
        callers.append(caller)
        caller.log_in()
        return caller

    yield open_one
    for caller in callers:
        caller.close()


@pytest.fixture
def api(open_api: Open) -> Caller:
    """Open a sandbox with the defaults, logged in."""
    return open_api()
