"""Errors that hold the customer's own values (FAULTS.md V15): neither a log nor the ledger ever shows one."""

from __future__ import annotations

import logging

import pytest
from sqlalchemy import MetaData, select

from connectors.protocol import Refusal
from flows.ledger.history import History
from flows.summary import Summary
from tests.flows.bench import JOB, Bench, record

CANARY = "canary.wagtail@aviary.example"
CONVERTERS = """\
from mappings.converter import converter


@converter
def telling(value: str) -> str:
    \"\"\"Raise with the value in its text.

    Examples::

        "fine" -> "fine"
    \"\"\"
    if "aviary" in value:
        raise ValueError(f"cannot take {value}") from KeyError(value)
    return value
"""
RULES = {
    "a rule of the target": "email: {const: x@y.example}\n  isActive: city",
    "a list of values": "email: {from: city, values: {a: b}}",
    "a converter of ours": "email: {from: city, convert: email}",
    "a converter of ours, not personal": "billingCountry: {from: city, convert: country_code}",
    "a converter of the user's": "email: {from: city, convert: telling}",
    "the target": "email: city",
}


@pytest.fixture
def loud(bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Bench:
    """Give a job with a converter that tells, and have everything logged that can be."""
    (bench.folder / "telling_converters.py").write_text(CONVERTERS)
    monkeypatch.syspath_prepend(bench.folder)
    caplog.set_level(logging.DEBUG)
    return bench


def stored(bench: Bench) -> str:
    """Write out everything that the ledger holds."""
    tables = MetaData()
    tables.reflect(bench.ledger.engine)
    with bench.ledger.reading() as connection:
        return "\n".join(str(row) for table in tables.sorted_tables for row in connection.execute(select(table)))


def told(bench: Bench, summary: Summary, caplog: pytest.LogCaptureFixture) -> str:
    """Put together all that a run has said and left."""
    logged = "\n".join(f"{entry.getMessage()} {entry.exc_info} {entry.exc_text}" for entry in caplog.records)
    return "\n".join([logged, *bench.notices, repr(summary), stored(bench)])


@pytest.mark.parametrize("where", RULES)
def test_v15_a_message_that_holds_the_value(loud: Bench, caplog: pytest.LogCaptureFixture, where: str) -> None:
    """The customer is a reject, found by its reference; the value that was wrong is neither logged nor kept."""
    loud.job = JOB.replace("billingCity: city", RULES[where]) + "converters: [telling_converters]\n"
    loud.source.records = [record("REF-1", name="Ada", city=CANARY), record("REF-2", name="Ada")]
    loud.target.refusals["REF-1"] = Refusal("save_failed", "email", f"no such address: {CANARY}")
    summary = loud.run()
    (entry,) = History(loud.ledger).rejects()
    assert (entry.reference, summary.counts.created) == ("REF-1", 1)
    everything = told(loud, summary, caplog)
    assert "REF-1" in stored(loud), "the search must be able to find what is there"
    assert ("wagtail" in everything, "aviary" in everything) == (False, False)
