"""Customers that a target refuses until somebody mends something, at the source or in the target (FAULTS.md L32).

What can be missing in a target: an entry of its own that customers name (Valomnia, Keypro, JTL-Wawi), or the entity
itself (tradevest, where the customer is refused by the platform and not by us).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.sandbox.app import SandboxApp
from connectors.sandbox.clock import Clock
from connectors.sandbox.exchange import Reply, Request
from connectors.sandbox.jtl.seed import Entity as JtlEntity
from connectors.sandbox.jtl.seed import Seeds as JtlSeeds
from connectors.sandbox.jtl.setting import JtlSettings
from connectors.sandbox.jtl.vendor import jtl_app
from connectors.sandbox.keypro.constant import CONSTANTS, Constant
from connectors.sandbox.keypro.setting import KeyproSettings
from connectors.sandbox.keypro.vendor import keypro_app
from connectors.sandbox.valomnia.seed import Entity, Seeds
from connectors.sandbox.valomnia.setting import ValomniaSettings
from connectors.sandbox.valomnia.vendor import valomnia_app
from flows.ledger.ledger import Ledger
from flows.summary import ExitCode
from tests.canary import TARGET_PASSWORD
from tests.faults.target_api import APIS, TRADEVEST
from tests.faults.target_run import TargetRuns, target_runs


@pytest.fixture(params=APIS)
def runs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TargetRuns]:
    """Give a job into each API in turn, which refuses whoever is called Nobody."""
    with target_runs(tmp_path, request.param) as made:
        made.records("Ada", "Nobody", "Cleo")
        yield made


def refuse_nobody(runs: TargetRuns) -> None:
    """Refuse writes that carry this name, as the API would."""

    def refuse(request: Request) -> Reply | None:
        is_refused = request.method != "GET" and b"Nobody" in request.body
        return runs.app.vendor.error(400, "bad_name", "such a name is not taken") if is_refused else None

    runs.tap.before = refuse


def sent(runs: TargetRuns, number: int) -> int:
    """Count the last run's writes of one customer, refused ones included."""
    found = (each for each in runs.tap.requests if each.method != "GET")
    return sum(runs.app.vendor.reference(each) == runs.ref(number) for each in found)


def closed_by(ledger: Ledger) -> dict[str, str | None]:
    """Tell which run has closed each reject."""
    with ledger.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT source_key, closed_run FROM rejects").all()
    return {row[0]: None if row[1] is None else str(row[1]) for row in rows}


def test_l32_fixed_at_the_source(runs: TargetRuns) -> None:
    """A refused customer that changes at the source is sent by the very next run, and that run closes the reject."""
    refuse_nobody(runs)
    assert runs.run().exit_code is ExitCode.REJECTS
    assert [key for key, _ in runs.codes] == ["K-001"]
    runs.records("Ada", "Somebody", "Cleo")
    summary = runs.run()
    assert (summary.exit_code, runs.held, runs.rejects) == (ExitCode.DONE, runs.wanted, []), summary
    assert (len(runs.writes()), closed_by(runs.ledger)) == (1, {"K-001": summary.run_id})


def test_l32_an_update_that_is_refused_and_fixed(runs: TargetRuns) -> None:
    """Of a refused update the older version stays, with one open reject, until the source is mended."""
    refuse_nobody(runs)
    runs.records("Ada", "Bert", "Cleo")
    runs.run()
    runs.records("Ada", "Nobody", "Cleo")
    assert runs.run().exit_code is ExitCode.REJECTS
    assert (runs.held[runs.ref(1)], len(runs.rejects)) == ("Bert", 1)
    runs.records("Ada", "Berta", "Cleo")
    summary = runs.run()
    assert (summary.exit_code, runs.held, closed_by(runs.ledger)) == (
        ExitCode.DONE,
        runs.wanted,
        {"K-001": summary.run_id},
    )


def test_l32_fixed_in_the_target(runs: TargetRuns) -> None:
    """A refused customer is tried again without a change, after pauses that double, until the target takes it."""
    refuse_nobody(runs)
    for minutes in (5, 10, 20):
        assert runs.run().exit_code is ExitCode.REJECTS
        assert sent(runs, 1) == 1
        runs.clock.forward(minutes=minutes - 1)
        assert runs.run().exit_code is ExitCode.REJECTS
        assert sent(runs, 1) == 0
        runs.clock.forward(minutes=2)
    runs.tap.before = lambda _: None
    summary = runs.run()
    assert (summary.exit_code, runs.held, runs.rejects) == (ExitCode.DONE, runs.wanted, []), summary
    assert (len(runs.writes()), closed_by(runs.ledger)) == (1, {"K-001": summary.run_id})
    assert runs.run().requests == 0


def with_nobles(kind: str, clock: Clock) -> SandboxApp:
    """Make a sandbox that has an entry Nobles."""
    if kind == "valomnia":
        categories = (*Seeds().categories, Entity(9, "nobles", "Nobles"))
        settings = ValomniaSettings(password=TARGET_PASSWORD)
        return valomnia_app(settings, seeds=Seeds(categories=categories), clock=clock)
    if kind == "jtl":
        nobles = JtlSeeds(categories=(*JtlSeeds().categories, JtlEntity(9, "Nobles")))
        return jtl_app(JtlSettings(client_secret=TARGET_PASSWORD), seeds=nobles, clock=clock)
    status = Constant(groupname="customerstatus", id=99, txt="Nobles", logical_txt="nobles")
    return keypro_app(KeyproSettings(token=TARGET_PASSWORD, constants=(*CONSTANTS, status)), clock=clock)


NAMED = {"valomnia": "categoryId", "keypro": "Status", "jtl": "CustomerCategoryId"}


@pytest.mark.parametrize("kind", NAMED)
def test_l32_an_entry_that_the_target_lacks(kind: str, tmp_path: Path) -> None:
    """Who names what the target does not have is not sent; once somebody has added it, the next due run sends him."""
    with target_runs(tmp_path, kind) as runs:
        runs.fields |= {NAMED[kind]: {"const": "Nobles"}}
        runs.records("Ada")
        assert runs.run().exit_code is ExitCode.REJECTS
        assert (runs.writes(), len(runs.rejects)) == ([], 1)
        runs.app.vendor = with_nobles(kind, runs.time.sandbox_clock).vendor
        runs.clock.forward(minutes=6)
        summary = runs.run()
        assert (summary.exit_code, runs.held, runs.rejects) == (ExitCode.DONE, runs.wanted, []), summary
        assert (len(runs.writes()), closed_by(runs.ledger)) == (1, {"K-000": summary.run_id})


def test_l32_an_entity_that_the_platform_lacks(tmp_path: Path) -> None:
    """Who is no entity of tradevest is refused as a customer; once he is one, the next due run creates him."""
    entities = {TRADEVEST.reference(0): "LEGAL_ENTITY"}
    with target_runs(tmp_path, "tradevest", entities=entities) as runs:
        runs.records("Ada", "Bert")
        assert runs.run().exit_code is ExitCode.REJECTS
        assert (runs.statuses(1), [entry.source_key for entry in runs.rejects]) == ([("POST", 400)], ["K-001"])
        entities[runs.ref(1)] = "LEGAL_ENTITY"
        runs.clock.forward(minutes=6)
        summary = runs.run()
        assert (summary.exit_code, runs.held, runs.rejects) == (ExitCode.DONE, runs.wanted, []), summary
        assert (len(runs.writes()), closed_by(runs.ledger)) == (1, {"K-001": summary.run_id})
