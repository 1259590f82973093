"""Compares what the sandbox saw and holds with what the ledger believes; trusts no counter of the program's own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from connectors.sandbox.journal import Entry
from tests.kill.population import Population
from tests.server import connect

Customers = Sequence[Mapping[str, Any]]


def read_journal(path: Path) -> list[Entry]:
    """Read a sandbox's journal file."""
    return [Entry(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def writes(entries: Sequence[Entry]) -> list[Entry]:
    """Keep the upserts."""
    return [entry for entry in entries if entry.method == "POST" and entry.reference is not None]


def repeats(entries: Sequence[Entry]) -> list[tuple[Entry, Entry]]:
    """Pair each upsert that nobody needed with the one before it, of the same customer and with the same body.

    Nobody needs it where the one before came to its end without an injected fault: with one, no client could know
    what had become of it, and had to send again, killed or not.
    """
    before: dict[tuple[str | None, str], Entry] = {}
    found = []
    for entry in writes(entries):
        content = (entry.reference, entry.body_sha256)
        if content in before and not before[content].fault:
            found.append((before[content], entry))
        before[content] = entry
    return found


def firsts(entries: Sequence[Entry]) -> list[Entry]:
    """Keep the upserts that brought a customer's values for the first time."""
    first: dict[tuple[str | None, str], Entry] = {}
    for entry in writes(entries):
        first.setdefault((entry.reference, entry.body_sha256), entry)
    return list(first.values())


def differences(population: Population, entries: Sequence[Entry], customers: Customers) -> list[str]:
    """List everything that is not as it must be after a sync that was killed however often, and then completed."""
    return [*_at_the_target(population, entries, customers), *_in_the_ledger(population, customers)]


def _at_the_target(population: Population, entries: Sequence[Entry], customers: Customers) -> Iterator[str]:
    wanted = population.wanted()
    held = [str(customer["reference"]) for customer in customers]
    if len(held) != len(set(held)):
        yield "customers twice at the target"
    yield from (f"{reference} is missing at the target" for reference in wanted.keys() - set(held))
    yield from (f"{reference} is at the target and should not be" for reference in set(held) - wanted.keys())
    for customer in customers:
        values = wanted.get(str(customer["reference"]), {})
        shown = {name: customer[name] for name in values}
        if shown != values:
            yield f"{customer['reference']} is {shown} and should be {values}"
    created = [entry.reference for entry in entries if entry.status == 201]
    yield from (f"{reference} was created twice" for reference in set(created) if created.count(reference) > 1)
    if any(entry.method == "DELETE" for entry in entries):
        yield "something was deleted"


def _in_the_ledger(population: Population, customers: Customers) -> Iterator[str]:
    engine = connect(population.state)
    with engine.connect() as ledger:
        ids = {str(customer["reference"]): str(customer["id"]) for customer in customers}
        if {row[0]: row[1] for row in ledger.exec_driver_sql("SELECT reference, target_id FROM crosswalk")} != ids:
            yield "crosswalk and target differ"
        yield from _left_over(ledger)
        yield from _rejects(ledger, population)
        yield from _unbalanced(ledger)
    engine.dispose()


# Queries that count what must not be there at the end.
_LEFT_OVER = {
    "intents without an answer": "SELECT count(*) FROM intents",
    "customers whose values are in doubt": "SELECT count(*) FROM crosswalk WHERE row_hash IS NULL",
    "customers whose hash says something else than their outcome": (
        "SELECT count(*) FROM customers WHERE (record_hash IS NULL) = (outcome IN ('created', 'updated', 'unchanged'))"
    ),
    "runs without an end": "SELECT count(*) FROM runs WHERE status NOT IN ('interrupted', 'completed')",
    "last run, not completed": "SELECT (SELECT status FROM runs ORDER BY run DESC LIMIT 1) <> 'completed'",
}


def _left_over(ledger: Connection) -> Iterator[str]:
    for what, query in _LEFT_OVER.items():
        if number := ledger.exec_driver_sql(query).scalar():
            yield f"{number} {what}"
    if ledger.dialect.name == "sqlite" and ledger.exec_driver_sql("PRAGMA integrity_check").scalar() != "ok":
        yield "the database is damaged"


def _rejects(ledger: Connection, population: Population) -> Iterator[str]:
    rows = ledger.exec_driver_sql(
        "SELECT source_key, outcome, findings.code, field FROM rejects JOIN findings USING (scope, source_key)"
        " WHERE closed_at IS NULL"
    ).fetchall()
    if len(rows) != len({row[0] for row in rows}):
        yield "a reject has more findings than faults were planted"
    if {row[0]: tuple(row[1:]) for row in rows} != population.rejects():
        yield "open rejects and planted faults differ"


def _unbalanced(ledger: Connection) -> Iterator[str]:
    yield from (
        f"page {page} of run {run} does not balance"
        for run, page in ledger.exec_driver_sql(
            "SELECT p.run, p.page FROM pages p WHERE p.confirmed_at IS NOT NULL AND p.extracted <> p.unchanged"
            " + p.filtered + (SELECT count(*) FROM lines l WHERE l.run = p.run AND l.page = p.page)"
        )
    )
    yield from (
        f"run {run} does not balance"
        for (run,) in ledger.exec_driver_sql(
            "SELECT run FROM runs WHERE status = 'completed' AND (unfinished <> 0 OR extracted <> created + updated"
            " + unchanged + filtered + invalid + rejected + deferred)"
        )
    )
