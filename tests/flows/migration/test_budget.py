"""All partitions together keep to what the job allows its target, and none waits for ever."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from connectors.delivery.gate import Gate
from connectors.sandbox.exchange import Receive, Scope, Send
from connectors.sandbox.fault import Faults
from connectors.sandbox.server import running
from connectors.sandbox.valomnia.vendor import valomnia_app
from flows.ledger.ledger import Ledger
from flows.ledger.record import Run, moment_text
from flows.ledger.share import give_back_share, take_share
from flows.migration.budget import Budget
from flows.run import now
from flows.summary import ExitCode
from flows.watch import Watch
from tests.flows.migration.place import Place, customer
from tests.state import State, file_state

RUN = Run(1, "move", 1, "f", None, fresh=False)


class Counting:
    """A sandbox that counts how many customers are in flight at once."""

    def __init__(self) -> None:
        self.app = valomnia_app(faults=Faults(latency_ms=30))
        self.most = self.now = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        counts = scope["type"] == "http" and "customers" in scope["path"]
        self.now += counts
        self.most = max(self.most, self.now)
        try:
            await self.app(scope, receive, send)
        finally:
            self.now -= counts


@contextmanager
def counted(folder: Path, state: State) -> Iterator[tuple[Place, Counting]]:
    """Put 60 customers beside a sandbox that counts."""
    app = Counting()
    with running(app) as url:
        move = Place(folder, state, app.app, url)
        move.target["password"] = "sandbox"
        move.fill([customer(number) for number in range(60)])
        yield move, app


@pytest.mark.parametrize("concurrency", [1, 3, 8])
def test_in_flight(tmp_path: Path, state: State, concurrency: int) -> None:
    """Six partitions at a time never have more in flight than the job allows, fewer than partitions included."""
    with counted(tmp_path, state) as (move, app):
        move.target["concurrency"] = concurrency
        summary = move.migrate(6, workers=6)
        assert summary.exit_code is ExitCode.DONE
        assert len(move.held) == 60
        assert 0 < app.most <= concurrency


def test_the_rate(tmp_path: Path) -> None:
    """All partitions together keep the job's rate, in every second of the migration and of the comparison."""
    with counted(tmp_path, file_state(tmp_path)) as (move, app):
        move.target |= {"concurrency": 12, "rate": "30/s"}
        assert move.migrate(4, workers=4).exit_code is ExitCode.DONE
        entries = [each for each in app.app.journal.entries if "customers" in each.path]
        moments = [datetime.fromisoformat(each.time).timestamp() for each in entries]
    assert len(moments) >= 120
    most = max(sum(begin <= moment < begin + 1 for moment in moments) for begin in moments)
    assert most <= 30 + 12, "the rate, and what each of four may make up for after a late timer"


@contextmanager
def holding(state: State, *leases: str) -> Iterator[Ledger]:
    """Open a ledger in which these leases are held."""
    ledger = Ledger.open(state.url, state.environment, now)
    try:
        with ledger.engine.begin() as connection:
            connection.execute(text("INSERT INTO scopes (scope, job, target) VALUES (1, 'move', 't')"))
        for lease in leases:
            hold(ledger, lease)
        yield ledger
    finally:
        ledger.close()


def hold(ledger: Ledger, lease: str, until: str = "2999-01-01T00:00:00.000000+00:00") -> None:
    """Let a lease be held until a moment."""
    with ledger.engine.begin() as connection:
        connection.execute(text("DELETE FROM leases WHERE job = :job"), {"job": lease})
        connection.execute(
            text(
                "INSERT INTO leases (job, owner, host, process, token, renewed_at, expires_at)"
                " VALUES (:job, '', 'here', 1, 1, '2026-01-01T00:00:00.000000+00:00', :until)"
            ),
            {"job": lease, "until": until},
        )


def test_shares_are_handed_over(state: State) -> None:
    """Who comes later gets an equal part once the first has it no longer in flight; who ends leaves it to others."""
    with holding(state, "move/1", "move/2") as ledger:
        assert take_share(ledger, RUN.scope, "move/1", 8, 0) == 8
        assert take_share(ledger, RUN.scope, "move/2", 8, 0) == 0
        assert take_share(ledger, RUN.scope, "move/1", 8, 6) == 4, "six are out, and stay its own"
        assert take_share(ledger, RUN.scope, "move/2", 8, 0) == 2
        assert take_share(ledger, RUN.scope, "move/1", 8, 4) == 4
        assert take_share(ledger, RUN.scope, "move/2", 8, 2) == 4
        give_back_share(ledger, RUN.scope, "move/1")
        assert take_share(ledger, RUN.scope, "move/2", 8, 4) == 8


def test_a_dead_partition_holds_no_share(state: State) -> None:
    """The share of one whose lease has run out is the others'."""
    with holding(state, "move/1", "move/2") as ledger:
        assert take_share(ledger, RUN.scope, "move/1", 8, 0) == 8
        hold(ledger, "move/1", moment_text(now()))
        assert take_share(ledger, RUN.scope, "move/2", 8, 0) == 8
        assert take_share(ledger, RUN.scope, "move/1", 8, 0) == 0, "it was taken for dead"


@pytest.mark.parametrize("seed", range(6))
def test_shares_never_add_up_to_more(tmp_path: Path, seed: int) -> None:
    """Whoever asks, ends or has requests out, in whatever order: what is allowed and out stays within the whole."""
    chance = random.Random(seed)
    names = [f"move/{number}" for number in range(5)]
    total = chance.randint(1, 9)
    allowed, out = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    with holding(file_state(tmp_path), *names) as ledger:
        for _ in range(150):
            name = chance.choice(names)
            if chance.random() < 0.1:
                give_back_share(ledger, RUN.scope, name)
                allowed[name] = out[name] = 0
            else:
                allowed[name] = take_share(ledger, RUN.scope, name, total, out[name])
            for each in names:  # requests come back, and new ones go out as far as they may
                out[each] = max(chance.randint(0, out[each]), chance.randint(0, allowed[each]))
            assert sum(max(allowed[each], out[each]) for each in names) <= total
        for name in names:
            give_back_share(ledger, RUN.scope, name)
        assert take_share(ledger, RUN.scope, names[0], total, 0) == total


def test_a_partition_that_was_taken_for_dead_sends_nothing(tmp_path: Path) -> None:
    """Where the others have taken its share, its gate lets nothing out until there is one again."""
    with holding(file_state(tmp_path), "move/1", "move/2") as ledger:
        gate = Gate(concurrency=4)
        budget = Budget(ledger, RUN, "move/1", gate, requests=4, rate=None)

        async def scenario() -> None:
            async with budget.held(Watch()):
                assert gate.limit == 4
                hold(ledger, "move/1", moment_text(now()))
                assert take_share(ledger, RUN.scope, "move/2", 4, 0) == 4
                await asyncio.sleep(2.5)
                assert gate.limit == 0
                give_back_share(ledger, RUN.scope, "move/2")
                await asyncio.sleep(2.5)
                assert gate.limit == 4

        asyncio.run(scenario())
