"""After a clean migration a comparison of every row that was sent finds no difference, for every field of a system."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from connectors.delivery.courier import Comparison, Courier, Delivery
from connectors.protocol import Row
from flows.connection import make_source, make_target
from flows.job import load_job
from flows.ledger.ledger import Ledger
from flows.plan import Plan, compile_job
from flows.run import carry_out, now
from flows.summary import ExitCode
from flows.watch import Watch
from mappings.system import load_system
from tests.flows.system_place import APIS, SOURCES, Place, sandbox
from tests.flows.system_sample import REFERENCES
from tests.flows.test_matrix import fields_for, place_with_customers

TABLES = ("csv", "database")  # they have countries by their names, which Valomnia shows as codes
NOT_SHOWN = {"valomnia": {"imageFile"}}  # what is taken and never shown again


class NotingCourier(Courier):
    """A courier that keeps the rows it is given, with the ids under which they arrived."""

    rows: Sequence[Row] = ()

    async def deliver(
        self, rows: Sequence[Row], before_send: Callable[[], None]
    ) -> AsyncGenerator[list[Delivery], None]:
        """Deliver, and keep."""
        ids: dict[int, str | None] = {}
        async for group in super().deliver(rows, before_send):
            ids |= {each.position: each.answer.target_id for each in group}
            yield group
        sent = [Row(row.reference, row.values, ids[position]) for position, row in enumerate(rows)]
        self.rows = [*self.rows, *sent]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Close what was opened."""
    with ExitStack() as opened:
        yield opened


def plan_for(folder: Path, origin: Place, goal: Place, fields: dict[str, Any] | None) -> Plan:
    """Write the job between two places, and compile it."""
    job: dict[str, Any] = {"job": "migration", "source": origin.section, "target": goal.section}
    if fields is not None:
        job["fields"] = fields
    with (folder / "job.yaml").open("w", encoding="utf-8") as file:
        YAML().dump(job, file)
    return compile_job(load_job(folder / "job.yaml", {}), b"key")


def migrated(folder: Path, plan: Plan) -> list[Row]:
    """Run the job; gives the rows as they were sent, each with its id."""

    async def main() -> Sequence[Row]:
        courier = NotingCourier(*make_target(plan))
        ledger = Ledger.open(f"sqlite:///{folder / 'rollcall.db'}", os.environ, now)
        try:
            summary = await carry_out(plan, make_source(plan), courier, ledger, Watch())
        finally:
            ledger.close()
        assert (summary.exit_code, summary.counts.created) == (ExitCode.DONE, 3), summary
        return courier.rows

    return sorted(asyncio.run(main()), key=lambda row: REFERENCES.index(row.reference))


def compared(plan: Plan, rows: Sequence[Row]) -> list[Comparison]:
    """Compare rows with the target, through a courier that knows nothing of the run."""

    async def main() -> list[Comparison]:
        courier = Courier(*make_target(plan))
        async with courier.target:
            found = [each async for group in courier.compare(rows, lambda: None) for each in group]
        return sorted(found, key=lambda each: each.position)

    return asyncio.run(main())


@pytest.mark.parametrize("kind", APIS)
def test_every_field_of_a_system_is_the_same_after_a_migration(kind: str, tmp_path: Path, stack: ExitStack) -> None:
    """Full customers of one system into another of its kind: each field that it takes is compared, and none differs."""
    origin = place_with_customers(kind, tmp_path, stack)
    goal = stack.enter_context(sandbox(kind))
    plan = plan_for(tmp_path, origin, goal, None)
    rows = migrated(tmp_path, plan)
    carried = {name for row in rows for name, value in row.values.items() if value is not None}
    system = load_system(kind)
    assert carried | {system.reference} == set(system.sendable) - NOT_SHOWN.get(kind, set())
    for asked in (rows, [Row(row.reference, row.values) for row in rows]):
        found = compared(plan, asked)
        assert [each.held and each.held.target_id for each in found] == [row.target_id for row in rows]
        assert [each.held and each.held.differing for each in found] == [(), (), ()]


DIRECTIONS = [(source, target) for source in SOURCES for target in APIS if source != target]


@pytest.mark.parametrize(("source", "target"), DIRECTIONS)
def test_a_migration_from_anywhere_leaves_no_difference(
    source: str, target: str, tmp_path: Path, stack: ExitStack
) -> None:
    """Whatever form a source has its values in, what was sent of them is what the target shows."""
    origin = place_with_customers(source, tmp_path, stack)
    fields = fields_for(source, target)
    if target == "valomnia" and source in TABLES:
        fields["billingCountry"] = {"from": "billing_country", "convert": "country_code"}
    plan = plan_for(tmp_path, origin, stack.enter_context(sandbox(target)), fields)
    rows = migrated(tmp_path, plan)
    assert all(row.values for row in rows)
    assert [each.held and each.held.differing for each in compared(plan, rows)] == [(), (), ()]


def test_a_country_by_its_name_is_the_same_by_its_code(tmp_path: Path, stack: ExitStack) -> None:
    """A country that Valomnia was sent by its name, or longer code, and shows as a code, is no difference."""
    origin = place_with_customers("csv", tmp_path, stack)
    plan = plan_for(tmp_path, origin, stack.enter_context(sandbox("valomnia")), fields_for("csv", "valomnia"))
    rows = migrated(tmp_path, plan)
    assert [row.values["billingCountry"] for row in rows] == ["Germany", "JP", "IRL"]
    found = compared(plan, rows)
    assert [each.held and each.held.differing for each in found] == [(), (), ()]
