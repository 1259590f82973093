"""What every target tells of how a customer differs from a row; `TargetContract` has it all."""

from __future__ import annotations

from itertools import combinations_with_replacement

import pytest

from connectors.protocol import Row
from connectors.sandbox.fault import Faults
from tests.contracts.sending import compared, looked_up, sent
from tests.contracts.target_world import TargetWorld


class DifferenceContract:
    """Fields are named that differ, all of them, and no others."""

    @pytest.fixture
    def world(self) -> TargetWorld:
        """Give an empty world; a subclass says which."""
        raise NotImplementedError

    def test_what_was_changed_at_the_target_is_named(self, world: TargetWorld) -> None:
        """Of a customer that somebody has changed in two fields, these are named, and of another one none."""
        row, other = world.row(1), world.row(2)
        first, second = sent(world, row, other)
        changed = {name: value for name, value in world.changed(1).items() if row.values.get(name) != value}
        changed = dict(list(changed.items())[:2])
        sent(world, Row(row.reference, changed, first.target_id))
        named, none = looked_up(world, row, other)
        assert (named and named.differing, none and none.differing) == (tuple(sorted(changed)), ())
        by_id = Row(other.reference, other.values, second.target_id)
        assert [held and held.differing for held in looked_up(world, by_id)] == [()]

    def test_any_two_fields_that_differ_are_named(self, world: TargetWorld) -> None:
        """Whichever a row has otherwise, lists and members of objects as well: just these, however it is found."""
        row = world.row(1)
        (answer,) = sent(world, row)
        differing = [name for name, value in world.otherwise(1).items() if row.values.get(name) != value]
        for pair in combinations_with_replacement(sorted(differing), 2):
            values = {**row.values, **{name: world.otherwise(1)[name] for name in pair}}
            for target_id in (None, answer.target_id):
                (held,) = looked_up(world, Row(row.reference, values, target_id))
                assert held is not None
                assert (held.differing, held.same) == (tuple(sorted(set(pair))), False)
                texts = [value for value in values.values() if isinstance(value, str) and len(value) > 5]
                assert not [text for text in texts if text in repr(held)]

    def test_what_the_system_spells_in_its_own_way_is_the_same(self, world: TargetWorld) -> None:
        """Blanks, numbers, truth values and times that are shown in another form than they were sent in differ not."""
        row = Row(world.reference(1), {**world.values(1), **world.respelled(1)})
        (answer,) = sent(world, row)
        assert answer.refusals == ()
        for target_id in (None, answer.target_id):
            (held,) = looked_up(world, Row(row.reference, row.values, target_id))
            assert held is not None
            assert held.differing == ()

    def test_many_are_compared(self, world: TargetWorld) -> None:
        """Of forty rows each is told: who is as sent, who differs, and who is not there; through faults as well."""
        rows = [world.row(number) for number in range(40)]
        ids = [answer.target_id for answer in sent(world, *rows[:30])]
        changed = world.changed(7)
        differing = tuple(sorted(name for name, value in changed.items() if rows[7].values.get(name) != value))
        sent(world, Row(rows[7].reference, changed, ids[7]))
        asked = [Row(row.reference, row.values, ids[n] if n % 2 else None) for n, row in enumerate(rows[:30])]
        before = len(world.requests())
        for faults in (Faults(), Faults(rate_limit=10, retry_after_seconds=1)):
            found = compared(world, [*asked, *rows[30:]], faults)
            assert not [each for each in found if each.unanswered]
            assert [each.held and each.held.target_id for each in found] == [*ids, *[None] * 10]
            assert [each.held.differing for each in found if each.held] == [
                differing if n == 7 else () for n in range(30)
            ]
        assert {request.method for request in world.requests()[before:]} == {"GET"}
