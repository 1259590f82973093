"""When a customer is tried again, and how many retries a target is worth."""

from __future__ import annotations

import pytest

from connectors.retry import Budget, Retry


@pytest.mark.parametrize(("failures", "bound"), [(1, 0.5), (2, 1), (3, 2), (4, 4), (20, 60)])
def test_pauses_double_up_to_the_longest_with_full_jitter(failures: int, bound: float) -> None:
    """The pause is anything from nothing to a bound that doubles from half a second to a minute."""
    retry = Retry()

    assert retry.pause(failures, None, 0.0) == 0
    assert retry.pause(failures, None, 1.0) == bound


@pytest.mark.parametrize(("asked", "pause"), [(7.0, 7.0), (0.0, 0.25), (86400.0, 900.0)])
def test_a_delay_that_the_target_asks_for_is_kept(asked: float, pause: float) -> None:
    """The pause is never shorter than asked for, up to a quarter of an hour."""
    assert Retry().pause(1, asked, 0.5) == pause


def test_retries_within_a_fifth_of_the_requests_wait_for_nothing() -> None:
    """A tenth of the requests failing costs no extra pause."""
    budget = Budget()
    waits = []
    for number in range(1000):
        budget.note_request(number / 100)
        if number % 10 == 0:
            waits.append(budget.claim_retry(number / 100))

    assert set(waits) == {0.0}


def test_retries_beyond_the_budget_are_a_second_apart() -> None:
    """Past the share and its allowance, retries are paced, not refused."""
    budget = Budget(allowance=2)
    for _ in range(10):
        budget.note_request(5.0)

    assert [budget.claim_retry(5.0) for _ in range(7)] == [0, 0, 0, 0, 1, 2, 3]


def test_the_budget_looks_back_one_minute() -> None:
    """Requests and retries of more than a minute ago count no longer."""
    budget = Budget(allowance=0)
    for _ in range(10):
        budget.note_request(0.0)
    assert [budget.claim_retry(59.0) for _ in range(3)] == [0, 0, 1]
    assert budget.claim_retry(60.5) == 1
    for _ in range(15):
        budget.note_request(130.0)

    assert [budget.claim_retry(130.0) for _ in range(4)] == [0, 0, 0, 1]
