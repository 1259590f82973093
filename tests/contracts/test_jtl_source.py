"""The JTL-Wawi source keeps the contract of sources against the sandbox, with the filter by last change and without."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contracts.incremental import IncrementalContract
from tests.contracts.jtl_world import JtlWorld, Served, served
from tests.contracts.source import ResumeContract, SourceContract
from tests.contracts.world import World


@pytest.fixture(scope="module")
def erp() -> Iterator[Served]:
    """Serve one ERP for all tests."""
    with served() as made:
        yield made


class TestJtlAsAWhole(ResumeContract, SourceContract):
    """The customers of an ERP whose server cannot tell what changed."""

    @pytest.fixture
    def world(self, erp: Served) -> World:
        """Give the ERP without customers."""
        world = JtlWorld(erp, last_change_filter=False)
        world.clear()
        return world


class TestJtlByLastChange(IncrementalContract, SourceContract):
    """The customers of an ERP whose server knows `lastChangeFrom`."""

    @pytest.fixture
    def world(self, erp: Served) -> World:
        """Give the ERP without customers."""
        world = JtlWorld(erp, last_change_filter=True)
        world.clear()
        return world
