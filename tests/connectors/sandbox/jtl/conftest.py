"""A JTL-Wawi sandbox in process, as it is by default or as a test wants it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors.sandbox.jtl.setting import JtlSettings
from connectors.sandbox.jtl.vendor import jtl_app
from tests.connectors.sandbox.caller import FakeTime
from tests.connectors.sandbox.jtl.caller import JtlCaller

OpenJtl = Callable[..., JtlCaller]


@pytest.fixture
def open_jtl(time: FakeTime) -> Iterator[OpenJtl]:
    """Open sandboxes with settings, or seeds and faults, and get a token."""
    callers: list[JtlCaller] = []

    def open_one(*, seeds: Any = None, faults: Any = None, journal: Any = None, **settings: Any) -> JtlCaller:
        wanted = JtlSettings(**settings)
        app = jtl_app(wanted, seeds=seeds, faults=faults, journal=journal, clock=time.clock)
        caller = JtlCaller(app)
        callers.append(caller)
        if wanted.api_key is None:
            caller.log_in((wanted.client_id, wanted.client_secret))
        return caller

    yield open_one
    for caller in callers:
        caller.close()


@pytest.fixture
def jtl(open_jtl: OpenJtl) -> JtlCaller:
    """Open a sandbox with the defaults, with a token."""
    return open_jtl()
