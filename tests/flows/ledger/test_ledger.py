"""The ledger: what was decided survives, what was not answered is not believed."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, text

from flows.document import JobError
from flows.ledger import tables
from flows.ledger.history import History
from flows.ledger.ledger import LawError, Ledger
from flows.ledger.record import Counts, Opening, Outcome, Run, Settlement
from mappings.finding import Finding
from tests.flows.clock import SetClock
from tests.state import State


@pytest.fixture
def clock() -> SetClock:
    """Make a clock that stands still until it is told otherwise."""
    return SetClock()


@pytest.fixture
def ledger(state: State, clock: SetClock) -> Iterator[Ledger]:
    """Open a ledger in a real file, and one on a real server, with its lease taken."""
    made = Ledger.open(state.url, state.environment, clock)
    made.take_lease("crm")
    yield made
    made.close()


def begin(ledger: Ledger, target: str = "valomnia:https://a.example") -> Run:
    """Begin a run of the job crm."""
    return ledger.begin_run("crm", "csv:/x", target, "f1")


def settled(position: int, outcome: Outcome, **more: Any) -> Settlement:
    """Make a settlement of customer C-<position>."""
    base: dict[str, Any] = {
        "source_key": f"k{position}",
        "reference": f"C-{position}",
        "record_hash": b"h%d" % position,
        "row_hash": b"r%d" % position,
        "target_id": str(position) if outcome in ("created", "updated", "unchanged") else None,
    }
    return Settlement(position=position, outcome=outcome, **(base | more))


def rejected(position: int, **more: Any) -> Settlement:
    """Make a refused customer."""
    finding = Finding("not_found", "currency", "The currency with name XAU is not configured.")
    return settled(position, "rejected", findings=(finding,), http_status=404, tries=1, **more)


def one_page(ledger: Ledger, run: Run, *settlements: Settlement, number: int = 1) -> Counts:
    """Take settlements through a whole page, as if all had been sent."""
    intents = [(str(item.reference), item.source_key) for item in settlements]
    ledger.open_page(run, Opening(number, len(settlements), 0, 0, "c"), [], intents)
    ledger.settle(run, number, settlements)
    return ledger.confirm_page(run, number)


def test_counts_come_from_the_lines(ledger: Ledger) -> None:
    """A run's counts are what its pages and lines say, and they balance."""
    run = begin(ledger)
    ledger.open_page(
        run,
        Opening(1, 5, 1, 1, "c"),
        [settled(0, "invalid", findings=(Finding("a", "b", "c"),))],
        [("C-1", "k1"), ("C-2", "k2")],
    )
    ledger.settle(run, 1, [settled(1, "created"), rejected(2)])
    counts = ledger.confirm_page(run, 1)
    assert counts == Counts(extracted=5, created=1, unchanged=1, filtered=1, invalid=1, rejected=1)
    assert counts.balanced
    assert ledger.end_run(run, "completed", None, {"seconds": 1, "requests": 3, "retries": 0}) == (counts, 0)
    (row,) = History(ledger).runs("crm")
    assert (row["status"], row["created"], row["requests"]) == ("completed", 1, 3)


def test_a_page_that_does_not_add_up_is_not_confirmed(ledger: Ledger) -> None:
    """The law of conservation stops a page whose records are not all accounted for."""
    run = begin(ledger)
    ledger.open_page(run, Opening(1, 3, 1, 0, "c"), [], [("C-1", "k1")])
    ledger.settle(run, 1, [settled(1, "created")])
    with pytest.raises(LawError, match="3 records were extracted, 2 have an outcome"):
        ledger.confirm_page(run, 1, ("csv:/x", "{}", "cursor"))
    assert ledger.watermark(run.scope, "csv:/x", "{}") is None
    counts, unfinished = ledger.end_run(run, "failed", "law", {})
    assert (counts.extracted, unfinished) == (0, 1)


def test_the_watermark_moves_with_the_page(ledger: Ledger) -> None:
    """The watermark is what the last confirmed page says, under the mapping of its run."""
    run = begin(ledger)
    ledger.open_page(run, Opening(1, 0, 0, 0, "c1"), [], [])
    ledger.confirm_page(run, 1, ("csv:/x", "{}", "c1"))
    mark = ledger.watermark(run.scope, "csv:/x", "{}")
    assert mark is not None
    assert (mark.cursor, mark.fingerprint) == ("c1", "f1")
    assert ledger.watermark(run.scope, "csv:/y", "{}") is None


def test_what_was_confirmed_is_remembered(ledger: Ledger) -> None:
    """A created customer leaves its hashes and its target id behind."""
    run = begin(ledger)
    one_page(ledger, run, settled(1, "created"))
    known = ledger.remembered(run.scope, ["k1", "k2"])
    assert known["k1"].record_hash == b"h1"
    assert known["k1"].fingerprint == "f1"
    assert "k2" not in known
    assert ledger.crossings(run.scope, ["C-1"])["C-1"] == ("1", b"r1", "k1")


def test_a_rejects_hash_is_never_stored_as_done(ledger: Ledger) -> None:
    """A refused customer is remembered without a hash, and what the target held before stays known."""
    first = begin(ledger)
    one_page(ledger, first, settled(1, "created"))
    second = begin(ledger)
    one_page(ledger, second, rejected(1, row_hash=b"new"))
    assert ledger.remembered(first.scope, ["k1"])["k1"].record_hash is None
    assert ledger.crossings(first.scope, ["C-1"])["C-1"].row_hash == b"r1"


def test_a_customer_that_may_have_been_applied_is_no_longer_known(ledger: Ledger) -> None:
    """Where five tries had no certain end, the target's state is void."""
    one_page(ledger, begin(ledger), settled(1, "created"))
    run = begin(ledger)
    one_page(
        ledger,
        run,
        settled(2, "rejected", reference="C-1", findings=(Finding("unconfirmed", "", "no answer"),)),
        number=2,
    )
    assert ledger.crossings(run.scope, ["C-1"])["C-1"].row_hash is None


def test_an_unanswered_intent_voids_the_hashes_in_the_next_run(ledger: Ledger) -> None:
    """A run that ends without a word leaves intents; the next run believes nothing of those customers."""
    first = begin(ledger)
    one_page(ledger, first, settled(1, "created"), settled(2, "created"))
    ledger.open_page(first, Opening(2, 2, 0, 0, "c"), [], [("C-1", "k1"), ("C-2", "k2")])
    ledger.settle(first, 2, [settled(1, "updated")])
    second = begin(ledger)
    assert second.resumes == first.number
    known = ledger.remembered(second.scope, ["k1", "k2"])
    assert (known["k1"].record_hash, known["k2"].record_hash) == (b"h1", None)
    assert ledger.crossings(second.scope, ["C-2"])["C-2"] == ("2", None, "k2")
    assert [intent.reference for intent in ledger.unanswered(second)] == ["C-2"]
    statuses = {row["run_id"]: row["status"] for row in History(ledger).runs()}
    assert statuses == {str(first.number): "interrupted", str(second.number): "running"}


def test_a_customer_gone_from_the_source_is_noted_and_closed(ledger: Ledger) -> None:
    """An intent whose customer left the source ends with what a look-up found."""
    first = begin(ledger)
    ledger.open_page(first, Opening(1, 2, 0, 0, "c"), [], [("C-1", "k1"), ("C-2", "k2")])
    second = begin(ledger)
    for intent in ledger.unanswered(second):
        ledger.close_intent(second, intent, "77" if intent.reference == "C-1" else None)
    assert ledger.unanswered(second) == []
    assert ledger.crossings(second.scope, ["C-1", "C-2"]) == {"C-1": ("77", None, "k1")}


def test_a_reject_is_open_once_and_closed_by_success(ledger: Ledger, clock: SetClock) -> None:
    """Refused twice, then created: one reject, with growing pauses, then closed."""
    run = begin(ledger)
    one_page(ledger, run, rejected(1))
    first = ledger.open_rejects(run.scope, ["k1"])["k1"]
    clock.forward(hours=1)
    run = begin(ledger)
    one_page(ledger, run, rejected(1))
    second = ledger.open_rejects(run.scope, ["k1"])["k1"]
    assert (first.tries, second.tries) == (1, 2)
    assert first.opened_at == second.opened_at
    assert first.due_at == "2026-03-01T12:05:00.000000+00:00"
    assert second.due_at == "2026-03-01T13:10:00.000000+00:00"
    assert len(History(ledger).rejects("crm")) == 1
    last = begin(ledger)
    one_page(ledger, last, settled(1, "created", closes_reject=True))
    assert History(ledger).rejects("crm") == []
    assert [entry.open for entry in History(ledger).rejects("crm", run.number)] == [False]


def test_a_reject_counted_again_keeps_its_words_and_its_pause(ledger: Ledger) -> None:
    """While the pause lasts a reject counts once more without another try."""
    run = begin(ledger)
    one_page(ledger, run, rejected(1))
    before = ledger.open_rejects(run.scope, ["k1"])["k1"]
    again = begin(ledger)
    one_page(
        ledger, again, settled(1, "rejected", again=True, http_status=404, findings=(Finding("not_found", "", ""),))
    )
    assert ledger.open_rejects(run.scope, ["k1"])["k1"] == before
    (entry,) = History(ledger).rejects("crm", again.number)
    assert [finding.code for finding in entry.findings] == ["not_found"]


def test_due_rejects_and_all_deferred_are_listed_for_the_next_run(ledger: Ledger, clock: SetClock) -> None:
    """A reject is due after its pause; a deferred customer always."""
    run = begin(ledger)
    one_page(ledger, run, rejected(1), settled(2, "deferred"))
    assert ledger.due_keys(run.scope) == ["k2"]
    clock.forward(minutes=5)
    assert ledger.due_keys(run.scope) == ["k1", "k2"]


def test_another_target_starts_empty(ledger: Ledger) -> None:
    """Customer state belongs to the target's address: another server knows nobody."""
    run = begin(ledger)
    one_page(ledger, run, settled(1, "created"))
    other = begin(ledger, "valomnia:https://b.example")
    assert (run.fresh, other.fresh) == (True, True)
    assert ledger.remembered(other.scope, ["k1"]) == {}
    assert not begin(ledger).fresh


def test_x23_another_key_is_refused_until_it_is_taken_over(state: State, clock: SetClock) -> None:
    """Hashes of another key mean nothing: exit code 2, unless everything is to be sent once more."""
    made = Ledger.open(state.url, {"ROLLCALL_KEY": "one"}, clock)
    run = begin(made)
    one_page(made, run, settled(1, "created"))
    made.close()
    with pytest.raises(JobError, match="another key"):
        Ledger.open(state.url, {"ROLLCALL_KEY": "two"}, clock)
    taken = Ledger.open(state.url, {"ROLLCALL_KEY": "two"}, clock, rekey=True)
    assert taken.remembered(run.scope, ["k1"])["k1"].record_hash is None
    assert taken.crossings(run.scope, ["C-1"])["C-1"] == ("1", None, "k1")
    taken.close()


def test_a_lost_key_is_not_replaced_by_a_new_one(tmp_path: Path, clock: SetClock) -> None:
    """A ledger whose key file is gone says so, and makes none that would be mistaken for it."""
    state = f"sqlite:///{tmp_path}/ledger.db"
    Ledger.open(state, {}, clock).close()
    (tmp_path / "ledger.key").unlink()
    with pytest.raises(JobError, match="key of the ledger is missing"):
        Ledger.open(state, {}, clock)
    assert not (tmp_path / "ledger.key").exists()
    Ledger.open(state, {}, clock, rekey=True).close()


def test_many_who_open_a_new_ledger_at_once_agree_on_its_key(state: State, clock: SetClock) -> None:
    """One makes the key; none thinks that it is lost because another was faster."""
    gate = threading.Barrier(8)

    def open_it(_: int) -> bytes:
        gate.wait()
        with closing(Ledger.open(state.url, state.environment, clock)) as made:
            return made.key

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(open_it, range(8)))) == 1


def test_a_run_that_died_keeps_the_counts_that_it_had_confirmed(ledger: Ledger) -> None:
    """Taken over, it shows its confirmed pages and the one that it left open."""
    dead = begin(ledger)
    one_page(ledger, dead, settled(1, "created"), settled(2, "created"))
    ledger.open_page(dead, Opening(2, 1, 0, 0, "c"), [], [("C-3", "k3")])
    begin(ledger)
    row = next(row for row in History(ledger).runs() if row["run_id"] == str(dead.number))
    assert (row["status"], row["extracted"], row["created"], row["unfinished"]) == ("interrupted", 2, 2, 1)


def test_x25_ledger_and_key_are_readable_by_their_owner_alone(tmp_path: Path, clock: SetClock) -> None:
    """X25: the files are 0600 whatever the umask."""
    before = os.umask(0)
    try:
        made = Ledger.open(f"sqlite:///{tmp_path}/ledger.db", {}, clock)
        made.take_lease("crm")
        begin(made)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
        made.close()
    finally:
        os.umask(before)
    assert {"ledger.db", "ledger.key"} <= modes.keys()
    assert set(modes.values()) == {0o600}


def test_s03_sqlite_is_fully_synchronous_and_writes_ahead(tmp_path: Path, clock: SetClock) -> None:
    """WAL, synchronous=FULL, and writing transactions that begin immediate."""
    ledger = Ledger.open(f"sqlite:///{tmp_path}/ledger.db", {}, clock)
    with closing(ledger), ledger.engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2


def test_the_migrated_schema_is_the_one_that_the_code_knows(ledger: Ledger) -> None:
    """Every table and column of `tables` is made by the migrations, and no other."""
    seen = inspect(ledger.engine)
    made = {name: {column["name"] for column in seen.get_columns(name)} for name in seen.get_table_names()}
    made.pop("sqlite_sequence", None)
    assert made == {table.name: {column.name for column in table.columns} for table in tables.metadata.sorted_tables}


def test_s12_a_ledger_of_a_newer_program_is_left_alone(state: State, clock: SetClock) -> None:
    """An older program refuses a newer schema."""
    made = Ledger.open(state.url, state.environment, clock)
    with made.engine.begin() as connection:
        connection.execute(text("UPDATE settings SET value = '99' WHERE name = 'schema'"))
    made.close()
    with pytest.raises(JobError, match="version 99"):
        Ledger.open(state.url, state.environment, clock)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("sqlite:////proc/no/ledger.db", "cannot be written"),
        ("mysql+nothing://x/y", "driver"),
        ("no url", "no database URL"),
    ],
)
def test_a_ledger_that_cannot_be_used_is_a_fault_of_the_command(state: str, words: str, clock: SetClock) -> None:
    """An unwritable place, an unknown driver and nonsense end in one message each."""
    with pytest.raises(JobError, match=words):
        Ledger.open(state, {"ROLLCALL_KEY": "k"}, clock)


def test_a_story_names_every_run_that_decided_something(ledger: Ledger) -> None:
    """`why` tells each run's decision, the answer, and the open reject."""
    one_page(ledger, begin(ledger), settled(1, "created", http_status=201, tries=1))
    run = begin(ledger)
    one_page(ledger, run, rejected(1))
    ledger.end_run(run, "completed", None, {})
    last = begin(ledger)
    ledger.end_run(last, "completed", None, {})
    told = History(ledger).story("crm", "C-1")
    assert [(chapter.outcome, chapter.http_status) for chapter in told.chapters] == [
        ("created", 201),
        ("rejected", 404),
    ]
    assert (told.target_id, told.source_key, told.runs_since) == ("1", "k1", 1)
    assert told.reject is not None
    assert told.reject.findings[0].code == "not_found"
    assert not History(ledger).story("crm", "C-2").known
