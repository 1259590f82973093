"""Every row that is compared gets exactly one comparison, whatever the target does; in virtual time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.delivery.courier import Comparison, Courier
from connectors.protocol import ConnectorError, CredentialsError, Held, Row, ThrottledError, TransientError
from tests.connectors.delivery.scripted_target import Mishap, ScriptedTarget, make_courier
from tests.connectors.virtual_loop import clock, run

NONE, LOST, UNANSWERED, BROKEN, BROKEN_LATE, THROTTLED, EXISTS, GONE = Mishap
FOR_GOOD = 1000
AWAY = "the target stayed away"


@dataclass
class HoldingTarget(ScriptedTarget):
    """A target that holds whom it is asked for, counts who is in flight, and may be away until a moment."""

    away_until: float = 0.0
    in_flight: int = 0
    most: int = 0
    refuses: str = ""

    async def look_up(self, row: Row) -> Held | None:
        """Show the customer, fail for all, or refuse the credentials."""
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            held = await super().look_up(row)
        finally:
            self.in_flight -= 1
        if row.reference == self.refuses:
            raise CredentialsError("scripted: look-up: the credentials are refused")
        if clock() < self.away_until:
            raise TransientError("scripted: no answer")
        return held


def make_target(count: int, reads: dict[str, list[Mishap]] | None = None, **more: float) -> HoldingTarget:
    """Make a target that holds so many customers."""
    target = HoldingTarget(reads=reads or {}, **more)  # type: ignore[arg-type]  # figures alone
    for number in range(count):
        target.system.create(f"C-{number}", {"name": "x", "city": "y"}, late=False)
    return target


def make_rows(count: int) -> list[Row]:
    """Make so many rows."""
    return [Row(f"C-{number}", {"name": "x", "city": "y"}) for number in range(count)]


async def compare(
    courier: Courier, rows: Sequence[Row], before_send: Callable[[], None] = lambda: None
) -> tuple[dict[int, Comparison], ConnectorError | None]:
    """Compare everything; gives the comparisons by position, each once, and the error at the end if there was one."""
    found: dict[int, Comparison] = {}
    try:
        async for group in courier.compare(rows, before_send):
            assert 0 < len(group) <= 100
            for each in group:
                assert each.position not in found, "a row has one comparison"
                found[each.position] = each
    except ConnectorError as error:
        return found, error
    finally:
        assert len(asyncio.all_tasks()) == 1, "a task was left behind"
    return found, None


def compared(
    target: HoldingTarget, rows: Sequence[Row], concurrency: int = 4
) -> tuple[dict[int, Comparison], ConnectorError | None, float]:
    """Compare in virtual time; gives the seconds that passed as well."""

    async def scenario() -> tuple[dict[int, Comparison], ConnectorError | None, float]:
        courier = make_courier(target, concurrency)
        found, error = await compare(courier, rows)
        assert courier.requests == len(target.asked)
        return found, error, clock()

    return run(scenario())


def unanswered(found: dict[int, Comparison]) -> set[int]:
    """List the positions of whom nobody knows anything."""
    assert not [each for each in found.values() if each.unanswered and each.held is not None]
    return {position for position, each in found.items() if each.unanswered}


def test_every_row_is_looked_up_once_at_the_gates_pace() -> None:
    """A thousand rows, twenty at once: fifty rounds, one request each, nothing written and no list read."""
    target = make_target(1000)
    found, error, seconds = compared(target, make_rows(1000), 20)
    assert (error, len(found), unanswered(found)) == (None, 1000, set())
    assert all(each.held is not None and each.held.same for each in found.values())
    assert (target.most, len(target.asked), len(target.system.noted)) == (20, 1000, 1000)
    assert {noted.method for noted in target.system.noted} == {"GET"}
    assert seconds == pytest.approx(50 * target.seconds, abs=0.5)


def test_what_is_found_is_told_by_position() -> None:
    """Who is the same, who differs and in what, who is not there, and who is there twice."""
    target = make_target(4)
    target.system.create("C-3", {"name": "x", "city": "y"}, late=False)
    rows = make_rows(5)
    rows[1] = Row("C-1", {"name": "z", "city": "y", "street": "w"})
    found, _, _ = compared(target, rows)
    held = [found[position].held for position in range(5)]
    assert [each and each.differing for each in held] == [(), ("name", "street"), (), (), None]
    assert [each and each.others for each in held] == [0, 0, 0, 1, None]
    assert unanswered(found) == set()


def test_a_row_with_its_id_is_asked_for_as_it_is() -> None:
    """What the caller knows goes to the target unchanged."""
    target = make_target(2)
    rows = [Row("C-0", {"name": "x"}, target_id="1000"), Row("C-1", {"name": "x"})]
    found, _, _ = compared(target, rows)
    assert sorted(target.asked, key=lambda row: row.reference) == rows
    assert [found[position].held for position in range(2)] == [Held("1000"), Held("1001")]


def test_no_rows_make_no_groups() -> None:
    """Nobody to compare is no request and no group."""
    assert compared(make_target(0), [])[:2] == ({}, None)


def test_groups_come_while_others_are_under_way() -> None:
    """What is known is told at least every quarter of a second."""
    target = make_target(400)

    async def scenario() -> list[tuple[float, int]]:
        courier = make_courier(target, 4)
        return [(clock(), len(group)) async for group in courier.compare(make_rows(400), lambda: None)]

    groups = run(scenario())
    assert sum(size for _, size in groups) == 400
    assert all(later - earlier < 0.3 for (earlier, _), (later, _) in pairwise(groups))


@pytest.mark.parametrize("mishap", [LOST, UNANSWERED, BROKEN, BROKEN_LATE])
def test_a_failed_look_up_is_tried_again(mishap: Mishap) -> None:
    """Four failures of every tenth customer cost four tries more, and nobody."""
    target = make_target(100, {f"C-{number}": [mishap] * 4 for number in range(0, 100, 10)})
    found, error, _ = compared(target, make_rows(100))
    assert (error, len(found), unanswered(found)) == (None, 100, set())
    assert Counter(row.reference for row in target.asked)["C-10"] == 5


@pytest.mark.parametrize(("count", "others"), [(1, 0), (9, 0), (1, 960), (10, 960), (40, 960)])
def test_who_fails_for_good_is_told_and_holds_up_nobody(count: int, others: int) -> None:
    """However many customers the target fails on, each has five tries, and the others are compared."""
    step = max(1, others // count)
    references = [f"C-{number * step}" for number in range(count)]
    target = make_target(count + others, {reference: [BROKEN] * FOR_GOOD for reference in references})
    found, error, seconds = compared(target, make_rows(count + others))
    assert (error, len(found)) == (None, count + others)
    assert unanswered(found) == {number * step for number in range(count)}
    tries = Counter(row.reference for row in target.asked)
    assert {tries[reference] for reference in references} == {5}
    assert seconds < 60


def test_throttling_is_no_try_and_the_pace_comes_back() -> None:
    """A row that is throttled nine times is compared in the end, and the others do not go one by one ever after."""
    target = make_target(2000, {"C-0": [THROTTLED] * 9})
    found, error, seconds = compared(target, make_rows(2000), 20)
    assert (error, len(found), unanswered(found)) == (None, 2000, set())
    assert target.most == 20
    assert seconds < 2000 * target.seconds / 2, "one after the other it would be twice as long at least"


def test_throttling_for_ever_ends_the_comparison() -> None:
    """429 without end raises UnavailableError, and calls nobody unanswered."""

    class Busy(HoldingTarget):
        async def look_up(self, row: Row) -> Held | None:
            self.asked.append(row)
            raise ThrottledError("scripted: status 429", 60.0)

    found, error, _ = compared(Busy(), make_rows(100))
    assert (found, str(error)) == ({}, "the target keeps us rate limited")


@pytest.mark.parametrize("seconds", [20.0, 200.0])
def test_a_target_that_comes_back_shows_everybody(seconds: float) -> None:
    """An outage counts against no customer."""
    target = make_target(500, away_until=seconds)
    found, error, took = compared(target, make_rows(500), 20)
    assert (error, len(found), unanswered(found)) == (None, 500, set())
    assert seconds < took < seconds + 60


def test_a_target_that_stays_away_ends_the_comparison() -> None:
    """After five minutes it is UnavailableError, with few requests and nobody called unanswered."""
    target = make_target(500, away_until=1e9)
    found, error, seconds = compared(target, make_rows(500), 20)
    assert found == {}
    assert AWAY in str(error)
    assert seconds < 400
    assert len(target.asked) < 60


def test_a_permanent_error_is_raised_after_what_is_in_flight() -> None:
    """Nothing new is asked for, what is in flight ends and is told, and then the error is raised."""
    target = make_target(100)
    target.refuses = "C-40"
    found, error, _ = compared(target, make_rows(100), 4)
    assert isinstance(error, CredentialsError)
    assert target.in_flight == 0
    assert {row.reference for row in target.asked} - {"C-40"} == {f"C-{position}" for position in found}
    assert 40 <= len(found) <= 43


def test_leave_is_asked_before_every_request() -> None:
    """Where `before_send` raises, what is in flight is still told, and its error comes through."""
    target = make_target(100)
    left = [50]

    class LeaseLostError(ConnectorError):
        pass

    def before_send() -> None:
        if not left[0]:
            raise LeaseLostError
        left[0] -= 1

    async def scenario() -> None:
        found, error = await compare(make_courier(target), make_rows(100), before_send)
        assert isinstance(error, LeaseLostError)
        assert len(found) == len(target.asked) == 50

    run(scenario())


def test_an_error_of_our_own_is_raised_not_swallowed() -> None:
    """A connector's bug ends the comparison with just that error."""

    class Buggy(HoldingTarget):
        async def look_up(self, row: Row) -> Held | None:
            raise KeyError(row.reference)

    async def scenario() -> None:
        with pytest.raises(KeyError):
            await compare(make_courier(Buggy()), make_rows(10))

    run(scenario())


@pytest.mark.parametrize("how", ["closed", "cancelled"])
def test_an_early_end_leaves_no_task_behind(how: str) -> None:
    """A comparison that is closed or cancelled ends its workers before it ends itself."""
    target = make_target(1000)

    async def take_one(courier: Courier) -> None:
        async with aclosing(courier.compare(make_rows(1000), lambda: None)) as groups:
            async for _ in groups:
                if how == "closed":
                    break

    async def scenario() -> None:
        task = asyncio.create_task(take_one(make_courier(target)))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled() == (how == "cancelled")
        assert len(asyncio.all_tasks()) == 1
        assert target.in_flight == 0
        assert len(target.asked) < 1000

    run(scenario())


def test_a_delivery_after_it_goes_its_way() -> None:
    """One courier compares, delivers, and compares again: what differed was sent, and differs no more."""
    target = make_target(50)
    rows = [Row(row.reference, {"name": "new"}) for row in make_rows(50)]

    async def scenario() -> None:
        courier = make_courier(target)
        before, _ = await compare(courier, rows)
        delivered = [each async for group in courier.deliver(rows, lambda: None) for each in group]
        after, _ = await compare(courier, rows)
        assert len(delivered) == 50
        assert {each.held.differing for each in before.values() if each.held} == {("name",)}
        assert {each.held.differing for each in after.values() if each.held} == {()}

    run(scenario())


MISHAPS = st.lists(st.sampled_from([NONE, LOST, UNANSWERED, BROKEN, BROKEN_LATE, THROTTLED]), max_size=8)


@given(st.lists(MISHAPS, max_size=9), st.integers(1, 6))
@settings(max_examples=200, deadline=None)
def test_any_mishaps_leave_one_comparison_a_row(script: list[list[Mishap]], concurrency: int) -> None:
    """A row is unanswered where its first answers but for throttling were five failures, and only then."""
    count = len(script)
    target = make_target(count, {f"C-{number}": list(mishaps) for number, mishaps in enumerate(script)})
    found, error, _ = compared(target, make_rows(count), concurrency)
    said = [[each for each in mishaps if each is not THROTTLED][:5] for mishaps in script]
    for_good = {number for number, each in enumerate(said) if len(each) == 5 and NONE not in each}
    assert (error, len(found), unanswered(found)) == (None, count, for_good)
