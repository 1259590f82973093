"""The Valomnia target keeps the contract of targets, against the sandbox over a real socket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.sandbox.app import SandboxApp
from tests.contracts.target import ReferenceContract, TargetContract
from tests.contracts.target_world import FastTime, WireWorld
from tests.contracts.valomnia_target_world import ValomniaTargetWorld, served
from tests.contracts.wire import SessionContract, WireContract


@pytest.fixture(scope="module")
def organisation() -> Iterator[tuple[SandboxApp, str, FastTime]]:
    """Serve one organisation for all tests."""
    with served() as made:
        yield made


class TestValomnia(SessionContract, WireContract, ReferenceContract, TargetContract):
    """Upserts by reference."""

    @pytest.fixture
    def world(self, organisation: tuple[SandboxApp, str, FastTime]) -> WireWorld:
        """Give the organisation without customers."""
        return ValomniaTargetWorld(*organisation)
