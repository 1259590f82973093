"""Killed at any moment, a sync loses nobody, doubles nobody, and repeats hardly a request."""

from __future__ import annotations

import random
import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from connectors.sandbox.fault import Faults, Strike
from connectors.sandbox.journal import Entry
from tests.flows.kill_driver import run_and_die, run_here
from tests.flows.kill_judge import differences, firsts, repeats, writes
from tests.flows.kill_place import open_place
from tests.flows.kill_population import Population
from tests.flows.kill_process import SandboxProcess, Waiting, await_that, end_of, sandbox_process

pytestmark = pytest.mark.kill

KILLS = 40
KILLED = -signal.SIGKILL

# Answers are lost before and after the commit, and some requests are refused for no fault of the customer's.
LOSSES = Faults(
    latency_ms=10,
    seed=3,
    strikes=(
        Strike(kind="drop", probability=0.02, methods=("POST",)),
        Strike(kind="drop", probability=0.02, methods=("POST",), after_commit=True),
        Strike(kind="error", probability=0.01, methods=("POST",), status=503),
    ),
)


@dataclass(frozen=True, slots=True)
class Killed:
    """What the journal shows of one run that was killed."""

    sent: int  # upserts
    new: int  # those that brought values for the first time
    repeated: int  # those that a later run sent again, though nothing but the kill had happened to them


def kill_once(waiting: Waiting, sandbox: SandboxProcess, chance: random.Random) -> bool:
    """Let a run begin and kill it: mostly within half a second of its first upsert, else at any moment.

    False where it had come to its end before.
    """
    before = sandbox.writes()
    anywhere = chance.random() < 0.15
    pause = chance.uniform(0, 0.5)
    with waiting.next() as process:
        if not anywhere:
            await_that(lambda: sandbox.writes() > before or process.poll() is not None)
        try:
            process.wait(pause)
        except subprocess.TimeoutExpired:
            process.kill()
        return process.wait() == KILLED


def account(entries: Sequence[Entry], ends: Sequence[int]) -> list[Killed]:
    """Divide the journal into the killed runs, by the number of the last request of each."""
    new, repeated = firsts(entries), [first for first, _ in repeats(entries)]
    runs = []
    for begin, end in zip([0, *ends], ends, strict=False):
        shares = [sum(begin < entry.number <= end for entry in some) for some in (writes(entries), new, repeated)]
        runs.append(Killed(*shares))
    return runs


def test_forty_random_kills(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """Forty kills while answers are lost: everybody once, the ledger agrees, at most 100 requests repeated per kill."""
    chance = random.Random(20260301)
    population = Population(tmp_path / "job", 5000)
    ends: list[int] = []
    with sandbox_process(tmp_path, LOSSES) as sandbox:
        population.write(sandbox.base_url, page_size=200, concurrency=32)
        with Waiting(population.job, ahead=2) as waiting:
            while len(ends) < KILLS:
                if len(ends) == KILLS // 2:  # so that updates are killed as well
                    population.change_some(chance, 1 / 3)
                if kill_once(waiting, sandbox, chance):
                    ends.append(sandbox.settle())
                else:
                    population.change_some(chance, 1 / 3)
            with waiting.next() as process:
                summary = end_of(process, 60)
        entries, customers = sandbox.entries(), sandbox.customers()
    killed = account(entries, ends)
    figures = {
        "killed while sending": sum(run.sent > 0 for run in killed),
        "killed runs that got on": sum(run.new > 0 for run in killed),
        "customers brought by killed runs": sum(run.new for run in killed),
        "requests": len(writes(entries)),
        "injected faults": sum(bool(entry.fault) for entry in entries),
        "repeated per kill, at most": max(run.repeated for run in killed),
        "repeated": len(repeats(entries)),
    }
    for name, figure in figures.items():
        record_property(name, figure)
    print(killed, figures, summary)
    assert differences(population, entries, customers) == []
    assert summary["status"] == "completed"
    assert figures["killed while sending"] >= 30
    assert figures["killed runs that got on"] >= 20
    assert figures["injected faults"] > 100
    assert figures["repeated"] == sum(run.repeated for run in killed)
    assert figures["repeated per kill, at most"] <= 100


@pytest.mark.parametrize("occurrence", [1, 3, 6])
@pytest.mark.parametrize(
    "step", ["extracted", "prepared", "decided", "intended", "answered", "recorded", "confirmed"]
)
def test_killed_at_a_step_of_a_page(tmp_path: Path, step: str, occurrence: int) -> None:
    """Killed at any step of the first, a middle and the last of six pages, the next run brings it to the end."""
    with open_place(tmp_path) as place:
        assert run_and_die(place.job, step, occurrence) == KILLED
        assert run_here(place.job).status == "completed"
        assert place.differences() == []
        assert place.repeated <= (50 if step in ("extracted", "answered", "recorded") else 0)


@pytest.mark.parametrize("occurrence", [1, 144, 288])
def test_killed_while_sending(tmp_path: Path, occurrence: int) -> None:
    """Killed when the first, a middle and the last of 288 requests is to go out, just those in flight are repeated."""
    with open_place(tmp_path) as place:
        assert run_and_die(place.job, "sending", occurrence) == KILLED
        assert run_here(place.job).status == "completed"
        assert place.differences() == []
        assert place.repeated <= 50


@pytest.mark.parametrize("step", ["ending", "ended"])
def test_killed_at_the_end(tmp_path: Path, step: str) -> None:
    """Killed after the last page, nothing is sent again."""
    with open_place(tmp_path) as place:
        assert run_and_die(place.job, step, 1) == KILLED
        sent = place.writes
        assert run_here(place.job).status == "completed"
        assert place.differences() == []
        assert place.writes == sent


def test_killed_with_the_most_answers_at_stake(tmp_path: Path) -> None:
    """Killed with a full group of answers unrecorded and 32 requests in flight, at most 100 requests are repeated."""
    with open_place(tmp_path, size=600, page_size=200, concurrency=32, latency_ms=20) as place:
        assert run_and_die(place.job, "answered", 1) == KILLED
        assert run_here(place.job).status == "completed"
        assert place.differences() == []
        print("AT STAKE", place.repeated)
        assert 50 < place.repeated <= 100
