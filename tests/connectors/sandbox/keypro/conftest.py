"""A Keypro sandbox in process, as it is by default or as a test wants it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors.sandbox.keypro.setting import KeyproSettings
from connectors.sandbox.keypro.vendor import keypro_app
from tests.connectors.sandbox.caller import FakeTime
from tests.connectors.sandbox.keypro.caller import KeyproCaller

Open = Callable[..., KeyproCaller]


@pytest.fixture
def time() -> FakeTime:
    """Give the test the sandbox's clock."""
    return FakeTime()


@pytest.fixture
def open_api(time: FakeTime) -> Iterator[Open]:
    """Open sandboxes with settings, or faults."""
    callers: list[KeyproCaller] = []

    def open_one(*, faults: Any = None, journal: Any = None, **settings: Any) -> KeyproCaller:
        chosen = KeyproSettings(**settings)
        app = keypro_app(chosen, faults=faults, journal=journal, clock=time.clock)
        callers.append(KeyproCaller(app, chosen.token))
        return callers[-1]

    yield open_one
    for caller in callers:
        caller.close()


@pytest.fixture
def api(open_api: Open) -> KeyproCaller:
    """Open a sandbox with the defaults."""
    return open_api()
