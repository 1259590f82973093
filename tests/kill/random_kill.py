"""Kills one sync at random moments, run after run, while answers are lost; the journal tells what each kill cost."""

from __future__ import annotations

import random
import signal
import statistics
import subprocess
from bisect import bisect_right
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from connectors.sandbox.fault import Faults, Strike
from connectors.sandbox.journal import Entry
from tests.kill.judge import differences, firsts, repeats, writes
from tests.kill.population import Population
from tests.kill.process import SandboxProcess, Waiting, await_that, end_of, sandbox_process
from tests.state import State

CONCURRENCY = 32

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
class Kill:
    """One run that was killed: the last request before it and in it, and when it died."""

    begin: int
    end: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Figures:
    """What the journal shows of all killed runs together, and what is not as it must be after the last one."""

    wrong: tuple[str, ...]
    kills: int
    while_sending: int  # killed with upserts of its own behind it
    got_on: int  # that had brought values for the first time
    brought: int  # customers, by killed runs
    requests: int  # upserts
    faults: int  # injected beside the kills
    repeated: int  # upserts that nothing but a kill had made necessary
    repeated_at_most: int  # for one kill
    seconds: float  # from a kill to the next run's first request, the median
    seconds_at_most: float


def kill_at_random(
    folder: Path, state: State, *, kills: int, size: int, seed: int, on_kill: Callable[[], object] = lambda: None
) -> Figures:
    """Kill run after run, from the first load through updates of a third of the customers; then let one finish."""
    chance = random.Random(seed)
    settings = {"ROLLCALL_STATE": state.url, **state.environment}
    population = Population(folder / "job", size, settings=settings)
    done: list[Kill] = []
    with sandbox_process(folder, LOSSES) as sandbox:
        population.write(sandbox.base_url, page_size=250, concurrency=CONCURRENCY)
        with Waiting(population.job, ahead=2, settings=settings) as waiting:
            while len(done) < kills:
                if len(done) == kills // 2:  # so that updates are killed as well
                    population.change_some(chance, 1 / 3)
                begin = sandbox.settle()
                at = _kill_once(waiting, sandbox, chance)
                if at is None:  # it had come to its end before
                    population.change_some(chance, 1 / 3)
                else:
                    done.append(Kill(begin, sandbox.settle(), at))
                    on_kill()
            with waiting.next() as process:
                summary = end_of(process, 60)
        entries, customers = sandbox.entries(), sandbox.customers()
    wrong = differences(population, entries, customers)
    if summary["status"] != "completed":
        wrong.append(f"the last run is {summary['status']}")
    return _figures(entries, done, wrong)


def _kill_once(waiting: Waiting, sandbox: SandboxProcess, chance: random.Random) -> datetime | None:
    """Let a run begin and kill it: mostly after a random number of its upserts, else after a random time."""
    enough = sandbox.writes() + chance.randint(1, 350)
    anywhere = chance.random() < 0.15
    with waiting.next() as process:
        if not anywhere:
            await_that(lambda: sandbox.writes() >= enough or process.poll() is not None)
        with suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0, 0.6 if anywhere else 0.02))
        process.kill()
        at = datetime.now(UTC)
        return at if process.wait() == -signal.SIGKILL else None


def _figures(entries: Sequence[Entry], kills: Sequence[Kill], wrong: Sequence[str]) -> Figures:
    again = [first for first, _ in repeats(entries)]
    sent, new, repeated = (sorted(each.number for each in some) for some in (writes(entries), firsts(entries), again))
    shares = [[_between(each, some) for each in kills] for some in (sent, new, repeated)]
    waits = [seconds for each in kills if (seconds := _seconds_until_next(entries, each)) is not None]
    return Figures(
        wrong=tuple(wrong),
        kills=len(kills),
        while_sending=sum(count > 0 for count in shares[0]),
        got_on=sum(count > 0 for count in shares[1]),
        brought=sum(shares[1]),
        requests=len(sent),
        faults=sum(bool(entry.fault) for entry in entries),
        repeated=len(repeated),
        repeated_at_most=max(shares[2]),
        seconds=round(statistics.median(waits), 1),
        seconds_at_most=round(max(waits), 1),
    )


def _between(kill: Kill, numbers: Sequence[int]) -> int:
    return bisect_right(numbers, kill.end) - bisect_right(numbers, kill.begin)


def _seconds_until_next(entries: Sequence[Entry], kill: Kill) -> float | None:
    """Tell how long after a kill the target was asked again; None where the next run was killed before."""
    later = next((entry for entry in entries if entry.number > kill.end), None)
    return None if later is None else (datetime.fromisoformat(later.time) - kill.at).total_seconds()
