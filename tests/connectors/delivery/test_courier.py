"""Every row gets exactly one answer, whatever the target does; in virtual time, with a scripted target."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import aclosing
from typing import Self

import pytest

from connectors.delivery.courier import Courier, Delivery
from connectors.delivery.gate import Gate
from connectors.protocol import (
    Answer,
    AnsweredError,
    ConnectorError,
    CredentialsError,
    Held,
    PermanentError,
    Refusal,
    Row,
    ThrottledError,
    TransientError,
    UnavailableError,
)
from tests.connectors.virtual_loop import clock, run

Say = Answer | Exception
Script = Callable[[Row, int], Say]  # a row and how often it was sent before

SILENCE = TransientError("fake: send: no answer")
BROKEN = AnsweredError("fake: send: status 503", status=503)


def accept(row: Row, _: int = 0) -> Say:
    """Accept every customer."""
    return Answer(201, f"id-{row.reference}", created=True)


class FakeTarget:
    """A target that answers as its script says, 50 ms later, and notes what it was sent."""

    address = "fake"

    def __init__(self, script: Script = accept, held: Held | Exception | None = None, seconds: float = 0.05) -> None:
        self.script = script
        self.held = held
        self.seconds = seconds
        self.sent: list[tuple[float, Row]] = []
        self.looked_up: list[str] = []
        self.in_flight = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def send(self, row: Row) -> Answer:
        """Answer by the script."""
        times = sum(other.reference == row.reference for _, other in self.sent)
        self.sent.append((clock(), row))
        self.in_flight += 1
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.in_flight -= 1
        answer = self.script(row, times)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def look_up(self, row: Row) -> Held | None:
        """Show what is held."""
        self.looked_up.append(row.reference)
        if isinstance(self.held, Exception):
            raise self.held
        return self.held

    async def entities(self, _kind: str) -> None:
        """Have no lists."""


def make_courier(target: FakeTarget, concurrency: int = 4) -> Courier:
    """Make a courier that lives in virtual time and always takes the longest pause."""
    gate = Gate(concurrency=concurrency, clock=clock)
    return Courier(target, gate, clock=clock, chance=lambda: 1.0)


def make_rows(count: int) -> list[Row]:
    """Make so many rows."""
    return [Row(f"C-{number}", {"name": "x"}) for number in range(count)]


async def deliver(
    courier: Courier, rows: list[Row], before_send: Callable[[], None] = lambda: None
) -> tuple[dict[int, Delivery], ConnectorError | None]:
    """Deliver everything; gives the deliveries by position, and the error at the end if there was one."""
    found: dict[int, Delivery] = {}
    try:
        async for group in courier.deliver(rows, before_send):
            assert len(group) <= 100
            for delivery in group:
                assert delivery.position not in found
                found[delivery.position] = delivery
    except ConnectorError as error:
        return found, error
    finally:
        assert len(asyncio.all_tasks()) == 1, "a task was left behind"
    return found, None


def failing(references: set[str], say: Say = SILENCE, times: int = 10**9) -> Script:
    """Fail so often for these references, and accept all else."""
    return lambda row, sent: say if row.reference in references and sent < times else accept(row)


def one_silent_one_late(row: Row, sent: int) -> Say:
    """Never answer C-0, and ask for a minute before C-1."""
    if row.reference == "C-0":
        return SILENCE
    return AnsweredError("fake: send: status 503", 60.0, 503) if sent == 0 else accept(row)


def codes(deliveries: dict[int, Delivery]) -> dict[int, str]:
    """Give the code of every refused row."""
    return {
        position: delivery.answer.refusals[0].code
        for position, delivery in deliveries.items()
        if delivery.answer.refusals
    }


def test_every_row_is_sent_once_and_answered_once() -> None:
    """Without failures each row costs one request, and each answer comes with its position."""
    target = FakeTarget()

    async def scenario() -> None:
        courier = make_courier(target)
        found, error = await deliver(courier, make_rows(250))
        assert error is None
        assert found == {n: Delivery(n, Answer(201, f"id-C-{n}", created=True), 1) for n in range(250)}
        assert (courier.requests, courier.retries) == (250, 0)
        assert not any(row.doubtful for _, row in target.sent)

    run(scenario())


def test_no_rows_make_no_groups() -> None:
    """An empty delivery ends at once."""
    target = FakeTarget()

    async def scenario() -> None:
        assert await deliver(make_courier(target), []) == ({}, None)

    run(scenario())
    assert target.sent == []


def test_groups_come_when_full_or_after_a_quarter_of_a_second() -> None:
    """With little in flight nearly a hundred answers make a group at once, and fewer after 250 ms."""

    async def scenario() -> list[tuple[float, int]]:
        courier = make_courier(FakeTarget(seconds=0.005), concurrency=4)
        return [(round(clock(), 2), len(group)) async for group in courier.deliver(make_rows(250), lambda: None)]

    assert run(scenario()) == [(0.12, 92), (0.23, 92), (0.32, 66)]


@pytest.mark.parametrize("concurrency", [1, 4, 16, 32, 34])
def test_what_a_killed_run_repeats_stays_at_a_hundred(concurrency: int) -> None:
    """Answers that wait for their group and requests in flight are together at most 100."""

    async def scenario() -> int:
        target = FakeTarget()
        courier = make_courier(target, concurrency)
        yielded = at_risk = 0
        async for group in courier.deliver(make_rows(400), lambda: None):
            at_risk = max(at_risk, len(target.sent) - yielded)
            yielded += len(group)
        return at_risk

    assert run(scenario()) <= 100


def test_slow_answers_are_yielded_as_they_come() -> None:
    """A target that answers once a second keeps no answer waiting for the others."""

    async def scenario() -> list[tuple[float, int]]:
        courier = make_courier(FakeTarget(seconds=1), concurrency=1)
        return [(clock(), len(group)) async for group in courier.deliver(make_rows(3), lambda: None)]

    assert run(scenario()) == [(1, 1), (2, 1), (3, 1)]


def test_a_refusal_is_an_answer_and_is_not_tried_again() -> None:
    """A customer that the target refuses costs one request and stops nobody."""
    refused = Answer(400, refusals=(Refusal("save_failed", "", ""),))
    target = FakeTarget(failing({"C-3"}, refused))

    async def scenario() -> None:
        found, error = await deliver(make_courier(target), make_rows(10))
        assert error is None
        assert codes(found) == {3: "save_failed"}
        assert found[3] == Delivery(3, refused, 1)

    run(scenario())
    assert len(target.sent) == 10


def test_a_customer_is_tried_again_after_growing_pauses_and_marked_doubtful() -> None:
    """A send without an answer is repeated after 0.5, 1, 2 and 4 s, and says that it is a repetition."""
    target = FakeTarget(failing({"C-1"}, times=4), seconds=0)

    async def scenario() -> None:
        courier = make_courier(target)
        found, error = await deliver(courier, make_rows(3))
        assert error is None
        assert found[1] == Delivery(1, Answer(201, "id-C-1", created=True), 5)
        assert (courier.requests, courier.retries) == (7, 4)

    run(scenario())
    assert [(at, row.doubtful) for at, row in target.sent if row.reference == "C-1"] == [
        (0, False),
        (0.5, True),
        (1.5, True),
        (3.5, True),
        (7.5, True),
    ]


def test_a_pause_holds_up_nobody_else() -> None:
    """While one customer waits, its worker sends others."""
    target = FakeTarget(failing({"C-0"}, times=1), seconds=0.01)

    async def scenario() -> None:
        await deliver(make_courier(target, concurrency=1), make_rows(20))

    run(scenario())
    order = [row.reference for _, row in target.sent]
    assert order == [f"C-{number}" for number in range(20)] + ["C-0"]


def test_the_delay_that_a_target_asks_for_is_kept() -> None:
    """A 503 with Retry-After is repeated no earlier than it says."""
    target = FakeTarget(failing({"C-0"}, AnsweredError("fake: send: status 503", 12.0, 503), times=1), seconds=0)

    async def scenario() -> None:
        await deliver(make_courier(target), make_rows(1))

    run(scenario())
    assert [at for at, _ in target.sent] == [0, 12]


def test_throttling_is_no_try_and_no_doubt() -> None:
    """A customer throttled seven times is still at its first try: a 429 says that nothing was written."""
    target = FakeTarget(failing({"C-0"}, ThrottledError("fake: send: status 429", 1.0), times=7))

    async def scenario() -> None:
        found, error = await deliver(make_courier(target), make_rows(1))
        assert error is None
        assert found[0] == Delivery(0, Answer(201, "id-C-0", created=True), 1)

    run(scenario())
    assert not any(row.doubtful for _, row in target.sent)
    assert len(target.sent) == 8


@pytest.mark.parametrize(("failure", "code", "status"), [(BROKEN, "server_error", 503), (SILENCE, "unconfirmed", None)])
@pytest.mark.parametrize("held", [None, Held("77", ("name",)), SILENCE])
def test_a_customer_that_fails_five_times_while_others_succeed_is_refused(
    failure: Exception, code: str, status: int | None, held: Held | Exception | None
) -> None:
    """After five tries and one look-up the customer is refused, by what the last failure was."""
    target = FakeTarget(failing({"C-3"}, failure), held)

    async def scenario() -> None:
        courier = make_courier(target)
        found, error = await deliver(courier, make_rows(1000))
        assert error is None
        assert len(found) == 1000
        assert codes(found) == {3: code}
        assert (found[3].tries, found[3].answer.status) == (5, status)
        assert (courier.requests, courier.retries) == (1005, 4)

    run(scenario())
    assert target.looked_up == ["C-3"]


def test_a_look_up_that_shows_the_values_settles_the_customer() -> None:
    """A customer whose answers were lost but which the target holds is accepted with the target's id."""
    target = FakeTarget(failing({"C-3"}), Held("77"))

    async def scenario() -> None:
        found, error = await deliver(make_courier(target), make_rows(10))
        assert error is None
        assert found[3] == Delivery(3, Answer(None, "77"), 5)
        assert codes(found) == {}

    run(scenario())


def test_a_lone_failing_customer_is_refused_where_the_target_answers_a_look_up() -> None:
    """With nobody to compare with, the look-up tells that the target is there and the customer is to blame."""
    target = FakeTarget(failing({"C-0", "C-1"}, BROKEN))

    async def scenario() -> None:
        found, error = await deliver(make_courier(target), make_rows(2))
        assert error is None
        assert codes(found) == {0: "server_error", 1: "server_error"}

    run(scenario())


def test_a_failing_customer_is_refused_once_another_succeeds() -> None:
    """Out of tries and not to be looked up, it waits until somebody else tells that the target is well."""
    target = FakeTarget(one_silent_one_late, SILENCE)

    async def scenario() -> None:
        found, error = await deliver(make_courier(target), make_rows(2))
        assert error is None
        assert codes(found) == {0: "unconfirmed"}
        assert 60 <= clock() < 61

    run(scenario())


def test_customers_that_can_be_read_but_not_written_open_the_circuit_across_pages() -> None:
    """Look-ups that work do not hide that ten different customers in a row could not be written."""
    target = FakeTarget(lambda *_: BROKEN)

    async def scenario() -> None:
        courier = make_courier(target)
        rows = make_rows(10)
        first, error = await deliver(courier, rows[:5])
        assert (len(codes(first)), error) == (5, None)
        second, error = await deliver(courier, rows[5:])
        assert second == {}
        assert isinstance(error, UnavailableError)

    run(scenario())


@pytest.mark.parametrize("count", [1, 4, 9, 300])
def test_a_target_that_is_away_refuses_nobody(count: int) -> None:
    """A target down for all ends the delivery after five minutes of probes, however few customers there are."""
    target = FakeTarget(lambda *_: SILENCE, SILENCE)

    async def scenario() -> None:
        found, error = await deliver(make_courier(target, concurrency=16), make_rows(count))
        assert isinstance(error, UnavailableError)
        assert found == {}
        assert 300 <= clock() < 320

    run(scenario())
    probes = [at for at, _ in target.sent if at > 25]
    assert len(probes) <= 10
    assert len(target.looked_up) <= count  # probes are sends, and count against nobody


def test_a_target_that_comes_back_gets_everybody() -> None:
    """Failures during an outage count against nobody: after it all customers are delivered."""
    target = FakeTarget()
    target.script = lambda row, _: SILENCE if clock() < 100 else accept(row)
    target.held = SILENCE

    async def scenario() -> None:
        found, error = await deliver(make_courier(target), make_rows(300))
        assert error is None
        assert len(found) == 300
        assert codes(found) == {}

    run(scenario())


def test_a_poisoned_customer_is_refused_after_an_outage_as_well() -> None:
    """An outage gives a customer new tries, but no endless ones."""
    target = FakeTarget()
    target.script = lambda row, _: SILENCE if clock() < 100 or row.reference == "C-5" else accept(row)

    async def scenario() -> None:
        found, error = await deliver(make_courier(target), make_rows(300))
        assert error is None
        assert codes(found) == {5: "unconfirmed"}

    run(scenario())
    assert len([row for at, row in target.sent if row.reference == "C-5" and at > 131]) <= 6


def test_one_tenth_of_failures_costs_few_requests_more_and_nobody() -> None:
    """With every tenth send failing, all customers are delivered for at most 1.15 times the requests."""
    counter = iter(range(10**6))
    target = FakeTarget(lambda row, _: BROKEN if next(counter) % 10 == 0 else accept(row))

    async def scenario() -> None:
        courier = make_courier(target, concurrency=16)
        found, error = await deliver(courier, make_rows(2000))
        assert error is None
        assert (len(found), codes(found)) == (2000, {})
        assert courier.requests <= 2300

    run(scenario())


def test_half_of_the_sends_failing_does_not_storm_the_target() -> None:
    """Retries stay near a fifth of the requests of a minute; beyond they are paced, and still nobody is lost."""
    counter = iter(range(10**6))
    target = FakeTarget(lambda row, _: BROKEN if next(counter) % 2 == 0 else accept(row))

    async def scenario() -> None:
        found, error = await deliver(make_courier(target, concurrency=16), make_rows(500))
        assert error is None
        assert len(found) == 500

    run(scenario())
    first_minute = Counter(row.doubtful for at, row in target.sent if at < 60)
    assert first_minute[True] <= 20 + 0.2 * first_minute[False] + 60


def test_before_send_is_called_before_every_request() -> None:
    """Retries and look-ups ask for leave as well."""
    calls: list[float] = []

    async def scenario() -> None:
        courier = make_courier(FakeTarget(failing({"C-3"}), None))
        await deliver(courier, make_rows(200), lambda: calls.append(clock()))
        assert len(calls) == courier.requests == 205

    run(scenario())


class LeaseLostError(ConnectorError):
    """What a caller's `before_send` may raise."""


def running_out(count: int) -> Callable[[], None]:
    """Give leave so many times, then raise."""
    leaves: Iterator[int] = iter(range(count))

    def before_send() -> None:
        if next(leaves, None) is None:
            raise LeaseLostError

    return before_send


def test_when_leave_is_refused_what_is_in_flight_is_still_answered() -> None:
    """Nothing new goes out, and the answers of what was out are yielded before the error is raised."""
    target = FakeTarget()

    async def scenario() -> None:
        found, error = await deliver(make_courier(target), make_rows(50), running_out(10))
        assert isinstance(error, LeaseLostError)
        assert len(found) == 10

    run(scenario())
    assert len(target.sent) == 10


def test_a_permanent_error_stops_the_delivery_and_keeps_the_other_answers() -> None:
    """After a PermanentError nothing new goes out, and what was in flight is answered."""
    target = FakeTarget(failing({"C-9"}, PermanentError("fake: send: status 302")))

    async def scenario() -> None:
        found, error = await deliver(make_courier(target), make_rows(50))
        assert isinstance(error, PermanentError)
        assert sorted(found) == [n for n in range(len(target.sent)) if n != 9]

    run(scenario())
    assert len(target.sent) <= 13


def test_refused_credentials_cost_few_requests() -> None:
    """At most as many requests as are in flight, and one more, go out once the credentials are refused."""
    target = FakeTarget(lambda *_: CredentialsError("fake: send: status 401"))

    async def scenario() -> None:
        found, error = await deliver(make_courier(target, concurrency=16), make_rows(500))
        assert isinstance(error, CredentialsError)
        assert found == {}

    run(scenario())
    assert len(target.sent) == 16


def test_an_error_does_not_wait_for_pauses() -> None:
    """Customers that wait for their next try do not delay the end."""
    target = FakeTarget(lambda row, _: AnsweredError("x", 600.0, 503) if row.reference == "C-0" else BROKEN)

    async def scenario() -> None:
        _, error = await deliver(make_courier(target), make_rows(2), running_out(4))
        assert isinstance(error, LeaseLostError)
        assert clock() < 60

    run(scenario())


def test_an_error_of_our_own_is_raised_not_swallowed() -> None:
    """A programming error in a target ends the delivery with that very error."""
    target = FakeTarget(failing({"C-2"}, KeyError("oops")))

    async def scenario() -> None:
        with pytest.raises(KeyError, match="oops"):
            await deliver(make_courier(target), make_rows(10))

    run(scenario())


def test_closing_early_leaves_no_task_behind() -> None:
    """A caller that stops listening ends everything, at once."""
    target = FakeTarget()

    async def scenario() -> None:
        async with aclosing(make_courier(target).deliver(make_rows(500), lambda: None)) as groups:
            async for _ in groups:
                break
        assert len(asyncio.all_tasks()) == 1
        assert target.in_flight == 0

    run(scenario())


def test_cancelling_leaves_no_task_behind() -> None:
    """A cancelled delivery ends its workers before it ends itself."""
    target = FakeTarget(lambda *_: SILENCE)

    async def scenario() -> None:
        task = asyncio.create_task(deliver_all(make_courier(target)))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(asyncio.all_tasks()) == 1
        assert target.in_flight == 0

    async def deliver_all(courier: Courier) -> None:
        async for _ in courier.deliver(make_rows(50), lambda: None):
            pass

    run(scenario())


def test_a_look_up_is_as_patient_as_a_delivery() -> None:
    """A look-up is tried again after failures and throttling, and says what is held."""
    says: list[Held | Exception | None] = [SILENCE, ThrottledError("fake: 429", 1.0), BROKEN, Held("7")]

    class Moody(FakeTarget):
        async def look_up(self, row: Row) -> Held | None:
            self.held = says.pop(0)
            return await super().look_up(row)

    async def scenario() -> None:
        courier = make_courier(Moody())
        assert await courier.look_up(Row("C-1"), lambda: None) == Held("7")
        assert courier.requests == 4

    run(scenario())


def test_a_look_up_without_an_answer_ends_in_the_last_error() -> None:
    """After five failures the target's failure is raised, and nobody is refused."""

    async def scenario() -> None:
        target = FakeTarget(held=SILENCE)
        with pytest.raises(TransientError, match="no answer"):
            await make_courier(target).look_up(Row("C-1"), lambda: None)
        assert len(target.looked_up) == 5

    run(scenario())


def test_throttling_for_ever_ends_the_delivery() -> None:
    """429 without end raises UnavailableError, refuses nobody, and sends one probe per pause."""
    target = FakeTarget(lambda *_: ThrottledError("fake: send: status 429", 60.0))

    async def scenario() -> None:
        found, error = await deliver(make_courier(target), make_rows(100))
        assert isinstance(error, UnavailableError)
        assert found == {}

    run(scenario())
    assert len(target.sent) <= 4 + 16


def test_a_wait_of_a_year_is_left_to_a_later_run() -> None:
    """One customer for whom the target asks to wait beyond reason is refused at once; the others go through."""
    far = AnsweredError("fake: send: status 503", 31_536_000.0, 503)

    async def scenario() -> None:
        target = FakeTarget(failing({"C-3"}, far))
        found, error = await deliver(make_courier(target), make_rows(10))
        assert error is None
        assert [refusal.code for refusal in found[3].answer.refusals] == ["server_error"]
        assert clock() < 60

    run(scenario())
