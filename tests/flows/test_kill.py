"""Killed at any moment, a sync loses nobody, doubles nobody, and repeats hardly a request."""

from __future__ import annotations

import random
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
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
from tests.server import Database
from tests.state import server_state

pytestmark = pytest.mark.kill

KILLS = 40
KILLED = -signal.SIGKILL
CONCURRENCY = 32

# What one kill may cost: answers not yet recorded, and the requests in flight.
AT_STAKE = 100

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
    """Let a run begin and kill it: mostly after a random number of its upserts, else after a random time.

    False where it had come to its end before.
    """
    enough = sandbox.writes() + chance.randint(1, 350)
    anywhere = chance.random() < 0.15
    with waiting.next() as process:
        if not anywhere:
            await_that(lambda: sandbox.writes() >= enough or process.poll() is not None)
        with suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0, 0.6 if anywhere else 0.02))
        process.kill()
        return process.wait() == KILLED


def account(entries: Sequence[Entry], spans: Sequence[tuple[int, int]]) -> list[Killed]:
    """Take the killed runs out of the journal, by the number of the last request before and in each."""
    new, repeated = firsts(entries), [first for first, _ in repeats(entries)]
    runs = []
    for begin, end in spans:
        shares = [sum(begin < entry.number <= end for entry in some) for some in (writes(entries), new, repeated)]
        runs.append(Killed(*shares))
    return runs


def test_forty_random_kills(tmp_path: Path) -> None:
    """Forty kills while answers are lost: everybody once, the ledger agrees, at most 100 requests repeated per kill."""
    chance = random.Random(20260301)
    population = Population(tmp_path / "job", 5000)
    spans: list[tuple[int, int]] = []
    with sandbox_process(tmp_path, LOSSES) as sandbox:
        population.write(sandbox.base_url, page_size=250, concurrency=CONCURRENCY)
        with Waiting(population.job, ahead=2) as waiting:
            while len(spans) < KILLS:
                if len(spans) == KILLS // 2:  # so that updates are killed as well
                    population.change_some(chance, 1 / 3)
                begin = sandbox.settle()
                if kill_once(waiting, sandbox, chance):
                    spans.append((begin, sandbox.settle()))
                else:
                    population.change_some(chance, 1 / 3)
            with waiting.next() as process:
                summary = end_of(process, 60)
        entries, customers = sandbox.entries(), sandbox.customers()
    killed = account(entries, spans)
    figures = {
        "killed while sending": sum(run.sent > 0 for run in killed),
        "killed runs that got on": sum(run.new > 0 for run in killed),
        "customers brought by killed runs": sum(run.new for run in killed),
        "requests": len(writes(entries)),
        "injected faults": sum(bool(entry.fault) for entry in entries),
        "repeated per kill, at most": max(run.repeated for run in killed),
        "repeated": len(repeats(entries)),
    }
    print(figures)  # for who reads along with `pytest -s`
    assert differences(population, entries, customers) == []
    assert summary["status"] == "completed"
    assert figures["killed while sending"] >= 30
    assert figures["killed runs that got on"] >= 25
    assert figures["customers brought by killed runs"] >= 2000
    assert figures["injected faults"] > 100
    assert figures["repeated"] == sum(run.repeated for run in killed)
    assert figures["repeated per kill, at most"] <= AT_STAKE


def test_random_kills_with_the_ledger_on_a_server(tmp_path: Path, postgresql: Database) -> None:
    """S20: the same with PostgreSQL, a handful of times: everybody once, and the dead owner's lease is free at once."""
    chance = random.Random(20260302)
    state = server_state(postgresql)
    population = Population(tmp_path / "job", 1000, settings={"ROLLCALL_STATE": state.url, **state.environment})
    killed = 0
    with sandbox_process(tmp_path, LOSSES) as sandbox:
        population.write(sandbox.base_url, page_size=250, concurrency=CONCURRENCY)
        with Waiting(population.job, ahead=2, settings=population.settings) as waiting:
            for _ in range(6):
                killed += kill_once(waiting, sandbox, chance)
                sandbox.settle()
                population.change_some(chance, 1 / 3)
            with waiting.next() as process:
                summary = end_of(process, 60)
        entries, customers = sandbox.entries(), sandbox.customers()
    assert differences(population, entries, customers) == []
    assert summary["status"] == "completed"
    assert killed >= 3
    assert len(repeats(entries)) <= AT_STAKE * killed


@pytest.mark.parametrize("occurrence", [1, 3, 6])
@pytest.mark.parametrize("step", ["extracted", "prepared", "decided", "intended", "answered", "recorded", "confirmed"])
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


@pytest.mark.parametrize("occurrence", [1, 4])
def test_killed_with_a_full_group_unrecorded(tmp_path: Path, occurrence: int) -> None:
    """Killed before a full group of answers is recorded and with 32 requests in flight, at most 100 are repeated."""
    with open_place(tmp_path, size=600, page_size=200, concurrency=CONCURRENCY, latency_ms=20) as place:
        assert run_and_die(place.job, "answered", occurrence) == KILLED
        assert run_here(place.job).status == "completed"
        assert place.differences() == []
        assert 0 < place.repeated <= AT_STAKE


@pytest.mark.parametrize("step", ["ending", "ended"])
def test_killed_at_the_end(tmp_path: Path, step: str) -> None:
    """Killed after the last page, nothing is sent again."""
    with open_place(tmp_path) as place:
        assert run_and_die(place.job, step, 1) == KILLED
        sent = place.writes
        assert run_here(place.job).status == "completed"
        assert place.differences() == []
        assert place.writes == sent


def test_a_change_that_was_killed_and_taken_back(tmp_path: Path) -> None:
    """What was sent without its answer being recorded is not believed: the old values are sent once more."""
    with open_place(tmp_path) as place:
        assert run_here(place.job).status == "completed"
        place.population.change_some(random.Random(1), 1)
        assert run_and_die(place.job, "answered", 2) == KILLED
        place.population.versions.clear()
        place.population.write_customers()
        assert run_here(place.job).status == "completed"
        assert place.differences() == []


def test_customers_that_left_the_source_after_a_kill(tmp_path: Path) -> None:
    """Customers whose answer was lost with the run, and which the source no longer has, are looked up and noted."""
    with open_place(tmp_path) as place:
        assert run_and_die(place.job, "answered", 5) == KILLED
        assert place.ask("SELECT count(*) FROM intents") > [(40,)]
        place.population.size = 100
        place.population.write_customers()
        sent = place.writes
        assert run_here(place.job).status == "completed"
        assert place.writes == sent
        assert place.ask("SELECT * FROM intents") == []
        assert dict(place.ask("SELECT reference, target_id FROM crosswalk")) == place.applied
        assert len(place.applied) > 100
