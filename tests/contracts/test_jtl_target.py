"""The JTL-Wawi target keeps the contract of targets, against the sandbox over a real socket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contracts.id_target import IdTargetContract, SpellingContract
from tests.contracts.jtl_target_world import Erp, JtlTargetWorld, served
from tests.contracts.target import ReferenceContract, TargetContract
from tests.contracts.wire import SessionContract, WireContract


@pytest.fixture(scope="module")
def erp() -> Iterator[Erp]:
    """Serve one ERP for all tests."""
    with served() as made:
        yield made


class TestJtl(SpellingContract, IdTargetContract, SessionContract, WireContract, ReferenceContract, TargetContract):
    """Creates, and updates by id."""

    @pytest.fixture
    def world(self, erp: Erp) -> JtlTargetWorld:
        """Give the ERP without customers."""
        return JtlTargetWorld(erp)
