"""The part of the targets' contract for those that know customers by ids of their own; delivery looks them up first."""

from __future__ import annotations

import time

import pytest

from connectors.protocol import IdTarget, Row, Target
from connectors.sandbox.fault import Faults, Forced, Strike
from tests.contracts.sending import delivered, looked_up, sent, with_target
from tests.contracts.target import WRITES, check_held
from tests.contracts.target_world import IdTargetWorld, LaterWorld, SpellingWorld

SETTLING_SECONDS = 5.0
REFERENCE = "Caf\u00e9 7"


def whole_roll(world: IdTargetWorld) -> tuple[dict[str, tuple[str, ...]], int]:
    """Read the list to its end; gives the ids by reference, and how many parts it has."""

    async def act(target: Target) -> tuple[dict[str, tuple[str, ...]], int]:
        assert isinstance(target, IdTarget)
        ids: dict[str, tuple[str, ...]] = {}
        parts, cursor = 0, None
        while cursor is not None or not parts:
            roll = await target.roll(cursor)
            assert roll.total is None or roll.total >= len(roll.ids)
            for reference, found in roll.ids.items():
                ids[reference] = (*ids.get(reference, ()), *found)
            cursor, parts = roll.cursor, parts + 1
            assert parts <= 50, "the list has no end"
        return ids, parts

    return with_target(world, act)


class IdTargetContract:
    """What holds for a target that would create the same reference twice."""

    def test_it_says_how_long_writes_may_stay_invisible(self, world: IdTargetWorld) -> None:
        """The settling time is what the world's settings say."""
        assert world.make().settling_seconds == SETTLING_SECONDS

    def test_the_list_shows_everybody_once(self, world: IdTargetWorld) -> None:
        """Part after part shows each reference with its id; in an empty system there is one part without anybody."""
        assert whole_roll(world) == ({}, 1)
        ids = {world.reference(number): (world.put(number),) for number in range(7)}
        assert whole_roll(world)[0] == ids

    def test_the_list_shows_twins(self, world: IdTargetWorld) -> None:
        """Two customers of one reference are two ids."""
        first = world.put(1)
        world.twin(1)
        ids, _ = whole_roll(world)
        assert len(ids[world.reference(1)]) == 2
        assert first in ids[world.reference(1)]

    def test_merging_into_a_half_full_system_makes_no_duplicate(self, world: IdTargetWorld) -> None:
        """Customers that are there are updated, the others created, with a write each and the list read once."""
        ids = [world.put(number) for number in range(20)]
        _, parts = whole_roll(world)
        rows = [world.row(number) for number in range(40)]
        newer = [Row(row.reference, world.changed(number)) for number, row in enumerate(rows[:20])]
        result = delivered(world, [*newer, *rows[20:]])
        assert (result.error, result.codes()) == (None, [])
        assert result.ids()[:20] == ids
        assert (result.writes, result.reads) == (40, parts)
        assert result.requests == len(result.noted)
        whole = [Row(r.reference, {**r.values, **n.values}) for r, n in zip(rows[:20], newer, strict=True)]
        check_held(world, *whole, *rows[20:])

    def test_few_among_many_are_asked_for_one_by_one(self, world: IdTargetWorld) -> None:
        """Three customers cost few requests, however many the system holds."""
        for number in range(100, 350):
            world.put(number)
        rows = [world.row(number) for number in range(3)]
        result = delivered(world, rows)
        assert result.codes() == []
        assert result.writes == 3
        assert result.reads <= 3 + 2  # what the list may cost before it proves too long, and a look-up each

    def test_known_ids_cost_no_question(self, world: IdTargetWorld) -> None:
        """Customers whose ids the ledger knows are updated in one request each."""
        rows = [Row(world.reference(number), world.changed(number), world.put(number)) for number in range(10)]
        result = delivered(world, rows)
        assert result.codes() == []
        assert (result.writes, result.reads) == (10, 0)

    def test_one_who_came_meanwhile_is_updated(self, world: IdTargetWorld) -> None:
        """A create that the system says is there already becomes an update (L05), and nothing is refused."""
        if not world.refuses_twins:
            pytest.skip("the system creates the same reference twice")
        for number in range(4):
            world.put(number)
        first, later = [world.row(number) for number in range(4)], [world.row(number) for number in (8, 9)]
        came: dict[int, str] = {}

        def between() -> None:
            came.update({number: world.put(number) for number in (8, 9) if number not in came})

        result = delivered(world, first, later, between=between)
        assert (result.error, result.codes()) == (None, [])
        assert result.ids() == list(came.values())
        check_held(world, *first, *later)

    def test_another_writer_between_two_pages_is_noticed(self, world: IdTargetWorld) -> None:
        """Whoever came after the list was read is found, also where the system would create a twin."""
        first, later = [world.row(number) for number in range(4)], [world.row(number) for number in (8, 9)]
        came: dict[int, str] = {}

        def between() -> None:
            if not came:
                came.update({number: world.put(number) for number in (8, 9)})
                until = world.time.clock() + SETTLING_SECONDS + 1
                while world.time.clock() < until:
                    time.sleep(0.01)

        result = delivered(world, first, later, between=between)
        assert (result.error, result.codes()) == (None, [])
        assert [answer.target_id for _, answer in sorted(result.answers[1].items())] == list(came.values())
        check_held(world, *first, *later)

    def test_one_who_is_gone_is_created_once(self, world: IdTargetWorld) -> None:
        """An update that finds nobody looks the customer up, and creates it under a new id (L06)."""
        rows = [world.row(number) for number in range(4)]
        ids = [world.put(number) for number in range(4)]
        world.erase(1)
        result = delivered(world, [Row(row.reference, row.values, ids[n]) for n, row in enumerate(rows)])
        assert (result.error, result.codes()) == (None, [])
        assert result.ids()[1] != ids[1]
        assert (result.writes, result.reads) == (5, 1)
        check_held(world, *rows)

    def test_one_who_moved_is_found_again(self, world: IdTargetWorld) -> None:
        """An update by an id that is nobody's any more goes to the customer that bears the reference now."""
        row, gone = world.row(1), world.put(1)
        world.erase(1)
        present = world.put(1)
        result = delivered(world, [Row(row.reference, world.changed(1), gone)])
        assert (result.error, result.codes()) == (None, [])
        assert (result.ids(), result.writes) == ([present], 2)
        check_held(world, Row(row.reference, {**row.values, **world.changed(1)}))

    def test_writes_that_are_seen_late_are_waited_for(self, world: IdTargetWorld) -> None:
        """Creates without an answer, seen after five seconds, are not repeated before (L20)."""
        rows = [world.row(number) for number in range(40)]
        lost = {row.reference: Forced(drop=True, after_commit=True, times=1) for row in rows[::2]}
        result = delivered(world, rows, faults=Faults(read_lag_seconds=SETTLING_SECONDS, forced=lost))
        assert (result.error, result.codes()) == (None, [])
        assert result.writes == len(rows)
        check_held(world, *rows)

    def test_an_earlier_run_without_an_answer_is_waited_for_as_well(self, world: IdTargetWorld) -> None:
        """A doubtful row, created just before by a run that died, is found and not created again."""
        row = world.row(1)

        async def act(target: Target) -> None:
            await target.send(row)

        with_target(world, act, Faults(read_lag_seconds=SETTLING_SECONDS))
        doubtful = Row(row.reference, row.values, doubtful=True)
        result = delivered(world, [doubtful], faults=Faults(read_lag_seconds=SETTLING_SECONDS))
        assert (result.error, result.codes()) == (None, [])
        check_held(world, row)

    def test_two_customers_of_one_reference_are_nobodys_choice(self, world: IdTargetWorld) -> None:
        """An ambiguous reference is refused without a write (L21), found in the list or by itself."""
        for number in range(3):
            world.put(number)
        world.twin(1)
        before = sorted(world.held(), key=repr)
        alone = delivered(world, [Row(world.reference(1), world.changed(1))])
        among = delivered(world, [Row(world.reference(number), world.values(number)) for number in range(3)])
        assert alone.codes() == among.codes() == ["ambiguous_reference"]
        assert (alone.writes, among.writes) == (0, 2)
        assert sorted(world.held(), key=repr) == before

    def test_a_list_that_fails_is_read_again(self, world: IdTargetWorld) -> None:
        """Lost answers to reads cost requests, and neither lose nor double anybody."""
        for number in range(5):
            world.put(number)
        rows = [world.row(number) for number in range(10)]
        result = delivered(world, rows, faults=Faults(strikes=(Strike(kind="drop", next=3, methods=("GET",)),)))
        assert (result.error, result.codes()) == (None, [])
        assert result.writes == 10
        check_held(world, *rows)

    def test_an_update_goes_by_the_id(self, world: IdTargetWorld) -> None:
        """A row with an id writes to that very customer, without asking."""
        target_id = world.put(1)
        before = len([request for request in world.requests() if request.method in WRITES])
        (answer,) = sent(world, Row(world.reference(1), world.changed(1), target_id))
        assert (answer.target_id, answer.refusals) == (target_id, ())
        assert len([request for request in world.requests() if request.method in WRITES]) == before + 1


class SpellingContract:
    """What holds where references are in the system as others typed them in."""

    @pytest.mark.parametrize("spelling", [f" {REFERENCE}", f"{REFERENCE} ", "Cafe\u0301 7", "\tCafe\u0301 7\u00a0"])
    def test_a_customer_is_met_however_its_reference_is_spelled(self, world: SpellingWorld, spelling: str) -> None:
        """With blanks around it or letters in pieces, the list and a look-up show it, and none is created beside it."""
        if spelling != spelling.strip() and not world.keeps_blanks:
            pytest.skip("the system takes blanks off")
        target_id = world.put_as(1, spelling)
        assert [reference for reference, _ in world.held()] == [spelling]
        assert whole_roll(world)[0] == {REFERENCE: (target_id,)}
        (held,) = looked_up(world, Row(REFERENCE, world.values(1), target_id))
        assert held is not None
        assert (held.target_id, held.same, held.others) == (target_id, True, 0)
        others = [world.row(number) for number in range(10, 20)]  # so many that the list is read
        result = delivered(world, [Row(REFERENCE, world.changed(1)), *others])
        assert (result.error, result.codes(), result.ids()[0]) == (None, [], target_id)
        assert len(world.held()) == 1 + len(others)


class LaterContract:
    """What holds for a target that takes customers in and decides about them later (L19)."""

    def test_a_customer_counts_once_it_is_decided(self, world: LaterWorld) -> None:
        """A create that is validated after two seconds ends in an answer with its id, and one write."""
        world.delay(2)
        rows = [world.row(number) for number in range(5)]
        result = delivered(world, rows)
        assert (result.error, result.codes()) == (None, [])
        assert (result.writes, all(result.ids())) == (5, True)
        check_held(world, *rows)

    def test_a_customer_turned_down_later_is_refused(self, world: LaterWorld) -> None:
        """What the system decides against is a refusal of that customer alone."""
        world.delay(2, against=[1])
        result = delivered(world, [world.row(number) for number in range(3)])
        assert result.error is None
        assert [number for number, answer in result.answers[0].items() if answer.refusals] == [1]
        assert result.writes == 3

    def test_a_decision_that_does_not_come_is_no_success(self, world: LaterWorld) -> None:
        """After a minute the customer is told as unconfirmed, for a later run to ask again."""
        world.delay(10_000)
        result = delivered(world, [world.row(1)])
        assert (result.error, result.codes(), result.writes) == (None, ["unconfirmed"], 1)
