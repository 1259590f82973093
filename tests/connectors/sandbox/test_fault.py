"""Which fault hits which request."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import ValidationError

from connectors.sandbox.fault import FaultPlan, Faults, FaultsError, Forced, Strike, faults_from_json, faults_to_json
from tests.connectors.sandbox.caller import FakeTime


def _hits(faults: Faults, time: FakeTime, count: int = 1000) -> int:
    plan = FaultPlan(faults, time.clock)
    return sum(plan.strike("POST") is not None for _ in range(count))


def test_nothing_goes_wrong_by_default(time: FakeTime) -> None:
    """The default plan lets everything through at once."""
    plan = FaultPlan(Faults(), time.clock)
    assert plan.delay_seconds() == 0
    assert plan.strike("POST") is None
    assert plan.forced("C-1", "POST") is None
    assert not any(plan.throttles() for _ in range(1000))


def test_next_counts_down(time: FakeTime) -> None:
    """A strike at the next three requests hits exactly those."""
    plan = FaultPlan(Faults(strikes=(Strike(kind="drop", next=3),)), time.clock)
    assert [plan.strike("POST") is not None for _ in range(5)] == [True, True, True, False, False]


def test_strikes_take_their_turns(time: FakeTime) -> None:
    """The second strike waits until the first is used up."""
    plan = FaultPlan(Faults(strikes=(Strike(kind="drop", next=1), Strike(kind="html", next=1))), time.clock)
    struck = [plan.strike("POST"), plan.strike("POST"), plan.strike("POST")]
    assert [strike and strike.kind for strike in struck] == ["drop", "html", None]


def test_methods_narrow_a_strike(time: FakeTime) -> None:
    """A strike at POST lets GET through and does not count it."""
    plan = FaultPlan(Faults(strikes=(Strike(kind="drop", next=1, methods=("POST",)),)), time.clock)
    assert plan.strike("GET") is None
    assert plan.strike("POST") is not None


@pytest.mark.parametrize(("probability", "least", "most"), [(0.0, 0, 0), (0.1, 60, 140), (1.0, 1000, 1000)])
def test_probability_is_kept(time: FakeTime, probability: float, least: int, most: int) -> None:
    """About as many requests are hit as the probability says."""
    hits = _hits(Faults(strikes=(Strike(kind="error", probability=probability),)), time)
    assert least <= hits <= most


def test_same_seed_hits_the_same_requests(time: FakeTime) -> None:
    """A plan can be repeated by its seed, and another seed gives another."""
    faults = Faults(strikes=(Strike(kind="error", probability=0.5),), seed=7)

    def pattern(plan: FaultPlan) -> list[bool]:
        return [plan.strike("POST") is not None for _ in range(64)]

    first, again, other = (FaultPlan(item, time.clock) for item in (faults, faults, replace(faults, seed=8)))
    expected = pattern(first)
    assert pattern(again) == expected
    assert pattern(other) != expected


def test_latency_and_jitter(time: FakeTime) -> None:
    """The delay is the latency, and up to the jitter more."""
    assert FaultPlan(Faults(latency_ms=50), time.clock).delay_seconds() == 0.05
    plan = FaultPlan(Faults(latency_ms=50, jitter_ms=10), time.clock)
    delays = [plan.delay_seconds() for _ in range(100)]
    assert min(delays) >= 0.05
    assert max(delays) <= 0.06
    assert len(set(delays)) > 50


def test_rate_limit_lets_its_number_through_each_second(time: FakeTime) -> None:
    """Ten a second lets ten through at once, and one more after a tenth of a second."""
    plan = FaultPlan(Faults(rate_limit=10), time.clock)
    assert sum(not plan.throttles() for _ in range(100)) == 10
    time.seconds += 0.11
    assert [plan.throttles(), plan.throttles()] == [False, True]
    time.seconds += 60
    assert sum(not plan.throttles() for _ in range(100)) == 10


def test_rate_limit_below_one_still_lets_one_through(time: FakeTime) -> None:
    """Half a request per second is one every two seconds."""
    plan = FaultPlan(Faults(rate_limit=0.5), time.clock)
    assert [plan.throttles(), plan.throttles()] == [False, True]
    time.seconds += 2
    assert not plan.throttles()


def test_rate_limit_zero_refuses_for_ever(time: FakeTime) -> None:
    """A limit of none lets nothing through, however long one waits."""
    plan = FaultPlan(Faults(rate_limit=0), time.clock)
    time.seconds += 3600
    assert plan.throttles()


@pytest.mark.parametrize(
    ("form", "text"),
    [("seconds", "90"), ("date", "Sun, 01 Mar 2026 12:01:30 GMT"), ("garbage", "soon"), ("none", None)],
)
def test_retry_after_forms(time: FakeTime, form: str, text: str | None) -> None:
    """Retry-After comes in seconds, as an HTTP date, as nonsense, or not at all."""
    faults = faults_from_json(f'{{"retry_after": "{form}", "retry_after_seconds": 90}}')
    assert FaultPlan(faults, time.clock).retry_after() == text


def test_forced_customers_alone_are_hit(time: FakeTime) -> None:
    """Writes of the named customer are forced, its reads only where told so, those of others never."""
    plan = FaultPlan(Faults(forced={"C-1": Forced(), "C-2": Forced(reads=True)}), time.clock)
    assert plan.forced("C-1", "POST") is not None
    assert plan.forced("C-2", "GET") is not None
    assert plan.forced("C-1", "GET") is plan.forced("C-3", "POST") is plan.forced(None, "POST") is None


def test_forced_times_run_out(time: FakeTime) -> None:
    """A customer forced twice is let through the third time."""
    plan = FaultPlan(Faults(forced={"C-1": Forced(times=2)}), time.clock)
    assert [plan.forced("C-1", "POST") is not None for _ in range(4)] == [True, True, False, False]


def test_faults_survive_json() -> None:
    """Faults written as JSON are read as the same faults."""
    faults = Faults(
        latency_ms=5,
        refuse_credentials=403,
        strikes=(Strike(kind="error", next=2, after_commit=True, retry_after="1"),),
        forced={"C-17": Forced(status=404, error="not_found")},
    )
    assert faults_from_json(faults_to_json(faults)) == faults


@pytest.mark.parametrize(
    "text",
    [
        '{"latency": 1}',
        '{"latency_ms": -1}',
        '{"strikes": [{"kind": "meteor"}]}',
        '{"strikes": [{"kind": "drop", "probability": 2}]}',
        '{"forced": {"C-1": {"status": 99}}}',
        '{"forced": {"C-1": {"state": 400}}}',
        "[]",
        "latency",
    ],
)
def test_unknown_faults_are_refused(text: str) -> None:
    """A misspelt or impossible fault is refused, so that no test passes because nothing went wrong."""
    with pytest.raises(FaultsError):
        faults_from_json(text)


def test_impossible_faults_are_refused_in_python_too() -> None:
    """The constructors check what the JSON reader checks."""
    with pytest.raises(ValidationError):
        Strike(kind="drop", probability=1.5)
