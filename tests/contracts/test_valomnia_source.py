"""The Valomnia source keeps the contract of sources, against the sandbox."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.sandbox.valomnia.vendor import ValomniaVendor
from tests.contracts.incremental import IncrementalContract, InOrderContract
from tests.contracts.source import SourceContract
from tests.contracts.valomnia_world import ValomniaWorld, served
from tests.contracts.world import World


@pytest.fixture(scope="module")
def organisation() -> Iterator[tuple[str, ValomniaVendor]]:
    """Serve one organisation for all tests."""
    with served() as made:
        yield made


class TestValomnia(InOrderContract, IncrementalContract, SourceContract):
    """The customers of an organisation."""

    @pytest.fixture
    def world(self, organisation: tuple[str, ValomniaVendor]) -> World:
        """Give the organisation without customers."""
        world = ValomniaWorld(*organisation)
        world.clear()
        return world
