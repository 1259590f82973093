"""What customers name of the target's own: found by reference, id or name, once a run; unknown ones are not sent."""

from __future__ import annotations

import pytest

from connectors.protocol import Entity
from flows.entity import Register, UnknownEntityError
from flows.ledger.history import History
from tests.flows.bench import JOB, Bench
from tests.flows.fake import Record

TYPED_JOB = JOB.replace(
    "  billingCity: city\n", '  categoryId: kind\n  paymentTypes: {from: pays, convert: {split: "|"}}\n'
)
LISTS = {
    "customer_category": [Entity("1", "retail", "Retail"), Entity("2", "wholesale", "Wholesale")],
    "payment_type": [Entity("7", "cash", "Cash"), Entity("8", "card", "Card"), Entity("9", "wire", "Card")],
}


def buyer(key: str, kind: str | None = None, pays: str | None = None) -> Record:
    """Make a customer with a category and ways to pay."""
    return key, "1", {"no": key, "name": "N", "kind": kind, "pays": pays}


@pytest.fixture
def shop(bench: Bench) -> Bench:
    """Give a job that names categories and payment types."""
    bench.job = TYPED_JOB
    bench.source.columns = ("no", "name", "kind", "pays")
    bench.target.lists = dict(LISTS)
    return bench


def test_ids_are_put_in_for_references_and_names(shop: Bench) -> None:
    """A reference, an id and a name each find the entry; what is sent is what the target takes."""
    shop.source.records = [
        buyer("A", "retail", "cash|8"),
        buyer("B", "Wholesale", "Cash"),
        buyer("C", "2", None),
    ]
    assert shop.run().counts.created == 3
    shown = {key: (held.get("categoryId"), held.get("paymentTypes")) for key, held in shop.target.customers.items()}
    assert shown == {"A": ("retail", [7, 8]), "B": ("wholesale", [7]), "C": ("wholesale", None)}


def test_each_list_is_asked_for_once_a_run_and_only_where_it_is_needed(shop: Bench) -> None:
    """Three pages of customers cost one request a list; a run that sends nobody costs none."""
    shop.source.records = [buyer(f"C{n}", "retail", "cash") for n in range(8)]
    summary = shop.run()
    assert (summary.requests, shop.target.asked) == (10, ["customer_category", "payment_type"])
    shop.target.asked.clear()
    assert shop.run().requests == 0
    assert shop.target.asked == []


def test_an_unknown_entry_is_told_in_the_targets_words_and_not_sent(shop: Bench) -> None:
    """The customer is invalid with the target's code, its neighbours go out, and it heals when the entry is made."""
    shop.source.records = [buyer("A", "retail"), buyer("B", "nobles", "cash|gold")]
    summary = shop.run()
    assert (summary.counts.created, summary.counts.invalid, shop.target.journal) == (1, 1, ["A"])
    (entry,) = History(shop.ledger).rejects()
    assert (entry.stage, [(finding.code, finding.field) for finding in entry.findings]) == (
        "reference",
        [("not_found", "categoryId"), ("not_found", "paymentTypes")],
    )
    assert [finding.description for finding in entry.findings] == [
        "The customer category with the id nobles doesn't exist.",
        "The payment type with the id gold doesn't exist.",
    ]
    shop.target.lists["customer_category"] = [*LISTS["customer_category"], Entity("3", "nobles", None)]
    shop.target.lists["payment_type"] = [*LISTS["payment_type"], Entity("10", "gold", None)]
    assert shop.run().counts.created == 1
    assert History(shop.ledger).rejects() == []


def test_a_name_that_several_bear_is_ambiguous(shop: Bench) -> None:
    """Nothing is guessed."""
    shop.source.records = [buyer("A", None, "Card")]
    assert shop.run().counts.invalid == 1
    (entry,) = History(shop.ledger).rejects()
    assert entry.findings[0].code == "ambiguous_name"


def test_without_a_list_the_values_are_sent_as_they_are(shop: Bench) -> None:
    """A target that has no such list judges for itself; the run says so once, and ids are still sent as numbers."""
    shop.target.lists = {}
    shop.source.records = [*(buyer(f"C{n}", "retail", "7") for n in range(5)), buyer("X", "retail", "cash")]
    summary = shop.run()
    assert (summary.counts.created, summary.counts.invalid) == (5, 1)
    (entry,) = History(shop.ledger).rejects()
    assert entry.findings[0].code == "invalid_param_type", "a name stands for no id where there is no list"
    assert shop.target.customers["C0"]["paymentTypes"] == [7]
    assert len([notice for notice in shop.notices if "has no list" in notice]) == 2


def test_a_reference_goes_before_an_id_and_an_id_before_a_name() -> None:
    """One text may be all three; the order is fixed."""
    register = Register([Entity("1", "2", "3"), Entity("2", "3", "1"), Entity("3", None, "2")])
    assert [register.find(text).id for text in ("1", "2", "3")] == ["1", "1", "2"]
    with pytest.raises(UnknownEntityError):
        register.find("4")
