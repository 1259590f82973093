"""The contract that every target keeps; a class that gives it a world is that target's test.

`TargetContract` and `ReferenceContract` (references are free text) are here, what a look-up tells of differences is in
`tests/contracts/difference.py` and belongs to the former; `tests/contracts/wire.py` has
`WireContract` (HTTP) and `SessionContract` (sessions or tokens that end), and `tests/contracts/id_target.py` has
`IdTargetContract`, `SpellingContract` (holds references as others typed them in) and `LaterContract` (takes customers
in and decides later). A test class takes all that fit.
"""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from connectors.protocol import Entity, Row, Target, TransientError
from connectors.sandbox.fault import Faults, Forced, Strike
from tests.contracts.difference import DifferenceContract
from tests.contracts.sending import check_silent, delivered, failed, looked_up, sent, with_target
from tests.contracts.target_world import TargetWorld

WRITES = ("POST", "PUT", "PATCH")
FAULTED = 30

# What may become of a customer's first write: it arrives or not, and is answered badly or not at all.
MISHAPS = {
    "dropped before": Forced(drop=True, times=1),
    "dropped after": Forced(drop=True, times=1, after_commit=True),
    "failed before": Forced(status=503, times=1),
    "failed after": Forced(status=500, times=1, after_commit=True),
}


def check_held(world: TargetWorld, *rows: Row) -> None:
    """See that the system holds just these customers, each once, with these values."""
    held = world.held()
    assert Counter(reference for reference, _ in held) == Counter(row.reference for row in rows)
    values = dict(held)
    for row in rows:
        expected = world.shown(row.values)
        assert {name: values[row.reference].get(name) for name in expected} == expected


class TargetContract(DifferenceContract):
    """What holds for every target, whatever it goes by."""

    @pytest.fixture
    def world(self) -> TargetWorld:
        """Give an empty world; a subclass says which."""
        raise NotImplementedError

    def test_a_customer_is_created_and_updated(self, world: TargetWorld) -> None:
        """A new customer gets an id, and an update by that id changes the same customer, in a request each."""
        row = world.row(1)
        (created,) = sent(world, row)
        assert (created.refusals, created.surprise) == ((), None)
        assert created.created is not False
        assert created.target_id
        check_held(world, row)
        before = [request.method in WRITES for request in world.requests()].count(True)
        update = Row(row.reference, world.changed(1), created.target_id)
        (updated,) = sent(world, update)
        assert (updated.refusals, updated.surprise, updated.target_id) == ((), None, created.target_id)
        assert not updated.created
        assert [request.method in WRITES for request in world.requests()].count(True) == before + 1 == 2
        check_held(world, Row(row.reference, {**row.values, **update.values}))

    def test_the_same_values_again_change_nothing(self, world: TargetWorld) -> None:
        """Sending a customer twice leaves one, as it was."""
        row = world.row(1)
        (created,) = sent(world, row)
        (again,) = sent(world, Row(row.reference, row.values, created.target_id))
        assert (again.target_id, again.refusals) == (created.target_id, ())
        check_held(world, row)

    def test_an_update_leaves_the_other_fields_alone(self, world: TargetWorld) -> None:
        """A field that a row does not have stays as it is."""
        row = world.row(1)
        (created,) = sent(world, row)
        changed = world.changed(1)
        name = next(name for name, value in changed.items() if row.values.get(name) != value)
        sent(world, Row(row.reference, {name: changed[name]}, created.target_id))
        check_held(world, Row(row.reference, {**row.values, name: changed[name]}))

    def test_null_clears(self, world: TargetWorld) -> None:
        """None in an update takes a value away, where the world says that it can, and look-ups prove it."""
        row = world.row(1)
        if world.clears is None:
            pytest.skip("the system has nothing that null clears")
        (created,) = sent(world, row)
        cleared = Row(row.reference, {world.clears: None}, created.target_id)
        assert [held and held.same for held in looked_up(world, cleared)] == [False]
        (answer,) = sent(world, cleared)
        assert answer.refusals == ()
        ((_, values),) = world.held()
        assert values.get(world.clears) in (None, "", [])
        others = {name: value for name, value in row.values.items() if name != world.clears}
        check_held(world, Row(row.reference, others))
        assert [held and held.same for held in looked_up(world, cleared, row)] == [True, False]

    def test_every_documented_refusal_is_told(self, world: TargetWorld) -> None:
        """Code, field, words and status come through as an answer, and nothing is written."""
        for each in world.refused():
            before = sorted(reference for reference, _ in world.held())
            (answer,) = sent(world, each.row)
            assert answer.status == each.status, each.name
            assert (each.code, each.field) in {(refusal.code, refusal.field) for refusal in answer.refusals}, each.name
            for refusal in answer.refusals:
                assert refusal.description, each.name
                assert len(refusal.description) <= 200, each.name
            assert [refusal for refusal in answer.refusals if each.words in refusal.description], each.name
            assert sorted(reference for reference, _ in world.held()) == before, each.name

    def test_a_refusal_stops_nobody_and_is_not_tried_again(self, world: TargetWorld) -> None:
        """Refused customers cost one write each, and all others arrive."""
        refused = [each for each in world.refused() if each.status is not None and each.row.target_id is None]
        known = {reference for reference, _ in world.held()}
        rows = [world.row(number) for number in range(100, 120)]
        result = delivered(world, [*rows[:10], *(each.row for each in refused), *rows[10:]])
        assert result.error is None
        assert len([answer for answer in result.answers[0].values() if answer.refusals]) == len(refused)
        assert {reference for reference, _ in world.held()} == known | {row.reference for row in rows}
        assert result.writes == len(rows) + len(refused)

    def test_what_was_sent_is_found(self, world: TargetWorld) -> None:
        """A look-up shows the customer's id, whether the values are those, and nothing where nobody is."""
        row = world.row(1)
        (answer,) = sent(world, row, world.row(2))[:1]
        first, none = looked_up(world, row, world.row(3))
        assert first is not None
        assert (first.target_id, first.same, first.others, first.refusals) == (answer.target_id, True, 0, ())
        assert none is None
        for name, value in world.changed(1).items():
            (other,) = looked_up(world, Row(row.reference, {**row.values, name: value}))
            assert other is not None, name
            assert (other.target_id, other.same) == (answer.target_id, row.values.get(name) == value), name

    def test_a_customer_is_found_by_its_id_as_well(self, world: TargetWorld) -> None:
        """A row that knows its id is found like one that does not."""
        row = world.row(1)
        (answer,) = sent(world, row)
        by_id, by_reference = looked_up(world, Row(row.reference, row.values, answer.target_id), row)
        assert by_id == by_reference
        assert by_id is not None

    def test_entities_are_listed(self, world: TargetWorld) -> None:
        """Each kind that there is a list of is listed, each entity once; of another kind there is none."""

        async def act(target: Target) -> dict[str, object]:
            return {kind: await target.entities(kind) for kind in (*world.kinds, "no_such_kind")}

        lists = with_target(world, act)
        assert lists.pop("no_such_kind") is None
        for kind, expected in world.kinds.items():
            listed = lists[kind]
            assert isinstance(listed, list | tuple), kind
            assert all(isinstance(entity, Entity) and entity.id for entity in listed), kind
            assert len({entity.id for entity in listed}) == len(listed), kind
            names = {name for entity in listed for name in (entity.id, entity.reference, entity.name)}
            assert set(expected) <= names, kind

    def test_the_address_is_stable_and_holds_no_secret(self, world: TargetWorld) -> None:
        """The place that is written to has one name, entered or not, and nothing shows a secret."""

        async def act(target: Target) -> tuple[str, str]:
            await target.send(world.row(1))
            return target.address, repr(target)

        outside = world.make()
        address, shown = with_target(world, act)
        assert address == outside.address
        for text in (address, shown, repr(outside)):
            assert not [secret for secret in world.secrets if secret in text]

    def test_targets_can_be_entered_and_left_again(self, world: TargetWorld) -> None:
        """Leaving lets go of everything, and another target goes on where the first ended."""
        assert [answer.refusals for row in (world.row(1), world.row(2)) for answer in sent(world, row)] == [(), ()]
        check_held(world, world.row(1), world.row(2))

    @pytest.mark.parametrize("mishap", MISHAPS)
    def test_a_lost_or_failed_answer_neither_loses_nor_doubles(self, world: TargetWorld, mishap: str) -> None:
        """Thirty customers whose first write met with a mishap are there once in the end, and nobody is refused."""
        rows = [world.row(number) for number in range(2 * FAULTED)]
        faulted = {row.reference: MISHAPS[mishap] for row in rows[::2]}
        result = delivered(world, rows, faults=Faults(forced=faulted))
        assert (result.error, result.codes()) == (None, [])
        assert len(result.answers[0]) == len(rows)
        assert result.requests == len(result.noted) > len(rows)
        check_held(world, *rows)
        assert [held and held.target_id for held in looked_up(world, *rows)] == result.ids()

    @pytest.mark.parametrize("mishap", MISHAPS)
    def test_a_lost_answer_to_an_update_is_mended(self, world: TargetWorld, mishap: str) -> None:
        """An update that met with a mishap arrives in the end, at the same customer."""
        rows = [world.row(number) for number in range(6)]
        ids = [answer.target_id for answer in sent(world, *rows)]
        updates = [Row(row.reference, world.changed(n), ids[n]) for n, row in enumerate(rows)]
        faulted = {row.reference: MISHAPS[mishap] for row in rows[::2]}
        result = delivered(world, updates, faults=Faults(forced=faulted))
        assert (result.error, result.codes()) == (None, [])
        assert result.ids() == ids
        check_held(world, *(Row(r.reference, {**r.values, **u.values}) for r, u in zip(rows, updates, strict=True)))

    def test_a_failure_is_an_error_without_a_personal_value(self, world: TargetWorld) -> None:
        """A 5xx or a dropped connection raises TransientError, which shows nothing of the customer."""
        for number, mishap in enumerate(MISHAPS.values()):
            row = world.row(number)
            error = failed(world, row, Faults(forced={row.reference: mishap}))
            assert isinstance(error, TransientError)

    def test_rate_limits_are_kept_and_nobody_is_lost(self, world: TargetWorld) -> None:
        """A system that takes five requests a second gets all customers, once each, and refuses nobody."""
        rows = [world.row(number) for number in range(25)]
        result = delivered(world, rows, faults=Faults(rate_limit=5, retry_after_seconds=1))
        assert (result.error, result.codes()) == (None, [])
        check_held(world, *rows)

    def test_two_rows_of_one_customer_keep_their_order(self, world: TargetWorld) -> None:
        """Two deliveries of a customer, one after the other, leave one customer with the newer values (L31)."""
        rows = [world.row(number) for number in range(5)]
        newer = [Row(row.reference, world.changed(number)) for number, row in enumerate(rows)]
        result = delivered(world, rows, newer)
        assert (result.error, result.codes()) == (None, [])
        assert result.ids(0) == result.ids(1)
        check_held(world, *(Row(r.reference, {**r.values, **n.values}) for r, n in zip(rows, newer, strict=True)))

    def test_many_at_once_are_written_once_each(self, world: TargetWorld) -> None:
        """Requests that are in flight together do not get in each other's way."""
        rows = [world.row(number) for number in range(40)]

        async def act(target: Target) -> list[object]:
            return [answer.target_id for answer in await asyncio.gather(*map(target.send, rows))]

        ids = with_target(world, act)
        assert len(set(ids)) == len(rows)
        check_held(world, *rows)

    def test_an_oversize_row_is_refused_and_not_sent_again(self, world: TargetWorld) -> None:
        """413 refuses the customer: the same bytes would meet with the same answer (L22)."""
        rows = [world.row(number) for number in range(3)]
        large = {rows[1].reference: Forced(status=413, body="")}
        result = delivered(world, rows, faults=Faults(forced=large))
        assert result.codes() == ["too_large"]
        assert result.writes == len(rows)
        check_held(world, rows[0], rows[2])

    def test_slowness_refuses_nobody(self, world: TargetWorld) -> None:
        """Answers that take two seconds each arrive all the same, once each (L25)."""
        rows = [world.row(number) for number in range(8)]
        result = delivered(world, rows, faults=Faults(latency_ms=2000))
        assert (result.error, result.codes()) == (None, [])
        check_held(world, *rows)


class ReferenceContract:
    """What holds for a target whose references are free text."""

    def test_odd_references_come_through(self, world: TargetWorld) -> None:
        """Each odd reference is one customer under exactly that name, created, found and updated by it."""
        rows = [Row(reference, world.values(number)) for number, reference in enumerate(world.odd_references)]
        newer = [Row(row.reference, world.changed(number)) for number, row in enumerate(rows)]
        result = delivered(world, rows)
        assert (result.error, result.codes()) == (None, [])
        check_held(world, *rows)
        again = delivered(world, newer)
        assert (again.error, again.codes()) == (None, [])
        assert again.ids() == result.ids()
        check_held(world, *(Row(r.reference, {**r.values, **n.values}) for r, n in zip(rows, newer, strict=True)))
        for row, held in zip(rows, looked_up(world, *newer), strict=True):
            assert held is not None, row.reference
            assert (held.same, held.others) == (True, 0), row.reference

    def test_what_cannot_be_a_reference_is_refused_without_a_request(self, world: TargetWorld) -> None:
        """Empty ones and steps of a path never leave the house, and nobody is held under them."""
        self.expect_unsendable(world, *world.unsendable)

    def test_control_characters_are_refused_without_a_request(self, world: TargetWorld) -> None:
        """A reference with a line break or a NUL never leaves the house, percent-encoded or not."""
        self.expect_unsendable(world, "a\r\nb", "a\nb", "a\x00b")

    def expect_unsendable(self, world: TargetWorld, *references: str) -> None:
        """See that rows of these references are refused and found nowhere, without a request."""
        for reference in references:
            row = Row(reference, world.values(1))
            before = len(world.requests())
            (answer,) = sent(world, row)
            assert (answer.status, len(answer.refusals)) == (None, 1), repr(reference)
            assert len(world.requests()) == before, repr(reference)
            assert looked_up(world, row) == [None], repr(reference)
        assert world.held() == []

    def test_errors_do_not_show_a_reference(self, world: TargetWorld) -> None:
        """Not even percent-encoded: an address is no part of an error's text."""
        row = Row("Grimble & Daughters", world.values(1))
        faults = Faults(strikes=(Strike(kind="drop", next=1, methods=WRITES),))
        error = failed(world, row, faults)
        check_silent(world, Row("Grimble"), error)
