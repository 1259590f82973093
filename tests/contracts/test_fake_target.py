"""The fake targets that other tests rely on keep the contract of targets themselves."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar

import pytest

from connectors.protocol import IdTarget, Row, Target
from connectors.sandbox.fault import Faults
from tests.contracts.fake_target import FakeIdTarget, FakeSystem, FakeTarget
from tests.contracts.id_target import SETTLING_SECONDS, IdTargetContract, LaterContract
from tests.contracts.target import ReferenceContract, TargetContract
from tests.contracts.target_world import Held, LaterWorld, Noted, Refused, TargetWorld


class FakeWorld(TargetWorld):
    """A system in memory, and the target that upserts."""

    clears: ClassVar[str | None] = "city"
    kinds: ClassVar[Mapping[str, Collection[str]]] = {"category": ["root", "Retail", "2"]}

    def __init__(self) -> None:
        super().__init__()
        self.system = FakeSystem(self.time.sandbox_clock)

    def values(self, number: int) -> dict[str, object]:
        """Give a name and a city."""
        return {"name": f"Grimble {number}", "city": f"Quatrain {number}"}

    def changed(self, number: int) -> dict[str, object]:
        """Give another name."""
        return {"name": f"Fothergill {number}"}

    def otherwise(self, number: int) -> dict[str, object]:
        """Give another name and no city."""
        return {**self.changed(number), "city": None}

    def refused(self) -> Sequence[Refused]:
        """Name what is required, on both ways."""
        kept = self.system.create("REF-KEPT", self.values(0), late=False)
        cleared = Row("REF-KEPT", {"name": None}, kept.id)
        return [
            Refused("nameless", Row("REF-A", {"city": "Nowhere"}), "missing_param", "name", "is missing"),
            Refused("cleared", cleared, "missing_param", "name", "is missing"),
        ]

    def make(self, timeout_seconds: float = 30.0) -> Target:  # noqa: ARG002 - the world's protocol: nothing can hang here
        """Make a target."""
        return FakeTarget(self.system)

    def held(self) -> Sequence[Held]:
        """Show everybody as they truly are."""
        return [(customer.reference, customer.values) for customer in self.system.customers.values()]

    def requests(self) -> Sequence[Noted]:
        """Show what was noted."""
        return list(self.system.noted)

    def fail(self, faults: Faults) -> None:
        """Hand the faults on."""
        self.system.fail(faults)


class FakeIdWorld(FakeWorld, LaterWorld):
    """A system in memory, and the target that knows ids."""

    def make(self, timeout_seconds: float = 30.0) -> IdTarget:  # noqa: ARG002 - the world's protocol
        """Make a target."""
        return FakeIdTarget(self.system, settling_seconds=SETTLING_SECONDS)

    def put(self, number: int) -> str:
        """Create at once."""
        return self.system.create(self.reference(number), self.values(number), late=False).id

    def twin(self, number: int) -> None:
        """Create again."""
        self.put(number)

    def erase(self, number: int) -> None:
        """Forget a customer."""
        for customer in self.system.bearers(self.reference(number)):
            del self.system.customers[customer.id]

    def delay(self, seconds: float, *, against: Collection[int] = ()) -> None:
        """Decide later."""
        self.system.decides_after = seconds
        self.system.against = frozenset(map(self.reference, against))


class TestFakeTarget(ReferenceContract, TargetContract):
    """Upserts by reference."""

    @pytest.fixture
    def world(self) -> FakeWorld:
        """Give a system without customers."""
        return FakeWorld()


class TestFakeIdTarget(LaterContract, IdTargetContract, ReferenceContract, TargetContract):
    """Knows customers by ids of its own."""

    @pytest.fixture
    def world(self) -> FakeIdWorld:
        """Give a system without customers."""
        return FakeIdWorld()


class PermissiveWorld(FakeIdWorld):
    """A system that creates a reference as often as it is asked to."""

    refuses_twins: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.system.refuses_twins = False


class TestPermissiveTarget(IdTargetContract, TargetContract):
    """Knows customers by ids of its own, in a system that refuses no duplicate: nobody but delivery prevents them."""

    @pytest.fixture
    def world(self) -> PermissiveWorld:
        """Give a system without customers."""
        return PermissiveWorld()
