"""The comparison finds who is not at the target as the source has them, and the next full run mends just those."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.sandbox.app import SandboxApp
from connectors.sandbox.clock import Clock
from connectors.sandbox.fault import Faults, Forced
from connectors.sandbox.server import running
from flows.ledger.difference import Difference, differences_of
from flows.migration.whole import Workers
from flows.migration.workplace import PartTask
from flows.selection import Selection
from flows.summary import ExitCode, Verification
from tests.faults.target_api import APIS, Api
from tests.flows.migration.place import Place, customer
from tests.flows.system_place import sandbox as open_sandbox
from tests.flows.system_place import table_place
from tests.flows.system_sample import NATIVE
from tests.flows.test_matrix import fields_for
from tests.state import file_state

SIZE = 12


@contextmanager
def at(folder: Path, api: Api, **settings: object) -> Iterator[tuple[Place, SandboxApp]]:
    """Put twelve customers beside the sandbox of one API."""
    app, credentials = api.app(Clock(), **settings)
    with running(app) as url:
        made = Place(folder, file_state(folder), app, url)
        signed = {name: value.format(base_url=url) for name, value in credentials.items()}
        made.target = {"kind": api.kind, "base_url": url, **signed}
        if api.kind != "valomnia":
            made.target["settling"] = "200ms"
        made.job = {"fields": dict(api.fields), "page_size": 3}
        made.fill([customer(number, no=api.reference(number)) for number in range(SIZE)])
        yield made, app


def meanwhile(act: Callable[[], None]) -> Callable[[Workers], Workers]:
    """Let another hand act between the sending and the comparison."""

    def hired(workers: Workers) -> Workers:
        async def verify(tasks: Sequence[PartTask]) -> Mapping[int, Verification | BaseException]:
            act()
            return await workers.verify(tasks)

        return replace(workers, verify=verify)

    return hired


def found(move: Place, run: str) -> dict[str, Difference]:
    """Recall the differences of a migration, by reference."""
    ledger = move.open_ledger()
    try:
        return {each.reference: each for each in differences_of(ledger, int(run))}
    finally:
        ledger.close()


def adds_up(each: Verification) -> bool:
    """Say whether everybody was compared, or said why not."""
    return each.counted == each.same + each.differences + each.changed + each.unsent


@pytest.mark.parametrize("kind", APIS)
def test_what_another_hand_did(kind: str, tmp_path: Path) -> None:
    """One changed and one deleted at the target are named by reference and field; a full run sends just these two."""
    api = APIS[kind]
    with at(tmp_path, api) as (move, app):

        def act() -> None:
            api.rename(app, api.reference(4), "By hand")
            api.erase(app, api.reference(7))

        summary = move.migrate(3, hired=meanwhile(act))
        assert summary.exit_code is ExitCode.FAILED
        assert summary.message is not None
        assert "--full" in summary.message
        assert api.reference(4) not in summary.message
        verified = summary.verification
        assert verified is not None
        assert adds_up(verified)
        assert (verified.counted, verified.same, verified.differing, verified.missing) == (SIZE, SIZE - 2, 1, 1)
        differences = found(move, summary.run_id)
        assert differences.keys() == {api.reference(4), api.reference(7)}
        assert differences[api.reference(4)].kind == "differing"
        assert len(differences[api.reference(4)].fields) == 1
        assert differences[api.reference(7)] == Difference(api.reference(7), "missing")
        app.journal.clear()
        mended = move.run(Selection(full=True))
        assert mended.exit_code is ExitCode.DONE
        assert (mended.counts.created + mended.counts.updated, mended.counts.unchanged) == (2, SIZE - 2)
        again = move.migrate(2)
        assert (again.exit_code, again.counts.unchanged) == (ExitCode.DONE, SIZE)
        assert move.broken() == []


@pytest.mark.parametrize("kind", ["keypro", "jtl"])
def test_twins_at_the_target(kind: str, tmp_path: Path) -> None:
    """A customer whom somebody entered a second time is ambiguous, though its own id still shows it as it was sent."""
    api = APIS[kind]
    with at(tmp_path, api, **api.twins) as (move, app):

        def act() -> None:
            reply = app.vendor.add(api.given(api.reference(5), "Twin"))
            assert reply.applied

        summary = move.migrate(3, hired=meanwhile(act))
        assert summary.exit_code is ExitCode.FAILED
        assert summary.verification is not None
        assert (summary.verification.ambiguous, summary.verification.same) == (1, SIZE - 1)
        assert adds_up(summary.verification)
        assert found(move, summary.run_id) == {api.reference(5): Difference(api.reference(5), "ambiguous")}


def test_a_look_up_without_an_answer(tmp_path: Path) -> None:
    """Who cannot be looked up is no difference that is sent again, but none that is passed over either."""
    api = APIS["valomnia"]
    with at(tmp_path, api) as (move, app):

        def act() -> None:
            app.faults = Faults(forced={api.reference(2): Forced(status=503, reads=True)})

        summary = move.migrate(2, hired=meanwhile(act))
        app.faults = Faults()
        assert summary.exit_code is ExitCode.FAILED
        assert summary.verification is not None
        assert (summary.verification.unanswered, summary.verification.same) == (1, SIZE - 1)
        assert found(move, summary.run_id)[api.reference(2)].kind == "unanswered"
        assert move.run(Selection(full=True)).counts.unchanged == SIZE


def test_a_target_that_fails_the_comparison(tmp_path: Path) -> None:
    """Where the comparison itself cannot be done, the partition is named, and another migration compares everybody."""
    api = APIS["valomnia"]
    with at(tmp_path, api) as (move, app):

        def act() -> None:
            app.faults = Faults(refuse_credentials=401)

        summary = move.migrate(2, hired=meanwhile(act))
        app.faults = Faults()
        assert summary.exit_code is ExitCode.FAILED
        assert summary.message is not None
        assert summary.message.startswith("comparison of partition 1: ")
        again = move.migrate(2)
        assert again.exit_code is ExitCode.DONE
        assert again.verification is not None
        assert again.verification.same == SIZE
        assert move.broken() == []


def test_a_source_that_changed_meanwhile(tmp_path: Path) -> None:
    """Who changed, came or left in the source since the sending is no difference, and is told apart."""
    api = APIS["valomnia"]
    with at(tmp_path, api) as (move, _):

        def act() -> None:
            move.execute("UPDATE customers SET name = 'changed' WHERE id = 3")
            move.execute("DELETE FROM customers WHERE id = 5")
            move.execute("INSERT INTO customers (id, no, name) VALUES (50, 'C-050', 'new')")

        summary = move.migrate(3, hired=meanwhile(act))
        assert summary.exit_code is ExitCode.DONE
        verified = summary.verification
        assert verified is not None
        assert (verified.counted, verified.same, verified.changed, verified.unsent) == (SIZE, SIZE - 2, 1, 1)


@pytest.mark.parametrize("kind", ["keypro", "jtl"])
def test_a_target_that_shows_late_what_was_written(kind: str, tmp_path: Path) -> None:
    """Nobody is called missing because the target shows what it was sent a moment later."""
    api = APIS[kind]
    with at(tmp_path, api) as (move, app):
        app.faults = Faults(read_lag_seconds=1.5)
        move.target["settling"] = "2s"
        began = time.monotonic()
        summary = move.migrate(2)
        assert (summary.exit_code, summary.message) == (ExitCode.DONE, None)
        assert summary.verification is not None
        assert summary.verification.same == SIZE
        assert time.monotonic() - began > 2


@pytest.mark.parametrize("kind", APIS)
def test_customers_of_a_system_into_its_like(kind: str, tmp_path: Path) -> None:
    """Customers with every field that a system takes and shows are the same in another system of its kind."""
    with open_sandbox(kind) as source, open_sandbox(kind) as target:
        assert target.app is not None
        for number in range(3):
            source.add(NATIVE[kind](number))
        move = Place(tmp_path, file_state(tmp_path), target.app, target.url)
        move.source, move.target, move.job = dict(source.section), dict(target.section), {}
        summary = move.migrate(1)
        assert found(move, summary.run_id) == {}
        assert (summary.exit_code, summary.message) == (ExitCode.DONE, None)
        assert summary.verification is not None
        assert (summary.verification.counted, summary.verification.same) == (3, 3)


@pytest.mark.parametrize("kind", APIS)
def test_customers_with_every_field(kind: str, tmp_path: Path) -> None:
    """Customers with every field that a table can give are the same after the target has put them in its own form."""
    with ExitStack() as stack:
        target = stack.enter_context(open_sandbox(kind))
        assert target.app is not None
        move = Place(tmp_path, file_state(tmp_path), target.app, target.url)
        (tmp_path / "crm.db").unlink(missing_ok=True)
        move.source = dict(table_place(tmp_path, [NATIVE["database"](number) for number in range(3)]).section)
        move.target = dict(target.section)
        move.job = {"fields": fields_for("database", kind)}
        summary = move.migrate(2)
        assert found(move, summary.run_id) == {}
        assert (summary.exit_code, summary.message) == (ExitCode.DONE, None)
        assert summary.verification is not None
        assert (summary.verification.counted, summary.verification.same) == (3, 3)
