"""Whole runs over an API that loops, cuts, lies or stays away (FAULTS.md E08, E12, E14 to E18, X07), and one after."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.api.transport import Reply
from flows.summary import ExitCode
from tests.faults.api_run import ApiRuns, running

SIGNING_IN, OPENING = 1, 1  # reading requests
FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "E12 the first page for ever": ({"kind": "first_page"}, "does not keep to the filters"),
    "E14 no next": ({"kind": "no_next"}, "incomplete_extract"),
    "E15 fewer customers": ({"kind": "fewer"}, "incomplete_extract"),
    "E16 a body cut": ({"kind": "truncate"}, "(6 requests)"),
    "E16 a page of HTML": ({"kind": "html"}, "the answer is no list (6 requests)"),
    "E17 429 for a day": ({"kind": "error", "status": 429, "retry_after": "86400"}, "(rate limit): it asks us to wait"),
    "E18 503 for ever": ({"kind": "error"}, "status 503 (6 requests)"),
    "X07 next elsewhere": ({"kind": "next", "location": "http://169.254.169.254/"}, "leads to another origin"),
    "X07 a redirect": ({"kind": "redirect"}, "status 302"),
}


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[ApiRuns]:
    """Give a job over an empty sandbox."""
    with running(tmp_path) as made:
        yield made


def note_sound(runs: ApiRuns, requests: int) -> set[str]:
    """Collect the customers that the first so many lists show from now on."""
    sound: set[str] = set()
    runs.api.transport.lists = 0

    def note(reply: Reply) -> Reply:
        if runs.api.transport.lists <= requests:
            sound.update(customer["reference"] for customer in json.loads(reply.body)["data"])
        return reply

    runs.api.transport.spoil = note
    return sound


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_on_the_first_page(runs: ApiRuns, fault: str) -> None:
    """The run fails, sends nothing and leaves the watermark; once the fault is gone, the next run completes."""
    strike, said = FAULTS[fault]
    runs.api.seed(5, ago=7 * 86400)
    runs.api.seed(5, first=5)
    assert runs.run().exit_code is ExitCode.DONE
    before = runs.watermark
    runs.api.seed(110, first=10, ago=3600)
    runs.api.strike(skip=SIGNING_IN + OPENING, **strike)
    summary = runs.run()
    assert summary.exit_code is not ExitCode.DONE
    assert said in (summary.message or "")
    assert (runs.watermark, runs.target.journal) == (before, [])
    runs.api.heal()
    assert runs.run().exit_code is ExitCode.DONE
    assert runs.arrived == runs.api.held()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_on_a_later_page(runs: ApiRuns, fault: str) -> None:
    """Only earlier pages are sent, and the watermark passes nobody else; the next run completes."""
    strike, said = FAULTS[fault]
    runs.api.seed(220)
    lists = OPENING + 3  # both ends of the list, and a page of it
    runs.api.strike(skip=SIGNING_IN + lists, **strike)
    sound = note_sound(runs, lists)
    summary = runs.run()
    assert summary.exit_code is ExitCode.FAILED
    assert said in (summary.message or "")
    assert 0 < len(runs.arrived) <= 100
    assert runs.arrived.keys() <= sound
    assert runs.passed.items() <= runs.arrived.items()
    runs.api.heal()
    runs.api.transport.spoil = lambda reply: reply
    assert runs.run().exit_code is ExitCode.DONE
    assert runs.arrived == runs.api.held()


@pytest.mark.parametrize("per_second", [1, 150])
def test_e12_the_same_next_for_ever(runs: ApiRuns, per_second: int) -> None:
    """A list without end fails the run behind its last customer; what it showed is right, the next run completes."""
    runs.api.seed(150, per_second=per_second)
    runs.api.strike("next", location="/api/v2.1/customers?max=100&offset=100")
    summary = runs.run()
    assert summary.exit_code is ExitCode.FAILED
    assert "says that more comes" in (summary.message or "")
    assert runs.passed.items() <= runs.arrived.items()
    runs.api.heal()
    assert runs.run().exit_code is ExitCode.DONE
    assert runs.arrived == runs.api.held()


def test_e16_json_that_is_cut(runs: ApiRuns) -> None:
    """Half an answer, complete by its length, is used for nothing."""
    runs.api.seed(50)
    runs.api.transport.spoil = lambda reply: replace(reply, body=reply.body[: len(reply.body) // 2])
    summary = runs.run()
    assert summary.exit_code is not ExitCode.DONE
    assert (runs.watermark, runs.target.journal) == (None, [])
    runs.api.transport.spoil = lambda reply: reply
    assert runs.run().exit_code is ExitCode.DONE
    assert runs.arrived == runs.api.held()


def test_e08_a_corrected_future_is_found(runs: ApiRuns) -> None:
    """A customer of the year 2999 is taken and told of; corrected the next day, it reaches the target."""
    runs.api.seed(30)
    runs.api.add(30, "2999-12-31T00:00:00Z")
    assert runs.run().counts.created == 31
    assert runs.notices[-1] == "1 record is dated after the source's clock"
    runs.api.time.seconds += 86400
    runs.api.update(30, "corrected")
    summary = runs.run()
    assert (summary.exit_code, summary.counts.updated) == (ExitCode.DONE, 1)
    assert runs.arrived == runs.api.held()
    assert runs.arrived["C-30"] == "corrected"
