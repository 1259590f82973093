"""Customers that belong to others: sent after them, deferred without them, refused in a circle."""

from __future__ import annotations

import random

import pytest

from connectors.protocol import Refusal, TransientError
from flows.ledger.history import History
from flows.selection import Selection
from flows.summary import ExitCode
from tests.flows.bench import JOB, Bench
from tests.flows.fake import FakeSource, Record

COLUMNS = ("no", "name", "parent")
FAMILY_JOB = JOB.replace("  billingCity: city\n", "  parentCustomer: parent\n")


def member(key: str, parent: str | None = None, *, name: str | None = "N", version: str = "1") -> Record:
    """Make a customer that may belong to another."""
    return key, version, {"no": key, "name": name, "parent": parent}


@pytest.fixture
def family(bench: Bench) -> Bench:
    """Give a job that maps parents, in pages of three."""
    bench.job = FAMILY_JOB
    bench.source.columns = COLUMNS
    return bench


def test_a_parent_on_a_later_page_is_waited_for_within_the_run(family: Bench) -> None:
    """The child is deferred, and sent once all pages are read; the counts follow, and the next run sends nobody."""
    family.source.records = [member("C", "P"), *(member(f"F{n}") for n in range(5)), member("P")]
    summary = family.run()
    assert (summary.counts.created, summary.counts.deferred, summary.exit_code) == (7, 0, ExitCode.DONE)
    assert family.target.journal.index("P") < family.target.journal.index("C")
    again = family.run()
    assert (again.counts.unchanged, family.target.journal) == (7, [])


def test_parents_on_the_same_page_go_first(family: Bench) -> None:
    """Within a page nobody is deferred: children are sent as soon as their parents were accepted."""
    family.source.records = [member("C", "B"), member("B", "A"), member("A")]
    summary = family.run()
    assert summary.counts.created == 3
    assert family.target.journal == ["A", "B", "C"]


def test_generations_in_reverse_over_many_pages_all_arrive(family: Bench) -> None:
    """Ten generations, the youngest first, are settled in the one run."""
    family.source.records = [member(f"G{n}", f"G{n + 1}" if n < 9 else None) for n in range(10)]
    summary = family.run()
    assert (summary.counts.created, summary.counts.deferred) == (10, 0)
    assert family.target.journal == [f"G{n}" for n in reversed(range(10))]


def test_a_missing_parent_defers_and_the_next_run_finds_it(family: Bench) -> None:
    """Without the parent the child stays deferred, is no reject, and is sent by the run in which the parent comes."""
    family.source.records = [member("C", "P")]
    first = family.run()
    assert (first.counts.deferred, first.exit_code, family.target.journal) == (1, ExitCode.DONE, [])
    assert History(family.ledger).rejects() == []
    family.source.records.append(member("P"))
    second = family.run()
    assert (second.counts.created, second.counts.deferred) == (2, 0)


def test_a_source_read_by_last_update_is_asked_for_the_deferred_again(bench: Bench) -> None:
    """An incremental run reads deferred customers by their keys, though their own last update is long past."""
    bench.job = FAMILY_JOB
    bench.source = FakeSource([member("C", "P", version="1")], COLUMNS, incremental=True)
    assert bench.run().counts.deferred == 1
    bench.source.records.append(member("P", version="5"))
    summary = bench.run()
    assert (summary.counts.created, summary.counts.deferred) == (2, 0)
    assert bench.run().counts.extracted <= 1


def test_a_parent_that_only_the_target_has_is_looked_up_once(family: Bench) -> None:
    """A parent that no record of the source is, but the target holds: one look-up, then its children go out."""
    family.target.customers["OLD"] = {"name": "was there before"}
    family.source.records = [member(f"C{n}", "OLD") for n in range(7)]
    summary = family.run()
    assert (summary.counts.created, summary.counts.deferred) == (7, 0)
    assert summary.requests == 8


def test_a_refused_parent_keeps_its_children_back(family: Bench) -> None:
    """The parent is the one reject; its children wait, and follow when it is mended."""
    family.target.refusals = {"P": Refusal("save_failed", "", "Failed to save instance.")}
    family.source.records = [member("P"), member("C", "P")]
    summary = family.run()
    assert (summary.counts.rejected, summary.counts.deferred) == (1, 1)
    family.target.refusals.clear()
    family.source.records[0] = member("P", name="mended")
    summary = family.run()
    assert (summary.counts.created, summary.counts.deferred) == (2, 0)


@pytest.mark.parametrize("apart", [0, 6])
def test_a_circle_is_refused_in_the_targets_words(family: Bench, apart: int) -> None:
    """Customers that are their own ancestors are invalid with the target's code, on one page or on several."""
    family.source.records = [member("A", "B"), *(member(f"F{n}") for n in range(apart)), member("B", "A")]
    family.source.records.append(member("D", "A"))
    summary = family.run()
    assert (summary.counts.invalid, summary.counts.deferred, summary.counts.created) == (2, 1, apart)
    entries = History(family.ledger).rejects()
    assert {(entry.reference, entry.findings[0].code) for entry in entries} == {("A", "not_found"), ("B", "not_found")}
    assert "subcustomer of itself" in entries[0].findings[0].description
    family.source.records[0] = member("A")
    mended = family.run()
    assert (mended.counts.created, mended.counts.invalid, mended.counts.deferred) == (3, 0, 0)
    assert History(family.ledger).rejects() == []


def test_a_known_child_waits_for_a_new_parent_that_is_missing(family: Bench) -> None:
    """Also an update that would name somebody who is not there is deferred, and keeps what the target holds."""
    family.source.records = [member("C")]
    family.run()
    family.source.records = [member("C", "P")]
    summary = family.run()
    assert (summary.counts.deferred, family.target.journal) == (1, [])
    assert "parentCustomer" not in family.target.customers["C"]


def test_a_deferred_customer_that_left_the_source_is_let_go(family: Bench) -> None:
    """What waited and is gone is asked for no more."""
    family.source.records = [member("C", "P"), member("A")]
    family.run()
    family.source.records = [member("A")]
    family.run()
    assert family.ledger.due_keys(1) == []


def test_a_parent_that_cannot_be_looked_up_defers(family: Bench) -> None:
    """A look-up that fails costs neither the run nor the customer."""
    family.target.look_up_failures["P"] = [TransientError("fake: no answer")] * 9
    family.source.records = [member("C", "P"), member("A")]
    summary = family.run()
    assert (summary.counts.created, summary.counts.deferred, summary.status) == (1, 1, "completed")
    assert any("parent could not be looked up" in notice for notice in family.notices)


def test_a_run_that_dies_while_it_settles_the_deferred_is_taken_over(family: Bench) -> None:
    """Killed between two deferred customers, the next run sends the rest, and none is lost or doubled."""
    family.source.records = [member(f"C{n}", "P") for n in range(4)] + [member("P")]
    left = 6

    def die(step: str) -> None:
        nonlocal left
        left -= step == "sending"
        if left == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        family.run(on_step=die)
    family.ledger.close()
    family.ledger = family.open_ledger()
    summary = family.run()
    assert family.target.customers.keys() == {"P", "C0", "C1", "C2", "C3"}
    assert summary.counts.deferred == 0


def test_a_part_of_the_source_settles_its_own(family: Bench) -> None:
    """`--only` a child whose parent an earlier run sent goes out at once."""
    family.source.records = [member("P")]
    family.run()
    family.source.records.append(member("C", "P"))
    assert family.run(Selection(only="C")).counts.created == 1


@pytest.mark.parametrize("seed", range(8))
def test_any_forest_arrives_whole(family: Bench, seed: int) -> None:
    """Random forests in random order: all arrive in one run, nobody before the parent, and the law holds."""
    chance = random.Random(seed)
    names = [f"N{n}" for n in range(25)]
    records = [member(name, chance.choice([None, *names[:n]])) for n, name in enumerate(names)]
    chance.shuffle(records)
    family.source.records = records
    summary = family.run()
    assert (summary.counts.created, summary.counts.outcomes) == (25, 25)
    order = {name: place for place, name in enumerate(family.target.journal)}
    assert all(values["parent"] is None or order[str(values["parent"])] < order[key] for key, _, values in records)


def test_a_deferred_customer_that_is_filtered_now_is_let_go(family: Bench) -> None:
    """Who waited and is left out by the filter since is not asked for in every run."""
    family.job = FAMILY_JOB + "filter: {name: [N]}\n"
    family.source = FakeSource([member("C", "P")], COLUMNS, incremental=True)
    assert family.run().counts.deferred == 1
    family.source.records = [member("C", "P", name="left out", version="2")]
    assert family.run().counts.filtered >= 1
    family.source.keys_read.clear()
    family.run()
    assert family.source.keys_read == []


def test_of_two_versions_of_one_customer_the_newer_arrives(family: Bench) -> None:
    """The older one was deferred, the newer one needs no parent: the target keeps the newer, and the counts add up."""
    family.source = FakeSource(
        [
            member("K", "P", name="old", version="1"),
            *(member(f"F{n}", version="1") for n in range(4)),
            member("K", name="new", version="2"),
            member("P", version="3"),
        ],
        COLUMNS,
        incremental=True,
    )
    summary = family.run()
    assert family.target.customers["K"]["name"] == "new"
    assert "parentCustomer" not in family.target.customers["K"]
    assert (summary.counts.created, summary.counts.deferred, summary.counts.unchanged) == (6, 0, 1)
    assert summary.counts.balanced


@pytest.mark.parametrize("size", [1, 2, 3])
def test_two_deferred_versions_are_one_customer(family: Bench, size: int) -> None:
    """Both wait for the same parent: the newer is what the target ends with, the older counts as unchanged."""
    family.job = FAMILY_JOB.replace("page_size: 3", f"page_size: {size}")
    family.source = FakeSource(
        [
            member("K", "P", name="old", version="1"),
            *(member(f"F{n}", version="1") for n in range(4)),
            member("K", "P", name="new", version="2"),
            member("P", version="3"),
        ],
        COLUMNS,
        incremental=True,
    )
    summary = family.run()
    assert family.target.customers["K"]["name"] == "new"
    assert family.run().counts.updated == 0
    assert family.target.customers["K"]["name"] == "new"
    assert (summary.counts.created, summary.counts.deferred, summary.counts.unchanged) == (6, 0, 1)


def test_twins_under_one_key_are_two_records(family: Bench) -> None:
    """Where a file repeats a key, the first waits and is sent once, the second is `not_unique`; nothing breaks."""
    family.source.records = [member("K", "P"), member("K", "P", name="twin"), member("G"), member("P")]
    summary = family.run()
    assert (summary.counts.created, summary.counts.invalid, summary.counts.deferred) == (3, 1, 0)
    assert family.target.customers["K"]["name"] == "N"


def test_a_record_told_apart_from_its_twin_is_found_again(family: Bench) -> None:
    """Two customers under one key, of which the second waits: it is settled in the run, and not by the next one."""
    key, version, values = member("K", "P")
    family.source.records = [member("K"), (key, version, values | {"no": "L"}), member("G"), member("H"), member("P")]
    summary = family.run()
    assert (summary.counts.created, summary.counts.deferred) == (5, 0)


def test_who_waits_in_vain_is_not_read_twice(family: Bench) -> None:
    """A customer whose parent is nowhere costs a run one reading and one look-up, however often it runs."""
    family.source = FakeSource([member(f"C{n}", "P") for n in range(5)], COLUMNS, incremental=True)
    family.run()
    family.source.keys_read.clear()
    summary = family.run()
    assert len(family.source.keys_read) == 5
    assert (summary.requests, summary.counts.deferred) == (1, 5)
