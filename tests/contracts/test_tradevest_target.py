"""The tradevest target keeps the contract of targets, against the sandbox over a real socket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.protocol import Row
from connectors.sandbox.app import SandboxApp
from tests.contracts.id_target import IdTargetContract, LaterContract
from tests.contracts.sending import delivered
from tests.contracts.target import TargetContract, check_held
from tests.contracts.target_world import FastTime, IdTargetWorld
from tests.contracts.tradevest_target_world import TradevestTargetWorld, served
from tests.contracts.wire import SessionContract, WireContract


@pytest.fixture(scope="module")
def platform() -> Iterator[tuple[SandboxApp, str, FastTime]]:
    """Serve one platform for all tests."""
    with served() as made:
        yield made


class TestTradevest(LaterContract, IdTargetContract, SessionContract, WireContract, TargetContract):
    """Knows customers by ids of its own, and decides later."""

    @pytest.fixture
    def world(self, platform: tuple[SandboxApp, str, FastTime]) -> TradevestTargetWorld:
        """Give the platform without customers."""
        return TradevestTargetWorld(*platform)

    # A customer costs a question more than the suite expects of others: what is only taken in must be asked for.

    def test_merging_into_a_half_full_system_makes_no_duplicate(self, world: IdTargetWorld) -> None:
        """Customers that are there are updated, the others created, and the list is read once."""
        ids = [world.put(number) for number in range(20)]
        rows = [world.row(number) for number in range(40)]
        newer = [Row(row.reference, world.changed(number)) for number, row in enumerate(rows[:20])]
        result = delivered(world, [*newer, *rows[20:]])
        assert (result.error, result.codes(), result.ids()[:20]) == (None, [], ids)
        assert (result.writes, result.reads) == (40, 1 + 40)
        whole = [Row(r.reference, {**r.values, **n.values}) for r, n in zip(rows[:20], newer, strict=True)]
        check_held(world, *whole, *rows[20:])

    def test_few_among_many_are_asked_for_one_by_one(self, world: IdTargetWorld) -> None:
        """Three customers cost few requests, however many the platform holds."""
        for number in range(100, 350):
            world.put(number)
        result = delivered(world, [world.row(number) for number in range(3)])
        assert (result.codes(), result.writes) == ([], 3)
        assert result.reads <= 3 + 2 + 3

    def test_known_ids_cost_no_question(self, world: IdTargetWorld) -> None:
        """Where the ids are known, nobody is asked for before the update, and each once after it."""
        rows = [Row(world.reference(number), world.changed(number), world.put(number)) for number in range(10)]
        result = delivered(world, rows)
        assert (result.codes(), result.writes, result.reads) == ([], 10, 10)

    def test_one_who_is_gone_is_created_once(self, world: IdTargetWorld) -> None:
        """An update that finds nobody looks the customer up, and creates it under a new id (L06)."""
        rows = [world.row(number) for number in range(4)]
        ids = [world.put(number) for number in range(4)]
        world.erase(1)
        result = delivered(world, [Row(row.reference, row.values, ids[n]) for n, row in enumerate(rows)])
        assert (result.error, result.codes()) == (None, [])
        assert result.ids()[1] != ids[1]
        assert (result.writes, result.reads) == (5, 1 + 4)
        check_held(world, *rows)

    def test_a_customer_turned_down_later_bears_its_status(self, world: TradevestTargetWorld) -> None:
        """What becomes INVALID is told so at once, and not as unconfirmed after a minute."""
        world.delay(2, against=[1])
        result = delivered(world, [world.row(number) for number in range(3)])
        assert (result.codes(), result.writes) == (["INVALID"], 3)
