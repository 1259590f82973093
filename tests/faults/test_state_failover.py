"""PostgreSQL goes away in the middle of a COMMIT: nobody knows whether it counted, and nothing depends on knowing."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from connectors.moment import moment_text
from connectors.protocol import Refusal
from flows.document import JobError
from flows.ledger.history import History
from flows.ledger.knowledge import LedgerError
from flows.ledger.ledger import Ledger
from flows.summary import Summary
from tests.faults.commit_cutter import CommitCutter, commit_cutter
from tests.flows.bench import JOB, Bench, record
from tests.flows.clock import SetClock
from tests.flows.fake import FakeSource, FakeTarget
from tests.server import Database
from tests.state import State, server_state

TRIALS = 50
SIZE = 22
INVALID, REFUSED = "C-03", "C-11"
NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)

# Pages, lines and intents that must not be there when all is done; and pages whose records are not accounted for.
LEFT_OVER = (
    "SELECT count(*) FROM intents",
    "SELECT count(*) FROM runs WHERE status = 'running'",
    "SELECT count(*) FROM runs WHERE extracted <> created + updated + unchanged + filtered + invalid + rejected",
    (
        "SELECT count(*) FROM pages p WHERE confirmed_at IS NOT NULL AND extracted - unchanged - filtered <>"
        " (SELECT count(*) FROM lines l WHERE l.run = p.run AND l.page = p.page)"
    ),
)


@pytest.fixture
def cutter(postgresql: Database) -> Iterator[CommitCutter]:
    """Put a proxy in front of the server."""
    url = postgresql.engine.url
    with commit_cutter(str(url.host), url.port or 5432) as made:
        yield made


@pytest.fixture
def behind(postgresql: Database, cutter: CommitCutter) -> State:
    """Name the ledger by way of the proxy, where nothing is encrypted."""
    url = make_url(server_state(postgresql).url).set(host="127.0.0.1", port=cutter.port, query={"sslmode": "disable"})
    return State(url.render_as_string(hide_password=False))


@pytest.fixture
def direct(postgresql: Database) -> Iterator[Ledger]:
    """Open the ledger without a proxy, for the judge."""
    state = server_state(postgresql)
    with closing(Ledger.open(state.url, state.environment, SetClock())) as ledger:
        yield ledger


def fresh(bench: Bench, trial: int) -> None:
    """Give a trial a job, a source and a target of its own."""
    bench.job = JOB.replace("job: crm", f"job: crm-{trial}").replace("page_size: 3", "page_size: 6")
    bench.target = FakeTarget(refusals={REFUSED: Refusal("save_failed", "", "no")})
    bench.source = FakeSource([], incremental=True)
    for number in range(SIZE):
        change(bench, number, "first", number)


def change(bench: Bench, number: int, name: str, minute: int) -> None:
    """Change a customer at the source, or add it."""
    key = f"C-{number:02}"
    kept = [each for each in bench.source.records if each[0] != key]
    version = moment_text(NOON + timedelta(minutes=minute))
    bench.source.records = [*kept, record(key, version, name=None if key == INVALID else name)]


def run_cut(bench: Bench) -> Summary | Exception:
    """Run once, as a process of its own would; whatever ends it must be an error with a name."""
    try:
        with closing(bench.open_ledger()) as bench.ledger:
            return bench.run()
    except (LedgerError, JobError) as error:
        return error


def assert_watermark_is_behind(bench: Bench, ledger: Ledger) -> None:
    """Each record before the watermark is at the target as it is now, or is an open reject."""
    with ledger.reading() as connection:
        query = text("SELECT cursor FROM watermarks JOIN scopes USING (scope) WHERE job = :job")
        cursor = connection.execute(query, {"job": job_of(bench)}).scalar()
    rejects = {entry.reference for entry in History(ledger).rejects(job_of(bench))}
    for key, version, values in bench.source.records:
        if cursor is not None and version < cursor and key not in rejects:
            assert bench.target.customers[key]["name"] == values["name"]


def assert_all_accounted_for(bench: Bench, ledger: Ledger) -> None:
    """Every customer is at the target as it is now, or an open reject; never both, never neither; all adds up."""
    wanted = {key: values["name"] for key, _, values in bench.source.records if key not in (INVALID, REFUSED)}
    assert {key: held["name"] for key, held in bench.target.customers.items()} == wanted
    entries = History(ledger).rejects(job_of(bench))
    assert sorted((entry.reference, entry.outcome) for entry in entries) == [
        (INVALID, "invalid"),
        (REFUSED, "rejected"),
    ]
    with ledger.reading() as connection:
        assert [connection.execute(text(query)).scalar() for query in LEFT_OVER] == [0, 0, 0, 0]


def job_of(bench: Bench) -> str:
    """Name the trial's job."""
    return bench.job.split()[1]


def test_s14_a_commit_without_an_answer(tmp_path: Path, behind: State, cutter: CommitCutter, direct: Ledger) -> None:
    """S14: in 50 trials the server is lost in a COMMIT, seen or unseen; the next run settles what is in doubt.

    The next run reads the markers, which are the intents, the page and the run itself: each was written with what it
    stands for in one transaction, so that it is there with all of it or with none.
    """
    chance = random.Random(14)
    bench = Bench(tmp_path, behind)
    bench.ledger.close()
    failed = 0
    for trial in range(TRIALS):
        if trial % 3 == 0:
            fresh(bench, trial)
        for number in range(trial % 3, SIZE, 3):
            change(bench, number, f"of {trial}", trial * SIZE + number)
        cutter.plan(chance.randint(3, 13), passed_on=bool(trial % 2))
        sent = len(bench.target.rows)
        ended = run_cut(bench)
        failed += isinstance(ended, Exception) or ended.status != "completed"
        assert_watermark_is_behind(bench, direct)
        cutter.plan(None)
        last = run_cut(bench)
        assert isinstance(last, Summary)
        assert last.status == "completed"
        again = [row.reference for row in bench.target.rows[sent:]]
        assert max(map(again.count, again), default=0) <= 2
        assert_all_accounted_for(bench, direct)
    print({"cuts": cutter.cuts, "runs that failed": failed})
    assert cutter.cuts >= TRIALS * 0.9
    assert failed >= TRIALS * 0.8
