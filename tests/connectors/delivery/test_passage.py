"""The way of a customer into a target that knows ids of its own: located, sent, asked for again, never doubled."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.protocol import Answer, AnsweredError, Held, Roll, Row
from tests.connectors.delivery.scripted_target import VALUES, Mishap, ScriptedTarget, deliver, lag, make_courier
from tests.connectors.virtual_loop import clock, run
from tests.contracts.target_world import Noted

NONE, LOST, UNANSWERED, BROKEN, BROKEN_LATE, THROTTLED, EXISTS, GONE = Mishap
FAILURES = (LOST, UNANSWERED, BROKEN, BROKEN_LATE)


def deliver_one(target: ScriptedTarget, row: Row | None = None) -> Answer:
    """Deliver one row (C, unless another is given) and give its answer."""

    async def scenario() -> Answer:
        courier = make_courier(target)
        found, error = await deliver(courier, [row or Row("C", VALUES)])
        assert error is None
        assert courier.requests == len(target.system.noted)
        return found[0]

    return run(scenario())


def codes(answer: Answer) -> list[str]:
    """Give the codes of the refusals."""
    return [refusal.code for refusal in answer.refusals]


def test_a_new_customer_costs_a_question_and_a_create() -> None:
    """Nobody is created before the target was asked."""
    target = ScriptedTarget()
    answer = deliver_one(target)
    assert (answer.created, [noted.method for noted in target.system.noted]) == (True, ["GET", "POST"])


def test_a_held_customer_is_updated_under_its_id() -> None:
    """What the look-up found is what is written to."""
    target = ScriptedTarget()
    target_id = target.put("C")
    answer = deliver_one(target)
    assert (answer.target_id, answer.created, target.creates) == (target_id, False, [])


def test_a_create_without_an_answer_is_found_once_it_is_visible() -> None:
    """A customer that arrived, seen after five seconds, is not created again."""
    target = ScriptedTarget(writes={"C": [UNANSWERED]})
    lag(target, 5)
    answer = deliver_one(target)
    assert (answer.refusals, answer.target_id) == ((), next(iter(target.system.customers)))
    assert (len(target.creates), target.held()) == (1, {"C": 1})


def test_each_create_without_an_answer_is_waited_for_anew() -> None:
    """The second lost create may be invisible as long as the first: the waiting begins again."""
    target = ScriptedTarget(writes={"C": [LOST, UNANSWERED]})
    target.system.refuses_twins = False
    lag(target, 5)
    assert deliver_one(target).refusals == ()
    assert (len(target.creates), target.held()) == (2, {"C": 1})


def test_a_create_that_never_arrived_is_made_after_the_settling_time() -> None:
    """Where no look-up shows it within five seconds, it is sent once more."""
    target = ScriptedTarget(writes={"C": [LOST]})
    assert deliver_one(target).created
    first, second = target.creates
    assert second.began - first.ended >= target.settling_seconds


def test_a_doubtful_row_is_found_or_waited_for() -> None:
    """What an earlier run sent without an answer is looked for, for as long as it may be invisible."""
    target = ScriptedTarget()

    async def scenario() -> None:
        lag(target, 5)
        target_id = target.put("C", late=True)
        found, _ = await deliver(make_courier(target), [Row("C", {"name": "old"}, doubtful=True)])
        assert found[0] == Answer(None, target_id)
        found, _ = await deliver(make_courier(target), [Row("D", VALUES, doubtful=True)])
        assert found[0].created

    run(scenario())
    assert target.held() == {"C": 1, "D": 1}


def test_a_look_up_of_before_proves_nothing_of_after() -> None:
    """A look-up that was asked too early and answered late is not taken for one asked late: nobody is doubled."""

    class Slow(ScriptedTarget):
        async def look_up(self, row: Row) -> Held | None:
            held = await super().look_up(row)
            await asyncio.sleep(4.0 if len(self.asked) > 2 else 0.0)
            return held

    target = Slow(writes={"C": [UNANSWERED]})
    target.system.refuses_twins = False

    async def scenario() -> dict[int, Answer]:
        lag(target, target.settling_seconds - 0.1)
        found, _ = await deliver(make_courier(target), [Row("C", VALUES)])
        return found

    assert run(scenario())[0].refusals == ()
    assert target.held() == {"C": 1}


def test_one_that_exists_becomes_an_update() -> None:
    """A create that meets 409 writes to the customer that is there, invisible at first."""
    target = ScriptedTarget()

    async def scenario() -> Answer:
        lag(target, 3)
        target.put("C", late=True)
        found, _ = await deliver(make_courier(target), [Row("C", VALUES)])
        return found[0]

    answer = run(scenario())
    assert (answer.refusals, target.held()) == ((), {"C": 1})
    assert target.system.bearers("C")[0].values == VALUES


def test_one_that_exists_and_is_never_shown_is_refused() -> None:
    """Where no look-up finds what the target says is there, its own words are the refusal, after one create."""
    target = ScriptedTarget(writes={"C": [EXISTS]})
    assert codes(deliver_one(target)) == ["exists"]
    assert len(target.creates) == 1


def test_one_that_is_gone_is_created_once() -> None:
    """An id that is nobody's is looked up, and the customer created."""
    target = ScriptedTarget()
    answer = deliver_one(target, Row("C", VALUES, "7"))
    assert (answer.created, target.held()) == (True, {"C": 1})
    assert [noted.method for noted in target.system.noted] == ["POST", "GET", "POST"]


@pytest.mark.parametrize("reasons", [True, False])
def test_one_that_is_there_and_gone_for_ever_ends_refused(*, reasons: bool) -> None:
    """A customer that is shown under the very id that is gone is written to no more, and refused in any case."""
    target = ScriptedTarget(writes={"C": [GONE] * 50}, reasons=reasons)
    row = Row("C", VALUES, target.put("C"))
    answer = deliver_one(target, row)
    assert codes(answer) == ["gone" if reasons else "unconfirmed"]
    assert (len(target.system.noted), target.held()) == (2, {"C": 1})


def test_two_of_one_reference_are_nobodys_choice() -> None:
    """An ambiguous reference is refused without a write."""
    target = ScriptedTarget()
    target.put("C")
    target.put("C")
    assert codes(deliver_one(target)) == ["ambiguous_reference"]
    assert [noted.method for noted in target.system.noted] == ["GET"]


@pytest.mark.parametrize(("after", "against", "expected"), [(3, (), []), (3, ("C",), ["turned_down"])])
def test_what_is_decided_later_is_asked_for_by_its_id(after: float, against: tuple[str], expected: list[str]) -> None:
    """A customer taken in counts when it is decided about, either way, and is never sent again."""
    target = ScriptedTarget()
    target.system.decides_after, target.system.against = after, frozenset(against)
    answer = deliver_one(target)
    assert (codes(answer), answer.target_id) == (expected, next(iter(target.system.customers)))
    assert len(target.creates) == 1
    assert all(row.target_id == answer.target_id for row in target.asked[1:])


def test_what_is_never_decided_is_told_after_a_minute() -> None:
    """Nobody waits longer, and nothing is sent again."""
    target = ScriptedTarget()
    target.system.decides_after = 10_000
    answer = deliver_one(target)
    assert (codes(answer), len(target.creates)) == (["unconfirmed"], 1)
    assert 60 <= target.creates[0].ended + 60 <= 75


def test_what_arrived_without_an_answer_and_was_turned_down_is_refused() -> None:
    """A doubtful customer that the target has decided against is told with the target's words, without a write."""
    target = ScriptedTarget()
    target.put("C")
    target.system.against = frozenset(["C"])
    answer = deliver_one(target, Row("C", {"name": "old"}, doubtful=True))
    assert (codes(answer), [noted.method for noted in target.system.noted]) == (["turned_down"], ["GET"])


def test_look_ups_that_fail_and_work_again_refuse_nobody() -> None:
    """Whoever could not be asked for, and was never sent, is sent as soon as asking works."""
    target = ScriptedTarget(reads={"C": [LOST] * 5})
    assert deliver_one(target).created


def test_look_ups_that_fail_now_and_then_use_up_no_try() -> None:
    """Where each request may fail by bad luck, one that needs many of them is not refused for it."""
    for lost in ([LOST], [LOST, LOST, LOST, LOST]):
        target = ScriptedTarget(writes={"C": list(lost)}, reads={"C": [BROKEN, *[LOST] * 3, NONE] * 4})
        answer = deliver_one(target)
        assert (answer.refusals, answer.created, len(target.creates)) == ((), True, len(lost) + 1)


def test_asking_for_a_decision_may_fail_for_a_while() -> None:
    """Five lost questions about a customer that was taken in do not refuse it."""
    target = ScriptedTarget(reads={"C": [NONE, *[LOST] * 5]})
    target.system.decides_after = 1
    answer = deliver_one(target)
    assert (answer.refusals, answer.created, len(target.creates)) == ((), True, 1)


def test_the_last_try_is_waited_for_as_well() -> None:
    """A customer out of tries whose last create arrived, and is seen late, is no refusal."""
    target = ScriptedTarget(writes={"C": [LOST, LOST, LOST, LOST, UNANSWERED]})
    lag(target, 5)
    answer = deliver_one(target)
    assert (answer.refusals, len(target.creates), target.held()) == ((), 5, {"C": 1})


def test_throttled_questions_and_creates_are_no_tries() -> None:
    """However often a target is busy, the customer stays at its first try and needs no settling."""
    target = ScriptedTarget(reads={"C": [THROTTLED] * 6}, writes={"C": [THROTTLED] * 6})
    assert deliver_one(target).created
    assert len({noted.reference for noted in target.system.noted}) == 1


def test_a_lost_create_is_not_taken_for_absent_by_the_next_delivery() -> None:
    """What the list did not show may have been created since: it is asked for, by the same courier as well."""
    target = ScriptedTarget(writes={"C": [UNANSWERED]}, reads={"C": [LOST] * 50})
    target.system.refuses_twins = False

    async def scenario() -> None:
        courier = make_courier(target)
        rows = [Row("C", VALUES), *(Row(f"D-{n}", VALUES) for n in range(20))]
        found, _ = await deliver(courier, rows)
        assert codes(found[0]) == ["unconfirmed"]
        target.reads.clear()
        found, _ = await deliver(courier, rows[:1])
        assert found[0].refusals == ()

    run(scenario())
    assert target.held()["C"] == 1


def test_a_customer_that_was_there_before_is_not_called_created() -> None:
    """Whoever the ledger, the list or a look-up knew before the first send was updated, even if no answer said so."""
    lost = [LOST, LOST, LOST, LOST, UNANSWERED]
    target = ScriptedTarget(writes={"C": list(lost)})
    target_id = target.put("C")
    assert deliver_one(target) == Answer(None, target_id, created=False)

    target = ScriptedTarget(writes={"C": list(lost)})
    target_id = target.put("C")
    assert deliver_one(target, Row("C", VALUES, target_id)) == Answer(None, target_id, created=False)

    target = ScriptedTarget(writes={"C": list(lost)})
    target_id = target.put("C")

    async def scenario() -> Answer:
        found, _ = await deliver(make_courier(target), [Row("C", VALUES), *(Row(f"D-{n}", VALUES) for n in range(9))])
        return found[0]

    assert run(scenario()) == Answer(None, target_id, created=False)


def test_a_customer_found_where_a_create_was_contradicted_was_there_before() -> None:
    """What the target says exists, and nobody of ours created, counts as updated."""
    target = ScriptedTarget(writes={"C": [NONE, LOST, LOST, LOST, LOST, UNANSWERED]})

    async def scenario() -> Answer:
        lag(target, 3)
        target.put("C", late=True)
        found, _ = await deliver(make_courier(target), [Row("C", VALUES)])
        return found[0]

    assert run(scenario()) == Answer(None, "1000", created=False)


def test_a_customer_of_this_run_is_not_called_updated() -> None:
    """A create whose answer was lost leaves open whether it created; so does one after the known id was nobody's."""
    target = ScriptedTarget(writes={"C": [UNANSWERED]})
    assert deliver_one(target).created is None
    target = ScriptedTarget(writes={"C": [NONE, UNANSWERED]})
    assert deliver_one(target, Row("C", VALUES, "7")).created is None


def test_doubtful_rows_are_waited_for_once() -> None:
    """What an earlier run sent is older than this delivery: each row costs a look-up, and a create if it is absent."""
    target = ScriptedTarget()

    async def scenario() -> None:
        lag(target, target.settling_seconds)
        for number in range(0, 100, 2):
            target.system.create(f"C-{number}", VALUES)
        rows = [Row(f"C-{number}", VALUES, doubtful=True) for number in range(100)]
        found, error = await deliver(make_courier(target), rows)
        assert error is None
        assert [found[number].created for number in range(100)] == [None, True] * 50

    run(scenario())
    methods = [noted.method for noted in target.system.noted]
    assert (methods.count("GET"), methods.count("POST")) == (100, 50)
    assert set(target.held().values()) == {1}


def test_a_doubtful_row_that_is_contradicted_is_waited_for_anew() -> None:
    """Whoever the target says is there may have been written just now."""

    class Racing(ScriptedTarget):
        async def send(self, row: Row) -> Answer:
            if not self.creates:
                self.put(row.reference, late=True)
            return await super().send(row)

    target = Racing(writes={"C": [EXISTS]})

    async def scenario() -> Answer:
        lag(target, 4)
        found, _ = await deliver(make_courier(target), [Row("C", VALUES, doubtful=True)])
        return found[0]

    assert run(scenario()).refusals == ()
    assert target.held() == {"C": 1}


def test_a_lost_create_is_looked_for_three_times_at_most() -> None:
    """At once, after a quarter of the settling time, and at its end."""
    target = ScriptedTarget(writes={"C": [LOST]})
    assert deliver_one(target).created
    assert len(target.asked) == 1 + 3


# Other writers


@pytest.mark.parametrize("rolls", [{"steady": True}, {"steady": False, "part": 10**6}])
def test_a_writer_between_two_pages_is_noticed(rolls: dict[str, int]) -> None:
    """Whoever somebody else created after the list was read is updated, not doubled."""
    target = ScriptedTarget(**rolls)  # type: ignore[arg-type]  # two fields of two types
    target.system.refuses_twins = False

    async def scenario() -> None:
        courier = make_courier(target)
        await deliver(courier, [Row(f"A-{number}", VALUES) for number in range(50)])
        target.put("B-7")
        for _ in range(20):  # the loop truly waits where a longer pause follows timers that were cancelled
            await asyncio.sleep(0.3)
        found, _ = await deliver(courier, [Row(f"B-{number}", VALUES) for number in range(50)])
        assert [number for number, answer in found.items() if not answer.created] == [7]

    run(scenario())
    assert (len(target.held()), set(target.held().values())) == (100, {1})


@pytest.mark.parametrize("rolls", [{"steady": True}, {"steady": False, "part": 10**6}])
def test_a_writer_during_a_slow_page_is_noticed(rolls: dict[str, int]) -> None:
    """A page that takes minutes asks the list anew while it is sent, and only so often."""
    target = ScriptedTarget(seconds=1.0, **rolls)  # type: ignore[arg-type]  # two fields of two types
    target.system.refuses_twins = False

    async def scenario() -> None:
        courier = make_courier(target)
        delivery = asyncio.create_task(deliver(courier, [Row(f"A-{number}", VALUES) for number in range(400)]))
        await asyncio.sleep(40)
        target.put("A-399")
        found, _ = await delivery
        assert [number for number, answer in found.items() if not answer.created] == [399]

    run(scenario())
    assert set(target.held().values()) == {1}
    assert target.asked == []
    assert len([noted for noted in target.system.noted if noted.method == "GET"]) <= 10


@pytest.mark.parametrize(
    ("rolls", "questions"), [({"steady": True, "part": 1000}, 80), ({"steady": False, "part": 10**6}, 65)]
)
def test_a_first_load_costs_a_create_each_and_few_questions(rolls: dict[str, int], questions: int) -> None:
    """Ten pages of 1,000 into an empty target, in twenty minutes, ask nobody one by one."""
    target = ScriptedTarget(seconds=0.48, **rolls)  # type: ignore[arg-type]  # two fields of two types
    target.system.refuses_twins = False

    async def scenario() -> float:
        courier = make_courier(target)
        for page in range(10):
            found, error = await deliver(courier, [Row(f"C-{page}-{number}", VALUES) for number in range(1000)])
            assert (error, all(answer.created for answer in found.values())) == (None, True)
        return clock()

    assert 1190 < run(scenario()) < 1230
    methods = [noted.method for noted in target.system.noted]
    assert (methods.count("POST"), target.asked) == (10_000, [])
    assert methods.count("GET") <= questions


class Failing(ScriptedTarget):
    """A target whose list fails once it has been read."""

    rolls = 0

    async def roll(self, cursor: str | None) -> Roll:
        """Work once."""
        self.rolls += 1
        if self.rolls > 1:
            self.system.noted.append(Noted("GET", cursor, applied=False))
            raise AnsweredError("scripted: list: status 500", status=500)
        return await super().roll(cursor)


def test_a_list_that_fails_later_has_customers_asked_for() -> None:
    """Whom the list no longer tells about is looked up, and the list is not asked before each of them."""
    target = Failing(seconds=1.0)

    async def scenario() -> None:
        found, error = await deliver(make_courier(target), [Row(f"A-{number}", VALUES) for number in range(400)])
        assert (error, all(answer.created for answer in found.values())) == (None, True)

    run(scenario())
    assert 100 < len(target.asked) < 400
    assert target.rolls <= 1 + 5 * 15


class Listless(ScriptedTarget):
    """A target whose list always fails."""

    async def roll(self, cursor: str | None) -> Roll:
        """Fail."""
        self.system.noted.append(Noted("GET", cursor, applied=False))
        raise AnsweredError("scripted: list: status 500", status=500)


def test_a_list_that_cannot_be_read_stops_nobody() -> None:
    """Customers are asked for one by one where the list fails."""
    target = Listless()
    target.put("C-1")

    async def scenario() -> None:
        courier = make_courier(target)
        found, error = await deliver(courier, [Row(f"C-{number}", VALUES) for number in range(5)])
        assert (error, [answer.refusals for answer in found.values()]) == (None, [()] * 5)
        assert courier.requests == len(target.system.noted)

    run(scenario())
    assert set(target.held().values()) == {1}


# Any story


@dataclass(frozen=True, slots=True)
class Story:
    """One customer: how it stands at the beginning, and what becomes of its requests."""

    begins: str
    writes: list[Mishap]
    reads: list[Mishap]


WRITES = st.lists(st.sampled_from(list(Mishap)), max_size=7)
READS = st.lists(st.sampled_from([NONE, NONE, *FAILURES, THROTTLED]), max_size=7)
BEGINS = st.sampled_from(["absent", "held", "known", "gone", "doubtful", "invisible", "twins"])
STORIES = st.lists(st.builds(Story, BEGINS, WRITES, READS), min_size=1, max_size=5)


def begin(target: ScriptedTarget, number: int, story: Story) -> Row:
    """Set a story's beginning up, and give its row."""
    reference = f"C-{number}"
    target.writes[reference], target.reads[reference] = list(story.writes), list(story.reads)
    known: str | None = None
    match story.begins:
        case "held":
            target.put(reference)
        case "known":
            known = target.put(reference)
        case "gone":
            known = "7"
        case "invisible":
            target.put(reference, late=True)
        case "twins":
            target.put(reference)
            target.put(reference)
        case _:
            pass
    return Row(reference, VALUES, known, doubtful=story.begins in {"doubtful", "invisible"})


def check_story(target: ScriptedTarget, row: Row, story: Story, answer: Answer) -> None:
    """See that the customer is there at most once, and there as answered; and that no create came too early."""
    bearers = target.system.bearers(row.reference)
    if story.begins == "twins":
        assert (len(bearers), answer.refusals != ()) == (2, True)
        assert all(customer.values == {"name": "old"} for customer in bearers)
    else:
        assert len(bearers) <= 1
    if not answer.refusals:
        assert [customer.id for customer in bearers] == [answer.target_id]
        assert bearers[0].values == VALUES
    creates = [create for create in target.creates if create.reference == row.reference]
    for earlier, later in pairwise(creates):
        assert earlier.answered or later.began - earlier.ended >= target.settling_seconds
    sends = [noted for noted in target.system.noted if noted.reference == row.reference and noted.method == "POST"]
    assert len(sends) <= 5 + story.writes.count(THROTTLED) + 2, "five tries, and two surprises"


@settings(max_examples=400, deadline=None)
@given(
    stories=STORIES,
    switches=st.fixed_dictionaries({"steady": st.booleans(), "tells_total": st.booleans(), "part": st.integers(1, 3)}),
    lag_seconds=st.sampled_from([0, 5]),
    decides_after=st.sampled_from([0, 0, 2, 10_000]),
    against=st.sets(st.integers(0, 4)),
    refuses_twins=st.booleans(),
)
def test_any_story_ends_once_and_without_a_double(
    stories: list[Story],
    switches: Mapping[str, int],
    lag_seconds: float,
    decides_after: float,
    against: set[int],
    *,
    refuses_twins: bool,
) -> None:
    """Whatever becomes of the requests, each row has one answer, each reference one customer, and it all ends soon."""
    target = ScriptedTarget(**switches)  # type: ignore[arg-type]  # three fields of three types
    target.system.refuses_twins, target.system.decides_after = refuses_twins, decides_after
    target.system.against = frozenset(f"C-{number}" for number in against)

    async def scenario() -> None:
        lag(target, lag_seconds)
        rows = [begin(target, number, story) for number, story in enumerate(stories)]
        fillers = [Row(f"D-{number}", VALUES) for number in range(15)]
        courier = make_courier(target)
        found, error = await deliver(courier, [*rows, *fillers])
        assert (error, len(found)) == (None, len(rows) + len(fillers))
        for number, (row, story) in enumerate(zip(rows, stories, strict=True)):
            check_story(target, row, story, found[number])
        assert courier.requests == len(target.system.noted) <= 25 + 30 * len(found)
        assert clock() < 600

    run(scenario())
