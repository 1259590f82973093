"""Checks that a job tightens and loosens between runs (FAULTS.md V14): rejects open, and each is settled once."""

from __future__ import annotations

import pytest

from flows.ledger.history import History
from flows.summary import ExitCode
from tests.flows.bench import JOB, Bench, record
from tests.flows.fake import FakeSource

LOOSE = JOB.replace("billingCity: city", "email: city")
TIGHT = JOB.replace("billingCity: city", "email: {from: city, convert: email}")


def rejected(bench: Bench) -> list[str]:
    """Name whoever has an open reject."""
    return sorted(entry.source_key for entry in History(bench.ledger).rejects())


@pytest.mark.parametrize("incremental", [False, True])
def test_v14_tightened_and_loosened(bench: Bench, *, incremental: bool) -> None:
    """Who no longer fits is a reject and stays at the target as it was; loosened, all load, each of them once."""
    mails = {"A": "a@alpha.example", "B": "b at beta", "C": "c@gamma.example", "D": "d at delta"}
    records = [record(key, str(n), city=mail) for n, (key, mail) in enumerate(mails.items())]
    bench.source = FakeSource(records[:2], incremental=incremental)
    bench.job = LOOSE
    assert bench.run().counts.created == 2
    bench.source.records = records
    bench.job = TIGHT
    for sent in (["C"], []):
        assert bench.run().exit_code is ExitCode.REJECTS
        assert (bench.target.journal, rejected(bench)) == (sent, ["B", "D"])
        assert bench.target.customers["B"]["email"] == "b at beta"
    bench.job = LOOSE
    assert bench.run().exit_code is ExitCode.DONE
    assert (bench.target.journal, rejected(bench)) == (["D"], [])
    assert {no: held["email"] for no, held in bench.target.customers.items()} == mails
    assert bench.run().exit_code is ExitCode.DONE
    assert bench.target.journal == []


@pytest.mark.parametrize("incremental", [False, True])
def test_v14_the_record_is_mended_meanwhile(bench: Bench, *, incremental: bool) -> None:
    """A record that changes while it is a reject loads as it is at last, under the strict check as under the loose."""
    bench.source = FakeSource([record("A", "1", city="a at alpha"), record("B", "2", city="b at beta")])
    bench.source.incremental = incremental
    bench.job = TIGHT
    bench.run()
    assert (bench.target.journal, rejected(bench)) == ([], ["A", "B"])
    bench.source.records[0] = record("A", "3", city="a@alpha.example")
    bench.run()
    assert (bench.target.journal, rejected(bench)) == (["A"], ["B"])
    bench.job = LOOSE
    bench.run()
    assert (bench.target.journal, rejected(bench)) == (["B"], [])
