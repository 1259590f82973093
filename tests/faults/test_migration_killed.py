"""Killed at any moment, a migration loses nobody, doubles nobody, and reads no finished partition again."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.sandbox.app import SandboxApp
from connectors.sandbox.fault import Faults
from connectors.sandbox.server import running
from connectors.sandbox.valomnia.setting import ValomniaSettings
from connectors.sandbox.valomnia.vendor import valomnia_app
from flows.summary import ExitCode
from tests.flows.command import PASSWORD
from tests.flows.migration.driver import migrate_and_die
from tests.flows.migration.place import Place, customer, plain
from tests.kill.judge import repeats
from tests.kill.process import RUN, await_that, environment
from tests.state import State

pytestmark = pytest.mark.kill

SIZE = 160
KILLED = -signal.SIGKILL
CONCURRENCY = 8
# What one kill may cost: of each of three partitions a group of answers, and the requests in flight.
AT_STAKE = 3 * 32 + CONCURRENCY


@pytest.fixture
def killed(tmp_path: Path, state: State) -> Iterator[Place]:
    """Put customers beside a sandbox of their own that takes its time; one in three waits for a parent."""
    app = valomnia_app(ValomniaSettings(password=PASSWORD), faults=Faults(latency_ms=10))
    with running(app) as url:
        place = Place(tmp_path, state, app, url)
        place.target["concurrency"] = CONCURRENCY
        place.job["page_size"] = 10
        place.fill(population())
        place.write_job()
        yield place


def population() -> list[dict[str, object]]:
    """Make customers, some of whom have their parents at the other end of the table."""
    return [
        customer(number, parent=f"C-{SIZE - 1 - number}" if number % 3 == 0 and number < SIZE // 2 else None)
        for number in range(SIZE)
    ]


def judge(place: Place, kills: int) -> None:
    """Hold the target and the ledger against the source."""
    assert place.held == plain(population())
    created = [each.reference for each in place.writes if each.status == 201]
    assert len(created) == len(set(created)) == SIZE
    assert len(repeats(place.app.journal.entries)) <= AT_STAKE * kills
    assert place.broken() == []
    ids = {str(each["reference"]): str(each["id"]) for each in place.app.vendor.customers("")}
    assert dict(place.ask("SELECT reference, target_id FROM crosswalk")) == ids


def finish(place: Place) -> None:
    """Go on with the migration, and prove that all of it is read, and that nobody who is confirmed is sent again."""
    done = {number for (number,) in place.ask("SELECT number FROM partitions WHERE done = 1")}
    sure = "row_hash IS NOT NULL AND reference NOT IN (SELECT reference FROM intents)"
    confirmed = {reference for (reference,) in place.ask(f"SELECT reference FROM crosswalk WHERE {sure}")}
    before = len(place.writes)
    known = place.ask("SELECT count(*) FROM partitions")[0][0]
    place.notices.clear()
    summary = place.migrate(5)
    assert (summary.exit_code, summary.message) == (ExitCode.DONE, None)
    if known:
        said = f"this goes on with a migration of {known} partitions, of which {len(done)} are done"
        assert any(notice.startswith(said) for notice in place.notices)
    assert summary.counts.extracted == SIZE
    assert not confirmed & {each.reference for each in place.writes[before:]}
    assert summary.verification is not None
    assert summary.verification.same == SIZE


@pytest.mark.parametrize(
    ("step", "occurrence"),
    [
        ("extracted", 2),
        ("decided", 9),
        ("intended", 5),
        ("sending", 70),
        ("answered", 6),
        ("recorded", 8),
        ("confirmed", 7),
        ("ending", 1),
        ("ended", 3),
        ("ended", 8),
    ],
)
def test_killed_at_a_step(killed: Place, step: str, occurrence: int) -> None:
    """Killed at any step of any partition, or while those are sent who waited, the next one brings it to the end."""
    assert migrate_and_die(killed.path, killed.state, 8, step, occurrence) == KILLED
    finish(killed)
    judge(killed, 1)


def start(place: Place) -> subprocess.Popen[str]:
    """Start `rollcall migrate` as a process of its own."""
    options = ["--partitions", "8", "--workers", "3", "--json", "--state", place.state.url]
    return subprocess.Popen(
        [sys.executable, "-c", RUN, "migrate", str(place.path), *options],
        env={**environment(place.folder), **place.state.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def test_killed_again_and_again(killed: Place) -> None:
    """Killed three times at random moments, the command brings everybody once in the end."""
    chance, kills = random.Random(20260501), 0
    for _ in range(3):
        enough = len(killed.writes) + chance.randint(5, 60)
        with start(killed) as process:
            await_that(
                lambda n=enough, p=process: len(killed.writes) >= n or p.poll() is not None,  # type: ignore[misc]  # of defaults
                120,
            )
            time.sleep(chance.uniform(0, 0.05))
            process.kill()
            kills += process.wait() == KILLED
        settle(killed.app)
    assert kills >= 2
    finish(killed)
    print({"kills": kills, "repeated": len(repeats(killed.app.journal.entries))})  # for who reads along with `-s`
    judge(killed, kills)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop(killed: Place, number: signal.Signals) -> None:
    """A signal lets every partition settle what is in flight; exit code 130, and nothing is repeated afterwards."""
    killed.app.faults = Faults(latency_ms=60)
    with start(killed) as process:
        await_that(lambda: len(killed.writes) >= 20 or process.poll() is not None, 120)
        process.send_signal(number)
        output, _ = process.communicate(timeout=60)
    killed.app.faults = Faults()
    told = json.loads(output)
    assert (process.returncode, told["status"]) == (130, "interrupted")
    assert 0 < len(killed.held) < SIZE
    finish(killed)
    judge(killed, 0)


def settle(app: SandboxApp) -> None:
    """Wait until the sandbox has answered what a dead process had asked."""
    before = -1
    while before != len(app.journal.entries):
        before = len(app.journal.entries)
        time.sleep(0.2)
