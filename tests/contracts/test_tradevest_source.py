"""The tradevest source keeps the contract of sources, against the sandbox."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from connectors.sandbox.app import SandboxApp
from tests.contracts.source import ResumeContract, SourceContract
from tests.contracts.tradevest_world import TradevestWorld, served
from tests.contracts.world import World


@pytest.fixture(scope="module")
def platform() -> Iterator[tuple[SandboxApp, httpx.Client]]:
    """Serve one platform for all tests."""
    with served() as made:
        yield made


class TestTradevest(ResumeContract, SourceContract):
    """The customers of a platform."""

    @pytest.fixture
    def world(self, platform: tuple[SandboxApp, httpx.Client]) -> World:
        """Give the platform without customers."""
        world = TradevestWorld(*platform)
        world.clear()
        return world
