"""References that differ in what nobody sees (FAULTS.md V10): one normalisation, and within a run the first counts."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.ledger.history import History
from flows.summary import ExitCode
from tests.faults.target_api import APIS
from tests.faults.target_run import TargetRuns, target_runs
from tests.flows.bench import JOB, Bench, record

CAFE = "Café 1"
SPELLINGS = ("A1", " A1", "A1\t", "\u00a0A1 ", "\u2003A1")
INVISIBLE = ("A\u200b1", "\ufeffA1", "A\u00ad1", "A1\u200e", "A\u20601")


@pytest.fixture(params=[kind for kind in APIS if kind != "tradevest"])
def runs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TargetRuns]:
    """Give a job into each API in turn whose references are free text."""
    with target_runs(tmp_path, request.param) as made:
        made.page_size = 3
        yield made


def refer(runs: TargetRuns, *references: str) -> None:
    """Have the source hold customers of these references, each called by its place."""
    runs.source.records = [(f"K-{n}", "1", {"no": each, "name": f"Ada {n}"}) for n, each in enumerate(references)]


def test_v10_spellings_of_one_reference(runs: TargetRuns) -> None:
    """The first record counts, on whatever page the others are; no run writes one of them over another."""
    refer(runs, *SPELLINGS, unicodedata.normalize("NFD", CAFE), CAFE)
    for again in (False, True):
        assert runs.run().exit_code is ExitCode.REJECTS
        assert runs.held == {"A1": "Ada 0", CAFE: "Ada 5"}
        assert sorted(str(each.reference) for each in runs.writes()) == ([] if again else ["A1", CAFE])
        assert {entry.source_key: [each.code for each in entry.findings] for entry in runs.rejects} == {
            f"K-{n}": ["not_unique"] for n in (1, 2, 3, 4, 6)
        }


def test_v10_case_makes_another_reference(runs: TargetRuns) -> None:
    """Where the target tells a1 from A1 both are customers, and so do we."""
    refer(runs, "A1", "a1", CAFE, CAFE.upper())
    assert runs.run().exit_code is ExitCode.DONE
    assert set(runs.held) == {"A1", "a1", CAFE, CAFE.upper()}


def test_v10_characters_that_nobody_sees(runs: TargetRuns) -> None:
    """A reference that holds one is refused for it and never sent, and takes the visible one's place from nobody."""
    refer(runs, *INVISIBLE, "A1")
    assert runs.run().exit_code is ExitCode.REJECTS
    assert (runs.held, [each.reference for each in runs.writes()]) == ({"A1": "Ada 5"}, ["A1"])
    assert runs.codes == [(f"K-{n}", "unsafe_reference") for n in range(len(INVISIBLE))]


def test_v10_the_first_who_is_mended_leaves_the_reference(bench: Bench) -> None:
    """A reference that its holder gives up is the other's from the next run on, and the reject is closed."""
    bench.job = JOB
    bench.source.records = [record("k1", no="A1", name="one"), record("k2", no=" A1", name="two")]
    bench.run()
    assert bench.target.customers["A1"]["name"] == "one"
    bench.source.records[0] = record("k1", no="B1", name="one")
    bench.run()
    assert {no: held["name"] for no, held in bench.target.customers.items()} == {"B1": "one", "A1": "two"}
    assert History(bench.ledger).rejects() == []
