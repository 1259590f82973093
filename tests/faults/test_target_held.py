"""Customers whom somebody else writes, deletes or doubles, in each of the four APIs (FAULTS.md L04 to L07, L21, L31).

| scenario | where it does not apply |
|---|---|
| L05 409 on create, L21 two customers of one reference | Valomnia: it upserts by a reference that is unique there |
| L06 404 on update | Valomnia: the same request creates the customer again, so that it is never told |
| L07 412, an entity tag | no API documents either: the source wins, and is heard only where it changed |
| L16, L17 batches | no API writes several customers in one request |
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from connectors.sandbox.exchange import Reply, Request
from connectors.sandbox.fault import Faults, Forced
from flows.summary import ExitCode, Summary
from tests.faults.target_api import APIS, CREATING
from tests.faults.target_run import TargetRuns, target_runs
from tests.flows.fake import Record


@pytest.fixture(params=APIS)
def runs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TargetRuns]:
    """Give a job into each API in turn."""
    with target_runs(tmp_path, request.param) as made:
        yield made


@pytest.fixture(params=CREATING)
def creating(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TargetRuns]:
    """Give a job into each API in turn that creates and updates by different requests."""
    with target_runs(tmp_path, request.param) as made:
        yield made


def before_creating(runs: TargetRuns, number: int, name: str) -> None:
    """Let somebody else enter a customer at the very moment when it is about to be created."""

    def enter(request: Request) -> None:
        if request.method == "POST" and runs.app.vendor.reference(request) == runs.ref(number):
            runs.tap.before = lambda _: None
            runs.put(number, name)

    runs.tap.before = enter


def test_l04_one_reference_twice_in_a_run(runs: TargetRuns) -> None:
    """Two records of one reference, on one page or on two: the first is written, once, the other is told why not."""
    for page_size in (100, 1):
        runs.page_size = page_size
        again: Record = ("K-900", "1", {"no": runs.ref(0), "name": "Nobody"})
        runs.source.records = [runs.record(0, f"Ada {page_size}"), again, runs.record(1, "Bert")]
        assert runs.run().exit_code is ExitCode.REJECTS
        assert runs.held == {runs.ref(0): f"Ada {page_size}", runs.ref(1): "Bert"}
        assert (len(runs.writes(0)), runs.codes) == (1, [("K-900", "not_unique")])


def test_l04_one_customer_in_the_hands_of_two_jobs(runs: TargetRuns) -> None:
    """Two jobs that write the same customers at once leave each of them once, created once and never refused."""
    names = [f"Ada {number}" for number in range(60)]
    runs.records(*names)
    runs.fail(latency_ms=1000)
    other = TargetRuns(runs.folder, runs.api, runs.app, runs.tap, runs.url, runs.section, runs.time, "other")
    other.records(*names)
    both = threading.Barrier(2, timeout=20)

    def meet(step: str) -> None:
        if step == "intended":
            both.wait()

    def run(job: TargetRuns) -> Summary:
        return job.run(on_step=meet)

    with ThreadPoolExecutor() as pool:
        summaries = list(pool.map(run, (runs, other)))
    other.ledger.close()
    assert [each.exit_code for each in summaries] == [ExitCode.DONE, ExitCode.DONE], summaries
    assert (runs.held, runs.rejects, other.rejects) == (runs.wanted, [], [])
    if runs.api.creates:
        assert sorted(map(str, runs.creations())) == sorted(runs.wanted)
        assert any(each.method == "POST" and each.status in {400, 409} for each in runs.writes()), "nobody met"


def test_l05_a_409_becomes_an_update(creating: TargetRuns) -> None:
    """A customer who is entered between look-up and creation is updated: one record, no reject."""
    creating.records("Ada", "Bert")
    before_creating(creating, 1, "Entered")
    summary = creating.run()
    assert (summary.exit_code, creating.held, creating.rejects) == (ExitCode.DONE, creating.wanted, []), summary
    methods = [(method, (status or 0) < 300) for method, status in creating.statuses(1)]
    assert methods == [("POST", False), ("PATCH", True)]


def test_l05_a_409_for_a_customer_who_is_not_there(creating: TargetRuns) -> None:
    """A target that refuses to create somebody whom it does not show is not asked for ever: one write, one reject."""
    creating.records("Ada", "Bert")
    creating.force(1, status=409, error="CONFLICT", error_description="taken")
    assert creating.run().exit_code is ExitCode.REJECTS
    assert [key for key, _ in creating.codes] == ["K-001"]
    assert creating.statuses(1) == [("POST", 409)]
    creating.heal()
    creating.clock.forward(minutes=6)
    creating.run()
    assert (creating.held, creating.rejects) == (creating.wanted, [])


def test_l06_a_customer_deleted_meanwhile(runs: TargetRuns) -> None:
    """The update finds nobody: the customer is looked up, created again once, and is there with the new name."""
    runs.records("Ada", "Bert")
    runs.run()
    runs.api.erase(runs.app, runs.ref(1))
    runs.records("Ada", "Berta")
    summary = runs.run()
    assert (summary.exit_code, runs.held, runs.rejects) == (ExitCode.DONE, runs.wanted, []), summary
    assert len(runs.writes(1)) <= 2
    assert runs.run().requests == 0


def test_l06_a_404_for_a_customer_who_is_there(creating: TargetRuns) -> None:
    """A target that does not know whom it shows is not asked for ever; the customer is a reject, and there once."""
    creating.records("Ada", "Bert")
    creating.run()
    creating.records("Ada", "Berta")
    body = '{"detail": "Not found."}'
    creating.force(1, status=404, body=body)
    assert creating.run().exit_code is ExitCode.REJECTS
    assert creating.statuses(1) == [("PATCH", 404)]
    assert [key for key, _ in creating.codes] == ["K-001"]
    assert creating.held == {creating.ref(0): "Ada", creating.ref(1): "Bert"}


def test_l07_the_source_wins_where_it_changed(runs: TargetRuns) -> None:
    """What a person changes in the target stays until the source changes that customer, and then is overwritten."""
    runs.records("Ada", "Bert")
    runs.run()
    for number in range(2):
        runs.api.rename(runs.app, runs.ref(number), "By hand")
    assert (runs.run().requests, set(runs.held.values())) == (0, {"By hand"})
    runs.records("Ada", "Berta")
    assert runs.run().counts.updated == 1
    assert runs.held == {runs.ref(0): "By hand", runs.ref(1): "Berta"}
    assert len(runs.writes()) == len(runs.writes(1)) == 1


@pytest.mark.parametrize("kind", CREATING)
@pytest.mark.parametrize("neighbours", [0, 30])
def test_l21_two_customers_of_one_reference(kind: str, neighbours: int, tmp_path: Path) -> None:
    """Nobody can tell which of the two is meant: neither is written, and the reject says so; once one is gone it heals.

    With neighbours the list of customers tells, without them the look-up does.
    """
    with target_runs(tmp_path, kind, **APIS[kind].twins) as runs:
        runs.put(0, "One")
        runs.put(0, "Two")
        runs.records("Ada", *(f"Bert {number}" for number in range(neighbours)))
        assert runs.run().exit_code is ExitCode.REJECTS
        assert (runs.writes(0), runs.codes) == ([], [("K-000", "ambiguous_reference")])
        twins = [each for each in runs.app.vendor.customers("") if runs.api.read(each)[0] == runs.ref(0)]
        assert [runs.api.read(each)[1] for each in twins] == ["One", "Two"]
        assert len(runs.app.vendor.customers("")) == neighbours + 2


def test_l21_customers_of_other_references(creating: TargetRuns) -> None:
    """A look-up that shows nobody but strangers, as where a filter is not kept to, ends the run: nothing is written."""
    creating.put(7, "Somebody")
    creating.put(8, "Somebody else")
    creating.records("Ada")
    creating.concurrency = 1

    def ignore_filter(request: Request) -> Reply | None:
        if request.method != "GET" or not request.query:
            return None
        plain = Request("GET", request.path, "limit=2&orderby=id" if "limit" in request.query else "", {}, b"")
        return creating.app.vendor.handle(plain, Faults())

    creating.tap.before = ignore_filter
    summary = creating.run()
    assert (summary.exit_code, "does not keep to the filter" in str(summary.message)) == (ExitCode.FAILED, True)
    assert (creating.writes(), creating.rejects) == ([], [])


def test_l04_l31_two_updates_of_one_customer_keep_their_order(runs: TargetRuns) -> None:
    """Two versions of a customer on two pages are written one after the other, even where the first is repeated."""
    runs.source.incremental = True
    runs.page_size = 3
    first = [runs.record(number, f"Old {number}", "2026-03-01T10:00:00.000000Z") for number in range(3)]
    second = [runs.record(number, f"New {number}", "2026-03-01T11:00:00.000000Z") for number in range(3)]
    runs.source.records = [*first, *second]
    forced = {
        runs.ref(0): Forced(drop=True, after_commit=True, times=1),
        runs.ref(1): Forced(status=503, error="busy", times=2),
    }
    runs.app.faults = Faults(forced=forced, latency_ms=200)
    summary = runs.run()
    assert (summary.exit_code, runs.held, runs.rejects) == (ExitCode.DONE, runs.wanted, []), summary
    assert (runs.tap.together, len(runs.held)) == (1, 3)
    for number in range(3):
        writes = [each for each in runs.tap.requests if each.method != "GET"]
        bodies = [each.body for each in writes if runs.app.vendor.reference(each) == runs.ref(number)]
        words = ["New" if b"New" in body else "Old" for body in bodies]
        assert words == sorted(words, reverse=True), words
        assert words.count("New") == 1
